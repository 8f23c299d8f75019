//! A producer without a key that has seen good jobs: whatever it makes of them, nothing is read or written for it.

use earwitness::audit;
use earwitness::signing::{KeyRing, Promise};
use earwitness_tests::fleet::{Fleet, job};
use earwitness_tests::forgery::{KINDS, forge, is_no_job};
use earwitness_tests::media::mutate::Random;
use earwitness_tests::recordings::spoken;
use earwitness_tests::signals::until;
use job_schema::parse;
use serde_json::{Value, json};

use super::{quick, settled, stop};

/// The fleet's. The forger has one too, of the same name.
const KEY: &str = "2026-11:abababababababababababababababababababababababababababababababab";
const COUNT: usize = 10_000;

fn signed(call: &str, tenant: &str, keys: &str) -> Value {
    let mut document = job(call);
    document["tenant"] = json!(tenant);
    document["recording"]["key"] = json!(format!("{tenant}/{call}.wav"));
    document["not_after"] = json!("2999-01-01T00:00:00Z");
    let mut job = parse::job(document.to_string().as_bytes()).unwrap();
    let ring = KeyRing::read(&keys.to_owned().into()).unwrap();
    ring.sign(&mut job, Promise::default());
    serde_json::to_value(&job).unwrap()
}

fn forgeries(count: usize) -> Vec<Vec<u8>> {
    let (genuine, other) = (signed("said", "acme", KEY), signed("theirs", "globex", KEY));
    let own_key = signed("theirs", "globex", &KEY.replace("ab", "cd"));
    let mut bodies = Vec::new();
    for number in 0..count {
        let mut random = Random::of_case(9, number as u64);
        bodies.push(match number % (KINDS + 1) {
            KINDS => own_key.to_string().into_bytes(),
            kind => forge(&genuine, &other, kind, &mut random),
        });
    }
    bodies
}

/// What a worker does whether jobs come or not: it says that it lives, and looks whether a lane is paused.
fn is_housekeeping(key: &str) -> bool {
    [
        "results/_workers/",
        "results/_control/paused/",
        "results/_retention/",
    ]
    .iter()
    .any(|prefix| key.starts_with(prefix))
}

#[tokio::test]
async fn no_forged_job_reads_or_writes_anything_and_each_is_audited() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let audit = fleet.scratch("audit.jsonl");
    let settings = [
        ("security.signing_keys", KEY),
        ("audit.file", audit.to_str().unwrap()),
    ];
    for key in ["acme/said.wav", "globex/theirs.wav"] {
        fleet.upload(key, spoken(1, 1.0).unwrap()).await.unwrap();
    }
    let mut worker = fleet.worker("a", &settings).unwrap();
    worker.ready().await.unwrap();
    let before = fleet.touched();

    let bodies = forgeries(COUNT);
    for (number, body) in bodies.iter().enumerate() {
        let readable = parse::job(body).is_ok();
        let kind = number % (KINDS + 1);
        assert_eq!(readable, kind == KINDS || !is_no_job(kind), "kind {kind}");
    }
    fleet.publish_all(&bodies).await.unwrap();
    let entries = async || std::fs::read_to_string(&audit).unwrap_or_default();
    let mut seen = 0;
    while seen < COUNT {
        // Patience begins again with each that is done: how many there are is no reason to give up.
        let last = seen;
        let more = until("a forged job in the audit log", async || {
            let forged = entries().await.matches(r#""action":"forged""#).count();
            Ok((forged > last).then_some(forged))
        });
        seen = match more.await {
            Ok(seen) => seen,
            Err(e) => panic!("{e}: {last} so far, {:?} wait", fleet.waiting().await),
        };
    }
    let mut asked = fleet.touched().split_off(before.len());
    asked.retain(|key| !is_housekeeping(key));
    assert_eq!(asked, [""; 0], "the store was asked for something");

    let genuine = signed("said", "acme", KEY);
    fleet.publish(genuine.to_string().as_bytes()).await.unwrap();
    fleet.events(1).await.unwrap();
    fleet.result("said").await.unwrap();
    let asked = fleet.touched().split_off(before.len());
    assert!(!asked.iter().any(|key| key.contains("globex")), "{asked:?}");
    let entries = entries().await;
    assert!(!entries.contains("globex"), "a tenant that was not proven");
    for (action, expected) in [("forged", COUNT), ("accepted", 1)] {
        let entry = format!(r#""action":"{action}""#);
        assert_eq!(entries.matches(&entry).count(), expected, "{action}");
    }
    audit::verify(&entries).unwrap();
    let refused = settled(&mut worker, "dead", "bad_signature").await;
    assert!(refused >= COUNT as f64 / 2.0, "{refused} lack a signature");
    stop(worker).await;
}
