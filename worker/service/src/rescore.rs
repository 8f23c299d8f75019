//! Scores stored transcripts again, without their audio. In: manifests of a tenant, and rules or a scorecard. Out: for each call
//! the analysis before and after, and on request the new one stored beside the old. Nothing is overwritten: a new
//! analysis has a key with the versions in it. Fails call by call; a version that changed under its name stops everything.

mod difference;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;
use job_schema::analysis::Analysis;
use job_schema::job::BucketName;
use job_schema::manifest::{Manifest, StoredObject};
use job_schema::transcript::Transcript;
use job_schema::{ErrorCode, Failure, ObjectKey};

use crate::layout;
use crate::results::{Object, Scoring};
use crate::spec::sha256;
use crate::store::{BlobStore, Location, PutMode, PutOutcome, StoreError};

pub use difference::{Changed, ChangedRule, Counts, Difference, Mean, Means, RuleCounts};

const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// A 4 h call with both legs talking all the time stays below.
const MAX_TRANSCRIPT_BYTES: u64 = 256 << 20;
const PAGE_KEYS: u16 = 1_000;

/// Which calls, and what becomes of them.
#[derive(Debug, Clone)]
pub struct Order {
    pub store: Arc<dyn BlobStore>,
    pub bucket: BucketName,
    pub scoring: Scoring,
    /// Completed from the first on and before the second.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub write: bool,
    /// Calls in memory at once.
    pub at_once: usize,
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
    Failed(Failure),
}

/// Manifests under `prefix`, in the order of their keys.
pub fn manifests(
    store: Arc<dyn BlobStore>,
    bucket: BucketName,
    prefix: String,
) -> impl Stream<Item = Result<ObjectKey, StoreError>> {
    let pages = stream::unfold(Some(None), move |after: Option<Option<String>>| {
        let (store, bucket, prefix) = (Arc::clone(&store), bucket.clone(), prefix.clone());
        async move {
            let page = match store
                .list(&bucket, &prefix, after?.as_deref(), PAGE_KEYS)
                .await
            {
                Ok(page) => page,
                Err(error) => return Some((vec![Err(error)], None)),
            };
            let keys = page.objects.into_iter().map(|object| object.key);
            let manifests = keys
                .filter(|key| key.as_str().ends_with("/manifest.json"))
                .map(Ok);
            Some((manifests.collect(), page.next_after.map(Some)))
        }
    });
    pages.flat_map(stream::iter)
}

/// Scores each call; results come in the order of the keys.
pub fn rescore(
    order: Order,
    keys: impl Stream<Item = ObjectKey>,
) -> impl Stream<Item = (ObjectKey, Outcome)> {
    let at_once = order.at_once.max(1);
    let order = Arc::new(order);
    keys.map(move |key| {
        let order = Arc::clone(&order);
        async move {
            let outcome = one(&order, &key).await.unwrap_or_else(Outcome::Failed);
            (key, outcome)
        }
    })
    .buffered(at_once)
}

async fn one(order: &Arc<Order>, key: &ObjectKey) -> Result<Outcome, Failure> {
    let raw = order.get(key, MAX_MANIFEST_BYTES).await?;
    let manifest: Manifest = serde_json::from_slice(&raw).map_err(|_| unreadable("manifest"))?;
    let at = manifest.completed_at;
    let early = order.from.is_some_and(|from| at < from);
    if early || order.to.is_some_and(|to| at >= to) {
        return Ok(Outcome::PassedOver);
    }
    let object = |name: &str| manifest.objects.iter().find(|object| object.name == name);
    let Some(transcript) = object("transcript.json") else {
        return Ok(Outcome::PassedOver);
    };
    if order.is_deleted(&manifest).await? {
        return Ok(Outcome::PassedOver);
    }
    let words = order.checked(transcript).await?;
    let before = match object("analysis.json") {
        Some(analysis) => Some(order.checked(analysis).await?),
        None => None,
    };
    let (worker, digest) = (Arc::clone(order), transcript.sha256.clone());
    let scored = on_a_core(move || -> Result<Rescored, Failure> {
        let transcript: Transcript =
            serde_json::from_slice(&words).map_err(|_| unreadable("transcript"))?;
        let before = before.map(|bytes| serde_json::from_slice::<Analysis>(&bytes));
        let before = before.transpose().map_err(|_| unreadable("analysis"))?;
        same_versions(&worker.scoring, before.as_ref())?;
        let after = worker.scoring.analyse(&transcript, &digest);
        Ok(Rescored {
            before,
            after,
            key: None,
        })
    });
    let mut scored = scored.await??;
    if order.write {
        scored.key = order.store_beside(key, &manifest, &scored.after).await?;
    }
    Ok(Outcome::Scored(Box::new(scored)))
}

