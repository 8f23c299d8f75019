//! A broker that is up and will not do what a worker asks of it: queues that are gone, full or bounded, a password that changed.

use std::time::{Duration, Instant};

use earwitness_tests::canaries::listed;
use earwitness_tests::fleet::Fleet;
use earwitness_tests::node::Node;
use earwitness_tests::process::{WorkerProcess, run};
use earwitness_tests::recordings::{spoken, tone};
use earwitness_tests::signals::until;
use serde_json::{Value, json};

use super::account::{begun, kept};
use super::alarms::BLOCKED;
use super::poison::{LOUD, deadly_when_loud};
use super::{quick, settled, slow, stop};

const FOUND_OUT: Duration = Duration::from_secs(5);

async fn ready_is(worker: &mut WorkerProcess, status: u16) {
    until(&format!("/readyz to answer {status}"), async || {
        Ok((worker.page("/readyz").await?.status == status).then_some(()))
    })
    .await
    .unwrap();
}

pub(super) async fn is_taken(fleet: &Fleet, worker: &str) {
    until("the job to be taken", async || {
        Ok((!begun(fleet, worker).is_empty()).then_some(()))
    })
    .await
    .unwrap();
}

pub(super) async fn no_attempt_failed(fleet: &Fleet, call: &str) {
    let made = fleet.result(call).await.unwrap().processing;
    let attempts = (made.content_attempts, made.infra_attempts);
    assert_eq!(attempts, (0, 0), "{call}");
}

#[tokio::test]
async fn a_lane_that_is_deleted_is_found_out_and_served_again_when_it_is_back() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let mut worker = fleet.worker("a", &[]).unwrap();
    worker.ready().await.unwrap();
    fleet.delete_queue("jobs.standard").await.unwrap();
    let deleted = Instant::now();
    ready_is(&mut worker, 503).await;
    assert!(deleted.elapsed() < FOUND_OUT, "{:?}", deleted.elapsed());
    fleet.declare().await.unwrap();
    fleet
        .submit("call-1", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    fleet.events(1).await.unwrap();
    fleet.result("call-1").await.unwrap();
    stop(worker).await;
}

#[tokio::test]
async fn an_event_that_finds_no_queue_is_sent_until_it_does_and_the_job_is_run_once() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let (key, path) = kept(&fleet, "a");
    let mut worker = fleet.worker("a", &[(key, &*path)]).unwrap();
    worker.ready().await.unwrap();
    fleet.delete_queue("events.all").await.unwrap();
    fleet
        .submit("call-1", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    let refused: String = worker
        .logged("the broker does not take what the job leads to", "error")
        .await
        .unwrap();
    assert!(refused.contains("no queue is bound"), "{refused}");
    let log = worker.log().unwrap();
    assert!(!log.contains(&listed("call-1")), "the log shows the event");
    fleet.declare().await.unwrap();
    fleet.events(1).await.unwrap();
    no_attempt_failed(&fleet, "call-1").await;
    assert_eq!(settled(&mut worker, "completed", "").await, 1.0);
    stop(worker).await;
    assert_eq!(begun(&fleet, "a").len(), 1, "it was taken once");
    assert_eq!(fleet.waiting().await.unwrap(), []);
}

#[tokio::test]
async fn a_consumer_that_lets_its_queue_run_full_gets_every_event_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let fleet = Fleet::start_on(node.broker(), &quick()).await.unwrap();
    let full = r#"{"max-length": 1, "overflow": "reject-publish"}"#;
    let set = [
        "set_policy",
        "full",
        "events.all$",
        full,
        "--apply-to",
        "queues",
    ];
    node.control(&set).await.unwrap();
    let (key, path) = kept(&fleet, "a");
    let mut worker = fleet.worker("a", &[(key, &*path)]).unwrap();
    let calls = ["call-1", "call-2", "call-3", "call-4"];
    for call in calls {
        fleet.submit(call, tone().unwrap()).await.unwrap();
    }
    let refused: String = worker
        .logged("the broker does not take what the job leads to", "error")
        .await
        .unwrap();
    assert!(refused.contains("rejected"), "{refused}");
    fleet.events(calls.len()).await.unwrap();
    for call in calls {
        no_attempt_failed(&fleet, call).await;
    }
    stop(worker).await;
    assert_eq!(begun(&fleet, "a").len(), calls.len(), "each was taken once");
    assert_eq!(fleet.waiting().await.unwrap(), [], "no dead letter");
}

