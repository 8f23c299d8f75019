//! Who comes first within a lane: a tenant with little to do does not wait for one with much. A few hundred jobs of
//! each tenant with much, or as many as EARWITNESS_TEST_BACKLOG says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use earwitness_tests::fleet::Fleet;
use earwitness_tests::node::Node;
use earwitness_tests::process::{self, WorkerProcess};
use earwitness_tests::recordings::excerpt;
use earwitness_tests::signals::until;
use serde_json::json;

use super::account::{Begun, begun, job_of_tenant, kept};
use super::{stop, wanted};

const SLOTS: usize = 2;
const NOISY: [&str; 5] = ["acme", "bolt", "coda", "dune", "echo"];
const QUIET: &str = "quiet";
/// Of a job that is taken while the newcomer is on its way: to its row, and from there to a slot.
const ON_THE_WAY: Duration = Duration::from_secs(1);

fn script(delay_ms: u64) -> serde_json::Value {
    json!({ "words": ["one"], "delay_ms": delay_ms })
}

async fn upload(fleet: &Fleet) {
    for tenant in NOISY.into_iter().chain([QUIET]) {
        let wav = excerpt(1_000, 2_000).unwrap();
        fleet
            .upload(&format!("{tenant}/short.wav"), wav)
            .await
            .unwrap();
    }
}

/// A worker that accounts for what it begins.
fn worker(fleet: &Fleet, name: &str) -> WorkerProcess {
    let ((key, path), slots) = (kept(fleet, name), SLOTS.to_string());
    fleet
        .worker(name, &[(key, &*path), ("engine.slots", &*slots)])
        .unwrap()
}

/// Jobs of one tenant, `tenant-from` and so on.
async fn queue(fleet: &Fleet, tenant: &str, from: u64, count: u64) {
    let job = |index| job_of_tenant(tenant, "standard", &format!("{tenant}-{index}"));
    let jobs: Vec<Vec<u8>> = (from..from + count)
        .map(|index| job(index).to_string().into_bytes())
        .collect();
    fleet.publish_all(&jobs).await.unwrap();
}

/// It is in the lane's intake when this returns.
async fn queue_one(fleet: &Fleet, call: &str) {
    let job = job_of_tenant(QUIET, "standard", call).to_string();
    fleet.publish_all(&[job.into_bytes()]).await.unwrap();
}

/// By any of these workers, the first first.
fn all_begun(fleet: &Fleet, workers: &[&str]) -> Vec<Begun> {
    let mut all: Vec<Begun> = workers.iter().flat_map(|name| begun(fleet, name)).collect();
    all.sort_by_key(|begun| begun.at);
    all
}

async fn once_begun(fleet: &Fleet, workers: &[&str], count: usize) {
    until("jobs to be begun", async || {
        Ok((all_begun(fleet, workers).len() >= count).then_some(()))
    })
    .await
    .unwrap();
}

/// Until nothing is left in the lane's intake.
async fn sorted(fleet: &Fleet) {
    until("the lane to be sorted", async || {
        let waiting = fleet.waiting().await?;
        let is_intake = |queue: &str| queue == "jobs.standard";
        Ok((!waiting.iter().any(|(queue, _)| is_intake(queue))).then_some(()))
    })
    .await
    .unwrap();
}

/// Sends a job of a tenant that has none. How long it waited, and for how many that began meanwhile.
async fn newcomer(fleet: &Fleet, workers: &[&str], call: &str) -> (Duration, usize) {
    let sent = Instant::now();
    queue_one(fleet, call).await;
    let before = all_begun(fleet, workers).len();
    let at = until("the newcomer's job to be begun", async || {
        let all = all_begun(fleet, workers);
        Ok(all.iter().position(|job| job.call == call))
    })
    .await
    .unwrap();
    (sent.elapsed(), at.saturating_sub(before))
}

