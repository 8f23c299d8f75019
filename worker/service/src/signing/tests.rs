//! Forged and altered jobs, none of which may be believed.

use job_schema::parse;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::*;

const FORGERIES_COUNT: usize = 10_000;

fn ring(text: &str) -> KeyRing {
    KeyRing::read(&SecretString::from(text)).unwrap()
}

fn fleet() -> KeyRing {
    let (new, old) = ("11".repeat(32), "22".repeat(64));
    ring(&format!("2026-11:{new},2026-05:{old}"))
}

fn document(tenant: &str) -> Value {
    json!({
        "schema_version": 1,
        "job_id": "01930000-0000-7000-8000-000000000001",
        "tenant": tenant,
        "call": "c1",
        "recording": { "bucket": "recordings", "key": format!("{tenant}/calls/1.wav") },
        "lane": "standard",
        "options": { "language": "en", "vocabulary": ["Northgate"] },
        "submitted_at": "2026-11-24T10:00:00Z",
        "not_after": "2026-12-24T10:00:00Z",
    })
}

fn read(document: &Value) -> Result<Job, Failure> {
    parse::job(document.to_string().as_bytes())
}

fn signed(tenant: &str, ring: &KeyRing, promise: Promise) -> Value {
    let mut job = read(&document(tenant)).unwrap();
    ring.sign(&mut job, promise);
    serde_json::to_value(&job).unwrap()
}

/// One change that leaves a well-formed job. The number chooses which, the generator with what.
fn forge(job: &mut Value, which: usize, random: &mut StdRng) {
    let name = format!("x{}", random.random::<u32>());
    let hex = |bytes: [u8; 32]| json!(hex::encode(bytes));
    match which {
        0 => {
            job["tenant"] = json!(name);
            job["recording"]["key"] = json!(format!("{name}/calls/1.wav"));
        }
        1 => job["call"] = json!(name),
        2 => job["recording"]["key"] = json!(format!("acme/{name}.wav")),
        3 => job["recording"]["bucket"] = json!(name),
        4 => job["lane"] = json!(["interactive", "batch"][random.random_range(0..2)]),
        5 => job["options"]["vocabulary"] = json!([name]),
        6 => job["options"]["model"] = json!(name),
        7 => job["not_after"] = json!(format!("20{}-01-01T00:00:00Z", random.random_range(27..99))),
        8 => drop(job.as_object_mut().unwrap().remove("not_after")),
        9 => drop(job.as_object_mut().unwrap().remove("signature")),
        10 => job["signature"]["mac"] = hex(random.random()),
        11 => job["signature"]["key_id"] = json!("2026-05"),
        12 => job["signature"]["key_id"] = json!(name),
        13 => job["signature"]["nonce"] = json!(name),
        14 => job["signature"]["phi"] = json!(true),
        15 => job["signature"]["baa"] = json!(true),
        16 => job["job_id"] = json!(Uuid::from_u128(random.random())),
        17 => job["recording"]["etag"] = json!(name),
        18 => job["recording"]["version_id"] = json!(name),
        19 => job["recording"]["sha256"] = hex(random.random()),
        20 => {
            let own = ring(&format!(
                "2026-11:{}",
                hex::encode(random.random::<[u8; 32]>())
            ));
            *job = signed("acme", &own, Promise::default());
        }
        21 => {
            // Another tenant's signature, which is a good one.
            job["signature"] = signed("globex", &fleet(), Promise::default())["signature"].take();
        }
        _ => {
            let mut mac = job["signature"]["mac"]
                .as_str()
                .unwrap()
                .to_owned()
                .into_bytes();
            let at = random.random_range(0..mac.len());
            mac[at] = if mac[at] == b'0' { b'1' } else { b'0' };
            job["signature"]["mac"] = json!(String::from_utf8(mac).unwrap());
        }
    }
}

#[test]
fn none_of_ten_thousand_forged_jobs_is_believed() {
    const KINDS: usize = 23;
    let gate = Gate {
        ring: fleet(),
        required: true,
    };
    let mut random = StdRng::seed_from_u64(9);
    let genuine = signed("acme", &gate.ring, Promise::default());
    assert_eq!(gate.check(&read(&genuine).unwrap()), Ok(()));
    for number in 0..FORGERIES_COUNT {
        let mut forged = genuine.clone();
        forge(&mut forged, number % KINDS, &mut random);
        assert_ne!(forged, genuine, "kind {}", number % KINDS);
        let refused = match read(&forged) {
            Ok(job) => gate.check(&job),
            Err(failure) => panic!("kind {} is no job: {failure}", number % KINDS),
        };
        let code = refused.map_err(|failure| failure.code);
        assert_eq!(code, Err(ErrorCode::BadSignature), "{forged}");
    }
}

