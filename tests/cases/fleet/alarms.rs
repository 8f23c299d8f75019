//! A broker that is short of memory for many confirm timeouts: what is done waits, nothing is begun, and nothing counts as lost.

use std::time::{Duration, Instant};

use earwitness_tests::fleet::Fleet;
use earwitness_tests::node::Node;
use earwitness_tests::process::run;
use earwitness_tests::recordings::{spoken, tone};
use earwitness_tests::signals::until;

use super::account::{begun, kept};
use super::refused::{is_taken, no_attempt_failed};
use super::{quick, settled, slow, stop};

const CONFIRM_TIMEOUT: (&str, &str) = ("broker.confirm_timeout_s", "1");
const MANY_TIMEOUTS: Duration = Duration::from_secs(10);
pub(super) const BLOCKED: &str = "the broker takes no messages: it is short of memory or disk";

async fn short_of_memory(node: &Node, is_short: bool) {
    let share = if is_short { "0.000001" } else { "0.4" };
    node.control(&["set_vm_memory_high_watermark", share])
        .await
        .unwrap();
}

async fn is_done(fleet: &Fleet, call: &str) {
    until("the result", async || Ok(fleet.result(call).await.ok()))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_alarm_of_many_confirm_timeouts_counts_as_no_attempt_and_has_nothing_sent_twice() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let fleet = Fleet::start_on(node.broker(), &slow()).await.unwrap();
    let (key, path) = kept(&fleet, "a");
    let settings = [(key, &*path), CONFIRM_TIMEOUT, ("engine.slots", "2")];
    let mut worker = fleet.worker("a", &settings).unwrap();
    worker.ready().await.unwrap();
    let calls = ["call-1", "call-2"];
    for call in calls {
        fleet.submit(call, spoken(40, 1.0).unwrap()).await.unwrap();
    }
    until("both jobs to be taken", async || {
        Ok((begun(&fleet, "a").len() == calls.len()).then_some(()))
    })
    .await
    .unwrap();
    short_of_memory(&node, true).await;
    for call in calls {
        is_done(&fleet, call).await;
    }
    // How long an alarm goes on is nothing that anybody signals.
    tokio::time::sleep(MANY_TIMEOUTS).await;
    assert_eq!(fleet.waiting().await.unwrap(), []);
    short_of_memory(&node, false).await;
    fleet.events(calls.len()).await.unwrap();
    for call in calls {
        no_attempt_failed(&fleet, call).await;
    }
    let log = worker.log().unwrap();
    assert!(!log.contains("broker connection lost"), "{log}");
    assert_eq!(settled(&mut worker, "completed", "").await, 2.0);
    stop(worker).await;
    assert_eq!(begun(&fleet, "a").len(), calls.len(), "each was taken once");
    assert_eq!(fleet.waiting().await.unwrap(), [], "each event came once");
}

#[tokio::test]
async fn a_worker_takes_nothing_from_a_broker_that_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let fleet = Fleet::start_on(node.broker(), &quick()).await.unwrap();
    let own = fleet.settings(&[]);
    let pause = ["pause", "standard", "--reason", "so that the job waits"];
    assert!(run(&pause, &own).await.unwrap().status.success());
    fleet.submit("call-1", tone().unwrap()).await.unwrap();
    short_of_memory(&node, true).await;
    let (key, path) = kept(&fleet, "a");
    let mut worker = fleet
        .worker("a", &[(key, &*path), CONFIRM_TIMEOUT])
        .unwrap();
    let _: String = worker.logged(BLOCKED, "level").await.unwrap();
    assert!(
        run(&["resume", "standard"], &own)
            .await
            .unwrap()
            .status
            .success()
    );
    until("the worker to serve the lane again", async || {
        let paused = worker.metric(r#"earwitness_lane_paused{lane="standard"}"#);
        Ok((paused.await? == 0.0).then_some(()))
    })
    .await
    .unwrap();
    // An idle slot looks every 50 ms: that it does not is seen by waiting alone.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(begun(&fleet, "a").len(), 0, "it was taken");
    short_of_memory(&node, false).await;
    fleet.events(1).await.unwrap();
    no_attempt_failed(&fleet, "call-1").await;
    stop(worker).await;
}

#[tokio::test]
async fn a_worker_that_is_asked_to_go_during_an_alarm_leaves_in_time() {
    const IN_TIME: Duration = Duration::from_secs(30);
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let fleet = Fleet::start_on(node.broker(), &slow()).await.unwrap();
    let (key, path) = kept(&fleet, "a");
    let drain = ("worker.drain_timeout_s", "1");
    let settings = [(key, &*path), CONFIRM_TIMEOUT, drain];
    let mut worker = fleet.worker("a", &settings).unwrap();
    fleet
        .submit("call-1", spoken(40, 1.0).unwrap())
        .await
        .unwrap();
    is_taken(&fleet, "a").await;
    short_of_memory(&node, true).await;
    is_done(&fleet, "call-1").await;
    let asked = Instant::now();
    worker.terminate().unwrap();
    let status = worker.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", worker.log().unwrap());
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    short_of_memory(&node, false).await;
    // What had been sent may come, and the job was given back: then its event comes again, with the same id.
    let mut next = fleet.worker("b", &[]).unwrap();
    until("the job to be settled by the next worker", async || {
        let name = r#"earwitness_jobs_total{lane="standard",outcome="already_done",reason=""}"#;
        Ok((next.metric(name).await? > 0.0).then_some(()))
    })
    .await
    .unwrap();
    fleet.events(1).await.unwrap();
    stop(next).await;
}
