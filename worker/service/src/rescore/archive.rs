//! Stored results, as what is scored again. In: a manifest's key, rules or a scorecard. Out: the analysis before and after, and
//! the new one as an object, stored under its own key and only if it is not there. Fails when something is not as its
//! manifest lists it, or when rules or a scorecard changed under their version.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use job_schema::analysis::Analysis;
use job_schema::job::BucketName;
use job_schema::manifest::{Manifest, StoredObject};
use job_schema::transcript::Transcript;
use job_schema::{ErrorCode, Failure, ObjectKey, Sha256};

use super::Rescored;
use crate::results::{MAX_MANIFEST_BYTES, Object, Scoring};
use crate::store::{self, BlobStore, Location, Pin, PutMode, PutOutcome, StoreError};
use crate::tombstone;

/// A 4 h call with both legs talking all the time stays below.
const MAX_TRANSCRIPT_BYTES: u64 = 256 << 20;

/// Where results lie.
#[derive(Debug, Clone)]
pub struct Archive {
    pub store: Arc<dyn BlobStore>,
    pub bucket: BucketName,
}

impl Archive {
    pub async fn manifest(&self, key: &ObjectKey) -> Result<Manifest, Failure> {
        let raw = match self.get(key, MAX_MANIFEST_BYTES).await {
            Err(StoreError::NotFound { .. }) => {
                let detail = "there is no such manifest";
                return Err(Failure::new(ErrorCode::ResultNotFound, detail));
            }
            other => other.map_err(|e| e.failure())?.0,
        };
        serde_json::from_slice(&raw).map_err(|_| unreadable("manifest"))
    }

    /// `None` where there is no transcript. The object is the new analysis, not stored yet.
    pub async fn score(
        &self,
        manifest: &Manifest,
        scoring: &Scoring,
    ) -> Result<Option<(Rescored, Object)>, Failure> {
        let object = |name: &str| manifest.objects.iter().find(|object| object.name == name);
        let Some(transcript) = object("transcript.json") else {
            return Ok(None);
        };
        let words = self.checked(transcript).await?;
        let before = match object("analysis.json") {
            Some(analysis) => Some(self.checked(analysis).await?),
            None => None,
        };
        let digest = transcript.sha256.clone();
        let scoring = Scoring {
            facts: manifest.attributes.clone(),
            ..scoring.clone()
        };
        on_a_core(move || score(&scoring, &words, &digest, before.as_deref()))
            .await?
            .map(Some)
    }

    /// Only if it is not there: the same versions make the same analysis.
    pub async fn store_beside(
        &self,
        key: &ObjectKey,
        document: Object,
    ) -> Result<StoredObject, Failure> {
        let stored = document.stored_at(key.clone());
        let at = self.at(key);
        let put = self.store.put(
            &at,
            document.bytes.into(),
            document.content_type,
            PutMode::IfAbsent,
        );
        if put.await.map_err(|e| e.failure())? == PutOutcome::AlreadyExists {
            let there = self.get(key, MAX_TRANSCRIPT_BYTES).await;
            if there.map_err(|e| e.failure())?.1 != stored.sha256 {
                return Err(another_analysis());
            }
        }
        Ok(stored)
    }

    pub async fn is_deleted(&self, manifest: &Manifest) -> Result<bool, Failure> {
        let (tenant, call) = (&manifest.tenant, &manifest.call);
        tombstone::stands(self.store.as_ref(), &self.bucket, tenant, call)
            .await
            .map_err(|e| e.failure())
    }

    pub async fn has(&self, key: &ObjectKey) -> Result<bool, Failure> {
        let has = self.store.exists(&self.at(key)).await;
        has.map_err(|e| e.failure())
    }

    /// For good, with every version.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), Failure> {
        let deleted = store::erase(self.store.as_ref(), &self.at(key)).await;
        deleted.map_err(|e| e.failure())
    }

    fn at(&self, key: &ObjectKey) -> Location {
        Location::new(self.bucket.clone(), key.clone())
    }

    /// The bytes with their digest, which a store finds as it reads.
    async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<(Bytes, Sha256), StoreError> {
        let pin = Pin::default();
        let read = self.store.read(&self.at(key), &pin, max_bytes).await;
        read.map(|(bytes, fetched)| (bytes, fetched.sha256))
    }

    /// An object as the manifest lists it: evidence that was changed is none.
    async fn checked(&self, object: &StoredObject) -> Result<Bytes, Failure> {
        let got = self.get(&object.key, MAX_TRANSCRIPT_BYTES).await;
        let (bytes, digest) = got.map_err(|e| e.failure())?;
        if digest != object.sha256 {
            let detail = format!("{} is not the one that its manifest lists", object.name);
            return Err(Failure::new(ErrorCode::TransferDamaged, detail));
        }
        Ok(bytes)
    }
}

pub(crate) fn another_analysis() -> Failure {
    let detail = "another analysis of these versions is stored: give the rules a new version";
    Failure::new(ErrorCode::BadRules, detail)
}

fn score(
    scoring: &Scoring,
    words: &[u8],
    digest: &Sha256,
    before: Option<&[u8]>,
) -> Result<(Rescored, Object), Failure> {
    let transcript: Transcript =
        serde_json::from_slice(words).map_err(|_| unreadable("transcript"))?;
    let before = before.map(serde_json::from_slice::<Analysis>);
    let before = before.transpose().map_err(|_| unreadable("analysis"))?;
    same_versions(scoring, before.as_ref())?;
    let after = scoring.analyse(&transcript, digest);
    let document = Object::json("analysis.json", &after);
    let rescored = Rescored {
        before,
        after,
        key: None,
    };
    Ok((rescored, document))
}

fn unreadable(what: &str) -> Failure {
    let detail = format!("the stored {what} does not parse");
    Failure::new(ErrorCode::Internal, detail)
}

/// The cores belong to rayon's pool; async threads only wait for the store.
async fn on_a_core<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    rayon::spawn(move || {
        // In rayon's pool a panic that is not caught ends the process, and every job in its hands.
        let done = std::panic::catch_unwind(AssertUnwindSafe(work));
        // Nobody waits any more when the command was stopped.
        let _ = sender.send(done);
    });
    let panicked = || Failure::new(ErrorCode::Internal, "scoring panicked");
    let done = receiver.await.map_err(|_| panicked())?;
    done.map_err(|_| panicked())
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
