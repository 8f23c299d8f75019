//! How soon a lost worker's job is in other hands, and what the lost one can still do. Times are printed; what a test insists
//! on is the order of things, and a limit that a busy machine keeps too.

use std::time::{Duration, Instant};

use earwitness_tests::fleet::Fleet;
use earwitness_tests::process::WorkerProcess;
use earwitness_tests::recordings::spoken;
use earwitness_tests::signals::until;
use job_schema::JobId;
use job_schema::status::State;
use serde_json::json;

use super::{settled, slow, stop};

/// The shortest that there is.
const HEARTBEAT_S: u64 = 5;
/// Beyond what is promised: the machine may be busy with other tests.
const LEEWAY: Duration = Duration::from_secs(30);

/// One that has a job and one that has none.
async fn a_pair(fleet: &Fleet, repeats: usize) -> (WorkerProcess, WorkerProcess, JobId) {
    let heartbeat = HEARTBEAT_S.to_string();
    let settings = [("broker.heartbeat_s", &*heartbeat)];
    let mut workers = ["a", "b"].map(|name| fleet.worker(name, &settings).unwrap());
    for worker in &mut workers {
        worker.ready().await.unwrap();
    }
    let recording = spoken(repeats, 1.0).unwrap();
    let job = fleet.submit("call-1", recording).await.unwrap();
    let running = |state| match state {
        State::Running { worker, .. } => Some(worker),
        _ => None,
    };
    let holder = fleet.state(job, "a running job", running).await.unwrap();
    let [a, b] = workers;
    if a.name == holder {
        (a, b, job)
    } else {
        (b, a, job)
    }
}

async fn taken_over(
    fleet: &Fleet,
    job: JobId,
    by: &str,
    since: Instant,
    limit: Duration,
) -> Duration {
    let running = |state| match state {
        State::Running { worker, .. } => (worker == by).then_some(()),
        _ => None,
    };
    fleet.state(job, "the rescue", running).await.unwrap();
    let took = since.elapsed();
    assert!(took <= limit + LEEWAY, "{took:?}");
    took
}

#[tokio::test]
async fn a_killed_workers_job_is_soon_in_other_hands() {
    let fleet = Fleet::start(&slow()).await.unwrap();
    let (mut lost, other, job) = a_pair(&fleet, 4).await;
    lost.kill().await.unwrap();
    let took = taken_over(
        &fleet,
        job,
        &other.name,
        Instant::now(),
        Duration::from_secs(5),
    )
    .await;
    println!("measured: at work again after {took:?}");
    fleet.events(1).await.unwrap();
    let manifest = fleet.result("call-1").await.unwrap();
    assert_eq!(manifest.processing.worker, other.name);
    stop(other).await;
}

#[tokio::test]
async fn a_frozen_workers_job_is_rescued_and_its_late_write_and_ack_count_for_nothing() {
    // Long enough that the thawed worker, whose engine went on, still has something to write.
    let fleet = Fleet::start(&json!({ "words": ["one", "two"], "delay_ms": 500 }))
        .await
        .unwrap();
    let (mut lost, mut other, job) = a_pair(&fleet, 3).await;
    lost.freeze().unwrap();
    let limit = Duration::from_secs(2 * HEARTBEAT_S + 5);
    let took = taken_over(&fleet, job, &other.name, Instant::now(), limit).await;
    println!("measured: at work again after {took:?}");
    let events = fleet.events(1).await.unwrap();
    let manifest = fleet.result("call-1").await.unwrap();
    assert_eq!(manifest.processing.worker, other.name);
    lost.thaw().unwrap();
    let _: String = lost
        .logged("broker connection lost", "error")
        .await
        .unwrap();
    until("the thawed worker to have nothing in hand", async || {
        let running = lost.metric("earwitness_running_jobs").await?;
        Ok((running == 0.0).then_some(()))
    })
    .await
    .unwrap();
    let standing = fleet.result("call-1").await.unwrap();
    assert_eq!(standing, manifest, "the late write lost");
    for outcome in ["completed", "already_done", "handed_over", "retried"] {
        assert_eq!(settled(&mut lost, outcome, "").await, 0.0, "{outcome}");
    }
    assert_eq!(settled(&mut other, "completed", "").await, 1.0);
    assert_eq!(
        fleet.waiting().await.unwrap(),
        [],
        "no second tale, and no copy"
    );
    assert_eq!(events.len(), 1);

    fleet
        .submit("call-2", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    fleet.events(1).await.unwrap();
    for worker in [lost, other] {
        stop(worker).await;
    }
}
