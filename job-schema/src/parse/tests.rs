use serde_json::{Value, json};

use super::*;

fn minimal() -> Value {
    json!({
        "schema_version": 1,
        "job_id": "01930000-0000-7000-8000-000000000001",
        "tenant": "acme",
        "call": "call-1",
        "recording": { "bucket": "recordings", "key": "acme/2026/call-1.wav" },
        "submitted_at": "2026-11-24T10:00:00Z"
    })
}

fn refused(body: &Value) -> (ErrorCode, String, String) {
    let failure = job(body.to_string().as_bytes()).expect_err("accepted");
    (
        failure.code,
        failure.pointer.unwrap_or_default(),
        failure.detail,
    )
}

#[test]
fn a_minimal_job_has_the_documented_defaults() {
    let job = job(minimal().to_string().as_bytes()).unwrap();
    assert_eq!(job.lane, crate::job::Lane::Standard);
    assert_eq!(job.options, crate::job::Options::default());
}

#[test]
fn a_structured_cloud_event_is_unwrapped() {
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/x", "type": "job", "data": minimal() });
    assert!(job(event.to_string().as_bytes()).is_ok());
    let mut broken = event;
    broken["data"]["tenant"] = json!("..");
    assert_eq!(refused(&broken).1, "/data/tenant");
}

#[test]
fn a_document_that_breaks_off_is_named_as_far_as_it_came() {
    for (body, pointer) in [
        (r#"{"schema_version": 1, "#, ""),
        (r#"{"schema_version": 1, "recording": {"#, "/recording"),
    ] {
        let failure = job(body.as_bytes()).unwrap_err();
        assert_eq!(failure.pointer.as_deref(), Some(pointer), "{body}");
        assert!(failure.detail.starts_with("EOF"), "{}", failure.detail);
    }
}

#[test]
fn each_malformed_field_is_named_by_its_pointer() {
    let cases: [(&str, Value); 18] = [
        ("/schema_version", Value::Null),
        ("/job_id", json!(7)),
        ("/job_id", json!("not-a-uuid")),
        ("/tenant", json!("a/b")),
        ("/call", json!("")),
        ("/recording", json!("acme/x.wav")),
        ("/recording/bucket", json!("UPPER")),
        ("/recording/key", json!("acme/../b")),
        ("/recording/key", json!("acme/a\u{0}b")),
        ("/recording/key", json!("acme/a\r\nb")),
        ("/recording/sha256", json!("abc")),
        ("/lane", json!("fast")),
        ("/options/channel_roles/1", json!("boss")),
        ("/options/vocabulary/0", json!("")),
        ("/options/language", json!("English")),
        ("/options/rules/version", json!(0)),
        ("/submitted_at", json!("yesterday")),
        ("/options/raw_audio/sample_rate_hz", json!(1)),
    ];
    for (pointer, value) in cases {
        let mut body = minimal();
        body["options"] = json!({ "channel_roles": ["agent", "customer"], "vocabulary": ["x"], "language": "en",
            "rules": { "id": "r", "version": 1 }, "raw_audio": { "codec": "mulaw", "sample_rate_hz": 8000, "channels": 1 } });
        body["recording"]["sha256"] = json!("0".repeat(64));
        *body.pointer_mut(pointer).unwrap_or(&mut Value::Null) = value.clone();
        if body.pointer(pointer).is_none() {
            body[&pointer[1..]] = value;
        }
        let (code, at, detail) = refused(&body);
        assert_eq!(
            (code, at.as_str()),
            (ErrorCode::BadJob, pointer),
            "{detail}"
        );
    }
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let mut body = minimal();
    body["options"] = json!({ "modle": "base" });
    let (code, pointer, detail) = refused(&body);
    assert_eq!(
        (code, pointer.as_str()),
        (ErrorCode::BadJob, "/options/modle")
    );
    assert!(detail.contains("`model`"), "{detail}");
}

#[test]
fn another_schema_version_is_told_apart_from_a_broken_job() {
    let mut body = minimal();
    body["schema_version"] = json!(2);
    body["new_field"] = json!(true);
    assert_eq!(refused(&body).0, ErrorCode::UnsupportedSchemaVersion);
}

#[test]
fn another_tenants_recording_is_refused() {
    let mut body = minimal();
    body["recording"]["key"] = json!("acme2/call.wav");
    let (code, pointer, _) = refused(&body);
    assert_eq!(
        (code, pointer.as_str()),
        (ErrorCode::TenantMismatch, "/recording/key")
    );
}

#[test]
fn hostile_bodies_are_refused_without_being_repeated() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut duplicate = minimal().to_string();
    duplicate.insert_str(1, "\"tenant\":\"evil\",");
    let mut trailing = minimal().to_string();
    trailing.push_str("{}");
    let long = vec![b' '; 10 << 20];
    let bodies: [&[u8]; 8] = [
        b"",
        b"null",
        b"\xff\xfe",
        b"{",
        deep.as_bytes(),
        duplicate.as_bytes(),
        trailing.as_bytes(),
        &long,
    ];
    for body in bodies {
        let failure = job(body).expect_err("accepted");
        assert_eq!(failure.code, ErrorCode::BadJob);
        assert!(
            failure.detail.len() < 300 && !failure.detail.contains("evil"),
            "{}",
            failure.detail
        );
    }
}

#[test]
fn no_refusal_repeats_the_value() {
    // Each also holds the words by which serde's message is taken apart.
    let values = [
        "4111",
        "4111, expected 4111",
        "is 4111 at line 4111",
        "missing field `4111`",
    ];
    let pointers = [
        "/job_id",
        "/tenant",
        "/call",
        "/lane",
        "/submitted_at",
        "/recording",
        "/recording/bucket",
        "/recording/key",
        "/recording/sha256",
        "/options/language",
        "/options/channel_roles",
        "/options/channel_roles/0",
        "/options/rules",
        "/options/rules/version",
        "/options/raw_audio/codec",
    ];
    for pointer in pointers {
        for value in values {
            let mut body = minimal();
            body["lane"] = json!("batch");
            body["recording"]["sha256"] = json!("0".repeat(64));
            body["options"] = json!({ "channel_roles": ["agent"], "language": "en", "rules": { "id": "r", "version": 1 },
                "raw_audio": { "codec": "mulaw", "sample_rate_hz": 8000, "channels": 1 } });
            // A slash and a space make it wrong for every identifier.
            *body.pointer_mut(pointer).unwrap() = json!(format!("/ {value}\u{1}"));
            let (_, at, detail) = refused(&body);
            assert_eq!(at, pointer, "{detail}");
            assert!(!detail.contains("4111"), "{pointer}: {detail}");
        }
    }
}

#[test]
fn reasons_speak_of_json_and_not_of_our_types() {
    let cases = [
        ("/recording", json!(7), "expected an object"),
        (
            "/recording",
            json!(["recordings", "acme/a.wav"]),
            "expected an object",
        ),
        ("/recording/bucket", json!(7), "expected a string"),
        ("/lane", json!(7), "expected a string"),
        (
            "/lane",
            json!("fast"),
            "expected one of `interactive`, `standard`, `batch`",
        ),
        ("/lane", json!({ "batch": null }), "expected a string"),
        ("/options", json!(null), "expected an object"),
        ("/options", json!([]), "expected an object"),
        (
            "/submitted_at",
            json!("2026-11-24"),
            "is not an instant like 2026-11-24T10:00:00Z",
        ),
        (
            "/job_id",
            json!("01930000000070008000000000000001"),
            "is not a UUID of 36 characters",
        ),
        ("/tenant", json!(""), "is empty"),
        (
            "/checkpoint",
            json!({ "key": "acme2/c", "sha256": "0".repeat(64), "spans_count": 1 }),
            "the key does not begin with the tenant's name and a slash",
        ),
    ];
    for (pointer, value, reason) in cases {
        let mut body = minimal();
        match body.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => body[&pointer[1..]] = value,
        }
        let (_, at, detail) = refused(&body);
        assert!(at.starts_with(pointer), "{at}");
        assert_eq!(detail, reason, "{pointer}");
    }
}