/// Until each job has its manifest, which is one for each call, and nothing waits.
async fn all_done(fleet: &Fleet, count: u64) {
    until("all jobs to be told of", async || {
        let waiting = fleet.waiting().await?;
        let is_job = |queue: &str| queue.starts_with("jobs.") || queue.starts_with("retry.");
        let told = waiting.iter().find(|(queue, _)| queue == "events.all");
        let all_told = told.is_some_and(|(_, told)| *told >= count);
        Ok((all_told && !waiting.iter().any(|(queue, _)| is_job(queue))).then_some(()))
    })
    .await
    .unwrap();
    // The events of copies count too, so the last may still be in hand.
    let manifests = until("all manifests", async || {
        let mut keys = fleet.keys("").await?;
        keys.retain(|key| key.ends_with("/manifest.json"));
        Ok((keys.len() as u64 >= count).then_some(keys))
    })
    .await
    .unwrap();
    let call = |key: &String| key.split('/').take(3).collect::<Vec<_>>().join("/");
    let calls: BTreeSet<String> = manifests.iter().map(call).collect();
    assert_eq!((manifests.len() as u64, calls.len() as u64), (count, count));
}

async fn no_dead(fleet: &Fleet) {
    let waiting = fleet.waiting().await.unwrap();
    assert!(
        !waiting.iter().any(|(queue, _)| queue == "dead"),
        "{waiting:?}"
    );
}

#[tokio::test]
async fn a_newcomer_waits_for_no_more_than_what_is_in_hand() {
    let backlog = wanted("EARWITNESS_TEST_BACKLOG", 300);
    for noisy in [&NOISY[..1], &NOISY[..]] {
        let fleet = Fleet::start(&script(400)).await.unwrap();
        upload(&fleet).await;
        for tenant in noisy {
            queue(&fleet, tenant, 0, backlog).await;
        }
        let (worker, queued) = (worker(&fleet, "a"), Instant::now());
        once_begun(&fleet, &["a"], 2 * SLOTS).await;
        sorted(&fleet).await;
        let sorting = queued.elapsed();
        for round in 0..3 {
            // Whoever sends more than his share waits for his turn: each of the others has one first.
            let begun = all_begun(&fleet, &["a"]).len();
            once_begun(&fleet, &["a"], begun + noisy.len() + SLOTS).await;
            let (waited, before) = newcomer(&fleet, &["a"], &format!("quiet-{round}")).await;
            println!(
                "measured: {} tenants with {backlog} jobs each, sorted {:.2} s after the worker's start: \
                 begun after {:.2} s, {before} in between",
                noisy.len(),
                sorting.as_secs_f64(),
                waited.as_secs_f64()
            );
            // As many as there are slots, and those that began while the message was on its way.
            assert!(before <= 2 * SLOTS, "{before} jobs came first");
        }
        drop(worker);
    }
}

#[tokio::test]
async fn tenants_with_much_to_do_take_turns() {
    let fleet = Fleet::start(&script(20)).await.unwrap();
    upload(&fleet).await;
    let worker = worker(&fleet, "a");
    queue(&fleet, NOISY[0], 0, 200).await;
    queue(&fleet, NOISY[1], 0, 60).await;
    until("the second tenant to be served", async || {
        let all = all_begun(&fleet, &["a"]);
        let of_second = all.iter().filter(|job| job.call.starts_with(NOISY[1]));
        Ok((of_second.count() == 60).then_some(()))
    })
    .await
    .unwrap();
    let all = all_begun(&fleet, &["a"]);
    let is_second = |job: &Begun| job.call.starts_with(NOISY[1]);
    let first = all.iter().position(is_second).unwrap();
    let last = all.iter().rposition(is_second).unwrap();
    let between = last + 1 - first;
    println!("measured: 60 jobs begun among {between}, behind a backlog of 200");
    // Alone it would have been 60; a few more were taken before the lane was sorted.
    assert!(between <= 2 * 60 + 10, "{between}");
    drop(worker);
}

