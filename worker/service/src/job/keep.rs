//! What outlives a worker while a job runs: the checkpoint, and the status object that people watch.
//! A checkpoint that cannot be written is a warning and a longer repeat; one that does not parse is ignored.

use std::future::Future;

use bytes::Bytes;
use job_schema::checkpoint::{Checkpoint, CheckpointRef, Proof};
use job_schema::engine::SpanResult;
use job_schema::status::State;
use job_schema::{ErrorCode, Failure, Job, SCHEMA_VERSION};

use super::Fleet;
use super::deleted::{deleted, is_deleted};
use super::plan::Plan;
use crate::crash::{self, Point};
use crate::recognise::Board;
use crate::results::Object;
use crate::status;
use crate::store::{self, Location, PutMode, StoreError};

/// A 4 h call with both legs talking all the time stays under a tenth of this.
const MAX_CHECKPOINT_BYTES: u64 = 256 << 20;

/// What of a job is finished.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) spans: Vec<SpanResult>,
    pub(super) proof: Option<Proof>,
}

/// What an earlier worker finished. Looked for under the derived key and not only when the message points to one:
/// a worker that was killed could not leave a pointer.
pub(super) async fn load_checkpoint(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
) -> Result<Kept, Failure> {
    let at = Location::new(fleet.results_bucket.clone(), plan.keys.checkpoint());
    let bytes = match fleet.store_of(job).get(&at, MAX_CHECKPOINT_BYTES).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(Kept::default()),
        Err(e) => return Err(e.failure()),
    };
    match serde_json::from_slice::<Checkpoint>(&bytes) {
        Ok(found)
            if found.schema_version == SCHEMA_VERSION && found.spec_sha256 == plan.spec_sha256 =>
        {
            tracing::info!(
                spans_count = found.spans.len(),
                proof_spans_count = found.proof.as_ref().map(|proof| proof.spans.len()),
                "resuming from a checkpoint"
            );
            Ok(Kept {
                spans: found.spans,
                proof: found.proof,
            })
        }
        _ => {
            tracing::warn!("the checkpoint is of another kind: starting over");
            Ok(Kept::default())
        }
    }
}

/// Writes it, then looks for a tombstone and takes it back if there is one: a deletion writes its tombstone before it lists
/// what to delete, so one of the two sees the other.
pub(super) async fn save_checkpoint(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    Kept { spans, proof }: Kept,
) -> Result<Option<CheckpointRef>, Failure> {
    if spans.is_empty() {
        return Ok(None);
    }
    let spans_count = spans.len() as u64;
    let checkpoint = Checkpoint {
        schema_version: SCHEMA_VERSION,
        spec_sha256: plan.spec_sha256.clone(),
        spans,
        proof,
    };
    let object = Object::json("checkpoint.json", &checkpoint);
    let key = plan.keys.checkpoint();
    let at = Location::new(fleet.results_bucket.clone(), key.clone());
    let store = fleet.store_of(job);
    store
        .put(
            &at,
            Bytes::from(object.bytes),
            object.content_type,
            PutMode::Overwrite,
        )
        .await
        .map_err(|e| e.failure())?;
    crash::at(Point::CheckpointSaved);
    if is_deleted(fleet, job).await? {
        let erased = store::erase(&*store, &at).await;
        erased.map_err(|e| e.failure())?;
        return Err(deleted());
    }
    Ok(Some(CheckpointRef {
        key,
        sha256: object.sha256,
        spans_count,
    }))
}

/// Gone once the manifest is there; one that stays behind is only a little space.
pub(super) async fn drop_checkpoint(fleet: &Fleet, job: &Job, plan: &Plan) {
    let at = Location::new(fleet.results_bucket.clone(), plan.keys.checkpoint());
    if let Err(e) = fleet.store_of(job).delete(&at).await {
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
            if finished > saved {
                let kept = Kept {
                    spans: board.spans(),
                    proof: None,
                };
                match save_checkpoint(fleet, job, plan, kept).await {
                    Err(failure) if failure.code == ErrorCode::Deleted => return Err(failure),
                    Err(failure) => {
                        tracing::warn!(code = %failure.code, "the checkpoint could not be written");
                    }
                    Ok(_) => {}
                }
            }
            Ok(finished)
        };
        tokio::select! {
            ended = &mut run => return ended,
            finished = keep => saved = finished?,
        }
    }
}

