//! Damages recordings and puts them through a real engine process. In: how many, and a seed. Out: a table of what became
//! of them. Exits with 1 when one of them broke a promise; `--case` and `--save` give that one back.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use earwitness_tests::media::campaign::{self, Plan};

/// Damaged recordings through a real engine process.
#[derive(Debug, Parser)]
#[command(name = "fuzz-media")]
struct Arguments {
    /// How many recordings.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// The same seed makes the same recordings.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Recordings in the engine at the same time.
    #[arg(long, default_value_t = 4, value_name = "N")]
    at_once: usize,
    /// A folder of recordings to be damaged beside the project's own.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Only this one.
    #[arg(long, value_name = "NUMBER")]
    case: Option<u64>,
    /// Write that one to a file instead of running it.
    #[arg(long, value_name = "FILE", requires = "case")]
    save: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a command: its output is its answer")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let cases = arguments
        .case
        .map_or(0..arguments.count, |number| number..number + 1);
    let plan = Plan {
        seed: arguments.seed,
        cases,
        at_once: arguments.at_once,
        folder: arguments.folder,
    };
    if let (Some(path), Some(number)) = (&arguments.save, arguments.case) {
        let case = campaign::case(&campaign::seeds(&plan)?, plan.seed, number);
        std::fs::write(path, case.bytes).with_context(|| format!("write {}", path.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = campaign::run(&plan).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", report.table());
    }
    Ok(if report.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
