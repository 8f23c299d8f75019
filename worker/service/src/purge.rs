//! Deletion that an unfinished job cannot undo. In: a tenant, and a call or all of them. Out: a [`Receipt`] with counts and
//! a digest. Fails as the store does, and is then run again: every step may be repeated. The tombstone comes first; a
//! worker looks for it after each of its own writes, so whichever of the two comes second cleans up.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use job_schema::job::BucketName;
use job_schema::status::Status;
use job_schema::{CallId, JobId, ObjectKey, SCHEMA_VERSION, Sha256, TenantId};
use serde::Serialize;
use sha2::Digest;

use crate::crash::{self, Point};
use crate::results::Object;
use crate::status;
use crate::store::{BlobStore, Location, Pin, PutMode, StoreError, StoredVersion, TenantStore};
use crate::{layout, tombstone};

/// Status objects read at the same time: a tenant may have one for each job it ever sent.
const READS_AT_ONCE: usize = 16;

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
    begin(places, target).await?;
    let statuses = match &target.call {
        Some(call) => {
            let calls = BTreeSet::from([call.clone()]);
            let mut of_calls = statuses_of(places, &target.tenant, &calls).await?;
            of_calls.remove(call).unwrap_or_default()
        }
        None => statuses(places, &target.tenant).await?,
    };
    finish(places, target, statuses, now).await
}

/// From now on no worker makes anything of the target that it does not take back.
pub(crate) async fn begin(places: Places<'_>, target: &Target) -> Result<(), StoreError> {
    let (store, results) = (places.store, places.results);
    tombstone::put(store, results, &target.tenant, target.call.as_ref()).await?;
    crash::at(Point::TombstoneWritten);
    Ok(())
}

/// The rest, with the status objects of the target, which were listed after it was begun.
pub(crate) async fn finish(
    places: Places<'_>,
    target: &Target,
    statuses: Vec<StoredVersion>,
    now: Timestamp,
) -> Result<Receipt, StoreError> {
    let receipt = remove(places, target, statuses, now).await?;
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
    statuses: Vec<StoredVersion>,
    now: Timestamp,
) -> Result<Receipt, StoreError> {
    let (tenant, call) = (&target.tenant, target.call.as_ref());
    let mut tally = Tally::default();
    let results = places.results;
    for status in statuses {
        tally.removed.status_count += 1;
        tally.remove(places.store, results, &status).await?;
    }
    crash::at(Point::HalfPurged);
    let below = layout::uploads_prefix(tenant, call);
    for version in places.store.versions(places.recordings, &below).await? {
        if layout::is_upload_of(version.key.as_str(), tenant, call) {
            tally.removed.uploads_count += 1;
            tally
                .remove(places.store, places.recordings, &version)
                .await?;
        }
    }
    let below = layout::calls_prefix(tenant, call);
    let mut below = places.store.versions(results, &below).await?;
    // A sweep that is broken off finds the call again by its manifests: they go last.
    below.sort_by_key(|version| layout::is_manifest(&version.key));
    for version in below {
        tally.removed.results_count += 1;
        tally.remove(places.store, results, &version).await?;
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

async fn statuses(places: Places<'_>, tenant: &TenantId) -> Result<Vec<StoredVersion>, StoreError> {
    let prefix = layout::statuses_prefix(tenant);
    places.store.versions(places.results, &prefix).await
}

/// The status objects of each of the calls. Only the object says whose it is, so all of the tenant's are read. One that does not
/// parse is nobody's, and goes with its tenant only.
pub(crate) async fn statuses_of(
    places: Places<'_>,
    tenant: &TenantId,
    calls: &BTreeSet<CallId>,
) -> Result<BTreeMap<CallId, Vec<StoredVersion>>, StoreError> {
    let mut objects: BTreeMap<ObjectKey, Vec<StoredVersion>> = BTreeMap::new();
    for version in statuses(places, tenant).await? {
        let versions = objects.entry(version.key.clone()).or_default();
        versions.push(version);
    }
    let mut read = stream::iter(objects.into_values())
        .map(|versions| async move {
            let named = named(places, &versions, calls).await;
            named.map(|named| (named, versions))
        })
        .buffered(READS_AT_ONCE);
    let mut of_calls: BTreeMap<CallId, Vec<StoredVersion>> = BTreeMap::new();
    while let Some((named, versions)) = read.try_next().await? {
        for call in named {
            of_calls
                .entry(call)
                .or_default()
                .extend_from_slice(&versions);
        }
    }
    Ok(of_calls)
}

/// Those of the calls that any version of a status object names.
async fn named(
    places: Places<'_>,
    versions: &[StoredVersion],
    calls: &BTreeSet<CallId>,
) -> Result<BTreeSet<CallId>, StoreError> {
    let mut named = BTreeSet::new();
    for version in versions {
        if named.len() == calls.len() {
            break;
        }
        let at = Location::new(places.results.clone(), version.key.clone());
        // Each version is asked: the last one may be a delete marker, which says nothing.
        let pin = Pin {
            version_id: version.version_id.clone(),
            ..Pin::default()
        };
        match places.store.read(&at, &pin, status::MAX_BYTES).await {
            Ok((bytes, _)) => {
                let status = serde_json::from_slice::<Status>(&bytes).ok();
                named.extend(status.map(|s| s.call).filter(|call| calls.contains(call)));
            }
            Err(StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(named)
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
