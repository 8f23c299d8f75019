//! Has a model listen to an hour of what is heard on telephones when nobody speaks. In: a model. Out: a table of the words that
//! it wrote, by kind of sound, which ought to be none. Exits with 1 when there is any.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use earwitness_tests::listen::{self, Engine, Heard};
use earwitness_tests::nonspeech::{self, KINDS, Kind, Unspoken};
use job_schema::engine::CallSpec;

/// Sound without speech, generated, through the whole pipeline.
#[derive(Debug, Parser)]
#[command(
    name = "nothing-spoken",
    after_help = "Examples, each after `cargo run -p earwitness-tests --bin nothing-spoken --`:
  .dev/models/ggml-tiny.en.bin
  ggml-base.bin --recognizer whisper-cpp --language en
  ggml-tiny.en.bin --seconds 10 --seed 7 --save /tmp/unspoken"
)]
struct Arguments {
    /// A ggml file.
    model: PathBuf,
    #[arg(long, value_enum, default_value_t = Recognizer::Native)]
    recognizer: Recognizer,
    #[arg(long, default_value_t = 2, value_name = "N")]
    slots: usize,
    /// The same seed makes the same recordings.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of each of the 60 recordings.
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u32,
    /// Detected where it is not named.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Also write the recordings into this folder.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Recognizer {
    Native,
    WhisperCpp,
}

/// Of all recordings of one kind.
#[derive(Debug, Default)]
struct Row {
    channel_seconds: u64,
    spans: usize,
    suppressed_words: usize,
    words: usize,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let engine = match arguments.recognizer {
        Recognizer::Native => Engine::Native,
        Recognizer::WhisperCpp => Engine::WhisperCpp,
    };
    let slots = listen::slots(engine, &arguments.model, arguments.slots)?;
    let spec = CallSpec {
        language: arguments.language.clone(),
        ..CallSpec::default()
    };
    let mut rows: Vec<Row> = KINDS.iter().map(|_| Row::default()).collect();
    for recording in nonspeech::recordings(arguments.seed, arguments.seconds)? {
        let recording = recording?;
        save(&recording, &arguments)?;
        let heard = listen::hear(&recording.bytes, &spec, &slots)
            .with_context(|| format!("transcribe {}", recording.name))?;
        let Some(row) = place(recording.kind).and_then(|at| rows.get_mut(at)) else {
            continue;
        };
        row.channel_seconds += u64::from(arguments.seconds) * u64::from(recording.legs_count);
        row.spans += heard.spans.len();
        row.suppressed_words += heard.suppressed_words_count();
        row.words += heard.words_count();
        tell(&recording, &heard);
    }
    print_table(&rows);
    Ok(if rows.iter().all(|row| row.words == 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn place(kind: Kind) -> Option<usize> {
    KINDS.iter().position(|(known, _)| *known == kind)
}

fn save(recording: &Unspoken, arguments: &Arguments) -> anyhow::Result<()> {
    let Some(folder) = &arguments.save else {
        return Ok(());
    };
    let path = folder.join(format!("{}.wav", recording.name.replace([' ', ','], "_")));
    std::fs::write(&path, &recording.bytes).with_context(|| format!("write {}", path.display()))
}

/// What was invented. Nobody said it, so it may be told.
#[expect(clippy::print_stdout, reason = "a command: its output is its answer")]
fn tell(recording: &Unspoken, heard: &Heard) {
    for span in &heard.spans {
        for segment in &span.segments {
            let words: Vec<&str> = segment
                .words
                .iter()
                .map(|word| word.text.as_str())
                .collect();
            println!(
                "{}, channel {}, {} to {} ms: {:?}, log probability {:.2}, no speech {:.2}",
                recording.name,
                span.channel,
                span.span.start_ms,
                span.span.end_ms,
                words.join(" "),
                segment.figures.avg_logprob,
                segment.figures.no_speech_prob,
            );
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command: its output is its answer")]
fn print_table(rows: &[Row]) {
    println!("| | channel seconds | spans heard | words suppressed | words written |");
    println!("|---|---:|---:|---:|---:|");
    let mut total = Row::default();
    for ((_, name), row) in KINDS.iter().zip(rows) {
        print_row(name, row);
        total.channel_seconds += row.channel_seconds;
        total.spans += row.spans;
        total.suppressed_words += row.suppressed_words;
        total.words += row.words;
    }
    print_row("all", &total);
}

#[expect(clippy::print_stdout, reason = "a command: its output is its answer")]
fn print_row(name: &str, row: &Row) {
    println!(
        "| {name} | {} | {} | {} | {} |",
        row.channel_seconds, row.spans, row.suppressed_words, row.words
    );
}
