//! One damage each to a valid document: refused by the schema, and by the parser where the parser is meant to care.

use serde_json::{Value, json};

use crate::{fixtures, validator};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Parser {
    Refuses,
    /// Results are read leniently within a version; the schema describes what we write.
    Accepts,
}
use Parser::{Accepts, Refuses};

/// `None` deletes the field.
type Row = (&'static str, &'static str, Option<Value>, Parser);

#[rustfmt::skip] // a table: one row a line
fn jobs() -> Vec<Row> {
    vec![
        ("job-full", "/schema_version", None, Refuses),
        ("job-full", "/schema_version", Some(json!(2)), Refuses),
        ("job-full", "/schema_version", Some(json!("1")), Refuses),
        ("job-full", "/job_id", Some(json!("7")), Refuses),
        ("job-full", "/tenant", Some(json!("../acme")), Refuses),
        ("job-full", "/call", Some(json!("")), Refuses),
        ("job-full", "/call", Some(json!("c".repeat(129))), Refuses),
        ("job-full", "/recording/bucket", Some(json!("a..b")), Refuses),
        ("job-full", "/recording/key", Some(json!("acme/../b")), Refuses),
        ("job-full", "/recording/key", Some(json!("acme/a\u{0}")), Refuses),
        ("job-full", "/recording/key", Some(json!("acme/a\u{85}")), Refuses),
        ("job-full", "/recording/key", Some(json!("acme//a")), Refuses),
        ("job-full", "/recording/etag", Some(json!("")), Refuses),
        ("job-full", "/recording/version_id", Some(json!("a\r\nb")), Refuses),
        ("job-full", "/recording/sha256", Some(json!("A".repeat(64))), Refuses),
        ("job-full", "/recording/url", Some(json!("acme/a")), Refuses),
        ("job-full", "/lane", Some(json!("fast")), Refuses),
        ("job-full", "/lane", Some(json!({ "batch": null })), Refuses),
        ("job-full", "/options", Some(json!([])), Refuses),
        ("job-full", "/options/model", Some(json!(" ")), Refuses),
        ("job-full", "/options/language", Some(json!("EN")), Refuses),
        ("job-languages", "/options/languages", Some(json!("de")), Refuses),
        ("job-languages", "/options/languages/1", Some(json!("German")), Refuses),
        ("job-languages", "/options/languages", Some(json!(vec!["de"; 17])), Refuses),
        ("job-full", "/options/channel_roles", Some(json!(vec!["agent"; 9])), Refuses),
        ("job-full", "/options/channel_roles/1", Some(json!("boss")), Refuses),
        ("job-full", "/options/rules/version", Some(json!(0)), Refuses),
        ("job-full", "/options/vocabulary/0", Some(json!("x".repeat(81))), Refuses),
        ("job-full", "/options/vocabulary/0", Some(json!("a\nb")), Refuses),
        ("job-full", "/options/raw_audio/channels", Some(json!(9)), Refuses),
        ("job-full", "/options/raw_audio/sample_rate_hz", Some(json!(3999)), Refuses),
        ("job-full", "/options/formats/0", Some(json!("pdf")), Refuses),
        ("job-full", "/options/formats", Some(json!(vec!["vtt"; 9])), Refuses),
        ("job-attributes", "/options/attributes", Some(json!([])), Refuses),
        ("job-attributes", "/options/attributes/queue", Some(json!(7)), Refuses),
        ("job-attributes", "/options/attributes/queue", Some(json!("")), Refuses),
        ("job-attributes", "/options/attributes/queue", Some(json!("a\nb")), Refuses),
        ("job-attributes", "/options/attributes/queue", Some(json!("x".repeat(257))), Refuses),
        ("job-attributes", "/options/attributes/2nd", Some(json!("x")), Refuses),
        ("job-attributes", "/options/attributes/a b", Some(json!("x")), Refuses),
        ("job-attributes", "/options/attributes/duration", Some(json!("9s")), Refuses),
        ("job-rescore", "/rescore/manifest_key", None, Refuses),
        ("job-rescore", "/rescore/manifest_key", Some(json!("acme/../x/manifest.json")), Refuses),
        ("job-rescore", "/rescore/rules_sha256", Some(json!("7")), Refuses),
        ("job-rescore", "/rescore/audio", Some(json!(true)), Refuses),
        ("job-full", "/options/attributes", Some(many_attributes(51)), Refuses),
        ("job-full", "/submitted_at", Some(json!("2026-11-24")), Refuses),
        ("job-full", "/not_after", Some(json!(1_764_000_000)), Refuses),
        ("job-full", "/checkpoint/spans_count", Some(json!(-1)), Refuses),
        ("job-full", "/checkpoint/sha256", None, Refuses),
    ]
}

