//! What happened to every job, in the words of Jepsen's queue checker. In: a [`History`]: what was sent, what is stored,
//! what was told, how often each job was run, and which losses there were. Out: a [`Verdict`]. Pure.
//! Source: <https://github.com/rabbitmq/jepsen>; the bound on executions is ours.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use job_schema::{JobId, Sha256};
use uuid::Uuid;

#[derive(Debug, Clone, Default)]
pub struct History {
    /// By job. All were confirmed in the end.
    pub jobs: BTreeMap<JobId, Sent>,
    /// Times that a job was sent again because its confirm did not come.
    pub resends_count: u64,
    pub results: Vec<Result>,
    /// Every copy.
    pub events: Vec<Event>,
    /// What should be empty at the end and is not: dead letters, jobs in a queue.
    pub left_over: Vec<(String, u64)>,
    /// How often a worker began each job and had to run it.
    pub runs: BTreeMap<JobId, u64>,
    /// Times that a worker published a job to be tried again.
    pub retries_count: u64,
    pub losses: Vec<Loss>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `tenant/call`.
    pub call: String,
    pub recording_sha256: Sha256,
    /// The broker confirmed the first try.
    pub confirmed_at_once: bool,
}

/// One manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Result {
    pub job: JobId,
    pub call: String,
    pub manifest_sha256: Sha256,
    pub recording_sha256: Sha256,
    /// What it lists and what lies beside it do not agree: names of objects that are missing, differ, or are not listed.
    pub defects: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: Uuid,
    pub job: JobId,
    /// Of the manifest; none in an event that tells of a failure.
    pub manifest_sha256: Option<Sha256>,
    /// Of the whole event, to compare copies.
    pub sha256: Sha256,
}

/// A moment at which deliveries in hand were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    pub what: &'static str,
    /// How many deliveries may have been in slots' hands where it struck.
    pub deliveries_count: u64,
    /// How many more may have been on their way into a row, and are there twice now.
    pub moves_count: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub jobs_count: u64,
    pub manifests_count: u64,
    pub event_ids_count: u64,
    /// Without a manifest, or without an event that tells of it.
    pub lost: BTreeSet<String>,
    /// With two manifests, two events, or copies of an event that differ.
    pub duplicated: BTreeSet<String>,
    /// Results and events of jobs that nobody sent, failures, and what is left in queues.
    pub unexpected: BTreeSet<String>,
    /// Results that are not whole, or made from other bytes than the recording's.
    pub corrupt: BTreeSet<String>,
    /// Sent without a confirm at first, and done all the same.
    pub recovered_count: u64,
    /// Begun more than once, and done all the same.
    pub rescued_count: u64,
    /// Events beyond the first of their id.
    pub event_copies_count: u64,
    /// Executions that lost slots, retries and resends explain, beyond the first of each job.
    pub bound: u64,
    /// Executions that moves between queues explain besides.
    pub moves_bound: u64,
    /// Executions beyond the first.
    pub actual: u64,
}

pub fn check(history: &History) -> Verdict {
    let mut verdict = Verdict {
        jobs_count: history.jobs.len() as u64,
        manifests_count: history.results.len() as u64,
        bound: bound(history),
        moves_bound: history.losses.iter().map(|loss| loss.moves_count).sum(),
        ..Verdict::default()
    };
    let manifests = check_results(history, &mut verdict);
    let told = check_events(history, &manifests, &mut verdict);
    for (job, sent) in &history.jobs {
        let done = manifests.contains_key(sent.call.as_str()) && told.contains(job);
        let runs = history.runs.get(job).copied().unwrap_or_default();
        if !done {
            verdict.lost.insert(sent.call.clone());
        }
        verdict.recovered_count += u64::from(done && !sent.confirmed_at_once);
        verdict.rescued_count += u64::from(done && runs > 1);
        verdict.actual += runs.saturating_sub(1);
    }
    for (what, count) in &history.left_over {
        verdict.unexpected.insert(format!("{count} left in {what}"));
    }
    verdict
}

/// A loss makes the broker give out again what was in hand; a retry and a resend are a message more, each.
fn bound(history: &History) -> u64 {
    let lost: u64 = history
        .losses
        .iter()
        .map(|loss| loss.deliveries_count)
        .sum();
    lost + history.retries_count + history.resends_count
}

/// The manifest that counts, by call.
fn check_results<'a>(history: &'a History, verdict: &mut Verdict) -> BTreeMap<&'a str, &'a Result> {
    let mut manifests = BTreeMap::new();
    for result in &history.results {
        let Some(sent) = history
            .jobs
            .get(&result.job)
            .filter(|sent| sent.call == result.call)
        else {
            verdict
                .unexpected
                .insert(format!("a manifest of {}", result.call));
            continue;
        };
        if manifests.insert(result.call.as_str(), result).is_some() {
            verdict
                .duplicated
                .insert(format!("{}: two manifests", result.call));
        }
        for defect in &result.defects {
            verdict.corrupt.insert(format!("{}: {defect}", result.call));
        }
        if result.recording_sha256 != sent.recording_sha256 {
            verdict
                .corrupt
                .insert(format!("{}: not its recording", result.call));
        }
    }
    manifests
}

/// The jobs whose completion was told.
fn check_events(
    history: &History,
    manifests: &BTreeMap<&str, &Result>,
    verdict: &mut Verdict,
) -> BTreeSet<JobId> {
    let mut seen: BTreeMap<Uuid, &Event> = BTreeMap::new();
    let mut told: BTreeMap<JobId, Uuid> = BTreeMap::new();
    for event in &history.events {
        let Some(sent) = history.jobs.get(&event.job) else {
            verdict
                .unexpected
                .insert(format!("an event of {}", event.job));
            continue;
        };
        if let Some(first) = seen.insert(event.id, event) {
            verdict.event_copies_count += 1;
            if first.sha256 != event.sha256 {
                verdict
                    .duplicated
                    .insert(format!("{}: copies differ", sent.call));
            }
        }
        let Some(manifest_sha256) = &event.manifest_sha256 else {
            verdict.unexpected.insert(format!("{} failed", sent.call));
            continue;
        };
        let stored = manifests.get(sent.call.as_str());
        if stored.is_some_and(|stored| stored.manifest_sha256 != *manifest_sha256) {
            verdict
                .corrupt
                .insert(format!("{}: its event names another manifest", sent.call));
        }
        if told
            .insert(event.job, event.id)
            .is_some_and(|id| id != event.id)
        {
            verdict
                .duplicated
                .insert(format!("{}: two events", sent.call));
        }
    }
    verdict.event_ids_count = seen.len() as u64;
    told.into_keys().collect()
}

impl Verdict {
    /// What was broken, each in a line with an example. Empty: all was kept.
    pub fn violations(&self) -> Vec<String> {
        let mut broken: Vec<String> = [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("unexpected", &self.unexpected),
            ("corrupt", &self.corrupt),
        ]
        .into_iter()
        .filter_map(|(what, found)| {
            let first = found.first()?;
            Some(format!("{} {what}, the first: {first}", found.len()))
        })
        .collect();
        let bound = self.bound + self.moves_bound;
        if self.actual > bound {
            let actual = self.actual;
            broken.push(format!(
                "{actual} executions too many, at most {bound} are explained"
            ));
        }
        broken
    }
}
