//! Laws of the job parser: what we write we read, what we accept the schema accepts, and a refusal says where.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use job_schema::checkpoint::CheckpointRef;
use job_schema::job::{
    BucketName, Format, Job, Lane, Options, RawAudio, RawCodec, Recording, Rescore, Role,
    RuleSetRef,
};
use job_schema::redaction::{AudioStyle, EntityKind, Redaction};
use job_schema::signature::Signature;
use job_schema::{ErrorCode, JobId, ObjectKey, Sha256, TenantId, parse};
use jsonschema::Validator;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::validator;

static JOB: LazyLock<Validator> = LazyLock::new(|| validator::of("job"));

proptest! {
    #[test]
    fn every_job_is_read_back_as_it_was_written(job in job()) {
        let text = serde_json::to_string(&job).unwrap();
        prop_assert_eq!(parse::job(text.as_bytes()), Ok(job));
        let value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(validator::complaints(&JOB, &value), Vec::<String>::new());
    }

    #[test]
    fn a_damaged_job_is_refused_at_a_place_that_is_there(job in job(), damage in vec(damage(), 1..3)) {
        let mut body = serde_json::to_value(&job).unwrap();
        for step in &damage {
            step.apply(&mut body);
        }
        match parse::job(body.to_string().as_bytes()) {
            Ok(_) => prop_assert_eq!(validator::complaints(&JOB, &body), Vec::<String>::new()),
            Err(failure) => {
                let pointer = failure.pointer.expect("a refused job names the place");
                let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                prop_assert!(body.pointer(&pointer).or(body.pointer(parent)).is_some(), "{}", pointer);
                prop_assert!(!failure.detail.contains(CANARY), "{}", failure.detail);
                let codes = [ErrorCode::BadJob, ErrorCode::UnsupportedSchemaVersion, ErrorCode::TenantMismatch];
                prop_assert!(codes.contains(&failure.code), "{}", failure.code);
            }
        }
    }

    #[test]
    fn a_cloud_event_around_a_job_changes_only_the_pointer(job in job(), damage in damage()) {
        let mut body = serde_json::to_value(&job).unwrap();
        damage.apply(&mut body);
        let event = json!({ "specversion": "1.0", "id": "1", "source": "/pbx", "type": "job", "data": body });
        let plain = parse::job(body.to_string().as_bytes());
        let wrapped = parse::job(event.to_string().as_bytes());
        match (plain, wrapped) {
            (Ok(plain), Ok(wrapped)) => prop_assert_eq!(plain, wrapped),
            (Err(plain), Err(wrapped)) => {
                prop_assert_eq!(plain.code, wrapped.code);
                let inside = plain.pointer.map(|pointer| format!("/data{pointer}"));
                prop_assert_eq!(inside, wrapped.pointer);
            }
            (plain, wrapped) => prop_assert!(false, "{:?} but {:?}", plain, wrapped),
        }
    }
}

/// Stands in every value that a mutation puts in.
const CANARY: &str = "canary";

#[derive(Debug, Clone)]
struct Damage {
    place: Index,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Delete,
    Rename(String),
    Retype(Value),
}

impl Damage {
    fn apply(&self, body: &mut Value) {
        let mut places = Vec::new();
        collect_places(body, "", &mut places);
        if places.is_empty() {
            return;
        }
        let place = self.place.get(&places);
        let (parent, name) = place.rsplit_once('/').unwrap();
        match (body.pointer_mut(parent).unwrap(), &self.kind) {
            (Value::Object(fields), Kind::Delete) => {
                fields.remove(name);
            }
            (Value::Object(fields), Kind::Rename(to)) => {
                let value = fields.remove(name).unwrap();
                fields.insert(to.clone(), value);
            }
            (Value::Object(fields), Kind::Retype(value)) => fields[name] = value.clone(),
            (Value::Array(items), Kind::Retype(value)) => {
                items[name.parse::<usize>().unwrap()] = value.clone();
            }
            (Value::Array(items), Kind::Delete | Kind::Rename(_)) => {
                items.remove(name.parse().unwrap());
            }
            (other, _) => unreachable!("{other} has no fields"),
        }
    }
}

/// Pointers of every field and item; names that a damage put in and that need escaping are left alone.
fn collect_places(value: &Value, pointer: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        _ => return,
    };
    for (name, child) in children {
        if name.contains(['~', '/']) {
            continue;
        }
        let pointer = format!("{pointer}/{name}");
        collect_places(child, &pointer, out);
        out.push(pointer);
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let kind = prop_oneof![
        Just(Kind::Delete),
        prop_oneof![".{0,80}", "[a-z_]{1,8}"].prop_map(Kind::Rename),
        value().prop_map(Kind::Retype),
    ];
    (any::<Index>(), kind).prop_map(|(place, kind)| Damage { place, kind })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!(CANARY)),
        Just(json!("x, expected canary at line canary")),
        Just(json!([CANARY, { CANARY: CANARY }])),
        Just(json!({ CANARY: null })),
        Just(json!({ "batch": null })),
        Just(json!(["recordings", "acme/a.wav"])),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ]
}