/// The first worker of a fleet sorts; the second takes over when it is gone.
#[tokio::test]
async fn the_death_of_the_sorter_loses_nothing_and_delays_nobody_for_long() {
    let backlog = wanted("EARWITNESS_TEST_BACKLOG", 150);
    let fleet = Fleet::start(&script(20)).await.unwrap();
    upload(&fleet).await;
    let mut sorter = worker(&fleet, "a");
    queue(&fleet, NOISY[0], 0, 2 * SLOTS as u64).await;
    once_begun(&fleet, &["a"], 2 * SLOTS).await;
    let mut other = worker(&fleet, "b");
    other.ready().await.unwrap();
    queue(&fleet, NOISY[0], 2 * SLOTS as u64, backlog).await;
    sorter.kill().await.unwrap();
    let (waited, before) = newcomer(&fleet, &["a", "b"], "quiet-0").await;
    println!(
        "measured: the sorter killed behind {backlog} jobs: begun after {:.2} s, {before} in between",
        waited.as_secs_f64()
    );
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    all_done(&fleet, 2 * SLOTS as u64 + backlog + 1).await;
    no_dead(&fleet).await;
    stop(other).await;
}

/// It holds up what is in its hand, and until the broker gives that to others; all the rest goes on.
#[tokio::test]
async fn a_frozen_sorter_holds_up_nothing_but_what_is_in_its_hand() {
    const BACKLOG: u64 = 80;
    const HEARTBEAT: (&str, &str) = ("broker.heartbeat_s", "5");
    let fleet = Fleet::start(&script(20)).await.unwrap();
    upload(&fleet).await;
    let worker = |name: &str| {
        let (key, path) = kept(&fleet, name);
        fleet.worker(name, &[(key, &*path), HEARTBEAT]).unwrap()
    };
    let (mut sorter, _) = (worker("a"), queue(&fleet, NOISY[0], 0, 2).await);
    sorts(&mut sorter).await;
    let mut other = worker("b");
    other.ready().await.unwrap();
    queue(&fleet, NOISY[0], 2, BACKLOG).await;
    sorter.freeze().unwrap();
    let (waited, before) = newcomer(&fleet, &["b"], "quiet-0").await;
    let frozen = Instant::now();
    println!(
        "measured: the sorter frozen behind {BACKLOG} jobs: begun after {:.2} s, {before} in between",
        waited.as_secs_f64()
    );
    // It may be in the hand of the sorter itself.
    assert!(waited < Duration::from_secs(2 * 5 + 10), "{waited:?}");
    all_done(&fleet, 2 + BACKLOG + 1).await;
    println!(
        "measured: all done after {:.2} s",
        frozen.elapsed().as_secs_f64()
    );
    sorts(&mut other).await;
    sorter.thaw().unwrap();
    no_dead(&fleet).await;
    // Whoever does not sort asks every second whether somebody does, and nobody is to read of that.
    let log = other.log().unwrap();
    assert!(!log.contains("RESOURCE_LOCKED"), "{log}");
    for worker in [sorter, other] {
        stop(worker).await;
    }
}

