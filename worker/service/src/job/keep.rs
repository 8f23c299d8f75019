//! What outlives a worker while a job runs: the checkpoint, and the status object that people watch.
//! A checkpoint that cannot be written is a warning and a longer repeat; one that does not parse is ignored.

use std::future::Future;

use bytes::Bytes;
use jiff::Timestamp;
use job_schema::checkpoint::{Checkpoint, CheckpointRef};
use job_schema::engine::SpanResult;
use job_schema::status::{State, Status};
use job_schema::{Failure, Job, SCHEMA_VERSION};

use super::Fleet;
use super::plan::Plan;
use crate::layout;
use crate::recognise::Board;
use crate::results::Object;
use crate::store::{Location, PutMode, StoreError};

/// A 4 h call with both legs talking all the time stays under a tenth of this.
const MAX_CHECKPOINT_BYTES: u64 = 256 << 20;

/// Spans that an earlier worker finished. Looked for under the derived key and not only when the message points to one:
/// a worker that was killed could not leave a pointer.
pub(super) async fn load_checkpoint(
    fleet: &Fleet,
    plan: &Plan,
) -> Result<Vec<SpanResult>, Failure> {
    let at = Location::new(fleet.results_bucket.clone(), plan.keys.checkpoint());
    let bytes = match fleet.store.get(&at, MAX_CHECKPOINT_BYTES).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
        Err(e) => return Err(e.failure()),
    };
    match serde_json::from_slice::<Checkpoint>(&bytes) {
        Ok(found)
            if found.schema_version == SCHEMA_VERSION && found.spec_sha256 == plan.spec_sha256 =>
        {
            tracing::info!(
                spans_count = found.spans.len(),
                "resuming from a checkpoint"
            );
            Ok(found.spans)
        }
        _ => {
            tracing::warn!("the checkpoint is of another kind: starting over");
            Ok(Vec::new())
        }
    }
}

pub(super) async fn save_checkpoint(
    fleet: &Fleet,
    plan: &Plan,
    board: &Board,
) -> Result<Option<CheckpointRef>, Failure> {
    let spans = board.spans();
    if spans.is_empty() {
        return Ok(None);
    }
    let spans_count = spans.len() as u64;
    let checkpoint = Checkpoint {
        schema_version: SCHEMA_VERSION,
        spec_sha256: plan.spec_sha256.clone(),
        spans,
    };
    let object = Object::json("checkpoint.json", &checkpoint);
    let key = plan.keys.checkpoint();
    let at = Location::new(fleet.results_bucket.clone(), key.clone());
    fleet
        .store
        .put(
            &at,
            Bytes::from(object.bytes),
            object.content_type,
            PutMode::Overwrite,
        )
        .await
        .map_err(|e| e.failure())?;
    Ok(Some(CheckpointRef {
        key,
        sha256: object.sha256,
        spans_count,
    }))
}

/// Gone once the manifest is there; one that stays behind is only a little space.
pub(super) async fn drop_checkpoint(fleet: &Fleet, plan: &Plan) {
    let at = Location::new(fleet.results_bucket.clone(), plan.keys.checkpoint());
    if let Err(e) = fleet.store.delete(&at).await {
        tracing::warn!(error = %e, "the checkpoint could not be removed");
    }
}

/// Drives `run` to its end and keeps checkpoint and status fresh meanwhile.
pub(super) async fn alongside<T>(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    board: &Board,
    run: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::pin!(run);
    let mut saved = board.spans_count();
    loop {
        let state = State::Running {
            worker: fleet.worker.clone(),
            progress: board.progress(),
        };
        let keep = async {
            note_status(fleet, job, state).await;
            tokio::time::sleep(fleet.checkpoint_interval).await;
            let finished = board.spans_count();
            if finished > saved
                && let Err(failure) = save_checkpoint(fleet, plan, board).await
            {
                tracing::warn!(code = %failure.code, "the checkpoint could not be written");
            }
            finished
        };
        tokio::select! {
            ended = &mut run => return ended,
            finished = keep => saved = finished,
        }
    }
}

/// A view for people, so failing to write it fails nothing.
pub async fn note_status(fleet: &Fleet, job: &Job, state: State) {
    let status = Status {
        schema_version: SCHEMA_VERSION,
        job_id: job.job_id,
        tenant: job.tenant.clone(),
        call: job.call.clone(),
        updated_at: Timestamp::now(),
        state,
    };
    let object = Object::json("status.json", &status);
    let at = Location::new(
        fleet.results_bucket.clone(),
        layout::status(&job.tenant, job.job_id),
    );
    if let Err(e) = fleet
        .store
        .put(
            &at,
            Bytes::from(object.bytes),
            object.content_type,
            PutMode::Overwrite,
        )
        .await
    {
        tracing::warn!(error = %e, "the status object could not be written");
    }
}
