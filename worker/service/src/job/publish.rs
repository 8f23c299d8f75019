//! The last steps of a job: every object, then the manifest if nobody was faster, then the event that tells of it.
//! A result exists when its manifest does; objects without one are overwritten by the next try, with the same bytes.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use job_schema::event::{Completed, Event, EventData, EventKind, Failed, SpecVersion};
use job_schema::manifest::{Manifest, Processing, StoredObject, Summary};
use job_schema::{ErrorCode, Failure, Job, ObjectKey, SCHEMA_VERSION, Sha256, schema};
use pipeline::assemble::Header;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::engine_facts;
use super::plan::Plan;
use super::{Done, Fleet, How, keep};
use crate::crash::{self, Point};
use crate::redact::{Copies, Original, Proving, redact};
use crate::results::{self, Findings, MAX_MANIFEST_BYTES, Object, Results};
use crate::retention;
use crate::settle::Attempts;
use crate::spec::sha256;
use crate::store::{Location, PutMode, PutOutcome, StoreError};

#[derive(Debug)]
pub(super) struct Found {
    pub(super) recording_sha256: Sha256,
    pub(super) recording: Arc<File>,
    pub(super) findings: Findings,
    pub(super) started: Instant,
    pub(super) attempts: Attempts,
    pub(super) resumed: u64,
}

/// The manifest that stands, with the digest of its stored bytes.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) manifest: Box<Manifest>,
    sha256: Sha256,
}

pub(super) async fn standing_manifest(
    fleet: &Fleet,
    job: &Job,
    key: &ObjectKey,
) -> Result<Option<Standing>, Failure> {
    let at = Location::new(fleet.results_bucket.clone(), key.clone());
    let bytes = match fleet.store_of(job).get(&at, MAX_MANIFEST_BYTES).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(e) => return Err(e.failure()),
    };
    let manifest = serde_json::from_slice(&bytes).map_err(|e| {
        Failure::new(
            ErrorCode::Internal,
            format!(
                "the stored manifest does not parse at column {}",
                e.column()
            ),
        )
    })?;
    Ok(Some(Standing {
        manifest: Box::new(manifest),
        sha256: sha256(&bytes),
    }))
}

/// Writes the result. Returns the manifest that stands: ours, or that of a worker that was faster; none when `stop` came
/// before the redacted copies had proved themselves.
pub(super) async fn results(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    found: Found,
    proving: &Proving,
    stop: &CancellationToken,
) -> Result<Option<Standing>, Failure> {
    let Found {
        recording_sha256,
        recording,
        findings,
        started,
        attempts,
        resumed,
    } = found;
    let timings = findings.summary.timings;
    fleet.metrics.stage(
        "decode",
        Duration::from_micros(timings.decode_us).as_secs_f64(),
    );
    fleet.metrics.stage(
        "recognise",
        Duration::from_micros(timings.recognize_us).as_secs_f64(),
    );
    let header = header(fleet, job, plan, &recording_sha256);
    let (formats, scoring) = (job.options.formats.clone(), plan.scoring.clone());
    // Rendering a long call takes milliseconds to seconds: not on a thread that keeps heartbeats.
    let mut composed =
        tokio::task::spawn_blocking(move || results::compose(header, findings, &scoring, &formats))
            .await
            .map_err(|_| Failure::new(ErrorCode::Internal, "composing the results panicked"))?;
    if let Some(policy) = &plan.redaction {
        let original = original(fleet, job, plan, recording, &composed);
        let copies = redact(&fleet.engine, &original, policy, proving, stop).await?;
        let Some(copies) = copies else {
            return Ok(None);
        };
        note_withheld(&copies);
        composed.objects.extend(copies.objects);
    }
    // A worker that lost its delivery writes over nothing that a manifest names.
    if let Some(standing) = standing_manifest(fleet, job, &plan.keys.manifest()).await? {
        keep::drop_checkpoint(fleet, job, plan).await;
        return Ok(Some(standing));
    }
    let objects = store_objects(fleet, job, plan, composed.objects).await?;
    crash::at(Point::ObjectsStored);
    let completed_at = Timestamp::now();
    let delete_after = limit(fleet, job, completed_at).await?;
    let manifest = Manifest {
        schema_version: SCHEMA_VERSION,
        tenant: job.tenant.clone(),
        call: job.call.clone(),
        job_id: job.job_id,
        spec_sha256: plan.spec_sha256.clone(),
        recording: job.recording.clone(),
        recording_sha256,
        attributes: job.options.attributes.clone(),
        model: fleet.model.name.clone(),
        model_sha256: fleet.model.sha256.clone(),
        completed_at,
        delete_after,
        objects,
        processing: processing(
            fleet,
            &composed.summary,
            started.elapsed(),
            attempts,
            resumed,
        ),
        summary: composed.summary,
    };
    let standing = put_manifest(fleet, job, &plan.keys.manifest(), manifest).await?;
    crash::at(Point::ManifestStored);
    keep::drop_checkpoint(fleet, job, plan).await;
    Ok(Some(standing))
}

fn note_withheld(copies: &Copies) {
    if let Some(withheld) = &copies.report.withheld {
        tracing::warn!(reason = ?withheld.reason, "the redacted copies are withheld");
    }
}

