//! What became of a campaign's recordings. In: one outcome a case. Out: a table by format, or JSON; and the findings, which
//! are the cases that break a promise. Cannot fail.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

/// One recording that broke a promise; its number makes it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub case: u64,
    pub format: String,
    pub what: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub seed: u64,
    pub cases_count: u64,
    pub engines_count: usize,
    /// Resident, at any time, of any engine.
    pub engine_peak_bytes: u64,
    pub engine_limit_bytes: u64,
    pub slowest_case: u64,
    pub slowest_ms: u64,
    pub wall_ms: u64,
    /// How many ended in what, by format.
    pub formats: BTreeMap<String, BTreeMap<String, u64>>,
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, case: u64, format: &str, outcome: &str, took: Duration) {
        self.cases_count += 1;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if took_ms >= self.slowest_ms {
            (self.slowest_ms, self.slowest_case) = (took_ms, case);
        }
        let row = self.formats.entry(format.to_owned()).or_default();
        *row.entry(outcome.to_owned()).or_default() += 1;
    }

    /// How many ended like this, over all formats.
    pub fn total(&self, outcome: &str) -> u64 {
        self.formats
            .values()
            .filter_map(|row| row.get(outcome))
            .sum()
    }

    /// For people.
    pub fn table(&self) -> String {
        let outcomes: BTreeSet<&String> = self.formats.values().flat_map(BTreeMap::keys).collect();
        let mut lines = vec![line(
            "format",
            outcomes.iter().map(|name| (*name).clone()),
            &outcomes,
        )];
        for (format, row) in &self.formats {
            let cells = outcomes
                .iter()
                .map(|name| row.get(*name).map_or("·".to_owned(), u64::to_string));
            lines.push(line(format, cells, &outcomes));
        }
        let totals = outcomes.iter().map(|name| self.total(name).to_string());
        lines.push(line("all", totals, &outcomes));
        lines.push(format!(
            "\n{} recordings of {} formats, seed {}, in {:.1} s: {} engine process(es), at most {:.0} MiB resident of {:.0}; \
             the slowest was case {} with {:.1} s",
            self.cases_count,
            self.formats.len(),
            self.seed,
            seconds(self.wall_ms),
            self.engines_count,
            mebibytes(self.engine_peak_bytes),
            mebibytes(self.engine_limit_bytes),
            self.slowest_case,
            seconds(self.slowest_ms),
        ));
        for finding in &self.findings {
            lines.push(format!(
                "FOUND case {} ({}): {}",
                finding.case, finding.format, finding.what
            ));
        }
        lines.push(format!("{} finding(s)", self.findings.len()));
        lines.join("\n")
    }
}

fn line(first: &str, cells: impl Iterator<Item = String>, columns: &BTreeSet<&String>) -> String {
    let cells = cells
        .zip(columns)
        .map(|(cell, name)| format!("  {cell:>width$}", width = name.len()));
    format!("{first:<16}{}", cells.collect::<String>())
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
