//! `earwitness purge`: deletes a call, or all of a tenant, for good.

use anyhow::Context;
use jiff::Timestamp;
use job_schema::{CallId, TenantId};

use super::common::{Shelf, audit_log, settings};
use super::{Global, out};
use crate::audit::Event;
use crate::exit::{self, Exit};
use crate::purge::{Target, purge};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness purge --tenant acme --call 2026-11-24-0815
  earwitness purge --tenant acme --yes

Removes results, checkpoints, status and uploads with all their versions; jobs of the call that
are queued or running end as `deleted` and take back what they wrote. Recordings that `submit` did
not upload are not touched. Safe to repeat. The tombstone that is left keeps the call, or the
tenant, from being transcribed again.")]
pub(super) struct PurgeArgs {
    /// The customer account that the call belongs to.
    #[arg(long, value_name = "NAME")]
    tenant: TenantId,
    /// The call; without it the whole tenant, which wants --yes.
    #[arg(long, value_name = "NAME")]
    call: Option<CallId>,
    /// Without --call: yes, the whole tenant.
    #[arg(long)]
    yes: bool,
    /// Print the receipt as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: PurgeArgs) -> Result<u8, Exit> {
    if args.call.is_none() && !args.yes {
        let error = anyhow::anyhow!(
            "this means the whole tenant {}: name a --call, or say --yes",
            args.tenant
        );
        return Err(Exit::new(2, error));
    }
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let places = shelf.places();
    let target = Target {
        tenant: args.tenant,
        call: args.call,
    };
    let audit = audit_log(&config, "purge")?;
    let receipt = purge(places, &target, Timestamp::now())
        .await
        .map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    let call = receipt.call.as_ref().map(ToString::to_string);
    let outcome = receipt.removed_sha256.to_string();
    let event = Event::purged(&receipt.tenant, call, outcome);
    audit.record(event).await.map_err(anyhow::Error::from)?;
    if args.json {
        let line = serde_json::to_string(&receipt).context("write receipt")?;
        out::line(format_args!("{line}"));
        return Ok(exit::OK);
    }
    let removed = receipt.removed;
    out::line(format_args!(
        "removed {} results, {} status objects and {} uploads, {} bytes; receipt {}",
        removed.results_count,
        removed.status_count,
        removed.uploads_count,
        removed.size_bytes,
        receipt.removed_sha256
    ));
    Ok(exit::OK)
}
