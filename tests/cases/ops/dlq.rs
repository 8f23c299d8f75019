//! Dead letters through the real command, on a real broker: what is shown, what goes back, and what a death in the middle
//! of a replay leaves behind.

use earwitness::dlq::{self, Filter};
use earwitness::settle::Attempts;
use earwitness::topology::Place;
use jiff::Timestamp;
use job_schema::job::Lane;
use job_schema::{ErrorCode, Failure, Job};
use serde_json::json;
use uuid::Uuid;

use crate::bench::{Bench, call};

/// What no output may show: a customer's name for a recording, and a name to expect in it.
const PRIVATE: [&str; 2] = ["15550100", "Marguerite"];

impl Bench {
    /// A job that was taken from its lane and buried, as a worker does it.
    async fn dead(&self, tenant: &str, lane: Lane, code: ErrorCode) -> Job {
        let key = format!("{tenant}/15550100.wav");
        let at = self.dir.path().join("recordings").join(&key);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::copy(call(), at).unwrap();
        let document = json!({
            "schema_version": 1,
            "job_id": Uuid::now_v7(),
            "tenant": tenant,
            "call": "call-1",
            "recording": { "bucket": "recordings", "key": key },
            "lane": lane,
            "options": { "vocabulary": ["Marguerite"] },
            "submitted_at": "2026-11-24T12:00:00Z",
        });
        let job: Job = serde_json::from_value(document).unwrap();
        let worn = Attempts {
            content: 3,
            infra: 2,
            redelivered: 0,
        };
        let publisher = self.broker.publisher().await.unwrap();
        publisher.publish_job(&job, worn, None).await.unwrap();
        let delivery = self.slot().await.try_take(lane).await.unwrap().unwrap();
        let failure = Failure::new(code, "numbers only");
        publisher
            .publish_dead(&delivery, &failure, worn)
            .await
            .unwrap();
        delivery.ack().await.unwrap();
        job
    }

    /// Its standard output, after it has succeeded and shown nothing private.
    fn dlq(&self, arguments: &[&str]) -> String {
        let output = self.command(&[&["dlq"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let shown = String::from_utf8(output.stdout).unwrap();
        for word in PRIVATE {
            assert!(!shown.contains(word) && !said.contains(word), "{shown}");
        }
        shown
    }
}

#[tokio::test]
async fn looking_shows_ids_and_codes_and_leaves_everything_where_it_is() {
    let bench = Bench::new().await;
    let first = bench
        .dead("acme", Lane::Batch, ErrorCode::StoreUnavailable)
        .await;
    bench
        .dead("acme", Lane::Standard, ErrorCode::BadRules)
        .await;
    bench
        .dead("globex", Lane::Standard, ErrorCode::BadRules)
        .await;

    let all = bench.dlq(&["list"]);
    assert_eq!(all.lines().count(), 3, "{all}");
    assert!(
        all.starts_with("20") && all.contains(&first.job_id.to_string()),
        "{all}"
    );
    for (filter, count) in [
        (&["--reason", "bad_rules"][..], 2),
        (&["--reason", "bad_rules", "--tenant", "acme"], 1),
        (&["--id", &first.job_id.to_string()], 1),
        (&["--limit", "2"], 2),
        (&["--older-than", "1h"], 0),
    ] {
        let shown = bench.dlq(&[&["list", "--json"], filter].concat());
        assert_eq!(shown.lines().count(), count, "{filter:?}: {shown}");
    }
    let shown = bench.dlq(&["show", "--id", &first.job_id.to_string()]);
    assert!(
        shown.contains("store_unavailable") && shown.contains("numbers only"),
        "{shown}"
    );
    let stats = bench.dlq(&["stats", "--json"]);
    assert!(
        stats.contains(r#"{"count":1,"lane":"batch","reason":"store_unavailable"}"#),
        "{stats}"
    );
    let export = bench.dir.path().join("export.jsonl");
    bench.dlq(&[
        "export",
        "--tenant",
        "globex",
        "--out",
        export.to_str().unwrap(),
    ]);
    let line: serde_json::Value = serde_json::from_slice(&std::fs::read(&export).unwrap()).unwrap();
    let body = line["body"].as_str().unwrap();
    assert_eq!(
        job_schema::parse::job(body.as_bytes())
            .unwrap()
            .tenant
            .as_str(),
        "globex"
    );
    bench.waits(&bench.topology.dead_queue(), 3).await;
}

#[tokio::test]
async fn all_of_them_are_meant_only_when_somebody_says_so() {
    let bench = Bench::new().await;
    bench.dead("acme", Lane::Batch, ErrorCode::BadRules).await;
    for doing in ["replay", "drop"] {
        let refused = bench.command(&["dlq", doing]);
        assert_eq!(refused.status.code(), Some(2));
        let shown = bench.dlq(&[doing, "--dry-run"]);
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
    bench.waits(&bench.topology.dead_queue(), 1).await;
    bench.dlq(&["drop", "--yes"]);
    bench.waits(&bench.topology.dead_queue(), 0).await;
}

#[tokio::test]
async fn a_replay_goes_back_to_its_lane_with_a_mark_and_no_attempts() {
    let bench = Bench::new().await;
    let job = bench
        .dead("acme", Lane::Batch, ErrorCode::EngineCrashed)
        .await;
    bench
        .dead("acme", Lane::Standard, ErrorCode::BadRules)
        .await;
    bench.dlq(&["replay", "--reason", "engine_crashed"]);
    bench.waits(&bench.topology.dead_queue(), 1).await;

    let slot = bench.slot().await;
    let again = slot.try_take(Lane::Batch).await.unwrap().unwrap();
    assert_eq!(job_schema::parse::job(&again.body).unwrap(), job);
    assert_eq!(again.attempts, Attempts::default());
    assert_eq!(again.replays(), 1);
    assert!(again.header("x-earwitness-replayed-at").is_some());
    assert!(again.header("x-earwitness-code").is_none());
    assert!(slot.try_take(Lane::Standard).await.unwrap().is_none());
    again.ack().await.unwrap();
}

#[tokio::test]
async fn a_death_between_publish_and_ack_makes_a_copy_that_does_no_harm() {
    let bench = Bench::new().await;
    let job = bench
        .dead("acme", Lane::Batch, ErrorCode::EngineCrashed)
        .await;
    let dying = bench.connect().await;
    let slot = dying.slot_channel().await.unwrap();
    let now = Timestamp::now();
    let taken = dlq::take(&slot, &Filter::default(), now).await.unwrap();
    let publisher = dying.publisher().await.unwrap();
    taken.matching[0]
        .publish_again(&publisher, now)
        .await
        .unwrap();
    // A process that is killed says nothing: its connections close with the letter in hand.
    dying.close().await;

    bench.dlq(&["replay", "--id", &job.job_id.to_string()]);
    bench.waits(&bench.topology.dead_queue(), 0).await;
    bench
        .waits(&bench.topology.job_queue(Lane::Batch, Place::Intake), 2)
        .await;
    let worker = bench.command(&["worker", "--exit-when-empty", "--slots", "1"]);
    let log = String::from_utf8_lossy(&worker.stderr);
    assert!(worker.status.success(), "{log}");
    assert_eq!(log.matches("outcome=\"completed\"").count(), 1, "{log}");
    assert_eq!(log.matches("outcome=\"already_done\"").count(), 1, "{log}");
    bench.waits(&bench.topology.dead_queue(), 0).await;
}
