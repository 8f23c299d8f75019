//! `earwitness pause` and `resume`: whether workers take jobs from a lane.

use jiff::Timestamp;
use job_schema::job::Lane;

use super::common::{Shelf, settings};
use super::{Global, out};
use crate::config::Config;
use crate::exit::{self, Exit};
use crate::pause::{self, Pause};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness pause batch --reason 'the store is being moved'
  earwitness resume batch

Workers obey within two seconds and after a restart too. Jobs in hand go on; what is submitted
meanwhile waits.")]
pub(super) struct PauseArgs {
    /// interactive, standard or batch.
    lane: Lane,
    /// Shown to whoever asks why.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  earwitness resume batch")]
pub(super) struct ResumeArgs {
    /// interactive, standard or batch.
    lane: Lane,
}

pub(super) async fn pause(global: &Global, args: PauseArgs) -> Result<u8, Exit> {
    let shelf = Shelf::open(&settings(global, &[])?.config).await?;
    let order = Pause {
        lane: args.lane,
        since: Timestamp::now(),
        reason: args.reason,
    };
    pause::pause(shelf.store.as_ref(), &shelf.results, &order)
        .await
        .map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    out::line(format_args!("{} is paused", order.lane));
    Ok(exit::OK)
}

pub(super) async fn resume(global: &Global, args: ResumeArgs) -> Result<u8, Exit> {
    let shelf = Shelf::open(&settings(global, &[])?.config).await?;
    pause::resume(shelf.store.as_ref(), &shelf.results, args.lane)
        .await
        .map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    out::line(format_args!("{} is not paused", args.lane));
    Ok(exit::OK)
}

/// For whoever wonders why a queue does not empty. Without a results bucket in the settings nothing can be paused.
pub(super) async fn say_paused(config: &Config, json: bool) -> Result<(), Exit> {
    if config.store.results_bucket.is_none() {
        return Ok(());
    }
    let shelf = Shelf::open(config).await?;
    let pauses = pause::pauses(shelf.store.as_ref(), &shelf.results)
        .await
        .map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    for pause in pauses {
        if json {
            out::line(serde_json::json!({ "paused": pause }));
        } else {
            out::line(sentence(&pause));
        }
    }
    Ok(())
}

pub(super) fn sentence(pause: &Pause) -> String {
    let reason = pause.reason.as_ref().map(|reason| format!(": {reason}"));
    format!(
        "{} is paused since {}{}",
        pause.lane,
        pause.since,
        reason.unwrap_or_default()
    )
}