#[tokio::test]
async fn what_the_broker_itself_gives_up_is_in_dead_and_can_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let fleet = Fleet::start_on(node.broker(), &slow()).await.unwrap();
    let limit = r#"{"delivery-limit": 1}"#;
    let set = [
        "set_policy",
        "limit",
        "jobs.standard$",
        limit,
        "--apply-to",
        "queues",
    ];
    node.control(&set).await.unwrap();
    fleet
        .submit("call-1", spoken(20, 1.0).unwrap())
        .await
        .unwrap();
    for name in ["a", "b"] {
        let (key, path) = kept(&fleet, name);
        let mut worker = fleet.worker(name, &[(key, &*path)]).unwrap();
        is_taken(&fleet, name).await;
        worker.kill().await.unwrap();
    }
    let settings = fleet.settings(&[]);
    let listed = until("the dead letter", async || {
        let listed = run(&["dlq", "list", "--json"], &settings).await?;
        Ok((!listed.stdout.is_empty()).then_some(listed.stdout))
    })
    .await
    .unwrap();
    let letter: Value = serde_json::from_slice(&listed).unwrap();
    assert_eq!(letter["reason"], "delivery_limit", "{letter}");
    node.control(&["clear_policy", "limit"]).await.unwrap();
    let replay = ["dlq", "replay", "--reason", "delivery_limit"];
    let replayed = run(&replay, &settings).await.unwrap();
    assert!(replayed.status.success(), "{replayed:?}");
    let worker = fleet.worker("c", &[]).unwrap();
    fleet.events(1).await.unwrap();
    fleet.result("call-1").await.unwrap();
    stop(worker).await;
}

#[tokio::test]
async fn a_password_that_changes_costs_no_job_and_no_restart() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let mut fleet = Fleet::start_on(node.broker(), &quick()).await.unwrap();
    for command in [
        &["add_user", "fleet", "first"][..],
        &["set_permissions", "fleet", ".*", ".*", ".*"],
    ] {
        node.control(command).await.unwrap();
    }
    let address = node.broker().address().unwrap();
    let url = format!("amqp://fleet:first@{address}/%2f");
    let mut worker = fleet.worker("a", &[("broker.url", &url)]).unwrap();
    worker.ready().await.unwrap();
    node.control(&["change_password", "fleet", "second"])
        .await
        .unwrap();
    node.control(&["close_all_connections", "a new password"])
        .await
        .unwrap();
    fleet.reconnect(node.broker()).await.unwrap();
    fleet.submit("call-1", tone().unwrap()).await.unwrap();
    ready_is(&mut worker, 503).await;
    let log = worker.log().unwrap();
    assert!(!log.contains("first"), "the log shows the password");
    node.control(&["change_password", "fleet", "first"])
        .await
        .unwrap();
    fleet.events(1).await.unwrap();
    no_attempt_failed(&fleet, "call-1").await;
    stop(worker).await;
}

