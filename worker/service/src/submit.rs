//! Making a job from what a person or a portal knows: a file or an object, a tenant, a call. In: [`Wish`]. Out: the job,
//! stored and queued, confirmed by the broker. Fails before anything is queued if the upload or the job itself is refused.

use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use job_schema::job::{BucketName, Lane, Options, Recording};
use job_schema::status::State;
use job_schema::{
    CallId, ErrorCode, Failure, Job, JobId, ObjectKey, SCHEMA_VERSION, Sha256, TenantId, parse,
};

use crate::broker::{BrokerError, Publisher};
use crate::settle::Attempts;
use crate::signing::{KeyRing, Promise};
use crate::spec::sha256_of;
use crate::store::{BlobStore, Location, PutMode, erase};
use crate::{layout, status, tombstone};

/// What somebody wants to have transcribed.
#[derive(Debug, Clone)]
pub struct Wish {
    pub tenant: TenantId,
    pub call: CallId,
    pub source: Source,
    pub lane: Lane,
    pub options: Options,
    pub not_after: Option<Timestamp>,
    pub promise: Promise,
}

#[derive(Debug, Clone)]
pub enum Source {
    File(PathBuf),
    Object { bucket: BucketName, key: ObjectKey },
}

#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Refused(#[from] Failure),
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

pub async fn submit(
    store: &dyn BlobStore,
    recordings: &BucketName,
    results: &BucketName,
    publisher: &Publisher,
    ring: &KeyRing,
    wish: Wish,
) -> Result<Job, SubmitError> {
    let recording = recording(store, recordings, results, &wish).await?;
    let mut job = Job {
        schema_version: SCHEMA_VERSION,
        job_id: JobId::generate(),
        tenant: wish.tenant,
        call: wish.call,
        recording,
        lane: wish.lane,
        options: wish.options,
        submitted_at: Timestamp::now(),
        not_after: wish.not_after,
        checkpoint: None,
        rescore: None,
        signature: None,
    };
    queue(store, results, publisher, ring, &mut job, wish.promise).await?;
    Ok(job)
}

/// What is to be transcribed, uploaded where it is a file. What was deleted does not come back, not even as an upload that nobody
/// removes: a deletion writes its tombstone before it lists what to delete, so it is looked for before the upload and after.
async fn recording(
    store: &dyn BlobStore,
    recordings: &BucketName,
    results: &BucketName,
    wish: &Wish,
) -> Result<Recording, Failure> {
    refuse_deleted(store, results, wish).await?;
    let path = match &wish.source {
        Source::File(path) => path,
        Source::Object { bucket, key } => return Ok(whole(bucket.clone(), key.clone(), None)),
    };
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase());
    let key = layout::upload(&wish.tenant, &wish.call, extension.as_deref());
    let at = Location::new(recordings.clone(), key);
    // However the upload went: one that failed here may have arrived there.
    let uploaded = upload(store, &at, path).await;
    match refuse_deleted(store, results, wish).await {
        Err(deleted) if deleted.code == ErrorCode::Deleted => {
            erase(store, &at).await.map_err(|e| e.failure())?;
            Err(deleted)
        }
        looked => {
            let sha256 = uploaded?;
            looked?;
            Ok(whole(at.bucket, at.key, Some(sha256)))
        }
    }
}

fn whole(bucket: BucketName, key: ObjectKey, sha256: Option<Sha256>) -> Recording {
    Recording {
        bucket,
        key,
        etag: None,
        version_id: None,
        sha256,
    }
}

async fn refuse_deleted(
    store: &dyn BlobStore,
    results: &BucketName,
    wish: &Wish,
) -> Result<(), Failure> {
    let stands = tombstone::stands(store, results, &wish.tenant, &wish.call);
    match stands.await.map_err(|e| e.failure())? {
        true => Err(Failure::new(ErrorCode::Deleted, "the call has a tombstone")),
        false => Ok(()),
    }
}

/// Signs a job, notes that it waits, and sends it to its lane.
pub async fn queue(
    store: &dyn BlobStore,
    results: &BucketName,
    publisher: &Publisher,
    ring: &KeyRing,
    job: &mut Job,
    promise: Promise,
) -> Result<(), SubmitError> {
    ring.sign(job, promise);
    check(job)?;
    note_queued(store, results, job).await?;
    publisher
        .publish_job(job, Attempts::default(), None)
        .await?;
    Ok(())
}

/// Refuses here what a worker would refuse later.
pub fn check(job: &Job) -> Result<(), Failure> {
    let body = serde_json::to_vec(job)
        .map_err(|_| Failure::new(ErrorCode::BadJob, "the job does not serialise"))?;
    parse::job(&body).map(drop)
}

async fn upload(store: &dyn BlobStore, at: &Location, path: &Path) -> Result<Sha256, Failure> {
    let unreadable = |e: std::io::Error| {
        let detail = format!("read {}: {e}", path.display());
        Failure::new(ErrorCode::RecordingNotFound, detail)
    };
    let file = File::open(path).map_err(unreadable)?;
    // Read twice, once to hash it and once to send it, so that a recording of any size needs no memory.
    let hashing = tokio::task::spawn_blocking(move || sha256_of(file)).await;
    let sha256 = hashing
        .map_err(|_| Failure::new(ErrorCode::Internal, "hashing the recording panicked"))?
        .map_err(unreadable)?;
    store
        .put_file(at, path, "application/octet-stream")
        .await
        .map_err(|e| e.failure())?;
    Ok(sha256)
}

/// Written before the message, so that whoever gets the job's id finds something.
async fn note_queued(
    store: &dyn BlobStore,
    results: &BucketName,
    job: &Job,
) -> Result<(), Failure> {
    status::write(store, results, job, State::Queued, PutMode::Overwrite)
        .await
        .map_err(|e| e.failure())
}

#[cfg(test)]
mod tests;
