//! The same job more than once: submitted again, published again, published by twenty at the same time.

use std::collections::BTreeSet;

use earwitness_tests::fleet::{Fleet, TENANT, job};
use earwitness_tests::process::run;
use earwitness_tests::recordings::{sample_path, spoken};
use serde_json::Value;

use super::{quick, settled, slow, stop};

#[tokio::test]
async fn a_call_submitted_twice_is_run_once() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let mut worker = fleet.worker("a", &[]).unwrap();
    let path = sample_path("cancel-plan.wav");
    let path = path.to_str().unwrap();
    let mut processing = Vec::new();
    for _ in 0..2 {
        let command = ["submit", path, "--tenant", TENANT, "--wait", "--json"];
        let output = run(&command, &fleet.settings(&[])).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let last = output
            .stdout
            .split(|b| *b == b'\n')
            .rfind(|l| !l.is_empty());
        let status: Value = serde_json::from_slice(last.unwrap()).unwrap();
        assert_eq!(status["state"]["state"], "completed", "{status}");
        processing.push(status["state"]["processing"].clone());
    }
    assert_eq!(
        processing[0], processing[1],
        "the second tells of the first"
    );
    fleet.result("cancel-plan").await.unwrap();
    assert_eq!(settled(&mut worker, "completed", "").await, 1.0);
    assert_eq!(settled(&mut worker, "already_done", "").await, 1.0);
    stop(worker).await;
}

#[tokio::test]
async fn twenty_copies_of_a_job_make_one_result_and_equal_events() {
    const COPIES: usize = 20;
    let fleet = Fleet::start(&slow()).await.unwrap();
    let mut workers = [
        fleet.worker("a", &[]).unwrap(),
        fleet.worker("b", &[]).unwrap(),
    ];
    for worker in &mut workers {
        worker.ready().await.unwrap();
    }
    let recording = spoken(1, 1.0).unwrap();
    fleet.upload("acme/call-1.wav", recording).await.unwrap();
    let body = job("call-1").to_string().into_bytes();
    let published = (0..COPIES).map(|_| fleet.publish(&body));
    let published = futures_util::future::join_all(published).await;
    assert!(published.iter().all(Result::is_ok), "{published:?}");

    let events = fleet.events(COPIES).await.unwrap();
    let manifest = fleet.result("call-1").await.unwrap();
    let distinct: BTreeSet<String> = events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap())
        .collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    assert_eq!(events[0].time, manifest.completed_at);
    let [mut a, mut b] = workers;
    let run = settled(&mut a, "completed", "").await + settled(&mut b, "completed", "").await;
    // Two slots may begin before either has written a manifest; nobody begins after that.
    assert!((1.0..=2.0).contains(&run), "{run} runs");
    for worker in [a, b] {
        stop(worker).await;
    }
    assert_eq!(fleet.waiting().await.unwrap(), [], "nothing is left over");
}