#[test]
fn a_missing_field_is_named_by_the_pointer_it_should_have() {
    for pointer in [
        "/schema_version",
        "/job_id",
        "/recording",
        "/recording/key",
        "/submitted_at",
    ] {
        let mut body = minimal();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field);
        let (_, at, detail) = refused(&body);
        assert_eq!(at, pointer);
        assert_eq!(detail, format!("missing field `{field}`"));
    }
}

#[test]
fn a_long_or_odd_name_is_shortened_in_the_pointer() {
    let mut body = minimal();
    body[&format!("~/\n{}", "x".repeat(500))] = json!(1);
    let (_, at, _) = refused(&body);
    assert!(at.starts_with("/~0~1\u{fffd}xxx"), "{at}");
    assert!(at.chars().count() < 70, "{at}");
}

#[test]
fn a_job_that_only_scores_names_a_result_of_its_call_and_what_to_score_with() {
    let own = "acme/calls/call-1/5/manifest.json";
    let rules = json!({ "rules": { "id": "r", "version": 2 } });
    let both =
        json!({ "rules": { "id": "r", "version": 2 }, "scorecard": { "id": "c", "version": 1 } });
    let more = json!({ "rules": { "id": "r", "version": 2 }, "language": "en" });
    let cases = [
        (own, &rules, None),
        (own, &both, None),
        (own, &json!({}), Some("/options")),
        (own, &more, Some("/options")),
        (
            "acme/calls/call-2/5/manifest.json",
            &rules,
            Some("/rescore/manifest_key"),
        ),
        (
            "acme/calls/call-1/5/transcript.json",
            &rules,
            Some("/rescore/manifest_key"),
        ),
        (
            "acme/calls/call-10/5/manifest.json",
            &rules,
            Some("/rescore/manifest_key"),
        ),
        (
            "globex/calls/call-1/5/manifest.json",
            &rules,
            Some("/rescore/manifest_key"),
        ),
    ];
    for (key, options, wrong) in cases {
        let mut body = minimal();
        body["rescore"] = json!({ "manifest_key": key });
        body["options"] = options.clone();
        match wrong {
            Some(pointer) => assert_eq!(refused(&body).1, pointer, "{body}"),
            None => assert!(job(body.to_string().as_bytes()).is_ok(), "{body}"),
        }
    }
}

#[test]
fn an_attribute_has_a_name_that_rules_can_write() {
    for (name, value, fits) in [
        ("queue", "sales 2", true),
        ("attr.tier", "gold", true),
        ("wait", "95s", true),
        ("2nd", "x", false),
        ("a b", "x", false),
        ("duration", "9s", false),
        ("queue", "\t", false),
        ("queue", "a\u{0}b", false),
    ] {
        let mut body = minimal();
        body["options"] = json!({ "attributes": { name: value } });
        match job(body.to_string().as_bytes()) {
            Ok(job) => assert!(fits && job.options.attributes[name] == value, "{body}"),
            Err(failure) => {
                assert!(!fits, "{failure}");
                assert!(!failure.detail.contains(value), "{failure}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_parser_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..512)) {
        let _outcome = job(&body); // any outcome is fine: the claim is that there is one
    }
}