#[test]
fn what_workers_change_leaves_the_signature_good() {
    let gate = Gate {
        ring: fleet(),
        required: true,
    };
    let mut job = signed("acme", &gate.ring, Promise::default());
    job["checkpoint"] = json!({ "key": "acme/calls/c1/x/checkpoint.json", "sha256": "0".repeat(64), "spans_count": 3 });
    job["submitted_at"] = json!("2026-11-24T11:00:00Z");
    assert_eq!(gate.check(&read(&job).unwrap()), Ok(()));
}

#[test]
fn an_old_key_verifies_until_it_is_taken_away() {
    let (old, new) = ("22".repeat(64), "11".repeat(32));
    let before = ring(&format!("2026-05:{old}"));
    let job = read(&signed("acme", &before, Promise::default())).unwrap();
    let gate = |ring| Gate {
        ring,
        required: true,
    };
    assert_eq!(gate(fleet()).check(&job), Ok(()));
    let after = gate(ring(&format!("2026-11:{new}")));
    assert_eq!(
        after.check(&job).map_err(|f| f.code),
        Err(ErrorCode::BadSignature)
    );
}

#[test]
fn a_job_without_a_signature_passes_in_development_only_and_a_bad_one_never() {
    let open = Gate {
        ring: KeyRing::default(),
        required: false,
    };
    assert_eq!(open.check(&read(&document("acme")).unwrap()), Ok(()));
    let signed = read(&signed("acme", &fleet(), Promise::default())).unwrap();
    assert!(open.check(&signed).is_err());
    for (url, keys, required) in [
        ("amqp://127.0.0.1/", "", Ok(false)),
        ("amqps://broker.example/", "", Err(KeyError::Missing)),
        (
            "amqp://127.0.0.1/",
            &format!("k:{}", "ab".repeat(32)),
            Ok(true),
        ),
        (
            "amqps://broker.example/",
            &format!("k:{}", "ab".repeat(32)),
            Ok(true),
        ),
    ] {
        let flags = [
            ("broker.url", url.to_owned()),
            ("security.signing_keys", keys.to_owned()),
        ];
        let config = config::assemble(None, &[], &flags).unwrap().config;
        assert_eq!(
            Gate::open(&config).map(|gate| gate.required),
            required,
            "{url}"
        );
    }
}

#[test]
fn health_information_needs_the_agreement_in_the_same_signature() {
    for (phi, baa, code) in [
        (false, false, None),
        (true, true, None),
        (false, true, None),
        (true, false, Some(ErrorCode::BaaRequired)),
    ] {
        let job = read(&signed("acme", &fleet(), Promise { phi, baa })).unwrap();
        let refused = Gate::check_agreement(&job).err();
        assert_eq!(refused.map(|f| f.code), code, "phi {phi}, baa {baa}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_named_by_its_place_and_never_shown() {
    let good = "ab".repeat(32);
    for (text, error) in [
        ("nokey".to_owned(), KeyError::Shape { number: 1 }),
        (format!("a:{good} b:short"), KeyError::Secret { number: 2 }),
        (format!("a:{good},a:{good}"), KeyError::Twice { number: 2 }),
    ] {
        let refused = KeyRing::read(&SecretString::from(text)).unwrap_err();
        assert_eq!(refused, error);
        assert!(!format!("{refused} {refused:?}").contains("short"));
    }
    let shown = format!("{:?}", ring(&format!("a:{good}")));
    assert!(!shown.contains("abab"), "{shown}");
}

/// The example of docs/signing.md, for producers in other languages.
#[test]
fn the_documented_example_is_right() {
    let page = include_str!("../../../../docs/signing.md");
    let block = |start: &str| {
        let rest = page.split_once(start).unwrap().1;
        rest.split_once("```").unwrap().0.trim().to_owned()
    };
    let job: Value = serde_json::from_str(&block("```json")).unwrap();
    let job = read(&job).unwrap();
    let text = signed_text(&job, job.signature.as_ref().unwrap());
    assert_eq!(text.trim_end(), block("```text"));
    let gate = Gate {
        ring: ring(&format!("2026-11:{}", "0b".repeat(32))),
        required: true,
    };
    assert_eq!(gate.check(&job), Ok(()));
}
