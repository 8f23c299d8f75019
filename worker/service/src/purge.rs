//! Deletion that an unfinished job cannot undo. In: a tenant, and a call or all of them. Out: a [`Receipt`] with counts and
//! a digest. Fails as the store does, and is then run again: every step may be repeated. The tombstone comes first; a
//! worker looks for it after each of its own writes, so whichever of the two comes second cleans up.

use jiff::Timestamp;
use job_schema::job::BucketName;
use job_schema::status::Status;
use job_schema::{CallId, JobId, SCHEMA_VERSION, Sha256, TenantId};
use serde::Serialize;
use sha2::Digest;

use crate::crash::{self, Point};
use crate::results::Object;
use crate::status;
use crate::store::{BlobStore, Location, Pin, PutMode, StoreError, StoredVersion, TenantStore};
use crate::{layout, tombstone};

/// What a deletion removed and when: no key, no content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub schema_version: u32,
    pub tenant: TenantId,
    /// Absent where the whole tenant was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    pub purged_at: Timestamp,
    pub removed: Removed,
    /// Over a line for each version removed: bucket, key, version, size; in the order of removal.
    pub removed_sha256: Sha256,
}

/// Versions count one each, delete markers too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub results_count: u64,
    pub status_count: u64,
    pub uploads_count: u64,
    pub size_bytes: u64,
}

/// What is to go.
#[derive(Debug, Clone)]
pub struct Target {
    pub tenant: TenantId,
    pub call: Option<CallId>,
}

/// Where things lie.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    pub store: &'a dyn BlobStore,
    pub recordings: &'a BucketName,
    pub results: &'a BucketName,
}

/// Writes the tombstone, removes everything below it, and leaves a receipt: all with keys of the tenant's, or not at all.
pub async fn purge(
    places: Places<'_>,
    target: &Target,
    now: Timestamp,
) -> Result<Receipt, StoreError> {
    let store = TenantStore::new(places.store, &target.tenant);
    let places = Places {
        store: &store,
        ..places
    };
    let call = target.call.as_ref();
    tombstone::put(places.store, places.results, &target.tenant, call).await?;
    crash::at(Point::TombstoneWritten);
    let receipt = remove(places, target, now).await?;
    let key = layout::receipt(&target.tenant, JobId::generate());
    let object = Object::json("receipt.json", &receipt);
    let at = Location::new(places.results.clone(), key);
    let put = places.store.put(
        &at,
        object.bytes.into(),
        object.content_type,
        PutMode::IfAbsent,
    );
    put.await?;
    Ok(receipt)
}

async fn remove(
    places: Places<'_>,
    target: &Target,
    now: Timestamp,
) -> Result<Receipt, StoreError> {
    let (tenant, call) = (&target.tenant, target.call.as_ref());
    let mut tally = Tally::default();
    let results = places.results;
    // Status objects tell which are the call's, so they are read before anything else is gone.
    for status in statuses(places, target).await? {
        tally.removed.status_count += 1;
        tally.remove(places.store, results, &status).await?;
    }
    crash::at(Point::HalfPurged);
    let below = layout::calls_prefix(tenant, call);
    for version in places.store.versions(results, &below).await? {
        tally.removed.results_count += 1;
        tally.remove(places.store, results, &version).await?;
    }
    let below = layout::uploads_prefix(tenant, call);
    for version in places.store.versions(places.recordings, &below).await? {
        if layout::is_upload_of(version.key.as_str(), tenant, call) {
            tally.removed.uploads_count += 1;
            tally
                .remove(places.store, places.recordings, &version)
                .await?;
        }
    }
    Ok(Receipt {
        schema_version: SCHEMA_VERSION,
        tenant: tenant.clone(),
        call: target.call.clone(),
        purged_at: now,
        removed: tally.removed,
        removed_sha256: tally.digest(),
    })
}

/// The status objects of the target. One that does not parse is nobody's, and goes with its tenant only.
async fn statuses(places: Places<'_>, target: &Target) -> Result<Vec<StoredVersion>, StoreError> {
    let prefix = layout::statuses_prefix(&target.tenant);
    let all = places.store.versions(places.results, &prefix).await?;
    let Some(call) = &target.call else {
        return Ok(all);
    };
    let mut of_call = std::collections::BTreeSet::new();
    for version in &all {
        if of_call.contains(&version.key) {
            continue;
        }
        let at = Location::new(places.results.clone(), version.key.clone());
        // Each version is asked: the last one may be a delete marker, which says nothing.
        let pin = Pin {
            version_id: version.version_id.clone(),
            ..Pin::default()
        };
        match places.store.read(&at, &pin, status::MAX_BYTES).await {
            Ok((bytes, _)) => {
                let status = serde_json::from_slice::<Status>(&bytes);
                if status.is_ok_and(|status| status.call == *call) {
                    of_call.insert(version.key.clone());
                }
            }
            Err(StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    let is_ours = |version: &StoredVersion| of_call.contains(&version.key);
    Ok(all.into_iter().filter(is_ours).collect())
}

#[derive(Default)]
struct Tally {
    removed: Removed,
    hash: sha2::Sha256,
}

impl Tally {
    async fn remove(
        &mut self,
        store: &dyn BlobStore,
        bucket: &BucketName,
        version: &StoredVersion,
    ) -> Result<(), StoreError> {
        let at = Location::new(bucket.clone(), version.key.clone());
        store
            .delete_version(&at, version.version_id.as_deref())
            .await?;
        self.removed.size_bytes += version.size_bytes;
        let line = format!(
            "{bucket}\t{}\t{}\t{}\n",
            version.key,
            version.version_id.as_deref().unwrap_or("-"),
            version.size_bytes
        );
        self.hash.update(line);
        Ok(())
    }

    fn digest(self) -> Sha256 {
        Sha256::try_from(hex::encode(self.hash.finalize()))
            .expect("a SHA-256 in hexadecimal has 64 digits")
    }
}