/// Done, sorted by tenant, tried again and buried, all with these rights and no others.
#[tokio::test]
async fn a_worker_needs_no_more_rights_than_the_runbook_names() {
    const JOBS: u64 = 8;
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let mut script = deadly_when_loud("abort");
    script["delay_ms"] = json!(200);
    let fleet = Fleet::start_on(node.broker(), &script).await.unwrap();
    let prefix = fleet.queue_prefix();
    let makes = format!(r"^{prefix}\.sorter\.");
    let writes = format!(r"^{prefix}\.(jobs|retry\..*|dead|events|sorter\..*)$");
    let reads = format!(r"^{prefix}\.jobs(\..*)?$");
    for command in [
        &["add_user", "fleet", "first"][..],
        &["set_permissions", "fleet", &makes, &writes, &reads],
    ] {
        node.control(command).await.unwrap();
    }
    let poison = spoken(1, LOUD).unwrap();
    fleet.submit("poison", poison).await.unwrap();
    for index in 0..JOBS {
        let call = format!("call-{index}");
        fleet.submit(&call, spoken(1, 1.0).unwrap()).await.unwrap();
    }
    let address = node.broker().address().unwrap();
    let url = format!("amqp://fleet:first@{address}/%2f");
    let mut worker = fleet.worker("a", &[("broker.url", &url)]).unwrap();
    let _: String = worker
        .logged("this worker sorts the lane", "lane")
        .await
        .unwrap();
    let told = usize::try_from(JOBS).unwrap() + 1;
    fleet.events(told).await.unwrap();
    let dead = fleet.dead_letter().await.unwrap();
    let code = dead.header("x-earwitness-code");
    assert_eq!(code.as_deref(), Some("engine_crashed"));
    assert_eq!(settled(&mut worker, "completed", "").await, JOBS as f64);
    assert_eq!(settled(&mut worker, "retried", "engine_crashed").await, 2.0);
    let log = worker.log().unwrap();
    assert!(!log.contains("ACCESS_REFUSED"), "{log}");
    stop(worker).await;
}

/// They ask each second who sorts, by a message, which such a broker does not answer.
#[tokio::test]
async fn a_broker_short_of_memory_ends_no_session_of_workers_that_rest() {
    const CONFIRM_TIMEOUT: (&str, &str) = ("broker.confirm_timeout_s", "2");
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let fleet = Fleet::start_on(node.broker(), &quick()).await.unwrap();
    let mut workers = Vec::new();
    for name in ["a", "b"] {
        let mut worker = fleet.worker(name, &[CONFIRM_TIMEOUT]).unwrap();
        worker.ready().await.unwrap();
        workers.push(worker);
    }
    node.control(&["set_vm_memory_high_watermark", "0.000001"])
        .await
        .unwrap();
    // Only whoever does not sort asks, and only whoever sends anything is told.
    until("a worker to be told of the alarm", async || {
        let told = |worker: &WorkerProcess| Ok(worker.log()?.contains(BLOCKED));
        let told: anyhow::Result<Vec<bool>> = workers.iter().map(told).collect();
        Ok(told?.contains(&true).then_some(()))
    })
    .await
    .unwrap();
    // How long they are left without an answer is nothing that anybody signals: three confirm timeouts.
    tokio::time::sleep(Duration::from_secs(6)).await;
    node.control(&["set_vm_memory_high_watermark", "0.4"])
        .await
        .unwrap();
    fleet.submit("call-1", tone().unwrap()).await.unwrap();
    fleet.events(1).await.unwrap();
    for worker in workers {
        let log = worker.log().unwrap();
        assert!(!log.contains("broker connection lost"), "{log}");
        stop(worker).await;
    }
}

#[tokio::test]
async fn a_broker_short_of_memory_gets_the_event_when_it_has_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let fleet = Fleet::start_on(node.broker(), &slow()).await.unwrap();
    let (key, path) = kept(&fleet, "a");
    let mut worker = fleet.worker("a", &[(key, &*path)]).unwrap();
    worker.ready().await.unwrap();
    fleet
        .submit("call-1", spoken(20, 1.0).unwrap())
        .await
        .unwrap();
    is_taken(&fleet, "a").await;
    node.control(&["set_vm_memory_high_watermark", "0.000001"])
        .await
        .unwrap();
    until("the result", async || Ok(fleet.result("call-1").await.ok()))
        .await
        .unwrap();
    let waiting = fleet.waiting().await.unwrap();
    assert_eq!(
        waiting,
        [],
        "the broker takes no event, and gives no job out again"
    );
    node.control(&["set_vm_memory_high_watermark", "0.4"])
        .await
        .unwrap();
    fleet.events(1).await.unwrap();
    no_attempt_failed(&fleet, "call-1").await;
    stop(worker).await;
    assert_eq!(begun(&fleet, "a").len(), 1, "it was taken once");
    assert_eq!(fleet.waiting().await.unwrap(), []);
}
