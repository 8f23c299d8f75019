//! A worker on a host whose processors are all taken: it keeps its heartbeats, and so its job. Twelve seconds, or as many as
//! EARWITNESS_TEST_BUSY_SECONDS says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use earwitness_tests::fleet::Fleet;
use earwitness_tests::recordings::spoken;
use serde_json::json;

use super::account::{begun, kept};
use super::{stop, wanted};

/// Keeps every core busy until it is dropped.
struct Load {
    over: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
}

impl Load {
    fn begin() -> Self {
        let (over, rounds) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let cores = std::thread::available_parallelism().unwrap().get();
        for _ in 0..2 * cores {
            let (over, rounds) = (Arc::clone(&over), Arc::clone(&rounds));
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { over, rounds }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_worker_among_busy_processors_misses_no_heartbeat_and_each_job_is_run_once() {
    let busy = Duration::from_secs(wanted("EARWITNESS_TEST_BUSY_SECONDS", 12));
    // Jobs of some ten seconds, two heartbeats each.
    let fleet = Fleet::start(&json!({ "words": ["one"], "delay_ms": 1_200 }))
        .await
        .unwrap();
    let mut workers = Vec::new();
    for name in ["a", "b"] {
        let (key, path) = kept(&fleet, name);
        let settings = [(key, &*path), ("broker.heartbeat_s", "5")];
        let mut worker = fleet.worker(name, &settings).unwrap();
        worker.ready().await.unwrap();
        workers.push(worker);
    }
    let load = Load::begin();
    let started = Instant::now();
    let mut jobs_count = 0;
    while started.elapsed() < busy {
        jobs_count += 1;
        let recording = spoken(4, 1.0).unwrap();
        fleet
            .submit(&format!("call-{jobs_count}"), recording)
            .await
            .unwrap();
        fleet.events(1).await.unwrap();
    }
    println!(
        "measured: {:.0} s at full processor, {jobs_count} jobs, {} rounds of load",
        started.elapsed().as_secs_f64(),
        load.rounds.load(Ordering::Relaxed)
    );
    drop(load);
    for worker in &workers {
        let log = worker.log().unwrap();
        assert!(!log.contains("broker connection lost"), "{log}");
    }
    let runs = begun(&fleet, "a").len() + begun(&fleet, "b").len();
    assert_eq!(runs, jobs_count, "a live worker's job was run again");
    for worker in workers {
        stop(worker).await;
    }
}
