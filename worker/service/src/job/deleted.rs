//! What a job owes to a deletion of its call. In: the job. Out: whether the call was deleted, and nothing left of it where it
//! was. Fails as the store does. A deletion writes its tombstone before it lists what to delete, and a worker looks after it
//! wrote, however the writing went: so one of the two sees the other.

use job_schema::{ErrorCode, Failure, Job};

use super::Fleet;
use crate::layout;
use crate::store::erase_below;
use crate::tombstone;

pub(super) fn deleted() -> Failure {
    Failure::new(ErrorCode::Deleted, "the call has a tombstone")
}

pub(super) async fn is_deleted(fleet: &Fleet, job: &Job) -> Result<bool, Failure> {
    let (store, results) = (fleet.store_of(job), &fleet.results_bucket);
    tombstone::stands(&*store, results, &job.tenant, &job.call)
        .await
        .map_err(|e| e.failure())
}

/// Fails where the call was deleted. A worker that died between a write and its look left what it wrote: that goes first.
pub(super) async fn check(fleet: &Fleet, job: &Job) -> Result<(), Failure> {
    if !is_deleted(fleet, job).await? {
        return Ok(());
    }
    clear(fleet, job).await?;
    Err(deleted())
}

/// What to fail with after something may have been written. A worker whose delivery is another's by now, and done, has no
/// retry that would find what it leaves of a deleted call.
pub(super) async fn taken_back(fleet: &Fleet, job: &Job, failure: Failure) -> Failure {
    if failure.code == ErrorCode::Deleted || !matches!(is_deleted(fleet, job).await, Ok(true)) {
        return failure;
    }
    match clear(fleet, job).await {
        Ok(()) => deleted(),
        Err(_) => failure,
    }
}

/// Removes all that any job made of the call.
async fn clear(fleet: &Fleet, job: &Job) -> Result<(), Failure> {
    let below = layout::calls_prefix(&job.tenant, Some(&job.call));
    let gone = erase_below(&*fleet.store_of(job), &fleet.results_bucket, &below).await;
    gone.map_err(|e| e.failure())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use job_schema::parse;

    use super::super::keep::tests::{JOB, fleet};
    use super::*;
    use crate::store::{Location, PutMode};

    #[tokio::test]
    async fn what_was_written_before_a_failure_goes_with_a_deleted_call_and_with_no_other() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("results")).unwrap();
        let fleet = fleet(root.path(), &"0".repeat(64).parse().unwrap());
        let job = parse::job(JOB.as_bytes()).unwrap();
        let put = async |key| {
            let at = Location::new(fleet.results_bucket.clone(), key);
            let (nothing, mode) = (Bytes::from_static(b"{}"), PutMode::Overwrite);
            let put = fleet.own_store.put(&at, nothing, "application/json", mode);
            put.await.unwrap();
            at
        };
        let below = layout::calls_prefix(&job.tenant, Some(&job.call));
        let written = put(format!("{below}spec/transcript.json").parse().unwrap()).await;
        let failure = || Failure::new(ErrorCode::StoreUnavailable, "x");
        for is_there in [true, false] {
            if !is_there {
                put(layout::tombstone(&job.tenant, &job.call)).await;
            }
            let failed = taken_back(&fleet, &job, failure()).await;
            let found = fleet.own_store.exists(&written).await.unwrap();
            assert_eq!(found, is_there);
            assert_eq!(failed.code == ErrorCode::Deleted, !is_there);
        }
    }
}
