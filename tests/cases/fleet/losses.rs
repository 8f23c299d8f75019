//! Workers that go in the middle of a job: killed, drained, and told twice to go.

use std::path::PathBuf;

use earwitness_tests::fleet::Fleet;
use earwitness_tests::process::{WorkerProcess, is_alive};
use earwitness_tests::recordings::spoken;
use earwitness_tests::signals::until;
use job_schema::JobId;
use job_schema::manifest::Manifest;
use job_schema::status::State;

use super::{quick, settled, slow, stop};

/// Some twenty spans: with [`slow`], six seconds of work.
fn long_call() -> Vec<u8> {
    spoken(10, 1.0).unwrap()
}

#[tokio::test]
async fn a_killed_workers_job_is_finished_by_another_from_its_checkpoint() {
    let fleet = Fleet::start(&slow()).await.unwrap();
    let manifest = killed_in_mid_job(&fleet, &[], long_call()).await;
    assert_eq!(manifest.model, "scripted");
}

#[tokio::test]
async fn a_killed_workers_job_is_finished_with_a_real_model_too() {
    let Some(path) = std::env::var_os("EARWITNESS_TEST_MODEL").map(PathBuf::from) else {
        println!(
            "skipped: a_killed_workers_job_is_finished_with_a_real_model_too: EARWITNESS_TEST_MODEL is unset"
        );
        return;
    };
    let folder = path.parent().unwrap().to_str().unwrap();
    let file = path.file_stem().unwrap().to_str().unwrap();
    let name = file.strip_prefix("ggml-").unwrap();
    let fleet = Fleet::start(&quick()).await.unwrap();
    let model = [
        ("engine.recognizer", "whisper"),
        ("engine.models_dir", folder),
        ("engine.model", name),
    ];
    let call = spoken(6, 1.0).unwrap();
    let manifest = killed_in_mid_job(&fleet, &model, call).await;
    assert_eq!(manifest.model, name);
    assert!(manifest.summary.words_count > 100, "{:?}", manifest.summary);
}

/// Two workers, one job: kills the one that has it, once there is a checkpoint.
async fn killed_in_mid_job(fleet: &Fleet, settings: &[(&str, &str)], call: Vec<u8>) -> Manifest {
    let mut workers = [
        fleet.worker("a", settings).unwrap(),
        fleet.worker("b", settings).unwrap(),
    ];
    for worker in &mut workers {
        worker.ready().await.unwrap();
    }
    let job = fleet.submit("call-1", call).await.unwrap();
    let holder = holder(fleet, job).await;
    checkpoint(fleet).await;
    let [mut lost, mut other] = workers;
    if lost.name != holder {
        std::mem::swap(&mut lost, &mut other);
    }
    let engine: i32 = lost.logged("engine ready", "pid").await.unwrap();
    assert!(is_alive(engine));
    lost.kill().await.unwrap();
    until("the engine to go with its worker", async || {
        Ok((!is_alive(engine)).then_some(()))
    })
    .await
    .unwrap();

    let events = fleet.events(1).await.unwrap();
    let manifest = fleet.result("call-1").await.unwrap();
    assert_eq!(manifest.processing.worker, other.name);
    assert!(manifest.processing.resumed_spans_count > 0);
    assert_eq!(manifest.processing.content_attempts, 0);
    assert_eq!(manifest.processing.infra_attempts, 1, "the loss counts");
    assert_eq!(events[0].kind.as_str(), "earwitness.job.completed");
    assert_eq!(settled(&mut other, "completed", "").await, 1.0);
    stop(other).await;
    assert_eq!(fleet.waiting().await.unwrap(), [], "nothing is left over");
    manifest
}

#[tokio::test]
async fn a_drained_worker_hands_its_job_over_and_the_next_goes_on() {
    let fleet = Fleet::start(&slow()).await.unwrap();
    let mut first = fleet
        .worker("first", &[("worker.drain_timeout_s", "1")])
        .unwrap();
    let job = fleet.submit("call-1", long_call()).await.unwrap();
    assert_eq!(holder(&fleet, job).await, "first");
    checkpoint(&fleet).await;
    first.terminate().unwrap();
    let status = first.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", first.log().unwrap());
    let jobs = [("jobs.standard".to_owned(), 1)];
    assert_eq!(fleet.waiting().await.unwrap(), jobs);
    let handed_over = |state| match state {
        State::HandedOver { spans_count } => Some(spans_count),
        _ => None,
    };
    let finished = fleet
        .state(job, "the hand-over", handed_over)
        .await
        .unwrap();
    assert!(finished > 0, "there was a checkpoint");

    let next = fleet.worker("next", &[]).unwrap();
    let events = fleet.events(1).await.unwrap();
    assert_eq!(events[0].kind.as_str(), "earwitness.job.completed");
    let manifest = fleet.result("call-1").await.unwrap();
    assert_eq!(manifest.processing.worker, "next");
    assert_eq!(manifest.processing.resumed_spans_count, finished);
    assert_eq!(manifest.processing.content_attempts, 0);
    assert_eq!(
        manifest.processing.infra_attempts, 0,
        "a stop is no attempt"
    );
    stop(next).await;
}

#[tokio::test]
async fn a_second_signal_ends_a_worker_at_once_and_loses_no_job() {
    let fleet = Fleet::start(&slow()).await.unwrap();
    let mut first = fleet
        .worker("first", &[("worker.drain_timeout_s", "600")])
        .unwrap();
    let job = fleet.submit("call-1", long_call()).await.unwrap();
    holder(&fleet, job).await;
    first.terminate().unwrap();
    draining(&mut first).await;
    first.terminate().unwrap();
    let status = first.ended().await.unwrap();
    assert_eq!(status.code(), Some(130), "{}", first.log().unwrap());

    let next = fleet.worker("next", &[]).unwrap();
    fleet.events(1).await.unwrap();
    let manifest = fleet.result("call-1").await.unwrap();
    assert_eq!(manifest.processing.worker, "next");
    stop(next).await;
}

/// The worker that has the job.
async fn holder(fleet: &Fleet, job: JobId) -> String {
    let running = |state| match state {
        State::Running { worker, .. } => Some(worker),
        _ => None,
    };
    fleet.state(job, "a running job", running).await.unwrap()
}

pub(super) async fn checkpoint(fleet: &Fleet) {
    until("a checkpoint", async || {
        let keys = fleet.keys("acme/calls/").await?;
        Ok(keys
            .iter()
            .any(|key| key.ends_with("/checkpoint.json"))
            .then_some(()))
    })
    .await
    .unwrap();
}

async fn draining(worker: &mut WorkerProcess) {
    let status = until("the worker to drain", async || {
        let page = worker.page("/readyz").await?;
        Ok((page.body == "draining\n").then_some(page.status))
    });
    assert_eq!(status.await.unwrap(), 503);
}
