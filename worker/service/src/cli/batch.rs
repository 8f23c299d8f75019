//! `earwitness batch`: an archive transcribed again. The plan and its progress stand in one file, which `run` goes on with.

mod plan;
mod print;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Global;
use super::common::{Shelf, settings};
use crate::batch::run::{RunError, Settings, run as run_batch};
use crate::batch::{Book, BookError};
use crate::broker::Broker;
use crate::exit::{self, Exit};
use crate::signing;
use crate::topology::Topology;

/// Progress is told this often.
const TELL_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct BatchArgs {
    #[command(subcommand)]
    command: BatchCommand,
}

#[derive(Debug, clap::Subcommand)]
enum BatchCommand {
    /// Make a batch file from a list of recordings, and say what it will take. Nothing is published.
    #[command(after_help = plan::HELP)]
    Plan(Box<plan::PlanArgs>),
    /// Publish what has no result yet to the batch lane, and count until all have ended. Safe to kill: run it again.
    #[command(after_help = RUN_HELP)]
    Run(RunArgs),
    /// The same as `run`, which always goes on where it stopped.
    #[command(after_help = RUN_HELP)]
    Resume(RunArgs),
    /// Counts of a batch, also while it runs.
    #[command(after_help = "Example:\n  earwitness batch status acme.batch --json")]
    Status(LookArgs),
    /// Failures by reason, with what to do and the command to replay them, where that can help.
    #[command(after_help = "Example:\n  earwitness batch report acme.batch")]
    Report(LookArgs),
}

const RUN_HELP: &str = "\
Examples:
  earwitness batch run acme.batch
  earwitness batch run acme.batch --rate 5 --in-flight 50

What failed before it was published is tried again; what failed later is looked at again, so run
it once more after a replay of dead letters. Exit status 1 when some items failed.";

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// The file that `plan` made.
    #[arg(value_name = "FILE")]
    book: PathBuf,
    /// Publish at most so many jobs a second.
    #[arg(long, value_name = "N", default_value_t = 50.0, value_parser = positive)]
    rate: f64,
    /// At most so many jobs published and not ended.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    in_flight: u32,
    /// Progress and result as JSON lines.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct LookArgs {
    /// The file that `plan` made.
    #[arg(value_name = "FILE")]
    book: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: BatchArgs) -> Result<u8, Exit> {
    match args.command {
        BatchCommand::Plan(args) => plan::run(global, *args).await,
        BatchCommand::Run(args) | BatchCommand::Resume(args) => go_on(global, args).await,
        BatchCommand::Status(args) => {
            let book = Book::look(&args.book).map_err(unusable(&args.book))?;
            print::counts(book.counts(), args.json)?;
            Ok(exit::OK)
        }
        BatchCommand::Report(args) => {
            let book = Book::look(&args.book).map_err(unusable(&args.book))?;
            print::report(&book, &args.book, args.json)?;
            Ok(exit::OK)
        }
    }
}

async fn go_on(global: &Global, args: RunArgs) -> Result<u8, Exit> {
    let unusable = unusable(&args.book);
    let mut book = Book::open(&args.book).map_err(&unusable)?;
    let config = settings(global, &[])?.config;
    Broker::check_settings(&config.broker)?;
    let shelf = Shelf::open(&config).await?;
    let settings = Settings {
        store: shelf.store,
        results: shelf.results,
        topology: Topology::from(&config),
        broker: config.broker,
        ring: signing::keys(&config.security).map_err(|e| Exit::new(exit::CONFIG, e))?,
        signature_lifetime: config.security.signature_lifetime,
        in_flight: usize::try_from(args.in_flight).unwrap_or(usize::MAX),
        rate: args.rate,
    };
    let mut told: Option<Instant> = None;
    let mut tell = |book: &Book, outage: Option<&str>| {
        if told.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        told = Some(Instant::now());
        if let Some(outage) = outage {
            eprintln!("waiting: {outage}");
        }
        print::progress(book.counts(), args.json);
    };
    let ran = run_batch(&settings, &mut book, &mut tell).await;
    ran.map_err(|e| match e {
        RunError::Book(e) => unusable(e),
        RunError::Unsigned => Exit::new(exit::CONFIG, e),
    })?;
    let counts = book.counts();
    print::counts(counts, args.json)?;
    Ok(if counts.failed + counts.refused > 0 {
        exit::SOME_FAILED
    } else {
        exit::OK
    })
}

fn unusable(path: &Path) -> impl Fn(BookError) -> Exit {
    move |error| {
        let status = match error {
            BookError::Busy => exit::TRY_LATER,
            BookError::File { .. }
            | BookError::Exists
            | BookError::Line(_)
            | BookError::Unfinished => exit::SOME_FAILED,
        };
        let error = anyhow::Error::from(error).context(path.display().to_string());
        Exit::new(status, error)
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() && number > 0.0 {
        Ok(number)
    } else {
        Err("must be above 0".to_owned())
    }
}
