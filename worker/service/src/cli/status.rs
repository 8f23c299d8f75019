//! `earwitness status`: the status object of a job, once or until the job ends; without a job, the fleet.

use std::time::Duration;

use job_schema::status::{State, Status};
use job_schema::{JobId, TenantId};

use super::Global;
use super::common::{Shelf, settings};
use super::{fleet, out};
use crate::cancel;
use crate::exit::{self, Exit};
use crate::status;

const WATCH_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness status 01930000-0000-7000-8000-000000000001 --tenant acme
  earwitness status 01930000-0000-7000-8000-000000000001 --tenant acme --watch
  earwitness status --watch --interval 5 --json

Without a job: lanes with what waits, how old it is at most, how fast it goes and when it will be empty; workers with
their slots; dead letters. With --json one line each time.

Exit status 1 when the job has failed or was cancelled, 75 when it is not known yet.")]
pub(super) struct StatusArgs {
    /// The id that `submit` printed; without it the fleet is shown.
    #[arg(requires = "tenant")]
    job: Option<JobId>,
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: Option<TenantId>,
    /// Go on until the job has ended; of the fleet, until interrupted.
    #[arg(long)]
    watch: bool,
    /// Seconds between two looks at the fleet.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    interval: u16,
    /// Stop after so many looks at the fleet.
    #[arg(long, value_name = "N", requires = "watch", conflicts_with = "job")]
    ticks: Option<u32>,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: StatusArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let (Some(job), Some(tenant)) = (args.job, args.tenant) else {
        let ticks = if args.watch { args.ticks } else { Some(1) };
        let interval = Duration::from_secs(args.interval.into());
        return fleet::run(&config, ticks, interval, args.json).await;
    };
    let shelf = Shelf::open(&config).await?;
    if args.watch {
        return watch(&shelf, &tenant, job, args.json).await;
    }
    match read(&shelf, &tenant, job).await? {
        Some(status) => {
            print(&status, args.json)?;
            if !args.json && !has_ended(&status.state) && is_cancelled(&shelf, &tenant, job).await?
            {
                out::line("to be cancelled: it comes to nothing as soon as a worker has it");
            }
            Ok(verdict(&status))
        }
        None => {
            let error = anyhow::anyhow!("no job {job} of tenant {tenant}");
            Err(Exit::new(exit::TRY_LATER, error))
        }
    }
}

async fn is_cancelled(shelf: &Shelf, tenant: &TenantId, job: JobId) -> Result<bool, Exit> {
    cancel::stands(shelf.store.as_ref(), &shelf.results, tenant, job)
        .await
        .map_err(|e| Exit::new(exit::UNREACHABLE, e))
}

/// Talks on standard error while the job goes on, and prints its last status.
pub(super) async fn watch(
    shelf: &Shelf,
    tenant: &TenantId,
    job: JobId,
    json: bool,
) -> Result<u8, Exit> {
    let bar = indicatif::ProgressBar::new_spinner();
    loop {
        if let Some(status) = read(shelf, tenant, job).await? {
            if has_ended(&status.state) {
                bar.finish_and_clear();
                print(&status, json)?;
                return Ok(verdict(&status));
            }
            bar.set_message(sentence(&status.state));
        }
        bar.tick();
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}

pub(super) async fn read(
    shelf: &Shelf,
    tenant: &TenantId,
    job: JobId,
) -> Result<Option<Status>, Exit> {
    let read = status::read(shelf.store.as_ref(), &shelf.results, tenant, job).await;
    let found = read.map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    Ok(found.transpose().map_err(anyhow::Error::from)?)
}

pub(super) fn has_ended(state: &State) -> bool {
    matches!(
        state,
        State::Completed { .. } | State::Failed { .. } | State::Cancelled
    )
}

fn verdict(status: &Status) -> u8 {
    if matches!(status.state, State::Failed { .. } | State::Cancelled) {
        exit::SOME_FAILED
    } else {
        exit::OK
    }
}

fn print(status: &Status, json: bool) -> Result<(), Exit> {
    if json {
        out::line(format_args!(
            "{}",
            serde_json::to_string(status).map_err(anyhow::Error::from)?
        ));
    } else {
        out::line(format_args!(
            "{} {}: {}",
            status.job_id,
            status.call,
            sentence(&status.state)
        ));
    }
    Ok(())
}

pub(super) fn sentence(state: &State) -> String {
    match state {
        State::Queued => "queued".into(),
        State::Running {
            worker,
            progress: None,
        } => format!("running on {worker}"),
        State::Running {
            worker,
            progress: Some(progress),
        } => {
            let done = Duration::from_millis(progress.finished_ms).as_secs();
            match progress.total_ms {
                Some(total) => format!(
                    "running on {worker}: {done} of {} s",
                    Duration::from_millis(total).as_secs()
                ),
                None => format!("running on {worker}: {done} s"),
            }
        }
        State::Retrying {
            failure, delay_ms, ..
        } => {
            format!(
                "{}: next try within {} s",
                failure.code,
                Duration::from_millis(*delay_ms).as_secs()
            )
        }
        State::HandedOver { spans_count } => format!("handed over with {spans_count} spans done"),
        State::Completed {
            summary,
            processing,
            ..
        } => format!(
            "completed: {} words in {} s of audio, real-time factor {:.3}",
            summary.words_count,
            Duration::from_millis(summary.duration_ms).as_secs(),
            processing.real_time_factor.unwrap_or(0.0)
        ),
        State::Cancelled => "cancelled: there is no result".into(),
        State::Failed { failure, .. } => format!("failed: {failure} ({})", failure.code.remedy()),
    }
}