fn many_attributes(count: usize) -> Value {
    let fields = (0..count).map(|n| (format!("a{n}"), json!("x")));
    Value::Object(fields.collect())
}

#[rustfmt::skip] // a table: one row a line
fn results() -> Vec<Row> {
    vec![
        ("transcript", "/channels/0/words/0/end_ms", None, Refuses),
        ("transcript", "/channels/0/words/0/start_ms", Some(json!(-1)), Refuses),
        ("transcript", "/channels/0/words/0/confidence", Some(json!("high")), Refuses),
        ("transcript", "/channels/1/suppressed/0/reason", Some(json!("dull")), Refuses),
        ("transcript", "/channels/0/index", None, Refuses),
        ("transcript", "/warnings/0/code", Some(json!("odd")), Refuses),
        ("transcript", "/spec_sha256", Some(json!("")), Refuses),
        ("transcript", "/speakers", Some(json!("guessed")), Refuses),
        ("transcript", "/audio/declared_duration_ms", None, Accepts),
        ("transcript", "/schema_version", Some(json!(2)), Accepts),
        ("analysis", "/score/version", Some(json!(0)), Refuses),
        ("analysis", "/score/rules/0/outcome", Some(json!("maybe")), Refuses),
        ("analysis", "/score/rules/0/hits/0/end_ms", None, Refuses),
        ("analysis", "/conversation/overlap/total_ms", Some(json!(0.5)), Refuses),
        ("analysis", "/score", None, Accepts),
        ("manifest", "/objects/0/sha256", Some(json!("none")), Refuses),
        ("manifest", "/objects/0/key", Some(json!("/etc/passwd")), Refuses),
        ("manifest", "/recording/bucket", Some(json!("A")), Refuses),
        ("manifest", "/completed_at", Some(json!("now")), Refuses),
        ("manifest", "/summary", None, Refuses),
        ("checkpoint", "/spans/0/channel", Some(json!(70_000)), Refuses),
        ("checkpoint", "/spec_sha256", None, Refuses),
    ]
}

#[rustfmt::skip] // a table: one row a line
fn messages() -> Vec<Row> {
    vec![
        ("event-completed", "/specversion", Some(json!("0.3")), Refuses),
        ("event-completed", "/type", Some(json!("earwitness.job.lost")), Refuses),
        ("event-completed", "/data/manifest_key", None, Refuses),
        ("event-completed", "/id", Some(json!("1")), Refuses),
        ("event-failed", "/data/code", Some(json!("bad_luck")), Refuses),
        ("event-failed", "/data/class", Some(json!("fatal")), Refuses),
        // The type and the data belong together: only the schema can say so.
        ("event-failed", "/type", Some(json!("earwitness.job.completed")), Accepts),
        ("status-queued", "/state/state", Some(json!("lost")), Refuses),
        ("status-running", "/state/worker", None, Refuses),
        ("status-retrying", "/state/failure/code", Some(json!("odd")), Refuses),
        ("status-failed", "/job_id", Some(json!("x")), Refuses),
        ("engine-request-run", "/spec/limits/max_channels", None, Refuses),
        ("engine-request-run", "/run", Some(json!("7")), Refuses),
        ("engine-request-stop", "/frame", Some(json!("halt")), Refuses),
        ("engine-reply-peaks", "/peaks/channels/0/min_max/0", Some(json!(-129)), Refuses),
        ("engine-reply-span", "/result/segments", None, Refuses),
        ("engine-reply-ready", "/engine/model_sha256", Some(json!("?")), Refuses),
        ("engine-reply-done", "/summary", None, Refuses),
    ]
}

#[test]
fn each_damage_is_refused_by_the_schema_and_where_it_matters_by_the_parser() {
    for (fixture, pointer, change, parser) in [jobs(), results(), messages()].concat() {
        let mut body = fixtures::value(fixture);
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        match (body.pointer_mut(parent).unwrap(), change) {
            (Value::Object(fields), Some(value)) => {
                fields.insert(field.to_owned(), value);
            }
            (Value::Object(fields), None) => {
                fields.remove(field).expect("the field is there to delete");
            }
            (Value::Array(items), Some(value)) => items[field.parse::<usize>().unwrap()] = value,
            (other, change) => panic!("{pointer}: no place for {change:?} in {other}"),
        }
        let document = fixtures::document_of(fixture);
        let complaints = validator::complaints(&validator::of(document), &body);
        assert!(
            !complaints.is_empty(),
            "the schema takes {fixture} with {pointer} = {:?}",
            body.pointer(pointer)
        );
        let read = fixtures::rewrite(document, &body.to_string());
        assert_eq!(
            read.is_err(),
            parser == Refuses,
            "{fixture} {pointer}: {read:?}"
        );
    }
}
