//! Scores stored transcripts again, without their audio. In: manifests of a tenant, and rules or a scorecard. Out: for each call
//! the analysis before and after, and on request the new one stored beside the old. Nothing is overwritten: a new
//! analysis has a key with the versions in it. Fails call by call; a version that changed under its name stops everything.

mod archive;
mod difference;
pub mod jobs;
mod questions;

use std::sync::Arc;

use futures_util::{Stream, StreamExt, TryStreamExt, future};
use jiff::Timestamp;
use job_schema::analysis::Analysis;
use job_schema::job::BucketName;
use job_schema::manifest::Manifest;
use job_schema::{ErrorCode, Failure, ObjectKey};

use crate::layout;
use crate::results::Scoring;
use crate::store::{BlobStore, StoreError, listing};

pub use archive::Archive;
pub(crate) use archive::another_analysis;
pub use difference::{Changed, ChangedRule, Counts, Difference, Mean, Means, RuleCounts};
pub use questions::{ChangedQuestion, QuestionCounts};

/// Which calls, and what becomes of them.
#[derive(Debug, Clone)]
pub struct Order {
    pub archive: Archive,
    pub scoring: Scoring,
    /// Completed from the first on and before the second.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub write: Write,
    /// Calls in memory at once.
    pub at_once: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Nothing,
    /// Every new analysis; one that is there already must be the same.
    All,
    /// The rest of a run that broke off: calls with a new analysis are passed over unread.
    Missing,
}

impl Order {
    /// Whether a result was completed in the time asked for.
    pub fn covers(&self, manifest: &Manifest) -> bool {
        let at = manifest.completed_at;
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

/// One call, scored again.
#[derive(Debug)]
pub struct Rescored {
    pub before: Option<Analysis>,
    pub after: Analysis,
    /// Where the new analysis lies, if it was to be written.
    pub key: Option<ObjectKey>,
}

#[derive(Debug)]
pub enum Outcome {
    Scored(Box<Rescored>),
    /// Outside of the time asked for, deleted, or without a transcript.
    PassedOver,
    /// Scored by an earlier run.
    Done,
    Failed(Failure),
}

/// Manifests under `prefix`, in the order of their keys.
pub fn manifests(
    store: Arc<dyn BlobStore>,
    bucket: BucketName,
    prefix: String,
) -> impl Stream<Item = Result<ObjectKey, StoreError>> {
    let listed = listing(store, bucket, prefix).map_ok(|object| object.key);
    listed.try_filter(|key| future::ready(layout::is_manifest(key)))
}

/// Scores each call; results come in the order of the keys.
pub fn rescore(
    order: Order,
    keys: impl Stream<Item = ObjectKey>,
) -> impl Stream<Item = (ObjectKey, Outcome)> {
    let at_once = order.at_once.max(1);
    let order = Arc::new(order);
    keys.map(move |key| {
        let (order, of) = (Arc::clone(&order), key.clone());
        // A task each, so that waiting for the store and the work around it use all cores.
        let scoring = tokio::spawn(async move { one(&order, &of).await });
        async move {
            let panicked = |_| Err(Failure::new(ErrorCode::Internal, "scoring panicked"));
            let outcome = scoring.await.unwrap_or_else(panicked);
            (key, outcome.unwrap_or_else(Outcome::Failed))
        }
    })
    .buffered(at_once)
}

async fn one(order: &Order, key: &ObjectKey) -> Result<Outcome, Failure> {
    let archive = &order.archive;
    let name = order.scoring.name();
    if order.write == Write::Missing
        && let Some(keys) = layout::rescored(key, &name)
        && archive.has(&keys.analysis).await?
    {
        return Ok(Outcome::Done);
    }
    let manifest = archive.manifest(key).await?;
    if !order.covers(&manifest) || archive.is_deleted(&manifest).await? {
        return Ok(Outcome::PassedOver);
    }
    let Some((mut scored, document)) = archive.score(&manifest, &order.scoring).await? else {
        return Ok(Outcome::PassedOver);
    };
    if order.write == Write::Nothing {
        return Ok(Outcome::Scored(Box::new(scored)));
    }
    let Some(keys) = layout::rescored(key, &name) else {
        return Ok(Outcome::PassedOver);
    };
    archive.store_beside(&keys.analysis, document).await?;
    // A deletion writes its tombstone before it lists what to delete, and we look after we wrote: one side sees the other.
    if archive.is_deleted(&manifest).await? {
        archive.delete(&keys.analysis).await?;
        return Ok(Outcome::PassedOver);
    }
    scored.key = Some(keys.analysis);
    Ok(Outcome::Scored(Box::new(scored)))
}

impl Scoring {
    /// `rules@3`, `card@1`, or both joined by `+`.
    pub fn name(&self) -> String {
        let rules = self
            .rules
            .iter()
            .map(|rules| format!("{}@{}", rules.id(), rules.version()));
        let card = self
            .scorecard
            .iter()
            .map(|card| format!("{}@{}", card.id, card.version));
        rules.chain(card).collect::<Vec<_>>().join("+")
    }
}

/// Whether a failure says something of all calls and not of one.
pub fn stops_everything(failure: &Failure) -> bool {
    failure.code == ErrorCode::BadRules
}
