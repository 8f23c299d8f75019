//! `earwitness rescore --submit`: a job for each stored result. In: keys of manifests. Out: jobs in their lane, each confirmed,
//! and a count. Sent twice, a job is the same job. A manifest that cannot be read fails alone.

use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use job_schema::ObjectKey;
use job_schema::job::Lane;
use serde::Serialize;

use super::super::out;
use super::super::promise::end;
use super::{RescoreArgs, bar};
use crate::broker::{Broker, Publisher};
use crate::config::Config;
use crate::exit::Exit;
use crate::rescore::{Order, jobs};
use crate::signing::KeyRing;
use crate::submit::{SubmitError, queue};
use crate::topology::Topology;

#[derive(Debug, Default, Serialize)]
struct Queued {
    scored_with: String,
    lane: Lane,
    submitted_count: u64,
    passed_over_count: u64,
    failed_count: u64,
}

/// What a job is made of, beside the result.
struct Sender<'a> {
    args: &'a RescoreArgs,
    order: &'a Order,
    publisher: Publisher,
    ring: KeyRing,
    not_after: Option<Timestamp>,
}

/// Returns how many results could not be read.
pub(super) async fn submit_all(
    config: &Config,
    args: &RescoreArgs,
    order: &Order,
    keys: impl Stream<Item = ObjectKey>,
) -> Result<u64, Exit> {
    let ring = args.promise.ring(config)?;
    let topology = Topology::from(config);
    let broker = Broker::connect(&config.broker, topology, "earwitness rescore").await?;
    let sender = Sender {
        args,
        order,
        publisher: broker.publisher().await?,
        not_after: end(config, &ring, args.not_after),
        ring,
    };
    let mut queued = Queued {
        scored_with: order.scoring.name(),
        lane: args.lane,
        ..Queued::default()
    };
    let bar = bar("jobs");
    let sent = keys.map(|key| sender.send(key)).buffered(order.at_once);
    let mut sent = std::pin::pin!(sent);
    while let Some((key, outcome)) = sent.next().await {
        bar.inc(1);
        match outcome {
            Ok(true) => queued.submitted_count += 1,
            Ok(false) => queued.passed_over_count += 1,
            Err(SubmitError::Broker(error)) => return Err(error.into()),
            Err(SubmitError::Refused(failure)) => {
                queued.failed_count += 1;
                bar.suspend(|| eprintln!("{key}: {failure} ({})", failure.code.remedy()));
            }
        }
    }
    bar.finish_and_clear();
    if args.json {
        out::line(serde_json::to_string(&queued).map_err(anyhow::Error::from)?);
    } else {
        out::line(format_args!(
            "{}: {} jobs queued on {}, {} passed over, {} failed",
            queued.scored_with,
            queued.submitted_count,
            queued.lane,
            queued.passed_over_count,
            queued.failed_count
        ));
    }
    Ok(queued.failed_count)
}

impl Sender<'_> {
    async fn send(&self, key: ObjectKey) -> (ObjectKey, Result<bool, SubmitError>) {
        let sent = self.send_one(&key).await;
        (key, sent)
    }

    /// `false` for what is outside of the time asked for or deleted.
    async fn send_one(&self, key: &ObjectKey) -> Result<bool, SubmitError> {
        let archive = &self.order.archive;
        let manifest = archive.manifest(key).await?;
        if !self.order.covers(&manifest) || archive.is_deleted(&manifest).await? {
            return Ok(false);
        }
        let scoring = &self.order.scoring;
        let mut job = jobs::job(key, &manifest, scoring, self.args.lane, self.not_after);
        let (store, bucket) = (archive.store.as_ref(), &archive.bucket);
        let promise = self.args.promise.promise();
        queue(
            store,
            bucket,
            &self.publisher,
            &self.ring,
            &mut job,
            promise,
        )
        .await?;
        Ok(true)
    }
}