fn unreadable(what: &str) -> Failure {
    Failure::new(
        ErrorCode::Internal,
        format!("the stored {what} does not parse"),
    )
}

/// The cores belong to rayon's pool; async threads only wait for the store.
async fn on_a_core<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    rayon::spawn(move || {
        // Nobody waits any more when the command was stopped.
        let _ = sender.send(work());
    });
    receiver
        .await
        .map_err(|_| Failure::new(ErrorCode::Internal, "scoring panicked"))
}

/// A rule set or form that was used never changes under the same version.
fn same_versions(scoring: &Scoring, before: Option<&Analysis>) -> Result<(), Failure> {
    let changed = |what: &str, id: &str, version: std::num::NonZeroU32| {
        let detail = format!(
            "{what} {id}@{version} is not the one that stored analyses used: give it a new version"
        );
        Err(Failure::new(ErrorCode::BadRules, detail))
    };
    let (score, card) = (
        before.and_then(|b| b.score.as_ref()),
        before.and_then(|b| b.scorecard.as_ref()),
    );
    if let (Some(rules), Some(used)) = (&scoring.rules, score)
        && (rules.id(), rules.version()) == (&used.rule_set, used.version)
        && *rules.sha256() != used.rules_sha256
    {
        return changed("rule set", rules.id().as_str(), rules.version());
    }
    if let (Some(form), Some(used)) = (&scoring.scorecard, card)
        && (&form.id, form.version) == (&used.scorecard, used.version)
        && form.sha256 != used.scorecard_sha256
    {
        return changed("scorecard", form.id.as_str(), form.version);
    }
    Ok(())
}

impl Order {
    async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<Bytes, Failure> {
        let at = Location::new(self.bucket.clone(), key.clone());
        self.store
            .get(&at, max_bytes)
            .await
            .map_err(|e| e.failure())
    }

    /// An object as the manifest lists it: evidence that was changed is none.
    async fn checked(&self, object: &StoredObject) -> Result<Bytes, Failure> {
        let bytes = self.get(&object.key, MAX_TRANSCRIPT_BYTES).await?;
        let (bytes, digest) = on_a_core(move || {
            let digest = sha256(&bytes);
            (bytes, digest)
        })
        .await?;
        if digest != object.sha256 {
            let detail = format!("{} is not the one that its manifest lists", object.name);
            return Err(Failure::new(ErrorCode::TransferDamaged, detail));
        }
        Ok(bytes)
    }

    async fn is_deleted(&self, manifest: &Manifest) -> Result<bool, Failure> {
        let tombstone = layout::tombstone(&manifest.tenant, &manifest.call);
        let at = Location::new(self.bucket.clone(), tombstone);
        match self.store.head(&at, None).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(e) => Err(e.failure()),
        }
    }

    /// Under a name with the versions in it, and only if it is not there: the same versions make the same analysis.
    async fn store_beside(
        &self,
        manifest_key: &ObjectKey,
        manifest: &Manifest,
        analysis: &Analysis,
    ) -> Result<Option<ObjectKey>, Failure> {
        let Some(key) = layout::rescored(manifest_key, &self.scoring.name()) else {
            return Ok(None);
        };
        let object = Object::json("analysis.json", analysis);
        let at = Location::new(self.bucket.clone(), key.clone());
        let put = self.store.put(
            &at,
            object.bytes.into(),
            object.content_type,
            PutMode::IfAbsent,
        );
        if put.await.map_err(|e| e.failure())? == PutOutcome::AlreadyExists {
            let there = self.get(&key, MAX_TRANSCRIPT_BYTES).await?;
            if sha256(&there) != object.sha256 {
                let detail =
                    "another analysis of these versions is stored: give the rules a new version";
                return Err(Failure::new(ErrorCode::BadRules, detail));
            }
        }
        // A deletion writes its tombstone before it lists what to delete, and we look after we wrote: one side sees the other.
        if self.is_deleted(manifest).await? {
            self.store.delete(&at).await.map_err(|e| e.failure())?;
            return Ok(None);
        }
        Ok(Some(key))
    }
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
