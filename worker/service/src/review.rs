//! Reviews of calls, beside what the machine found. In: a call and a form. Out: the machine's filled-in form, and people's
//! reviews in the order in which they were written; a new one as an object of its own. A store cannot append to an object, so
//! each review is one, and none is ever overwritten. Fails as the store does, and where a call was deleted.

use analysis::Scorecard;
use futures_util::{Stream, StreamExt, future};
use jiff::Timestamp;
use job_schema::analysis::Analysis;
use job_schema::job::BucketName;
use job_schema::manifest::Manifest;
use job_schema::review::Review;
use job_schema::scorecard::ScorecardResult;
use job_schema::{CallId, ErrorCode, Failure, JobId, ObjectKey, TenantId};

use crate::results::{MAX_MANIFEST_BYTES, Object};
use crate::store::{BlobStore, Listed, Location, PutMode, StoreError, erase, list_all, listing};
use crate::{layout, tombstone};

/// Evidence of the longest calls stays below.
const MAX_ANALYSIS_BYTES: u64 = 256 << 20;
/// The most that a form and a comment can make.
const MAX_REVIEW_BYTES: u64 = 1 << 20;

/// One tenant's reviews with one form.
#[derive(Debug, Clone, Copy)]
pub struct Reviews<'a> {
    pub store: &'a dyn BlobStore,
    pub results: &'a BucketName,
    pub tenant: &'a TenantId,
    pub card: &'a Scorecard,
}

impl Reviews<'_> {
    /// The form as the machine filled it in; of several results the one that was completed last.
    pub async fn machine(&self, call: &CallId) -> Result<Option<ScorecardResult>, Failure> {
        let below = layout::calls_prefix(self.tenant, Some(call));
        let mut newest: Option<(Timestamp, ScorecardResult)> = None;
        for key in self.keys(&below).await? {
            let Some(manifest) = layout::manifest_of_analysis(&key) else {
                continue;
            };
            let raw = match self.get(&manifest, MAX_MANIFEST_BYTES).await {
                // Without a manifest it is no result yet.
                Err(StoreError::NotFound { .. }) => continue,
                other => other.map_err(|e| e.failure())?,
            };
            let manifest: Manifest = read(&raw, "manifest")?;
            let raw = self.get(&key, MAX_ANALYSIS_BYTES).await;
            let analysis: Analysis = read(&raw.map_err(|e| e.failure())?, "analysis")?;
            let of_form = |card: &ScorecardResult| card.scorecard_sha256 == self.card.sha256;
            let Some(card) = analysis.scorecard.filter(of_form) else {
                continue;
            };
            if newest
                .as_ref()
                .is_none_or(|(at, _)| manifest.completed_at >= *at)
            {
                newest = Some((manifest.completed_at, card));
            }
        }
        Ok(newest.map(|(_, card)| card))
    }

    /// In the order in which they were written.
    pub async fn of(&self, call: &CallId) -> Result<Vec<Review>, Failure> {
        let mut reviews = Vec::new();
        for key in self.keys(&self.prefix(call)).await? {
            let raw = self.get(&key, MAX_REVIEW_BYTES).await;
            reviews.push(read(&raw.map_err(|e| e.failure())?, "review")?);
        }
        Ok(reviews)
    }

    /// Calls whose names begin with `prefix` and that somebody reviewed, in the order of their names. Looks at the keys of
    /// all those calls, and holds one page of them at a time.
    pub fn calls(&self, prefix: &str) -> impl Stream<Item = Result<CallId, Failure>> {
        let below = format!("{}{prefix}", layout::calls(self.tenant));
        let name = self.name();
        let mut latest = None;
        let listed = listing(self.store, self.results.clone(), below);
        listed.filter_map(move |object| {
            let reviewed = |object: Listed| layout::reviewed_call(&object.key, self.tenant, &name);
            let call = object.map(reviewed).map_err(|e| e.failure()).transpose();
            // A call's keys stand side by side.
            let is_new = !matches!(&call, Some(Ok(call)) if latest.as_ref() == Some(call));
            if let Some(Ok(call)) = &call {
                latest = Some(call.clone());
            }
            future::ready(call.filter(|_| is_new))
        })
    }

    /// Looks for the call's tombstone before and after: a deletion writes it before it lists what to delete.
    pub async fn write(&self, review: &Review) -> Result<(), Failure> {
        self.refuse_deleted(&review.call).await?;
        let key = layout::review(self.tenant, &review.call, &self.name(), JobId::generate());
        let at = Location::new(self.results.clone(), key);
        let object = Object::json("review.json", review);
        let put = self.store.put(
            &at,
            object.bytes.into(),
            object.content_type,
            PutMode::IfAbsent,
        );
        put.await.map_err(|e| e.failure())?;
        let Err(deleted) = self.refuse_deleted(&review.call).await else {
            return Ok(());
        };
        erase(self.store, &at).await.map_err(|e| e.failure())?;
        Err(deleted)
    }

    async fn refuse_deleted(&self, call: &CallId) -> Result<(), Failure> {
        let stands = tombstone::stands(self.store, self.results, self.tenant, call).await;
        match stands.map_err(|e| e.failure())? {
            true => Err(Failure::new(ErrorCode::Deleted, "the call was deleted")),
            false => Ok(()),
        }
    }

    fn name(&self) -> String {
        format!("{}@{}", self.card.id, self.card.version)
    }

    fn prefix(&self, call: &CallId) -> String {
        layout::reviews_prefix(self.tenant, call, &self.name())
    }

    async fn get(&self, key: &ObjectKey, max_bytes: u64) -> Result<bytes::Bytes, StoreError> {
        let at = Location::new(self.results.clone(), key.clone());
        self.store.get(&at, max_bytes).await
    }

    async fn keys(&self, below: &str) -> Result<Vec<ObjectKey>, Failure> {
        let listed = list_all(self.store, self.results, below).await;
        let objects = listed.map_err(|e| e.failure())?.into_iter();
        Ok(objects.map(|object| object.key).collect())
    }
}

fn read<T: serde::de::DeserializeOwned>(raw: &[u8], what: &str) -> Result<T, Failure> {
    let unreadable = |_| {
        let detail = format!("the stored {what} does not parse");
        Failure::new(ErrorCode::Internal, detail)
    };
    serde_json::from_slice(raw).map_err(unreadable)
}
