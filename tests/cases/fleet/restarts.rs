//! A broker of the test's own that is killed and comes back. Three times, or as often as EARWITNESS_TEST_RESTARTS says.

use std::time::{Duration, Instant};

use earwitness_tests::fleet::{Fleet, TENANT, job};
use earwitness_tests::node::Node;
use earwitness_tests::process::run;
use earwitness_tests::recordings::{spoken, tone};
use earwitness_tests::signals::until;

use super::losses::checkpoint;
use super::{quick, slow, stop, wanted};

const VARIABLE: &str = "EARWITNESS_TEST_RESTARTS";
/// What is promised, and what a busy machine is granted.
const PROMISED: Duration = Duration::from_secs(10);
const GRANTED: Duration = Duration::from_secs(60);

/// Sends until it is confirmed, each time on connections of its own: what a confirm did not come for is sent again, with the
/// same ids. Gives how often it was sent.
async fn sent(fleet: &mut Fleet, node: &Node, job: &serde_json::Value) -> u64 {
    let mut tries_count = 0;
    until("a confirmed message", async || {
        tries_count += 1;
        let tried = async {
            fleet.reconnect(node.broker()).await?;
            fleet.publish_confirmed(job).await
        };
        Ok(tried.await.ok())
    })
    .await
    .unwrap();
    tries_count
}

#[tokio::test]
async fn work_goes_on_soon_after_each_return_of_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let mut fleet = Fleet::start_on(node.broker(), &quick()).await.unwrap();
    let mut worker = fleet.worker("a", &[]).unwrap();
    worker.ready().await.unwrap();
    fleet.submit("before", tone().unwrap()).await.unwrap();
    fleet.events(1).await.unwrap();
    let restarts = wanted(VARIABLE, 3);
    let mut times = Vec::new();
    for round in 0..restarts {
        let call = format!("call-{round}");
        fleet
            .upload(&format!("acme/{call}.wav"), tone().unwrap())
            .await
            .unwrap();
        node.kill().await.unwrap();
        node.start_again().await.unwrap();
        let returned = Instant::now();
        sent(&mut fleet, &node, &job(&call)).await;
        // The one before may be told of twice: the broker went before its ack came.
        while fleet.events(1).await.unwrap()[0].subject != format!("acme/{call}") {}
        let took = returned.elapsed();
        times.push(took);
        assert!(took <= GRANTED, "round {round}: {took:?}");
        assert!(!worker.has_ended().unwrap());
    }
    times.sort_unstable();
    let in_time = times.iter().filter(|took| **took <= PROMISED).count();
    println!(
        "measured: {in_time} of {restarts} within {PROMISED:?}, the median {:?}, the longest {:?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    stop(worker).await;
}

#[tokio::test]
async fn a_busy_worker_notices_that_the_broker_is_gone_and_goes_on_from_its_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let mut fleet = Fleet::start_on(node.broker(), &slow()).await.unwrap();
    let mut worker = fleet.worker("a", &[]).unwrap();
    worker.ready().await.unwrap();
    let job = fleet
        .submit("call-1", spoken(60, 1.0).unwrap())
        .await
        .unwrap();
    checkpoint(&fleet).await;
    node.kill().await.unwrap();
    let killed = Instant::now();
    let _: String = worker
        .logged("broker connection lost", "error")
        .await
        .unwrap();
    println!(
        "measured: the only slot, at work, was free again after {:?}",
        killed.elapsed()
    );
    // Long before the job's end: 120 spans of 300 ms.
    assert!(fleet.result("call-1").await.is_err());
    node.start_again().await.unwrap();
    let spans: u64 = worker
        .logged("resuming from a checkpoint", "spans_count")
        .await
        .unwrap();
    assert!(spans > 0);
    fleet.reconnect(node.broker()).await.unwrap();
    run(
        &["cancel", &job.to_string(), "--tenant", TENANT],
        &fleet.settings(&[]),
    )
    .await
    .unwrap();
    fleet.dead_letter().await.unwrap();
    stop(worker).await;
}
