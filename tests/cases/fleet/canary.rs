//! Words that stand for what a caller says: they may be in results and nowhere else, at any log level.

use earwitness_tests::fleet::{Fleet, job};
use earwitness_tests::recordings::spoken;
use job_schema::status::State;
use serde_json::{Value, json};

use super::poison::{LOUD, deadly_when_loud};
use super::stop;

const SPOKEN: [&str; 2] = ["quinquereme", "palaquium"];
const EXPECTED: &str = "zygodactyl";
const RULE: &str = "quinquereme palaquium";

const RULES: &str = r#"
id = "canary"
version = 1
[[rule]]
name = "heard"
phrases = ["quinquereme palaquium", "palaquium quinquereme"]
weight = 1
"#;

#[tokio::test]
async fn what_was_said_is_in_the_results_and_nowhere_else() {
    let mut script = deadly_when_loud("abort");
    script["words"] = json!(SPOKEN);
    let fleet = Fleet::start(&script).await.unwrap();
    fleet.add_rules("canary@1.toml", RULES).unwrap();
    let mut worker = fleet.worker("a", &[("log.level", "trace")]).unwrap();
    fleet
        .upload("acme/said.wav", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    fleet
        .upload("acme/loud.wav", spoken(1, LOUD).unwrap())
        .await
        .unwrap();

    let said = canary_job("said");
    fleet.publish(said.to_string().as_bytes()).await.unwrap();
    let completed = fleet.events(1).await.unwrap();
    let manifest = fleet.result("said").await.unwrap();
    assert!(manifest.summary.rules_hit_count > 0, "the rule was not hit");
    let transcript = manifest
        .objects
        .iter()
        .find(|o| o.name == "transcript.json");
    let key = transcript.unwrap().key.as_str();
    let transcript = fleet.bytes(key).await.unwrap().unwrap();
    assert!(holds_canary(&String::from_utf8_lossy(&transcript)));

    // Where they make a job fail, the failure does not repeat them.
    let mut refused = canary_job("said");
    refused["options"]["language"] = json!(EXPECTED);
    fleet.publish(refused.to_string().as_bytes()).await.unwrap();
    let refused = fleet.dead_letter().await.unwrap().headers();
    assert!(refused.contains("/options/language"), "{refused}");
    // Nor where they were on the way when the engine died.
    let loud = canary_job("loud");
    fleet.publish(loud.to_string().as_bytes()).await.unwrap();
    let crashed = fleet.dead_letter().await.unwrap().headers();
    assert!(crashed.contains("engine_crashed"), "{crashed}");
    let failed = fleet.events(1).await.unwrap();

    let mut status = String::new();
    for job in [said, loud] {
        let id = serde_json::from_value(job["job_id"].clone()).unwrap();
        let last = |state| match state {
            State::Completed { .. } | State::Failed { .. } => Some(format!("{state:?}")),
            _ => None,
        };
        status += &fleet.state(id, "a last status", last).await.unwrap();
    }
    let metrics = worker.page("/metrics").await.unwrap().body;
    let log = worker.log().unwrap();
    assert!(log.contains("job done"), "{log}");
    assert!(log.contains("the recogniser follows a script"), "{log}");
    assert!(log.contains(r#""level":"DEBUG""#), "all levels are on");
    for (place, text) in [
        ("log", log),
        ("metrics", metrics),
        ("completed event", format!("{completed:?}")),
        ("failed event", format!("{failed:?}")),
        ("headers of a dead letter", refused + &crashed),
        ("status", status),
    ] {
        assert!(!text.is_empty(), "{place}: nothing to look at");
        assert!(!holds_canary(&text), "{place}: {text}");
    }
    stop(worker).await;
}

/// All that can carry a word, carries one.
fn canary_job(call: &str) -> Value {
    let mut job = job(call);
    job["options"] = json!({
        "rules": { "id": "canary", "version": 1 },
        "vocabulary": [EXPECTED],
        "formats": ["vtt", "srt", "txt", "verbose_json", "call_analytics"],
    });
    job
}

fn holds_canary(text: &str) -> bool {
    let words = SPOKEN.into_iter().chain([EXPECTED, RULE]);
    words.into_iter().any(|word| text.contains(word))
}