async fn sorts(worker: &mut WorkerProcess) {
    let _: String = worker
        .logged("this worker sorts the lane", "lane")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_restart_of_the_broker_leaves_every_tenant_its_turn() {
    let backlog = wanted("EARWITNESS_TEST_BACKLOG", 150);
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let mut fleet = Fleet::start_on(node.broker(), &script(20)).await.unwrap();
    upload(&fleet).await;
    queue(&fleet, NOISY[0], 0, backlog).await;
    let worker = worker(&fleet, "a");
    once_begun(&fleet, &["a"], 2 * SLOTS).await;
    node.kill().await.unwrap();
    node.start_again().await.unwrap();
    fleet.reconnect(node.broker()).await.unwrap();
    let before = all_begun(&fleet, &["a"]).len();
    once_begun(&fleet, &["a"], before + 1).await;
    let (waited, before) = newcomer(&fleet, &["a"], "quiet-0").await;
    println!(
        "measured: after a restart of the broker behind {backlog} jobs: begun after {:.2} s, {before} in between",
        waited.as_secs_f64()
    );
    assert!(waited < ON_THE_WAY + Duration::from_secs(4), "{waited:?}");
    all_done(&fleet, backlog + 1).await;
    no_dead(&fleet).await;
    stop(worker).await;
}

/// Jobs of one tenant that waits alone and of one that comes later, at a worker of four slots of which a tenant may have one.
#[tokio::test]
async fn a_tenant_has_no_more_slots_of_a_worker_than_it_may() {
    const JOBS: u64 = 12;
    const TAKES_MS: u64 = 400;
    let fleet = Fleet::start(&script(TAKES_MS)).await.unwrap();
    upload(&fleet).await;
    let (key, path) = kept(&fleet, "a");
    let settings = [
        (key, &*path),
        ("engine.slots", "4"),
        ("worker.tenant_slots", "1"),
    ];
    let mut worker = fleet.worker("a", &settings).unwrap();
    queue(&fleet, NOISY[0], 0, JOBS).await;
    once_begun(&fleet, &["a"], 2).await;
    let (waited, _) = newcomer(&fleet, &["a"], "quiet-0").await;
    // In another lane it is the same tenant's, and has slots that rest.
    let interactive = job_of_tenant(NOISY[0], "interactive", "acme-at-once").to_string();
    fleet.publish(interactive.as_bytes()).await.unwrap();
    all_done(&fleet, JOBS + 2).await;
    no_dead(&fleet).await;

    let mut begun = all_begun(&fleet, &["a"]);
    begun.retain(|job| job.call.starts_with(NOISY[0]));
    assert_eq!(begun.len() as u64, JOBS + 1, "each was begun once");
    let pauses_ms: Vec<i128> = begun
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at).as_millis())
        .collect();
    let put_off = worker
        .metric("earwitness_put_off_jobs_total")
        .await
        .unwrap();
    let least_ms = pauses_ms.iter().min().unwrap();
    println!(
        "measured: one begun {least_ms} ms after the other at the least, {put_off} times put off; \
         a newcomer's after {:.2} s",
        waited.as_secs_f64()
    );
    assert!(*least_ms >= i128::from(TAKES_MS), "{pauses_ms:?}");
    assert!(put_off >= 1.0, "no slot held back");
    // Three slots rest all the time, so it waits for nobody's job.
    assert!(waited < ON_THE_WAY, "{waited:?}");
    // Rows of whom nothing can begin are left alone.
    assert!(put_off <= 4.0 * (JOBS + 1) as f64, "{put_off}");
    for index in 0..JOBS {
        let call = format!("{}-{index}", NOISY[0]);
        let manifest = fleet.result(&call).await.unwrap();
        assert_eq!(manifest.processing.infra_attempts, 0, "{call}");
    }
    stop(worker).await;
}

/// A worker that is to stop at empty lanes does not take one for empty whose jobs may not begin yet.
#[tokio::test]
async fn a_worker_that_stops_at_empty_lanes_waits_for_what_it_put_off() {
    const JOBS: u64 = 6;
    let fleet = Fleet::start(&script(100)).await.unwrap();
    upload(&fleet).await;
    queue(&fleet, NOISY[0], 0, JOBS).await;
    let settings = fleet.settings(&[("engine.slots", "3"), ("worker.tenant_slots", "1")]);
    let ran = process::run(&["worker", "--exit-when-empty"], &settings)
        .await
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    all_done(&fleet, JOBS).await;
}

/// Where nobody else waits, a job is not sorted.
#[tokio::test]
async fn a_job_that_is_alone_begins_as_soon_as_a_slot_looks() {
    const JOBS: usize = 20;
    let fleet = Fleet::start(&script(0)).await.unwrap();
    upload(&fleet).await;
    let mut worker = worker(&fleet, "a");
    worker.ready().await.unwrap();
    let mut waits_ms = Vec::new();
    for index in 0..JOBS {
        let (waited, _) = newcomer(&fleet, &["a"], &format!("quiet-{index}")).await;
        waits_ms.push(waited.as_millis());
        all_done(&fleet, index as u64 + 1).await;
    }
    waits_ms.sort_unstable();
    println!(
        "measured: begun after {} ms in the median, {} at most",
        waits_ms[JOBS / 2],
        waits_ms[JOBS - 1]
    );
    assert!(waits_ms[JOBS / 2] < 1_000, "{waits_ms:?}");
    stop(worker).await;
}
