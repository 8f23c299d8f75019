//! Jobs that take longer than the broker lets anybody hold them, and jobs that meet one restart after the other.

use std::time::{Duration, Instant};

use earwitness_tests::fleet::Fleet;
use earwitness_tests::node::Node;
use earwitness_tests::recordings::spoken;
use earwitness_tests::signals::until;
use job_schema::checkpoint::Checkpoint;
use job_schema::status::State;
use serde_json::json;

use super::account::{begun, kept};
use super::{stop, wanted};

/// In milliseconds, as the broker has it.
const ONE_MINUTE: &str = "{consumer_timeout, 60000}";
const LONG_VARIABLE: &str = "EARWITNESS_TEST_LONG";

#[tokio::test]
async fn a_job_of_three_minutes_under_a_timeout_of_one_completes_once() {
    if std::env::var_os(LONG_VARIABLE).is_none() {
        println!(
            "skipped: a_job_of_three_minutes_under_a_timeout_of_one_completes_once: {LONG_VARIABLE} is unset"
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), ONE_MINUTE).await.unwrap();
    // Two spans in each repeat: few, because every hold decodes anew what came before.
    let script = json!({ "words": ["one"], "delay_ms": 8_000 });
    let fleet = Fleet::start_on(node.broker(), &script).await.unwrap();
    let (key, path) = kept(&fleet, "a");
    let worker = fleet
        .worker("a", &[(key, &*path), ("worker.max_hold_s", "30")])
        .unwrap();
    let started = Instant::now();
    fleet
        .submit("call-1", spoken(12, 1.0).unwrap())
        .await
        .unwrap();
    while fleet
        .keys("acme/calls/call-1/")
        .await
        .unwrap()
        .iter()
        .all(|key| !key.ends_with("/manifest.json"))
    {
        assert!(
            started.elapsed() < Duration::from_secs(900),
            "{}",
            worker.log().unwrap()
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    fleet.events(1).await.unwrap();
    let manifest = fleet.result("call-1").await.unwrap();
    let holds = begun(&fleet, "a").len();
    println!(
        "measured: {:.0} s in {holds} holds",
        started.elapsed().as_secs_f64()
    );
    assert!(
        started.elapsed() >= Duration::from_secs(180) && holds >= 4,
        "{holds} holds"
    );
    assert_eq!(
        (
            manifest.processing.content_attempts,
            manifest.processing.infra_attempts
        ),
        (0, 0)
    );
    assert!(!worker.log().unwrap().contains("broker connection lost"));
    stop(worker).await;
    assert_eq!(
        fleet.waiting().await.unwrap(),
        [],
        "no second tale, and no dead letter"
    );
}

/// Three restarts, or as many as EARWITNESS_TEST_ROLLING says.
#[tokio::test]
async fn a_job_that_meets_one_restart_after_the_other_repeats_nothing_and_is_not_buried() {
    let restarts = wanted("EARWITNESS_TEST_ROLLING", 3);
    let fleet = Fleet::start(&json!({ "words": ["one"], "delay_ms": 1_000 }))
        .await
        .unwrap();
    // Two spans in each repeat, and each worker finishes some four: what is seen of it, and what is in flight when it is asked.
    let recording = spoken(usize::try_from(restarts).unwrap() * 3 + 2, 1.0).unwrap();
    let job = fleet.submit("call-1", recording).await.unwrap();
    let mut finished = 0;
    for round in 0..restarts {
        let name = format!("worker-{round}");
        let mut worker = fleet
            .worker(&name, &[("worker.drain_timeout_s", "0")])
            .unwrap();
        if finished > 0 {
            let resumed: u64 = worker
                .logged("resuming from a checkpoint", "spans_count")
                .await
                .unwrap();
            assert_eq!(
                resumed, finished,
                "round {round}: what was finished is not repeated"
            );
        }
        until(
            "a checkpoint with a span of this worker's own",
            async || Ok((in_checkpoint(&fleet).await? > finished).then_some(())),
        )
        .await
        .unwrap();
        worker.terminate().unwrap();
        assert_eq!(
            worker.ended().await.unwrap().code(),
            Some(0),
            "{}",
            worker.log().unwrap()
        );
        let handed_over = |state| match state {
            State::HandedOver { spans_count } => Some(spans_count),
            _ => None,
        };
        let spans_count = fleet
            .state(job, "the hand-over", handed_over)
            .await
            .unwrap();
        assert!(spans_count > finished, "round {round}: nothing was done");
        finished = spans_count;
    }
    let last = fleet.worker("last", &[]).unwrap();
    fleet.events(1).await.unwrap();
    let processing = fleet.result("call-1").await.unwrap().processing;
    assert_eq!(processing.resumed_spans_count, finished);
    assert_eq!(
        (processing.content_attempts, processing.infra_attempts),
        (0, 0),
        "a restart is no attempt"
    );
    println!("measured: {restarts} restarts, {finished} spans kept, none repeated");
    stop(last).await;
    assert_eq!(fleet.waiting().await.unwrap(), [], "no dead letter");
}

/// Spans in the one call's checkpoint.
async fn in_checkpoint(fleet: &Fleet) -> anyhow::Result<u64> {
    let keys = fleet.keys("acme/calls/call-1/").await?;
    let Some(key) = keys.iter().find(|key| key.ends_with("/checkpoint.json")) else {
        return Ok(0);
    };
    let Some(bytes) = fleet.bytes(key).await? else {
        return Ok(0);
    };
    let checkpoint: Checkpoint = serde_json::from_slice(&bytes)?;
    Ok(checkpoint.spans.len() as u64)
}