/// Marked before the manifest is written: a result that is to go one day is never without its mark.
async fn limit(fleet: &Fleet, job: &Job, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let Some(delete_after) = fleet.retention.delete_after(&job.tenant, now) else {
        return Ok(None);
    };
    let (store, results) = (fleet.store_of(job), &fleet.results_bucket);
    retention::mark(&*store, results, &job.tenant, &job.call, delete_after)
        .await
        .map_err(|e| e.failure())?;
    Ok(Some(delete_after))
}

fn original(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    recording: Arc<File>,
    composed: &Results,
) -> Original {
    Original {
        recording,
        spec: plan.call_spec(fleet, job),
        transcript: Arc::new(composed.transcript.clone()),
        transcript_sha256: composed.analysis.transcript_sha256.clone(),
        scoring: plan.scoring.clone(),
        formats: job.options.formats.clone(),
    }
}

fn processing(
    fleet: &Fleet,
    summary: &Summary,
    wall: Duration,
    attempts: Attempts,
    resumed: u64,
) -> Processing {
    let audio = Duration::from_millis(summary.duration_ms).as_secs_f64();
    // A worker that was killed counted nothing itself: the broker did.
    let attempts = attempts.folded();
    Processing {
        worker: fleet.worker.clone(),
        wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        real_time_factor: (audio > 0.0).then(|| wall.as_secs_f64() / audio),
        content_attempts: attempts.content,
        infra_attempts: attempts.infra,
        resumed_spans_count: resumed,
    }
}

async fn store_objects(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    objects: Vec<Object>,
) -> Result<Vec<StoredObject>, Failure> {
    let store = fleet.store_of(job);
    let mut stored = Vec::with_capacity(objects.len());
    for object in objects {
        let key = plan.keys.object(&object.name);
        let at = Location::new(fleet.results_bucket.clone(), key.clone());
        stored.push(object.stored_at(key));
        // Moved: a redacted recording is too large to be there twice.
        let bytes = Bytes::from(object.bytes);
        store
            .put(&at, bytes, object.content_type, PutMode::Overwrite)
            .await
            .map_err(|e| e.failure())?;
    }
    Ok(stored)
}

pub(super) async fn put_manifest(
    fleet: &Fleet,
    job: &Job,
    key: &ObjectKey,
    manifest: Manifest,
) -> Result<Standing, Failure> {
    let object = Object::json("manifest.json", &manifest);
    let at = Location::new(fleet.results_bucket.clone(), key.clone());
    match fleet
        .store_of(job)
        .put(
            &at,
            Bytes::from(object.bytes),
            object.content_type,
            PutMode::IfAbsent,
        )
        .await
        .map_err(|e| e.failure())?
    {
        PutOutcome::Created => Ok(Standing {
            manifest: Box::new(manifest),
            sha256: object.sha256,
        }),
        PutOutcome::AlreadyExists => standing_manifest(fleet, job, key).await?.ok_or_else(|| {
            Failure::new(
                ErrorCode::StoreUnavailable,
                "the manifest exists and cannot be read",
            )
        }),
    }
}

fn header(fleet: &Fleet, job: &Job, plan: &Plan, recording_sha256: &Sha256) -> Header {
    Header {
        tenant: job.tenant.clone(),
        call: job.call.clone(),
        spec_sha256: plan.spec_sha256.clone(),
        size_bytes: plan.size_bytes,
        sha256: recording_sha256.clone(),
        engine: engine_facts(&fleet.model),
    }
}

/// The event is made from the stored manifest alone, so that every copy is the same whoever sends it.
pub(super) fn done(
    fleet: &Fleet,
    job: &Job,
    manifest_key: ObjectKey,
    standing: Standing,
    how: How,
) -> Done {
    let data = EventData::Completed(Completed {
        job_id: job.job_id,
        tenant: job.tenant.clone(),
        call: job.call.clone(),
        spec_sha256: standing.manifest.spec_sha256.clone(),
        manifest_bucket: fleet.results_bucket.to_string(),
        manifest_key: manifest_key.clone(),
        manifest_sha256: standing.sha256,
        summary: standing.manifest.summary.clone(),
    });
    let event = event(
        job,
        EventKind::JobCompleted,
        standing.manifest.completed_at,
        data,
    );
    Done {
        how,
        event: Box::new(event),
        manifest_key,
        manifest: standing.manifest,
    }
}

pub fn failed_event(job: &Job, failure: &Failure, attempts: Attempts) -> Event {
    let data = EventData::Failed(Failed {
        job_id: job.job_id,
        tenant: job.tenant.clone(),
        call: job.call.clone(),
        code: failure.code,
        class: failure.class(),
        detail: failure.detail.clone(),
        remedy: failure.code.remedy().to_owned(),
        content_attempts: attempts.content,
        infra_attempts: attempts.infra,
    });
    event(job, EventKind::JobFailed, Timestamp::now(), data)
}

/// The id is derived from job and kind: a repeated event is recognised as one.
fn event(job: &Job, kind: EventKind, time: Timestamp, data: EventData) -> Event {
    let definition = match data {
        EventData::Completed(_) => "Completed",
        EventData::Failed(_) => "Failed",
    };
    Event {
        specversion: SpecVersion::V1,
        id: Uuid::new_v5(&job.job_id.0, kind.as_str().as_bytes()),
        source: "/earwitness".into(),
        kind,
        subject: format!("{}/{}", job.tenant, job.call),
        time,
        datacontenttype: "application/json".into(),
        dataschema: format!("{}#/$defs/{definition}", schema::id("event")),
        data,
    }
}
