//! Which jobs a worker began, in which order and when, from its audit log: it is written before the work begins. In: the
//! fleet and the worker's name. Out: [`Begun`], the first first.

use earwitness_tests::fleet::{Fleet, job};
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct Begun {
    pub(super) call: String,
    pub(super) at: Timestamp,
}

/// The name of the log among the fleet's files.
fn log(worker: &str) -> String {
    format!("{worker}.audit")
}

/// What to set for a worker whose account is wanted.
pub(super) fn kept(fleet: &Fleet, worker: &str) -> (&'static str, String) {
    ("audit.file", fleet.path(&log(worker)))
}

pub(super) fn begun(fleet: &Fleet, worker: &str) -> Vec<Begun> {
    let text = std::fs::read_to_string(fleet.path(&log(worker))).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let entries = whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let accepted = entries.filter(|entry: &Value| entry["action"] == "accepted");
    let begun = |entry: Value| Begun {
        call: entry["call"].as_str().unwrap().to_owned(),
        at: entry["at"].as_str().unwrap().parse().unwrap(),
    };
    accepted.map(begun).collect()
}

/// A job of a lane, for a recording that many share.
pub(super) fn job_of(lane: &str, call: &str, key: &str) -> Value {
    let mut job = job(call);
    job["lane"] = json!(lane);
    job["recording"]["key"] = json!(key);
    job
}

/// The same of another tenant, who has a recording of his own.
pub(super) fn job_of_tenant(tenant: &str, lane: &str, call: &str) -> Value {
    let mut job = job_of(lane, call, &format!("{tenant}/short.wav"));
    job["tenant"] = json!(tenant);
    job
}

pub(super) fn jobs_of(lane: &str, count: u64, key: &str) -> Vec<Vec<u8>> {
    let one = |index| job_of(lane, &format!("{lane}-{index}"), key);
    (0..count)
        .map(|index| one(index).to_string().into_bytes())
        .collect()
}
