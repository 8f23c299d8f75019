//! `earwitness status`: the status object of a job, once or until the job ends; without a job, the fleet.

use std::time::{Duration, Instant};

use job_schema::status::{State, Status};
use job_schema::{JobId, TenantId};

use super::Global;
use super::common::{Shelf, settings};
use super::{fleet, out};
use crate::cancel;
use crate::exit::{self, Exit};
use crate::status;

const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// A job that was submitted has a status before its id is told, unless the store was away just then: whatever is not known for
/// so long is another tenant's, or none.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples, with the id that `submit` printed in $JOB:
  earwitness status $JOB --tenant acme
  earwitness status $JOB --tenant acme --watch
  earwitness status --watch --interval 5 --json

Without a job: lanes with what waits, how old it is at most, how fast it goes and when it will be
empty; workers with their slots; dead letters. With --json one line each time.

Exit status 1 when the job has failed or was cancelled, 75 when it is not known yet; with --watch,
not for a minute.")]
pub(super) struct StatusArgs {
    /// The id that `submit` printed; without it the fleet is shown.
    #[arg(requires = "tenant")]
    job: Option<JobId>,
    /// The customer account that the job belongs to.
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
    /// One JSON object: the status as it is stored, or each look at the fleet.
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
        let patience = Some(UNKNOWN_PATIENCE);
        return watch(&shelf, &tenant, job, args.json, patience).await;
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
        None => Err(unknown(&tenant, job)),
    }
}

fn unknown(tenant: &TenantId, job: JobId) -> Exit {
    let error = anyhow::anyhow!("no job {job} of tenant {tenant} is known yet");
    Exit::new(exit::TRY_LATER, error)
}

async fn is_cancelled(shelf: &Shelf, tenant: &TenantId, job: JobId) -> Result<bool, Exit> {
    cancel::stands(shelf.store.as_ref(), &shelf.results, tenant, job)
        .await
        .map_err(|e| Exit::new(exit::UNREACHABLE, e))
}

/// Talks on standard error while the job goes on, and prints its last status. A job of which nothing is known is waited for
/// as long as `patience` says, or for ever.
pub(super) async fn watch(
    shelf: &Shelf,
    tenant: &TenantId,
    job: JobId,
    json: bool,
    patience: Option<Duration>,
) -> Result<u8, Exit> {
    let bar = indicatif::ProgressBar::new_spinner();
    let began = Instant::now();
    let (mut was_known, mut was_told) = (false, false);
    loop {
        match read(shelf, tenant, job).await? {
            Some(status) if has_ended(&status.state) => {
                bar.finish_and_clear();
                print(&status, json)?;
                return Ok(verdict(&status));
            }
            Some(status) => {
                was_known = true;
                bar.set_message(sentence(&status.state));
            }
            None if !was_known && patience.is_some_and(|limit| began.elapsed() >= limit) => {
                bar.finish_and_clear();
                return Err(unknown(tenant, job));
            }
            None if !was_known && !was_told => {
                was_told = true;
                bar.suspend(|| eprintln!("job {job} of tenant {tenant} is not known yet"));
            }
            None => {}
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
        State::Failed { failure, .. } => {
            format!("failed: {} ({})", failure.placed(), failure.code.remedy())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::dir::DirStore;

    #[tokio::test]
    async fn a_job_that_stays_unknown_is_not_watched_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf {
            store: Arc::new(DirStore::new(dir.path())),
            recordings: "recordings".parse().unwrap(),
            results: "results".parse().unwrap(),
        };
        let (tenant, job) = ("acme".parse().unwrap(), JobId::generate());
        let watched = watch(&shelf, &tenant, job, false, Some(Duration::ZERO)).await;
        assert_eq!(watched.unwrap_err().status, exit::TRY_LATER);
    }
}
