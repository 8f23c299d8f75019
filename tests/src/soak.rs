//! Many jobs under many faults, and whether the promises held. In: [`Options`] with a seed. Out: a [`Verdict`], from the
//! pure [`checker`], over what was sent, stored, told and recorded. Real worker processes with a scripted recogniser, a
//! RabbitMQ node that is killed, and an S3 API behind a proxy that answers wrongly. Fails when the bench itself does.

pub mod bench;
pub mod checker;
mod consumer;
mod nemesis;
mod producer;
mod records;
pub mod report;
mod survey;

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::chaos::schedule::{Wanted, schedule};
use crate::chaos::weather::Rates;
use crate::signals::until;
use bench::Bench;
use checker::{History, Verdict, check};
use consumer::Consumer;
use producer::Producer;
use report::Report;

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub jobs: u64,
    /// The run is given up after this.
    pub limit: Duration,
    pub seed: u64,
    pub workers: usize,
    pub slots: usize,
    pub wanted: Wanted,
    pub rates: Rates,
    /// Say how far it is, on standard error.
    pub talk: bool,
}

const PROGRESS_EVERY: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs the jobs through the faults and checks what came of it.
///
/// # Errors
/// A server cannot be started, or the jobs are not finished in time. A broken promise is none: it is in the report.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    let started = Instant::now();
    let mut bench = Bench::start(&options).await?;
    let producer = Producer::start(&bench, &options).await?;
    let consumer = Consumer::start(&bench);
    let plan = schedule(options.seed, options.jobs, options.workers, options.wanted);
    let mut plan = plan.into_iter().peekable();
    let mut losses = Vec::new();
    let mut said = Instant::now();
    loop {
        let finished = consumer.finished_count();
        producer.has_finished(finished);
        while let Some(due) = plan.next_if(|planned| planned.after_jobs <= finished) {
            losses.extend(nemesis::strike(&mut bench, due.fault).await?);
        }
        bench.all_run()?;
        if finished >= options.jobs {
            break;
        }
        if options.talk && said.elapsed() >= PROGRESS_EVERY {
            said = Instant::now();
            eprintln!(
                "{:>5} s: {finished} of {} jobs, {} faults to go",
                started.elapsed().as_secs(),
                options.jobs,
                plan.len()
            );
        }
        anyhow::ensure!(
            started.elapsed() < options.limit,
            "{finished} of {} jobs after {} s: given up ({} kept)",
            options.jobs,
            options.limit.as_secs(),
            bench.keep().display()
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bench.settle_down().await?;
    let wall = started.elapsed();
    bench.had_its_weather(options.rates)?;
    let history = history(&mut bench, producer, consumer, losses).await?;
    let verdict = check(&history);
    let kept = (!verdict.violations().is_empty()).then(|| bench.keep());
    Ok(Report::new(&options, &bench, wall, verdict, kept))
}

async fn history(
    bench: &mut Bench,
    producer: Producer,
    consumer: Consumer,
    losses: Vec<checker::Loss>,
) -> anyhow::Result<History> {
    bench.stop_workers().await?;
    let events_queue = bench.topology().events_queue();
    until("the last events to be read", async || {
        let depths = bench.depths().await?;
        let left = depths
            .iter()
            .any(|(name, count)| *name == events_queue && *count > 0);
        Ok((!left).then_some(()))
    })
    .await?;
    let (jobs, resends_count) = producer.finish().await.context("the producer")?;
    let (events, foreign_count) = consumer.finish().await;
    let (results, orphans_count) = survey::results(&bench.results_dir())?;
    let records = records::read(bench.dir())?;
    let mut left_over = bench.left_over().await?;
    left_over.push((
        "the events queue that is no event".to_owned(),
        foreign_count,
    ));
    left_over.push(("the store without a manifest".to_owned(), orphans_count));
    left_over.retain(|(_, count)| *count > 0);
    Ok(History {
        jobs,
        resends_count,
        results,
        events,
        left_over,
        runs: records.runs,
        retries_count: records.retries_count,
        losses,
    })
}

/// Whether a run kept what was promised.
pub fn held(verdict: &Verdict) -> bool {
    verdict.violations().is_empty()
}
