//! The status object of a job: a view for people, and for a batch that counts what became of its jobs. In: a job and where it
//! stands. Out: one small object, read or written. Fails as the store does. Nothing is decided by it: manifests decide.

use jiff::Timestamp;
use job_schema::job::BucketName;
use job_schema::status::{State, Status};
use job_schema::{Job, JobId, SCHEMA_VERSION, TenantId};

use crate::layout;
use crate::results::Object;
use crate::store::{BlobStore, Location, PutMode, StoreError};

pub const MAX_BYTES: u64 = 1 << 20;

/// `None` where there is none; one that another version wrote may not parse.
pub async fn read(
    store: &dyn BlobStore,
    results: &BucketName,
    tenant: &TenantId,
    job: JobId,
) -> Result<Option<serde_json::Result<Status>>, StoreError> {
    match store.get(&at(results, tenant, job), MAX_BYTES).await {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes))),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

pub async fn write(
    store: &dyn BlobStore,
    results: &BucketName,
    job: &Job,
    state: State,
    mode: PutMode,
) -> Result<(), StoreError> {
    let status = Status {
        schema_version: SCHEMA_VERSION,
        job_id: job.job_id,
        tenant: job.tenant.clone(),
        call: job.call.clone(),
        updated_at: Timestamp::now(),
        state,
    };
    let object = Object::json("status.json", &status);
    let at = at(results, &job.tenant, job.job_id);
    let put = store.put(&at, object.bytes.into(), object.content_type, mode);
    put.await.map(drop)
}

pub fn at(results: &BucketName, tenant: &TenantId, job: JobId) -> Location {
    Location::new(results.clone(), layout::status(tenant, job))
}
