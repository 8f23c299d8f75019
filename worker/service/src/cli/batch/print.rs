//! What a batch tells: counts and reasons, never a recording's key.

use std::path::Path;

use super::super::out;
use crate::batch::{Book, Counts};
use crate::exit::Exit;

fn sentence(counts: Counts) -> String {
    format!(
        "{} items: {} completed, {} skipped, {} by another spec, {} failed, {} refused, {} in flight, {} waiting",
        counts.total,
        counts.completed,
        counts.skipped,
        counts.other_spec,
        counts.failed,
        counts.refused,
        counts.in_flight,
        counts.waiting
    )
}

pub(super) fn counts(counts: Counts, json: bool) -> Result<(), Exit> {
    if json {
        out::line(serde_json::to_string(&counts).map_err(anyhow::Error::from)?);
    } else {
        out::line(sentence(counts));
    }
    Ok(())
}

/// To standard error: the counts at the end are the command's answer.
pub(super) fn progress(counts: Counts, json: bool) {
    if json {
        eprintln!("{}", serde_json::json!(counts));
    } else {
        eprintln!("{}", sentence(counts));
    }
}

pub(super) fn report(book: &Book, path: &Path, json: bool) -> Result<(), Exit> {
    let mut failures = Vec::new();
    for (code, (all, dead)) in book.failures() {
        let again = format!("earwitness batch run {}", path.display());
        let replay = match dead {
            0 => again,
            _ => format!(
                "earwitness dlq replay --tenant {} --reason {code} && {again}",
                book.frozen.tenant
            ),
        };
        failures.push(serde_json::json!({
            "reason": code, "count": all, "dead_letters_count": dead,
            "remedy": code.remedy(), "replay": replay,
        }));
    }
    if json {
        out::line(serde_json::json!({
            "counts": book.counts(), "failures": failures, "refused": book.refused,
        }));
        return Ok(());
    }
    counts(book.counts(), false)?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for failure in &failures {
        out::line(format_args!(
            "{:>8}  {}: {}\n          {}",
            failure["count"].as_u64().unwrap_or_default(),
            text(&failure["reason"]),
            text(&failure["remedy"]),
            text(&failure["replay"])
        ));
    }
    for refusal in &book.refused {
        out::line(format_args!("line {}: {}", refusal.line, refusal.reason));
    }
    Ok(())
}
