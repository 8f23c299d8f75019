//! `earwitness rescore`: stored transcripts under other rules, here or as jobs. Without `--write` and `--submit` it only says
//! what would change.

mod queue;
mod report;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use job_schema::job::Lane;
use job_schema::{ObjectKey, TenantId};

use super::Global;
use super::common::{Shelf, scoring, settings, time};
use super::out;
use super::promise::PromiseArgs;
use crate::exit::{self, Exit};
use crate::layout;
use crate::rescore::{Archive, Order, Outcome, Write, manifests, rescore, stops_everything};
use crate::store::StoreError;
use report::Report;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml \\
      --from 2026-11-01T00:00:00Z --sample 20 --json
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml --write
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml --write --resume
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml --submit")]
pub(super) struct RescoreArgs {
    /// Whose calls.
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// Only calls whose names begin with this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
    /// Only results completed from this time on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only results completed before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Only the results of these manifests: keys in the results bucket. May be given again.
    #[arg(long, value_name = "KEY", conflicts_with = "prefix")]
    manifest: Vec<ObjectKey>,
    /// The rules to score with.
    #[arg(long, value_name = "FILE", required_unless_present = "scorecard")]
    rules: Option<PathBuf>,
    /// The scorecard to fill in; give the rules that its questions read as well.
    #[arg(long, value_name = "FILE")]
    scorecard: Option<PathBuf>,
    /// Store the new analyses beside the old ones. Without it nothing is written.
    #[arg(long)]
    write: bool,
    /// Go on with a run that broke off: pass over the calls that have their new analysis.
    #[arg(long, requires = "write")]
    resume: bool,
    /// Queue a job for each call, for workers that have the same rule files.
    #[arg(long, conflicts_with_all = ["write", "sample"])]
    submit: bool,
    /// The lane of the jobs.
    #[arg(long, requires = "submit", default_value_t = Lane::Batch)]
    lane: Lane,
    /// Do not run the jobs later than this (RFC 3339).
    #[arg(long, requires = "submit", value_name = "TIME", value_parser = time)]
    not_after: Option<Timestamp>,
    #[command(flatten)]
    promise: PromiseArgs,
    /// Changed calls to show.
    #[arg(long, value_name = "N", default_value_t = 5)]
    sample: usize,
    /// One JSON object on standard output.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: RescoreArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let scoring = scoring(args.rules.as_deref(), args.scorecard.as_deref()).await?;
    let order = Order {
        archive: Archive {
            store: shelf.store.clone(),
            bucket: shelf.results.clone(),
        },
        scoring,
        from: args.from,
        to: args.to,
        write: match (args.write, args.resume) {
            (false, _) => Write::Nothing,
            (true, false) => Write::All,
            (true, true) => Write::Missing,
        },
        // Enough to keep every core busy while others wait for the store.
        at_once: 4 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let mut keys = keys(&args, &shelf)?;
    let mut unlisted = None;
    let listed = stream::poll_fn(|context| match keys.poll_next_unpin(context) {
        std::task::Poll::Ready(Some(Err(error))) => {
            unlisted = Some(error);
            std::task::Poll::Ready(None)
        }
        other => other.map(|key| key.and_then(Result::ok)),
    });
    let failed_count = if args.submit {
        queue::submit_all(&config, &args, &order, listed).await?
    } else {
        let report = score_all(order, listed, args.sample).await?;
        if args.json {
            out::line(serde_json::to_string(&report).context("write JSON")?);
        } else {
            report.print();
        }
        report.failed_count
    };
    if let Some(error) = unlisted {
        return Err(Exit::new(exit::UNREACHABLE, error));
    }
    Ok(if failed_count == 0 {
        exit::OK
    } else {
        exit::SOME_FAILED
    })
}

fn keys(
    args: &RescoreArgs,
    shelf: &Shelf,
) -> Result<BoxStream<'static, Result<ObjectKey, StoreError>>, Exit> {
    if args.manifest.is_empty() {
        let prefix = format!("{}{}", layout::calls(&args.tenant), args.prefix);
        return Ok(manifests(shelf.store.clone(), shelf.results.clone(), prefix).boxed());
    }
    let mut others = args
        .manifest
        .iter()
        .filter(|key| !key.belongs_to(&args.tenant));
    if let Some(other) = others.next() {
        let error = anyhow::anyhow!("manifest {other} is not one of tenant {}", args.tenant);
        return Err(Exit::new(2, error));
    }
    Ok(stream::iter(args.manifest.clone().into_iter().map(Ok)).boxed())
}

fn bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let template = format!("{{spinner}} {{pos}} {what}, {{per_sec}}");
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

async fn score_all(
    order: Order,
    keys: impl futures_util::Stream<Item = ObjectKey>,
    sample: usize,
) -> Result<Report, Exit> {
    let started = Instant::now();
    let mut report = Report::of(&order);
    let bar = bar("transcripts");
    let outcomes = rescore(order, keys);
    let mut outcomes = std::pin::pin!(outcomes);
    while let Some((key, outcome)) = outcomes.next().await {
        bar.inc(1);
        match outcome {
            Outcome::Scored(scored) => report.difference.add(&scored, sample),
            Outcome::PassedOver => report.passed_over_count += 1,
            Outcome::Done => report.done_before_count += 1,
            Outcome::Failed(failure) if stops_everything(&failure) => {
                bar.finish_and_clear();
                return Err(Exit::new(exit::CONFIG, failure));
            }
            Outcome::Failed(failure) => {
                report.failed_count += 1;
                bar.suspend(|| eprintln!("{key}: {failure} ({})", failure.code.remedy()));
            }
        }
    }
    bar.finish_and_clear();
    report.took(started.elapsed());
    Ok(report)
}
