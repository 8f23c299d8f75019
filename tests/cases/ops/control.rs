//! Cancelling jobs, pausing lanes and watching the fleet: commands on one side, worker processes on the other.

use earwitness_tests::fleet::{Fleet, TENANT};
use earwitness_tests::process::{WorkerProcess, run};
use earwitness_tests::recordings::spoken;
use earwitness_tests::signals::until;
use job_schema::JobId;
use job_schema::status::State;
use serde_json::{Value, json};

/// Standard output and exit status.
async fn earwitness(fleet: &Fleet, command: &[&str]) -> (String, i32) {
    let output = run(command, &fleet.settings(&[])).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

async fn cancel(fleet: &Fleet, job: JobId, more: &[&str]) -> (String, i32) {
    let job = job.to_string();
    let command = ["cancel", &job, "--tenant", TENANT];
    earwitness(fleet, &[&command, more].concat()).await
}

async fn ended_as_cancelled(fleet: &Fleet, job: JobId) {
    let cancelled = |state| matches!(state, State::Cancelled).then_some(());
    fleet
        .state(job, "the cancellation", cancelled)
        .await
        .unwrap();
    let letter = fleet.dead_letter().await.unwrap();
    assert_eq!(
        letter.header("x-earwitness-code").as_deref(),
        Some("cancelled")
    );
    let event = fleet.events(1).await.unwrap().remove(0);
    let told = serde_json::to_value(event).unwrap();
    assert_eq!(told["data"]["code"], "cancelled");
    assert_eq!(told["data"]["job_id"], job.to_string());
    let calls = format!("{TENANT}/calls/");
    assert_eq!(
        fleet.keys(&calls).await.unwrap(),
        [""; 0],
        "something of it is left"
    );
}

async fn stop(mut worker: WorkerProcess) {
    worker.terminate().unwrap();
    let status = worker.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", worker.log().unwrap());
}

#[tokio::test]
async fn a_job_that_was_cancelled_while_it_waited_never_runs() {
    let fleet = Fleet::start(&json!({ "words": ["one"] })).await.unwrap();
    let job = fleet
        .submit("call-1", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    let (said, status) = cancel(&fleet, job, &[]).await;
    assert_eq!(status, 0, "{said}");
    let spared = fleet
        .submit("call-2", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    cancel(&fleet, spared, &[]).await;
    let (said, status) = cancel(&fleet, spared, &["--undo"]).await;
    assert_eq!(status, 0, "{said}");
    let mut worker = fleet.worker("w", &[]).unwrap();
    let done = |state| matches!(state, State::Completed { .. }).then_some(());
    fleet.state(spared, "the other job", done).await.unwrap();
    let cancelled = |state| matches!(state, State::Cancelled).then_some(());
    fleet
        .state(job, "the cancellation", cancelled)
        .await
        .unwrap();
    assert_eq!(
        fleet
            .keys(&format!("{TENANT}/calls/call-1/"))
            .await
            .unwrap(),
        [""; 0]
    );
    let counted = r#"earwitness_jobs_total{lane="standard",outcome="cancelled",reason=""}"#;
    assert_eq!(worker.metric(counted).await.unwrap(), 1.0);

    let (said, status) = cancel(&fleet, spared, &[]).await;
    assert!(status == 1 && said.contains("ended: completed"), "{said}");
    stop(worker).await;
}

#[tokio::test]
async fn a_running_job_that_is_cancelled_stops_at_the_next_span_and_leaves_nothing() {
    let slow = json!({ "words": ["one"], "delay_ms": 2_000 });
    let fleet = Fleet::start(&slow).await.unwrap();
    let worker = fleet.worker("w", &[]).unwrap();
    // Some 60 spans: two minutes of work.
    let job = fleet
        .submit("call-1", spoken(30, 1.0).unwrap())
        .await
        .unwrap();
    let running = |state| matches!(state, State::Running { .. }).then_some(());
    fleet.state(job, "the job to run", running).await.unwrap();
    let began = std::time::Instant::now();
    let (said, status) = cancel(&fleet, job, &[]).await;
    assert!(status == 0 && said.contains("running on w"), "{said}");
    ended_as_cancelled(&fleet, job).await;
    let took = began.elapsed();
    assert!(took.as_secs() < 30, "stopped after {took:?} only");
    stop(worker).await;
}

/// Twice, a second apart.
async fn the_watch_shows_the_pause(fleet: &Fleet) {
    let watch = [
        "status",
        "--watch",
        "--ticks",
        "2",
        "--interval",
        "1",
        "--json",
    ];
    let (said, status) = earwitness(fleet, &watch).await;
    assert_eq!((said.lines().count(), status), (2, 0), "{said}");
    let view: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(view["slots_count"], 1);
    assert_eq!(view["lanes"][1]["waiting_count"], 1);
    assert_eq!(
        view["lanes"][1]["paused"]["reason"],
        "the store is being moved"
    );
}

/// A worker announces itself every few seconds: the job that just ended is in its last word for that long.
async fn idle(fleet: &Fleet) {
    until("the worker to say that it is idle", async || {
        let (said, _) = earwitness(fleet, &["status"]).await;
        Ok(said.contains("1 workers, 0 of 1 slots busy").then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_paused_lane_is_left_alone_over_a_restart_until_it_is_resumed() {
    let fleet = Fleet::start(&json!({ "words": ["one"] })).await.unwrap();
    let mut first = fleet.worker("first", &[]).unwrap();
    first.ready().await.unwrap();
    let why = ["pause", "standard", "--reason", "the store is being moved"];
    let (said, status) = earwitness(&fleet, &why).await;
    assert_eq!((said.trim_end(), status), ("standard is paused", 0));
    let paused = r#"earwitness_lane_paused{lane="standard"}"#;
    until("the worker to obey", async || {
        Ok((first.metric(paused).await? > 0.0).then_some(()))
    })
    .await
    .unwrap();
    let job = fleet
        .submit("call-1", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    stop(first).await;

    // A worker that is ready has looked at its lanes; what it does with another lane's job shows that it works.
    let second = fleet.worker("second", &[]).unwrap();
    let mut other = earwitness_tests::fleet::job("call-2");
    other["lane"] = "interactive".into();
    let recording = spoken(1, 1.0).unwrap();
    fleet
        .upload(&format!("{TENANT}/call-2.wav"), recording)
        .await
        .unwrap();
    fleet
        .publish_to("interactive", other.to_string().as_bytes())
        .await
        .unwrap();
    let other: JobId = serde_json::from_value(other["job_id"].clone()).unwrap();
    let done = |state| matches!(state, State::Completed { .. }).then_some(());
    fleet
        .state(other, "a job of another lane", done)
        .await
        .unwrap();
    let waiting = ("jobs.standard".to_owned(), 1);
    assert!(fleet.waiting().await.unwrap().contains(&waiting));
    let (said, _) = earwitness(&fleet, &["queues", "check"]).await;
    assert!(
        said.contains("standard is paused since") && said.contains("moved"),
        "{said}"
    );

    the_watch_shows_the_pause(&fleet).await;
    idle(&fleet).await;

    earwitness(&fleet, &["resume", "standard"]).await;
    fleet.state(job, "the job that waited", done).await.unwrap();
    stop(second).await;
    let (said, _) = earwitness(&fleet, &["status"]).await;
    assert!(
        said.contains("0 workers"),
        "a worker that left is listed: {said}"
    );
}
