//! The real binary, as worker processes, on a real broker and a real S3 API. Each test has queues and a store of its own.
//! What is checked is what a producer, a consumer and a portal can see: messages, objects, exit statuses, logs, metrics.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod account;
mod alarms;
mod canary;
mod cluster;
mod copies;
mod crashes;
mod drain;
mod fairness;
mod faults;
mod fence;
mod forged;
mod heartbeats;
mod hosts;
mod long_jobs;
mod losses;
mod poison;
mod redaction;
mod refusals;
mod refused;
mod rescoring;
mod rescue;
mod restarts;
mod rights;
mod tenants;
mod upkeep;

use earwitness_tests::process::WorkerProcess;
use serde_json::{Value, json};

/// A recogniser that takes its time, so that there is a middle to be hit in.
fn slow() -> Value {
    json!({ "words": ["one", "two", "three"], "delay_ms": 300 })
}

fn quick() -> Value {
    json!({ "words": ["one", "two", "three"] })
}

/// Settled deliveries, by lane `standard` and what became of them.
async fn settled(worker: &mut WorkerProcess, outcome: &str, reason: &str) -> f64 {
    let name = format!(
        r#"earwitness_jobs_total{{lane="standard",outcome="{outcome}",reason="{reason}"}}"#
    );
    worker.metric(&name).await.unwrap()
}

/// How many, or how long: a test's short form, or what a variable says for the long one.
fn wanted(variable: &str, short: u64) -> u64 {
    std::env::var(variable).map_or(short, |text| text.parse().expect(variable))
}

/// The last word on a test that is over: the worker leaves with status 0 and nothing in hand.
async fn stop(mut worker: WorkerProcess) {
    worker.terminate().unwrap();
    let status = worker.ended().await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", worker.log().unwrap());
}
