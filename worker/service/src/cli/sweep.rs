//! `earwitness sweep`: purges calls whose retention time is over. Workers do so by themselves; this is for now, or for cron.

use super::common::{Shelf, settings};
use super::{Global, out};
use crate::audit::{AuditLog, Event};
use crate::exit::{self, Exit};
use crate::retention::{SweepError, Swept, due, sweep_one, sweep_time};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness sweep --dry-run
  earwitness sweep --json

Purges as `earwitness purge --call` does, with a tombstone and a receipt each. Exit status 1 when some calls are left. Nothing is purged by a host
whose clock is a quarter of an hour or more from the store's.")]
pub(super) struct SweepArgs {
    /// Name the calls, and leave them.
    #[arg(long)]
    dry_run: bool,
    /// JSON lines: one for each call, and the counts.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: SweepArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let places = shelf.places();
    // Opened first: a deletion that cannot be accounted for is not begun.
    let audit = AuditLog::open(config.audit.file.as_deref(), "sweep")
        .map_err(|e| Exit::new(exit::CONFIG, anyhow::anyhow!("open audit.file: {e}")))?;
    let now = sweep_time(places).await.map_err(refused)?;
    let calls = due(places, now).await;
    let calls = calls.map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    let mut swept = Swept::default();
    for call in calls {
        let target = &call.target;
        let name = target.call.as_ref().map_or("", |call| call.as_str());
        if args.dry_run {
            swept.overdue_count += 1;
            say(&args, target.tenant.as_str(), name, "due");
            continue;
        }
        match sweep_one(places, &call, now).await {
            Ok(Some(receipt)) => {
                swept.purged_count += 1;
                let outcome = receipt.removed_sha256.to_string();
                let event = Event::purged(&receipt.tenant, Some(name.to_owned()), outcome);
                audit.record(event).await.map_err(anyhow::Error::from)?;
                say(&args, target.tenant.as_str(), name, "purged");
            }
            Ok(None) => swept.not_due_count += 1,
            Err(e) => {
                swept.overdue_count += 1;
                eprintln!("{} {name}: {e}", target.tenant);
            }
        }
    }
    if args.json {
        out::line(serde_json::to_string(&swept).map_err(anyhow::Error::from)?);
    } else {
        out::line(format_args!(
            "{} purged, {} not due after all, {} overdue",
            swept.purged_count, swept.not_due_count, swept.overdue_count
        ));
    }
    Ok(if swept.overdue_count > 0 && !args.dry_run {
        exit::SOME_FAILED
    } else {
        exit::OK
    })
}

fn refused(error: SweepError) -> Exit {
    let status = match error {
        SweepError::Store(_) => exit::UNREACHABLE,
        SweepError::Clock { .. } => exit::TRY_LATER,
        SweepError::Manifest { .. } => exit::SOME_FAILED,
    };
    Exit::new(status, error)
}

fn say(args: &SweepArgs, tenant: &str, call: &str, outcome: &str) {
    if args.json {
        out::line(serde_json::json!({ "tenant": tenant, "call": call, "outcome": outcome }));
    } else {
        out::line(format_args!("{tenant} {call}: {outcome}"));
    }
}
