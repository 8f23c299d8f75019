//! What the workers themselves wrote down: audit logs, which tell when a job was begun and how it ended, and logs, which tell
//! of retries. In: the bench's folder. Out: how often each job was really run. Fails where an audit chain is broken: the
//! kills must not have torn it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use earwitness::audit;
use job_schema::JobId;
use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct Records {
    /// Deliveries for which the work was begun: all that were accepted but those that found a result.
    pub(super) runs: BTreeMap<JobId, u64>,
    pub(super) retries_count: u64,
}

pub(super) const AUDIT: &str = "audit";
pub(super) const LOG: &str = "log";

pub(super) fn read(dir: &Path) -> anyhow::Result<Records> {
    let mut records = Records::default();
    let mut found: BTreeMap<JobId, u64> = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        match path.extension().and_then(|e| e.to_str()) {
            Some(AUDIT) => read_audit(&path, &mut records.runs, &mut found)?,
            Some(LOG) => records.retries_count += retries(&path)?,
            _ => {}
        }
    }
    for (job, count) in found {
        let runs = records.runs.entry(job).or_default();
        *runs = runs.saturating_sub(count);
    }
    Ok(records)
}

fn read_audit(
    path: &Path,
    accepted: &mut BTreeMap<JobId, u64>,
    already_done: &mut BTreeMap<JobId, u64>,
) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path)?;
    // A kill in the middle of a write leaves half a line, which the next start cuts off.
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    audit::verify(whole).with_context(|| format!("{}", path.display()))?;
    for line in whole.lines() {
        let entry: Value = serde_json::from_str(line)?;
        let job: JobId = serde_json::from_value(entry["job"].clone())?;
        match (entry["action"].as_str(), entry["outcome"].as_str()) {
            (Some("accepted"), _) => *accepted.entry(job).or_default() += 1,
            (Some("completed"), Some("already_done")) => {
                *already_done.entry(job).or_default() += 1;
            }
            _ => {}
        }
    }
    Ok(())
}

fn retries(path: &Path) -> anyhow::Result<u64> {
    let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    let told = text
        .lines()
        .filter(|line| line.contains("job will be tried again"));
    Ok(told.count() as u64)
}
