//! `earwitness rescore`: stored transcripts under other rules. Without `--write` it only says what would change.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use job_schema::{ObjectKey, TenantId};
use serde::Serialize;

use super::Global;
use super::common::{Shelf, scoring, settings};
use super::out;
use crate::exit::{self, Exit};
use crate::layout;
use crate::rescore::{Difference, Order, Outcome, manifests, rescore, stops_everything};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml --from 2026-11-01T00:00:00Z --sample 20 --json
  earwitness rescore --tenant acme --rules rules/call-quality@2.toml --write")]
pub(super) struct RescoreArgs {
    /// Whose calls.
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// Only calls whose names begin with this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
    /// Only results completed from this time on (RFC 3339).
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only results completed before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
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
    /// Changed calls to show.
    #[arg(long, value_name = "N", default_value_t = 5)]
    sample: usize,
    /// One JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    scored_with: String,
    written: bool,
    #[serde(flatten)]
    difference: Difference,
    passed_over_count: u64,
    failed_count: u64,
    seconds: f64,
    transcripts_per_second: f64,
}

pub(super) async fn run(global: &Global, args: RescoreArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let scoring = scoring(args.rules.as_deref(), args.scorecard.as_deref()).await?;
    let scored_with = scoring.name();
    let order = Order {
        store: shelf.store.clone(),
        bucket: shelf.results.clone(),
        scoring,
        from: args.from,
        to: args.to,
        write: args.write,
        // Enough to keep every core busy while others wait for the store.
        at_once: 4 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let mut keys = if args.manifest.is_empty() {
        let prefix = format!("{}{}", layout::calls(&args.tenant), args.prefix);
        manifests(shelf.store, shelf.results, prefix).boxed()
    } else {
        if let Some(other) = args
            .manifest
            .iter()
            .find(|key| !key.belongs_to(&args.tenant))
        {
            let error = anyhow::anyhow!("manifest {other} is not one of tenant {}", args.tenant);
            return Err(Exit::new(2, error));
        }
        stream::iter(args.manifest.into_iter().map(Ok)).boxed()
    };
    let mut unlisted = None;
    let listed = stream::poll_fn(|context| match keys.poll_next_unpin(context) {
        std::task::Poll::Ready(Some(Err(error))) => {
            unlisted = Some(error);
            std::task::Poll::Ready(None)
        }
        other => other.map(|key| key.and_then(Result::ok)),
    });
    let report = score_all(order, listed, args.sample, scored_with).await?;
    if let Some(error) = unlisted {
        return Err(Exit::new(exit::UNREACHABLE, error));
    }
    if args.json {
        out::line(serde_json::to_string(&report).context("write JSON")?);
    } else {
        print(&report);
    }
    Ok(if report.failed_count == 0 {
        exit::OK
    } else {
        exit::SOME_FAILED
    })
}

async fn score_all(
    order: Order,
    keys: impl futures_util::Stream<Item = ObjectKey>,
    sample: usize,
    scored_with: String,
) -> Result<Report, Exit> {
    let started = Instant::now();
    let written = order.write;
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} transcripts, {per_sec}") {
        bar.set_style(style);
    }
    let mut difference = Difference::default();
    let (mut passed_over_count, mut failed_count) = (0, 0);
    let outcomes = rescore(order, keys);
    let mut outcomes = std::pin::pin!(outcomes);
    while let Some((key, outcome)) = outcomes.next().await {
        bar.inc(1);
        match outcome {
            Outcome::Scored(scored) => difference.add(&scored, sample),
            Outcome::PassedOver => passed_over_count += 1,
            Outcome::Failed(failure) if stops_everything(&failure) => {
                bar.finish_and_clear();
                return Err(Exit::new(exit::CONFIG, failure));
            }
            Outcome::Failed(failure) => {
                failed_count += 1;
                bar.suspend(|| eprintln!("{key}: {failure} ({})", failure.code.remedy()));
            }
        }
    }
    bar.finish_and_clear();
    let seconds = started
        .elapsed()
        .max(Duration::from_millis(1))
        .as_secs_f64();
    let calls = f64::from(u32::try_from(difference.calls_count).unwrap_or(u32::MAX));
    Ok(Report {
        scored_with,
        written,
        difference,
        passed_over_count,
        failed_count,
        seconds,
        transcripts_per_second: calls / seconds,
    })
}

fn print(report: &Report) {
    let difference = &report.difference;
    let mean = |mean: crate::rescore::Mean| match mean.count {
        0 => "-".to_owned(),
        _ => format!("{:.1}", mean.mean),
    };
    out::line(format_args!(
        "{}: {} calls in {:.1} s ({:.0} a second), {} changed, {} passed over, {} failed{}",
        report.scored_with,
        difference.calls_count,
        report.seconds,
        report.transcripts_per_second,
        difference.changed_count,
        report.passed_over_count,
        report.failed_count,
        if report.written {
            ""
        } else {
            "; nothing was written (--write)"
        }
    ));
    let (points, percent) = (difference.points, difference.scorecard_percent);
    out::line(format_args!(
        "points     {} -> {}",
        mean(points.before),
        mean(points.after)
    ));
    out::line(format_args!(
        "scorecard  {} -> {}",
        mean(percent.before),
        mean(percent.after)
    ));
    for (name, counts) in difference
        .rules
        .iter()
        .filter(|(_, counts)| counts.changed_count > 0)
    {
        let show = |counts: crate::rescore::Counts| {
            format!(
                "{} yes {} no {} unclear",
                counts.r#true, counts.r#false, counts.inconclusive
            )
        };
        out::line(format_args!(
            "  {name:24} {} -> {} ({} changed)",
            show(counts.before),
            show(counts.after),
            counts.changed_count
        ));
    }
    for call in &difference.sample {
        out::line(format_args!(
            "{}: {:?} -> {:?} points",
            call.call, call.points_before, call.points_after
        ));
        for rule in &call.rules {
            let places: Vec<String> = rule
                .evidence
                .iter()
                .map(|span| format!("{}-{} ms", span.start_ms, span.end_ms))
                .collect();
            out::line(format_args!(
                "  {:24} {:?} -> {:?} {}",
                rule.rule,
                rule.before,
                rule.after,
                places.join(", ")
            ));
        }
    }
}
