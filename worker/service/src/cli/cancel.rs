//! `earwitness cancel`: a job that waits never runs, one that runs stops at its next span and has no result.

use job_schema::status::Status;
use job_schema::{JobId, TenantId};

use super::common::{Shelf, settings};
use super::{Global, out, status};
use crate::cancel;
use crate::exit::{self, Exit};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples, with the id that `submit` printed in $JOB:
  earwitness cancel $JOB --tenant acme
  earwitness cancel $JOB --tenant acme --undo

The job ends with the code `cancelled`, a failed event and a dead letter, as soon as a worker has
it. --undo takes that back for a job that still waits; one that ended may then be replayed with
`earwitness dlq replay --id JOB`.

Exit status 1 when the job has ended already: what it made stays.")]
pub(super) struct CancelArgs {
    /// The id that `submit` printed.
    job: JobId,
    /// The customer account that the job belongs to.
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// Let it run after all.
    #[arg(long)]
    undo: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: CancelArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let (store, results) = (shelf.store.as_ref(), &shelf.results);
    let unreachable = |e| Exit::new(exit::UNREACHABLE, e);
    if args.undo {
        let undone = cancel::undo(store, results, &args.tenant, args.job).await;
        undone.map_err(unreachable)?;
        say(&args, "undone", "the job may run");
        return Ok(exit::OK);
    }
    let known = status::read(&shelf, &args.tenant, args.job).await?;
    if let Some(ended) = known.as_ref().filter(|s| status::has_ended(&s.state)) {
        say(&args, "ended", &status::sentence(&ended.state));
        return Ok(exit::SOME_FAILED);
    }
    let put = cancel::put(store, results, &args.tenant, args.job).await;
    put.map_err(unreachable)?;
    say(&args, "cancelled", &outlook(known.as_ref()));
    Ok(exit::OK)
}

fn outlook(known: Option<&Status>) -> String {
    match known {
        Some(known) => format!(
            "was {}: it comes to nothing as soon as a worker looks",
            status::sentence(&known.state)
        ),
        None => "nothing is known of the job: if it is queued, it will not run".to_owned(),
    }
}

fn say(args: &CancelArgs, outcome: &str, detail: &str) {
    if args.json {
        let line = serde_json::json!({ "job_id": args.job, "outcome": outcome, "detail": detail });
        out::line(line);
    } else {
        out::line(format_args!("{} {outcome}: {detail}", args.job));
    }
}