/// A view for people, so failing to write it fails nothing. Taken back where the call was deleted meanwhile, by the same rule
/// as a checkpoint.
pub async fn note_status(fleet: &Fleet, job: &Job, state: State) {
    let (store, results) = (fleet.store_of(job), &fleet.results_bucket);
    if let Err(e) = status::write(&*store, results, job, state, PutMode::Overwrite).await {
        tracing::warn!(error = %e, "the status object could not be written");
        return;
    }
    let taken_back = match is_deleted(fleet, job).await {
        Ok(false) => Ok(()),
        Ok(true) => {
            let at = status::at(results, &job.tenant, job.job_id);
            store::erase(&*store, &at).await.map_err(|e| e.failure())
        }
        Err(failure) => Err(failure),
    };
    if let Err(failure) = taken_back {
        tracing::warn!(code = %failure.code, "the status of a deleted call may be left");
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use job_schema::engine::Limits;
    use job_schema::transcript::TimeSpan;
    use job_schema::{Sha256, parse};

    use super::*;
    use crate::engine::{Engine, EngineSettings, RecognizerSource};
    use crate::job::ModelInUse;
    use crate::layout::ResultKeys;
    use crate::metrics::Metrics;
    use crate::rules::RuleBook;
    use crate::store::Pin;
    use crate::store::dir::DirStore;

    pub(in crate::job) const JOB: &str = r#"{"schema_version": 1, "job_id": "01930000-0000-7000-8000-000000000001",
        "tenant": "acme", "call": "c1", "submitted_at": "2026-11-24T10:00:00Z",
        "recording": {"bucket": "recordings", "key": "acme/c1.wav"}}"#;

    pub(in crate::job) fn fleet(root: &std::path::Path, digest: &Sha256) -> Fleet {
        let settings = EngineSettings {
            executable: "never-started".into(),
            recognizer: RecognizerSource::Script("none".into()),
            slots: 1,
            memory_limit_bytes: 0,
            deadline_base: Duration::from_secs(1),
            deadline_factor: 1.0,
            require_sandbox: false,
        };
        Fleet {
            worker: "w".into(),
            own_store: Arc::new(DirStore::new(root)),
            results_bucket: "results".parse().unwrap(),
            engine: Engine::new(settings),
            model: ModelInUse {
                name: "m".into(),
                sha256: digest.clone(),
                recognizer: "r".into(),
                decoding: None,
                confidence: None,
            },
            rules: RuleBook::new("rules"),
            retention: crate::retention::Retention::default(),
            languages: crate::languages::TenantLanguages::default(),
            limits: Limits::default(),
            checkpoint_interval: Duration::from_secs(1),
            metrics: Metrics::new(),
        }
    }

    fn one_span(recording_sha256: &Sha256) -> Kept {
        let span = TimeSpan {
            start_ms: 0,
            end_ms: 1_000,
        };
        Kept {
            spans: vec![SpanResult::new(0, span)],
            proof: Some(Proof {
                recording_sha256: recording_sha256.clone(),
                spans: vec![SpanResult::new(1, span)],
            }),
        }
    }

    fn plan(job: &Job, keys: ResultKeys, digest: &Sha256) -> Plan {
        Plan {
            recording: Location::new(job.recording.bucket.clone(), job.recording.key.clone()),
            pin: Pin::default(),
            size_bytes: 1,
            scoring: crate::results::Scoring::default(),
            languages: Vec::new(),
            redaction: None,
            spec_sha256: digest.clone(),
            keys,
        }
    }

    #[tokio::test]
    async fn a_job_whose_keys_are_made_for_another_tenant_writes_nothing_there() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("results")).unwrap();
        let digest: Sha256 = "0".repeat(64).parse().unwrap();
        let fleet = fleet(root.path(), &digest);
        let job = parse::job(JOB.as_bytes()).unwrap();
        let keys = ResultKeys::new(&"globex".parse().unwrap(), &job.call, &digest);
        let at = Location::new(fleet.results_bucket.clone(), keys.checkpoint());
        let plan = plan(&job, keys, &digest);
        let refused = save_checkpoint(&fleet, &job, &plan, one_span(&digest)).await;
        assert_eq!(refused.map_err(|f| f.code), Err(ErrorCode::TenantMismatch));
        assert!(!fleet.own_store.exists(&at).await.unwrap());
    }

    #[tokio::test]
    async fn a_checkpoint_does_not_outlive_a_deletion_that_came_first() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("results")).unwrap();
        let digest: Sha256 = "0".repeat(64).parse().unwrap();
        let fleet = fleet(root.path(), &digest);
        let job = parse::job(JOB.as_bytes()).unwrap();
        let keys = ResultKeys::new(&job.tenant, &job.call, &digest);
        let plan = plan(&job, keys, &digest);
        let saved = save_checkpoint(&fleet, &job, &plan, one_span(&digest)).await;
        assert_eq!(saved.unwrap().map(|c| c.spans_count), Some(1));
        let kept = load_checkpoint(&fleet, &job, &plan).await.unwrap();
        assert_eq!(kept.spans, one_span(&digest).spans);
        assert_eq!(kept.proof, one_span(&digest).proof);

        let tombstone = Location::new(
            fleet.results_bucket.clone(),
            crate::layout::tombstone(&job.tenant, &job.call),
        );
        let put = fleet
            .own_store
            .put(&tombstone, Bytes::new(), "text/plain", PutMode::Overwrite);
        put.await.unwrap();
        let refused = save_checkpoint(&fleet, &job, &plan, one_span(&digest)).await;
        assert_eq!(refused.map_err(|f| f.code), Err(ErrorCode::Deleted));
        let kept = load_checkpoint(&fleet, &job, &plan).await.unwrap();
        assert!(kept.spans.is_empty() && kept.proof.is_none());
    }
}