fn job() -> impl Strategy<Value = Job> {
    let head = (any::<u128>(), name(), name(), select(&Lane::ALL[..]));
    let times = (instant(), option::of(instant()));
    let rescored = option::of(option::of(digest()));
    (
        head,
        recording(),
        options(),
        times,
        option::of((path(), digest(), any::<u64>())),
        rescored,
        option::of(signature()),
    )
        .prop_map(
            |(
                (id, tenant, call, lane),
                mut recording,
                mut options,
                (submitted_at, not_after),
                checkpoint,
                rescored,
                signature,
            )| {
                let tenant: TenantId = tenant.parse().unwrap();
                let own = |path: &str| format!("{tenant}/{path}").parse::<ObjectKey>().unwrap();
                recording.key = own(recording.key.as_str());
                let checkpoint = checkpoint.map(|(path, sha256, spans_count)| CheckpointRef {
                    key: own(&path),
                    sha256,
                    spans_count,
                });
                let scored_with = Options {
                    rules: options.rules.clone(),
                    scorecard: options.scorecard.clone(),
                    ..Options::default()
                };
                let mut rescore = None;
                if let Some(rules_sha256) = rescored
                    && scored_with != Options::default()
                {
                    options = scored_with;
                    rescore = Some(Rescore {
                        manifest_key: own(&format!("calls/{call}/spec/manifest.json")),
                        rules_sha256,
                        scorecard_sha256: None,
                    });
                }
                Job {
                    schema_version: 1,
                    job_id: JobId(uuid::Uuid::from_u128(id)),
                    call: call.parse().unwrap(),
                    recording,
                    lane,
                    options,
                    submitted_at,
                    not_after,
                    checkpoint,
                    rescore,
                    signature,
                    tenant,
                }
            },
        )
}

fn signature() -> impl Strategy<Value = Signature> {
    let flags = (any::<bool>(), any::<bool>());
    (name(), name(), flags, digest()).prop_map(|(key_id, nonce, (phi, baa), mac)| Signature {
        key_id: key_id.parse().unwrap(),
        nonce: nonce.parse().unwrap(),
        phi,
        baa,
        mac,
    })
}

fn recording() -> impl Strategy<Value = Recording> {
    let bucket = "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]";
    let tag = || option::of("[!-~]{1,64}");
    (bucket, path(), tag(), tag(), option::of(digest())).prop_map(
        |(bucket, path, etag, version_id, sha256)| Recording {
            bucket: bucket.parse::<BucketName>().unwrap(),
            key: path.parse().unwrap(),
            etag,
            version_id,
            sha256,
        },
    )
}

fn options() -> impl Strategy<Value = Options> {
    let roles = [
        Role::Agent,
        Role::Customer,
        Role::Ivr,
        Role::Mixed,
        Role::Unknown,
    ];
    let rules = || {
        (name(), 1..=u32::MAX).prop_map(|(id, version)| RuleSetRef {
            id: id.parse().unwrap(),
            version: version.try_into().unwrap(),
        })
    };
    (
        option::of(name()),
        (option::of("[a-z]{2,3}"), vec("[a-z]{2,3}", 0..=16)),
        vec(select(roles.to_vec()), 0..=8),
        option::of(rules()),
        vec("\\p{L}[\\p{L}\\p{N} '.-]{0,18}", 0..5),
        option::of(raw_audio()),
        vec(select(&Format::ALL[..]), 0..=8),
        option::of(redaction()),
        option::of(rules()),
        attributes(),
    )
        .prop_map(
            |(
                model,
                (language, languages),
                channel_roles,
                rules,
                vocabulary,
                raw_audio,
                formats,
                redaction,
                scorecard,
                attributes,
            )| {
                Options {
                    model,
                    language,
                    languages,
                    channel_roles,
                    rules,
                    vocabulary,
                    raw_audio,
                    formats,
                    redaction,
                    scorecard,
                    attributes,
                }
            },
        )
}

fn attributes() -> impl Strategy<Value = BTreeMap<String, String>> {
    // The prefix keeps clear of the facts that are measured.
    let names = "a[A-Za-z0-9._-]{0,63}";
    proptest::collection::btree_map(names, "\\p{L}[\\p{L}\\p{N} '.-]{0,60}", 0..4)
}

fn redaction() -> impl Strategy<Value = Redaction> {
    (
        vec(select(&EntityKind::ALL[..]), 0..=9),
        proptest::collection::btree_map("[a-z0-9_]{1,40}", "[A-Z][A-Z0-9{}+]{0,20}", 0..4),
        option::of(select(vec![AudioStyle::Silence, AudioStyle::Tone])),
        0..=5_000_u32,
    )
        .prop_map(|(entities, custom, audio, padding_ms)| Redaction {
            entities,
            custom,
            audio,
            padding_ms,
        })
}

fn raw_audio() -> impl Strategy<Value = RawAudio> {
    let codecs = [
        RawCodec::Mulaw,
        RawCodec::Alaw,
        RawCodec::PcmS16le,
        RawCodec::G722,
        RawCodec::Gsm,
    ];
    (select(codecs.to_vec()), 4_000..=384_000_u32, 1..=8_u8).prop_map(
        |(codec, sample_rate_hz, channels)| RawAudio {
            codec,
            sample_rate_hz,
            channels,
        },
    )
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9._-]{0,30}"
}

fn path() -> impl Strategy<Value = String> {
    let segment = "[\\p{L}\\p{N} %._~#?-]{0,12}[\\p{L}\\p{N}]";
    vec(segment, 1..4).prop_map(|segments| segments.join("/"))
}

fn digest() -> impl Strategy<Value = Sha256> {
    "[0-9a-f]{64}".prop_map(|digits| digits.parse().unwrap())
}

/// Years 1 to 9999, to the nanosecond: what RFC 3339 can say.
fn instant() -> impl Strategy<Value = jiff::Timestamp> {
    (-62_135_596_800..253_402_207_200_i64, 0..1_000_000_000_i32)
        .prop_map(|(second, nanosecond)| jiff::Timestamp::new(second, nanosecond).unwrap())
}
