//! Logs: JSON or text lines on stderr. Speech, numbers and names are never logged (see docs/LOGGING.md). Crates of others
//! may print frames, headers and bodies at `debug`, so whatever the filter asks for they are held at `info`, and what prints
//! bodies even there is not heard; and a panic, which may quote the text that it stumbled over, is told by its place alone.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::LogFormat;

/// Crates that keep to docs/LOGGING.md at every level.
const OURS: [&str; 5] = ["earwitness", "job_schema", "pipeline", "analysis", "models"];
/// Prints a message that found no queue, its body too. We tell of it ourselves, without.
const PRINTS_BODIES: &str = "lapin::returned_messages";
/// Some megabytes at the most, for a reader that is slow for a moment.
const LINES_IN_MEMORY: usize = 8_192;

static LOST: OnceLock<ErrorCounter> = OnceLock::new();

/// For a command: lines are written where they arise. `filter` as `RUST_LOG` writes it.
///
/// # Errors
/// When the filter does not parse, or a subscriber is already installed.
pub fn init(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    install(format, filter, std::io::stderr)
}

/// For a worker, which is not to wait for whoever reads its log: lines that nobody takes are dropped and counted. What is
/// still in memory is written when the guard is dropped.
///
/// # Errors
/// As [`init`].
pub fn init_worker(format: LogFormat, filter: &str) -> anyhow::Result<WorkerGuard> {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_IN_MEMORY)
        .thread_name("log")
        .finish(std::io::stderr());
    let lost = writer.error_counter();
    install(format, filter, writer)?;
    LOST.get_or_init(|| lost);
    Ok(guard)
}

/// Lines that nobody took from a worker.
pub fn lost_lines() -> u64 {
    LOST.get().map_or(0, |lost| lost.dropped_lines() as u64)
}

/// Whether a log could be written by `filter`; else why not.
///
/// # Errors
/// When the filter does not parse.
pub fn check_filter(filter: &str) -> Result<(), String> {
    parsed(filter).map(drop)
}

fn parsed(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter).map_err(|e| e.to_string())
}

fn install<W>(format: LogFormat, filter: &str, writer: W) -> anyhow::Result<()>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let asked = parsed(filter).map_err(|e| anyhow::anyhow!("log filter `{filter}`: {e}"))?;
    let everything = OURS.map(|target| (target, LevelFilter::TRACE));
    let ceiling = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(everything)
        .with_target(PRINTS_BODIES, LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(asked);
    // Where stderr is closed there is nobody to complain to either.
    let layer = fmt::layer().with_writer(writer).log_internal_errors(false);
    match format {
        LogFormat::Text => {
            let layer = layer
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false);
            registry.with(layer.with_filter(ceiling)).try_init()?;
        }
        LogFormat::Json => {
            let layer = layer
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false);
            registry.with(layer.with_filter(ceiling)).try_init()?;
        }
    }
    Ok(())
}

/// From here on a panic tells `note` where it was, and nobody what it says: its message may quote a text.
pub fn hush_panics(note: impl Fn(&str) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        note(place.as_deref().unwrap_or("an unknown place"));
    }));
}

/// Into the log where there is one, else as the commands talk.
pub fn note_panic(place: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::error!(place, "panicked");
    } else {
        eprintln!("earwitness: panicked at {place}");
    }
}
