//! How dead letters are shown. In: letters. Out: lines on standard output, for people or as JSON.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::json;

use crate::cli::out;
use crate::dlq::{Facts, Letter};
use crate::exit::Exit;

/// One line a letter.
pub(super) fn list(letters: &[Letter], json: bool) -> Result<(), Exit> {
    for Letter { facts, .. } in letters {
        if json {
            as_json(facts)?;
            continue;
        }
        let dead_at = facts.dead_at.map_or_else(dash, |at| format!("{at:.0}"));
        let job = facts.job_id.as_ref().or(facts.message_id.as_ref());
        out::line(format_args!(
            "{dead_at:20}  {:24}  {:11}  {:36}  {}",
            facts.reason,
            facts.lane,
            job.map_or("-", String::as_str),
            whose(facts),
        ));
    }
    Ok(())
}

/// All that may be shown.
pub(super) fn show(letters: &[Letter], json: bool) -> Result<(), Exit> {
    for Letter { facts, .. } in letters {
        if json {
            as_json(facts)?;
            continue;
        }
        let text = |value: &Option<String>| value.clone().unwrap_or_else(dash);
        let time = |at: Option<jiff::Timestamp>| at.map_or_else(dash, |at| at.to_string());
        let rows = [
            ("job", text(&facts.job_id)),
            ("message", text(&facts.message_id)),
            ("call", whose(facts)),
            ("lane", facts.lane.clone()),
            ("reason", facts.reason.clone()),
            ("detail", text(&facts.detail)),
            ("pointer", text(&facts.pointer)),
            ("content attempts", facts.content_attempts.to_string()),
            ("infra attempts", facts.infra_attempts.to_string()),
            ("replays", facts.replays.to_string()),
            ("first sent", time(facts.first_at)),
            ("dead since", time(facts.dead_at)),
            ("bytes", facts.size_bytes.to_string()),
        ];
        for (name, value) in rows {
            out::line(format_args!("{name:17} {value}"));
        }
        out::line(format_args!(""));
    }
    Ok(())
}

/// Counts by reason and lane.
pub(super) fn stats(letters: &[Letter], json: bool) -> Result<(), Exit> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for Letter { facts, .. } in letters {
        *counts.entry((&facts.reason, &facts.lane)).or_default() += 1;
    }
    for ((reason, lane), count) in counts {
        if json {
            out::line(format_args!(
                "{}",
                json!({ "reason": reason, "lane": lane, "count": count })
            ));
        } else {
            out::line(format_args!("{reason:24}  {lane:11}  {count:>8}"));
        }
    }
    Ok(())
}

/// The message beside its facts. A body that is not UTF-8 is kept as hexadecimal.
pub(super) fn exported(letter: &Letter) -> Result<String, Exit> {
    let body = match std::str::from_utf8(letter.body()) {
        Ok(text) => json!({ "facts": letter.facts, "body": text }),
        Err(_) => json!({ "facts": letter.facts, "body_hex": hex::encode(letter.body()) }),
    };
    Ok(format!("{body}\n"))
}

fn as_json(facts: &Facts) -> Result<(), Exit> {
    let line = serde_json::to_string(facts).context("write JSON")?;
    out::line(format_args!("{line}"));
    Ok(())
}

fn whose(facts: &Facts) -> String {
    match (&facts.tenant, &facts.call) {
        (Some(tenant), Some(call)) => format!("{tenant}/{call}"),
        _ => dash(),
    }
}

fn dash() -> String {
    "-".to_owned()
}
