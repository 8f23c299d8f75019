//! What a run says at its end, for people and for programs. In: the options, the verdict, the time. Out: text or JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::Options;
use super::bench::Bench;
use super::checker::Verdict;

#[derive(Debug)]
pub struct Report {
    options: Options,
    wall: Duration,
    requests_count: u64,
    store_faults: BTreeMap<&'static str, u64>,
    pub verdict: Verdict,
    kept: Option<PathBuf>,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        bench: &Bench,
        wall: Duration,
        verdict: Verdict,
        kept: Option<PathBuf>,
    ) -> Self {
        let mut store_faults = BTreeMap::new();
        for (fault, count) in bench.weather().faults() {
            *store_faults.entry(fault.name()).or_default() += count;
        }
        Self {
            options: *options,
            wall,
            requests_count: bench.weather().requests_count(),
            store_faults,
            verdict,
            kept,
        }
    }

    /// Whether the store did anything wrong.
    pub fn has_store_faults(&self) -> bool {
        !self.store_faults.is_empty()
    }

    pub fn json(&self) -> Value {
        let (verdict, wanted) = (&self.verdict, &self.options.wanted);
        json!({
            "seed": self.options.seed,
            "wall_s": self.wall.as_secs(),
            "faults": {
                "worker_kills": wanted.worker_kills,
                "broker_kills": wanted.broker_kills,
                "connection_cuts": wanted.connection_cuts,
                "alarms": wanted.alarms,
                "store": self.store_faults,
            },
            "store_requests": self.requests_count,
            "jobs": verdict.jobs_count,
            "manifests": verdict.manifests_count,
            "event_ids": verdict.event_ids_count,
            "lost": verdict.lost,
            "duplicated": verdict.duplicated,
            "unexpected": verdict.unexpected,
            "corrupt": verdict.corrupt,
            "recovered": verdict.recovered_count,
            "rescued": verdict.rescued_count,
            "event_copies": verdict.event_copies_count,
            "executions_bound": verdict.bound,
            "executions_bound_of_moves": verdict.moves_bound,
            "executions_actual": verdict.actual,
            "violations": verdict.violations(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, wanted) = (&self.verdict, &self.options.wanted);
        let (seed, wall_s) = (self.options.seed, self.wall.as_secs());
        writeln!(f, "seed {seed}: {} jobs in {wall_s} s", verdict.jobs_count)?;
        writeln!(
            f,
            "faults: {} worker kills, {} broker kills, {} connection cuts, {} alarms",
            wanted.worker_kills, wanted.broker_kills, wanted.connection_cuts, wanted.alarms
        )?;
        let store: Vec<String> = self
            .store_faults
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        let requests_count = self.requests_count;
        writeln!(
            f,
            "store: {requests_count} requests, of them {}",
            store.join(", ")
        )?;
        for (name, count) in [
            ("manifests", verdict.manifests_count),
            ("distinct event ids", verdict.event_ids_count),
            ("lost", verdict.lost.len() as u64),
            ("duplicated effects", verdict.duplicated.len() as u64),
            ("unexpected", verdict.unexpected.len() as u64),
            ("corrupt", verdict.corrupt.len() as u64),
            (
                "recovered (sent without a confirm)",
                verdict.recovered_count,
            ),
            ("rescued (run more than once)", verdict.rescued_count),
            ("copies of events", verdict.event_copies_count),
            ("executions beyond the first", verdict.actual),
            ("  explained by slots, at most", verdict.bound),
            ("  by moves of jobs besides", verdict.moves_bound),
        ] {
            writeln!(f, "{name:<36}{count:>8}")?;
        }
        for violation in verdict.violations() {
            writeln!(f, "BROKEN: {violation}")?;
        }
        if let Some(kept) = &self.kept {
            writeln!(
                f,
                "logs, objects and audit logs are kept in {}",
                kept.display()
            )?;
        }
        Ok(())
    }
}
