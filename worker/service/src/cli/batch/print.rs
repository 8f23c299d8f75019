//! What a batch tells: counts and reasons, never a recording's key.

use std::path::Path;

use job_schema::ErrorCode;

use super::super::out;
use crate::batch::{Book, Counts, State};
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
        failures.push(serde_json::json!({
            "reason": code, "count": all, "dead_letters_count": dead,
            "remedy": code.remedy(), "replay": replay(book, path, code, dead),
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
            "{:>8}  {}: {}",
            failure["count"].as_u64().unwrap_or_default(),
            text(&failure["reason"]),
            text(&failure["remedy"])
        ));
        if let Some(replay) = failure["replay"].as_str() {
            out::line(format_args!("          {replay}"));
        }
    }
    for refusal in &book.refused {
        out::line(format_args!("line {}: {}", refusal.line, refusal.reason));
    }
    Ok(())
}

/// The command that has the items tried again; none where that cannot help.
fn replay(book: &Book, path: &Path, code: ErrorCode, dead_count: usize) -> Option<String> {
    let again = format!("earwitness batch run {}", path.display());
    let tenant = &book.frozen.tenant;
    match code {
        ErrorCode::Deleted => None,
        // The cancellation stands under the job's id, which the dead letter has too.
        ErrorCode::Cancelled => {
            let cancelled = book.in_state(|state| state == State::Failed(code));
            let jobs: Vec<String> = cancelled
                .map(|n| book.items[n].job_id.to_string())
                .collect();
            Some(format!(
                "for job in {}; do earwitness cancel $job --tenant {tenant} --undo && earwitness dlq replay --id $job; done; {again}",
                jobs.join(" ")
            ))
        }
        _ if dead_count == 0 => Some(again),
        _ => Some(format!(
            "earwitness dlq replay --tenant {tenant} --reason {code} && {again}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use job_schema::JobId;

    use super::*;
    use crate::batch::Item;
    use crate::batch::tests::frozen;

    fn item(call: &str) -> Item {
        Item {
            job_id: JobId::generate(),
            call: call.parse().unwrap(),
            bucket: "recordings".parse().unwrap(),
            key: format!("acme/{call}.wav").parse().unwrap(),
            version_id: None,
            size_bytes: None,
            audio_ms: None,
        }
    }

    #[test]
    fn a_replay_is_told_where_it_works_and_as_it_works() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.batch");
        let items = ["c1", "c2", "c3"].map(item);
        Book::create(&path, &frozen(), &items, &[]).unwrap();
        let mut book = Book::open(&path).unwrap();
        let cancelled = State::Failed(ErrorCode::Cancelled);
        book.note(&[(0, cancelled), (1, State::Completed), (2, cancelled)])
            .unwrap();
        let told = |code, dead_count| {
            let told = replay(&book, Path::new("a.batch"), code, dead_count);
            told.unwrap_or_default()
        };
        let again = "earwitness batch run a.batch";
        assert_eq!(told(ErrorCode::RecordingNotFound, 0), again);
        assert_eq!(
            told(ErrorCode::RecordingEmpty, 2),
            format!("earwitness dlq replay --tenant acme --reason recording_empty && {again}")
        );
        let [first, _, last] = &items;
        assert_eq!(
            told(ErrorCode::Cancelled, 2),
            format!(
                "for job in {} {}; do earwitness cancel $job --tenant acme --undo && earwitness dlq replay --id $job; done; {again}",
                first.job_id, last.job_id
            )
        );
        for dead_count in [0, 1] {
            assert_eq!(told(ErrorCode::Deleted, dead_count), "");
        }
    }
}
