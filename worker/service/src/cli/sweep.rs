//! `earwitness sweep`: purges calls whose retention time is over. Workers do so by themselves; this is for now, or for cron.

use super::common::{Shelf, audit_log, settings};
use super::{Global, out};
use crate::audit::{AuditLog, Event};
use crate::exit::{self, Exit};
use crate::purge::Target;
use crate::retention::{Due, Sweep, SweepError, Swept, due, sweep_time};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness sweep --dry-run
  earwitness sweep --json

Purges as `earwitness purge --call` does, with a tombstone and a receipt each. Exit status 1 when
some calls are left. Nothing is purged by a host whose clock is a quarter of an hour or more from
the store's.")]
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
    let audit = audit_log(&config, "sweep")?;
    let now = sweep_time(places).await.map_err(refused)?;
    let calls = due(places, now).await;
    let calls = calls.map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    let swept = match args.dry_run {
        true => name(&args, &calls),
        false => sweep(&args, Sweep::new(places, calls, now), &audit).await?,
    };
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

fn name(args: &SweepArgs, calls: &[Due]) -> Swept {
    let mut swept = Swept::default();
    for due in calls {
        swept.overdue_count += 1;
        say(args, &due.target, "due");
    }
    swept
}

async fn sweep(args: &SweepArgs, mut calls: Sweep<'_>, audit: &AuditLog) -> Result<Swept, Exit> {
    let mut swept = Swept::default();
    while let Some((due, outcome)) = calls.next().await {
        match outcome {
            Ok(Some(receipt)) => {
                swept.purged_count += 1;
                let call = receipt.call.as_ref().map(ToString::to_string);
                let outcome = receipt.removed_sha256.to_string();
                let event = Event::purged(&receipt.tenant, call, outcome);
                audit.record(event).await.map_err(anyhow::Error::from)?;
                say(args, &due.target, "purged");
            }
            Ok(None) => swept.not_due_count += 1,
            Err(e) => {
                swept.overdue_count += 1;
                eprintln!("{} {}: {e}", due.target.tenant, call_of(&due.target));
            }
        }
    }
    Ok(swept)
}

fn call_of(target: &Target) -> &str {
    target.call.as_ref().map_or("", |call| call.as_str())
}

fn refused(error: SweepError) -> Exit {
    let status = match error {
        SweepError::Store(_) => exit::UNREACHABLE,
        SweepError::Clock { .. } => exit::TRY_LATER,
        SweepError::Manifest { .. } => exit::SOME_FAILED,
    };
    Exit::new(status, error)
}

fn say(args: &SweepArgs, target: &Target, outcome: &str) {
    let (tenant, call) = (&target.tenant, call_of(target));
    if args.json {
        out::line(serde_json::json!({ "tenant": tenant, "call": call, "outcome": outcome }));
    } else {
        out::line(format_args!("{tenant} {call}: {outcome}"));
    }
}
