//! What `transcribe` shows: progress on standard error, and of each file its text, its figures or why it failed. In: outcomes. Out:
//! lines for reading, or one JSON object a file. Where redacted copies were asked for, what is shown is the redacted one.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use job_schema::redaction::RedactionReport;
use job_schema::{ErrorCode, Failure};
use serde::Serialize;

use super::super::out;
use super::super::redaction::told;
use super::super::results::scored;
use super::{TranscribeArgs, Transcribed};
use crate::exit::Exit;
use crate::recognise::Board;

pub(super) fn bar(file: &Path) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:24!} {wide_bar} {percent:>3} % {eta:>4}");
    let bar = ProgressBar::new(1).with_prefix(
        file.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    );
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Runs `run` while the bar shows how far it is.
pub(super) async fn show_progress<T>(
    run: impl Future<Output = Result<T, Failure>>,
    board: &Board,
    bar: &ProgressBar,
) -> Result<T, Failure> {
    tokio::pin!(run);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            ended = &mut run => return ended,
            _ = tick.tick() => if let Some(progress) = board.progress() {
                bar.set_length(progress.total_ms.unwrap_or(progress.decoded_ms).max(1));
                bar.set_position(progress.finished_ms);
            },
        }
    }
}

/// A line of `--json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    file: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<&'a Path>,
    /// Text of each channel, in channel order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a job_schema::manifest::Summary>,
    /// What was removed from the redacted copies; `channels` is redacted then.
    #[serde(skip_serializing_if = "Option::is_none")]
    redaction: Option<&'a RedactionReport>,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
}

pub(super) fn report(
    args: &TranscribeArgs,
    file: &Path,
    wall: Duration,
    outcome: &Result<Transcribed, Failure>,
) -> Result<(), Exit> {
    if args.json {
        let done = outcome.as_ref().ok();
        let texts = |d: &Transcribed| {
            let channels = d.readable().map(|(transcript, _)| &transcript.channels);
            channels.into_iter().flatten().map(channel_text).collect()
        };
        let copies = done.and_then(|d| d.copies.as_ref());
        let line = Line {
            file,
            results: done.and_then(|d| d.place.as_deref()),
            channels: done.map(texts).unwrap_or_default(),
            summary: done.map(|d| &d.results.summary),
            redaction: copies.map(|copies| &copies.report),
            seconds: wall.as_secs_f64(),
            failure: outcome.as_ref().err(),
        };
        out::line(format_args!(
            "{}",
            serde_json::to_string(&line).context("write JSON")?
        ));
        return Ok(());
    }
    let done = match outcome {
        Err(failure) => {
            eprintln!("{}: {failure} ({})", file.display(), remedy(failure));
            return Ok(());
        }
        Ok(done) => done,
    };
    if let Some(copies) = &done.copies {
        eprintln!("{}: {}", file.display(), told(&copies.report));
    }
    if let Some(place) = &done.place {
        let audio = Duration::from_millis(done.results.summary.duration_ms).as_secs_f64();
        out::line(format_args!(
            "{}: {} words, {audio:.1} s of audio in {:.1} s -> {}",
            file.display(),
            done.results.summary.words_count,
            wall.as_secs_f64(),
            place.display()
        ));
    } else if let Some((transcript, analysis)) = done.readable() {
        let text = pipeline::formats::turn_text(transcript) + &scored(analysis);
        out::write(text.as_bytes());
    }
    Ok(())
}

/// The remedies of codes speak to whoever submits jobs: here are files and options instead.
fn remedy(failure: &Failure) -> &'static str {
    match (failure.code, failure.pointer.as_deref()) {
        (ErrorCode::RecordingNotFound, _) => "check the path: it is to name a recording",
        (ErrorCode::RecordingForbidden, _) => "allow this user to read the file",
        (_, Some("/options/language")) => {
            "use a multilingual model such as base, or another --language, such as en"
        }
        (_, Some("/options/languages")) => {
            "use a multilingual model such as base, or other --languages"
        }
        (code, _) => code.remedy(),
    }
}

fn channel_text(channel: &job_schema::transcript::Channel) -> String {
    let words = channel.words.iter().map(|word| &word.text);
    channel.facts.writing().join(words)
}
