//! The fault bench as a command: jobs through worker processes, a broker and a store that fail, and a verdict on what came
//! of them. Exit status 0 when every promise held, 1 when one was broken or the bench failed.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use earwitness_tests::chaos::schedule::Wanted;
use earwitness_tests::chaos::weather::Rates;
use earwitness_tests::soak::{self, Options};

/// Runs jobs under injected faults and checks that none is lost and no effect comes twice.
#[derive(Debug, Parser)]
#[command(
    name = "soak",
    after_help = "\
Examples:
  scripts/soak                                     1,000 jobs with a tenth of the faults, some three minutes
  scripts/soak --jobs 10000 --minutes 60           the long run
  scripts/soak --jobs 200 --seed 7 --json          a seed again, for a program

Faults are in proportion to the jobs: of 10,000, 200 kills of workers, 20 of the broker, 100 cut connections, 10 alarms."
)]
struct Arguments {
    #[arg(long, default_value_t = 1_000)]
    jobs: u64,
    /// The run is given up, and has failed, after this.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Decides what goes wrong and when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Jobs in hand at once, of each worker.
    #[arg(long, default_value_t = 4)]
    slots: usize,
    /// No faults at all, to compare with.
    #[arg(long)]
    calm: bool,
    /// One JSON document in place of the table.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a command: its output is its answer")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let report = soak::run(options(&arguments)).await?;
    if arguments.json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    let held = soak::held(&report.verdict);
    Ok(ExitCode::from(u8::from(!held)))
}

fn options(arguments: &Arguments) -> Options {
    let share = |of_ten_thousand: u64| (arguments.jobs * of_ten_thousand).div_ceil(10_000);
    let (wanted, rates) = if arguments.calm {
        (Wanted::default(), Rates::NONE)
    } else {
        let wanted = Wanted {
            worker_kills: share(200),
            broker_kills: share(20),
            connection_cuts: share(100),
            alarms: share(10),
        };
        (wanted, Rates::PROMISED)
    };
    Options {
        jobs: arguments.jobs,
        limit: Duration::from_secs(arguments.minutes * 60),
        seed: arguments.seed,
        workers: arguments.workers,
        slots: arguments.slots,
        wanted,
        rates,
        talk: true,
    }
}
