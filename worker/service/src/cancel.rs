//! Jobs that are to come to nothing. In: a tenant and a job. Out: an object `_cancelled/TENANT/JOB` in the results bucket, which
//! workers look for before they begin with a job, every few seconds while they run it, and before its result counts. Fails
//! as the store does. It stays, so that a copy of the message that comes later comes to nothing too.

use std::time::Duration;

use bytes::Bytes;
use job_schema::job::BucketName;
use job_schema::{ErrorCode, Failure, JobId, TenantId};

use crate::layout;
use crate::store::{BlobStore, Location, PutMode, StoreError};

/// How long a running job may go on unaware.
pub const LOOK_EVERY: Duration = Duration::from_secs(3);

pub async fn stands(
    store: &dyn BlobStore,
    results: &BucketName,
    tenant: &TenantId,
    job: JobId,
) -> Result<bool, StoreError> {
    store.exists(&at(results, tenant, job)).await
}

/// Nothing is said in it: that it is there says all.
pub async fn put(
    store: &dyn BlobStore,
    results: &BucketName,
    tenant: &TenantId,
    job: JobId,
) -> Result<(), StoreError> {
    let nothing = Bytes::from_static(b"cancelled\n");
    let (at, mode) = (at(results, tenant, job), PutMode::Overwrite);
    store.put(&at, nothing, "text/plain", mode).await.map(drop)
}

/// A job that was not taken yet runs after all, and one that ended can be replayed.
pub async fn undo(
    store: &dyn BlobStore,
    results: &BucketName,
    tenant: &TenantId,
    job: JobId,
) -> Result<(), StoreError> {
    store.delete(&at(results, tenant, job)).await
}

pub fn cancelled() -> Failure {
    Failure::new(ErrorCode::Cancelled, "somebody cancelled the job")
}

fn at(results: &BucketName, tenant: &TenantId, job: JobId) -> Location {
    Location::new(results.clone(), layout::cancellation(tenant, job))
}
