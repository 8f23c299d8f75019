//! One job from delivery to stored result, in the order that keeps the promise: objects, then the manifest, then the event.
//! In: a parsed [`Job`]. Out: the completed event, or the place to go on from, or a typed [`Failure`].
//! The manifest decides: whoever writes it first has done the job, and everyone else repeats its event.

mod cancelled;
mod deleted;
pub mod keep;
mod plan;
pub mod publish;
mod rescore;

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use job_schema::engine::{Limits, SpanResult};
use job_schema::event::Event;
use job_schema::job::{BucketName, Rescore};
use job_schema::manifest::Manifest;
use job_schema::transcript::{ConfidenceMapping, EngineFacts};
use job_schema::{ErrorCode, Failure, Job, ObjectKey, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::cancel;
use crate::crash::{self, Point};
use crate::engine::Engine;
use crate::languages::TenantLanguages;
use crate::metrics::Metrics;
use crate::recognise::{Board, Recognised, recognise};
use crate::redact::Proving;
use crate::retention::Retention;
use crate::rules::RuleBook;
use crate::settle::{Attempts, Stopped};
use crate::signing::Gate;
use crate::store::{self, BlobStore, Scope};
use cancelled::Watch;
use deleted::taken_back;
use keep::Kept;
use plan::Plan;
use publish::Standing;

/// What every job of this worker shares.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// This worker's name, in manifests and status objects.
    pub worker: String,
    /// With the worker's own rights, for what is no tenant's: a job goes by [`Fleet::store_of`].
    pub own_store: Arc<dyn BlobStore>,
    pub results_bucket: BucketName,
    pub engine: Engine,
    pub model: ModelInUse,
    pub rules: RuleBook,
    pub retention: Retention,
    pub languages: TenantLanguages,
    pub limits: Limits,
    pub checkpoint_interval: Duration,
    pub metrics: Metrics,
}

impl Fleet {
    /// The store for whatever is done for a job: with the keys and the rights of its tenant alone.
    pub fn store_of(&self, job: &Job) -> Arc<dyn BlobStore> {
        let scope = Scope {
            tenant: &job.tenant,
            recordings: &job.recording.bucket,
            results: &self.results_bucket,
        };
        store::of_tenant(&self.own_store, scope)
    }
}

#[derive(Debug, Clone)]
pub struct ModelInUse {
    pub name: String,
    pub sha256: Sha256,
    /// Name and version of the inference engine.
    pub recognizer: String,
    /// How texts are looked for.
    pub decoding: Option<String>,
    /// How its probabilities become confidences.
    pub confidence: Option<ConfidenceMapping>,
}

/// What made the words, for a transcript.
pub fn engine_facts(model: &ModelInUse) -> EngineFacts {
    let revision = crate::spec::PIPELINE_REVISION.to_string();
    let decoding = model.decoding.clone();
    let parameters = [
        decoding.map(|decoding| ("decoding".to_owned(), decoding)),
        Some(("pipeline_revision".to_owned(), revision)),
    ];
    EngineFacts {
        model: model.name.clone(),
        model_sha256: model.sha256.clone(),
        recognizer: model.recognizer.clone(),
        worker: format!("earwitness {}", env!("CARGO_PKG_VERSION")),
        parameters: parameters.into_iter().flatten().collect(),
        confidence: model.confidence.clone(),
    }
}

#[derive(Debug)]
pub enum Ended {
    Done(Done),
    /// Stopped on request; the checkpoint holds what was finished, if anything was.
    Interrupted(Stopped),
}

/// A job with its manifest in place.
#[derive(Debug)]
pub struct Done {
    pub how: How,
    pub event: Box<Event>,
    pub manifest_key: ObjectKey,
    pub manifest: Box<Manifest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Completed,
    /// A stored transcript was scored again.
    Rescored,
    /// A manifest for this spec was there before us.
    AlreadyDone,
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            How::Completed => "completed",
            How::Rescored => "rescored",
            How::AlreadyDone => "already_done",
        }
    }
}

/// How far a job came, for whoever goes on with it.
struct Work {
    board: Board,
    proving: Proving,
    /// Spans that an earlier worker finished.
    resumed: u64,
}

impl Work {
    fn resumed(kept: Kept) -> Self {
        Self {
            resumed: kept.spans.len() as u64,
            board: Board::resumed(kept.spans),
            proving: Proving::resumed(kept.proof),
        }
    }
}

/// Runs one job. `stop` asks for an early end at the next span.
pub async fn process(
    fleet: &Fleet,
    job: &Job,
    attempts: Attempts,
    stop: &CancellationToken,
) -> Result<Ended, Failure> {
    let started = Instant::now();
    Gate::check_agreement(job)?;
    // First of all: no later delivery may come to take back what an earlier one left.
    deleted::check(fleet, job).await?;
    if let Some(wanted) = &job.rescore {
        still_wanted(fleet, job).await?;
        return rescored(fleet, job, wanted, attempts, started).await;
    }
    let planned = plan::plan(fleet, job)
        .instrument(tracing::info_span!("plan"))
        .await;
    let standing = match &planned {
        Ok(plan) => publish::standing_manifest(fleet, job, &plan.keys.manifest()).await?,
        Err(_) => None,
    };
    // A job that is done stays done: it may have been told of, and only its ack be missing.
    let is_own = |standing: &Standing| standing.manifest.job_id == job.job_id;
    if !standing.as_ref().is_some_and(is_own) {
        still_wanted(fleet, job).await?;
    }
    let plan = planned?;
    if let Some(standing) = standing {
        // Its worker may have died before it did so.
        keep::drop_checkpoint(fleet, job, &plan).await;
        // Of a deleted call another worker may be about to take it back: it must not be told of.
        deleted::check(fleet, job).await?;
        let key = plan.keys.manifest();
        let done = publish::done(fleet, job, key, standing, How::AlreadyDone);
        return Ok(Ended::Done(done));
    }
    match transcribed(fleet, job, &plan, attempts, started, stop).await {
        Err(failure) => Err(taken_back(fleet, job, failure).await),
        ended => ended,
    }
}

/// From the recording to its results.
async fn transcribed(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    attempts: Attempts,
    started: Instant,
    stop: &CancellationToken,
) -> Result<Ended, Failure> {
    let watch = Watch::begin(fleet, job, stop);
    let stop = &watch.stop;
    let fetched = fetch(fleet, job, plan, stop)
        .instrument(tracing::info_span!("fetch"))
        .await?;
    let Some((recording, recording_sha256)) = fetched else {
        watch.check(fleet, job, plan).await?;
        return Ok(Ended::Interrupted(Stopped::default()));
    };
    crash::at(Point::Fetched);
    let work = Work::resumed(keep::load_checkpoint(fleet, job, plan).await?);
    let board = &work.board;
    let recognised = {
        let spec = plan.call_spec(fleet, job);
        let run = recognise(&fleet.engine, Arc::clone(&recording), &spec, board, stop);
        keep::alongside(fleet, job, plan, board, run)
            .instrument(tracing::info_span!("recognise"))
            .await?
    };
    watch.check(fleet, job, plan).await?;
    let Recognised::All(findings) = recognised else {
        return interrupted(fleet, job, plan, &work, board.spans()).await;
    };
    deleted::check(fleet, job).await?;
    crash::at(Point::Recognised);
    // To resume from, should the job be stopped while its redacted copies are proved.
    let finished = match &plan.redaction {
        Some(_) => findings.spans.clone(),
        None => Vec::new(),
    };
    let found = publish::Found {
        recording_sha256,
        recording,
        findings: *findings,
        started,
        attempts,
        resumed: work.resumed,
    };
    let standing = publish::results(fleet, job, plan, found, &work.proving, stop)
        .instrument(tracing::info_span!("store"))
        .await?;
    let Some(standing) = standing else {
        watch.check(fleet, job, plan).await?;
        return interrupted(fleet, job, plan, &work, finished).await;
    };
    // A deletion writes its tombstone before it lists what to delete, and we look after we wrote: one side sees the other.
    deleted::check(fleet, job).await?;
    let key = plan.keys.manifest();
    let done = publish::done(fleet, job, key, standing, How::Completed);
    Ok(Ended::Done(done))
}

async fn rescored(
    fleet: &Fleet,
    job: &Job,
    wanted: &Rescore,
    attempts: Attempts,
    started: Instant,
) -> Result<Ended, Failure> {
    let rescored = rescore::rescore(fleet, job, wanted, attempts, started)
        .instrument(tracing::info_span!("rescore"))
        .await;
    match rescored {
        Ok(rescored) => Ok(Ended::Done(rescored)),
        Err(failure) => Err(taken_back(fleet, job, failure).await),
    }
}

async fn interrupted(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    work: &Work,
    finished: Vec<SpanResult>,
) -> Result<Ended, Failure> {
    let progressed = finished.len() as u64 > work.resumed || work.proving.progressed();
    let kept = Kept {
        spans: finished,
        proof: work.proving.so_far(),
    };
    let checkpoint = keep::save_checkpoint(fleet, job, plan, kept).await?;
    // Stopped because the delivery was lost: another worker may be done, and would not look for this again.
    if publish::standing_manifest(fleet, job, &plan.keys.manifest())
        .await?
        .is_some()
    {
        keep::drop_checkpoint(fleet, job, plan).await;
    }
    Ok(Ended::Interrupted(Stopped {
        checkpoint,
        progressed,
        recognised: work.board.recognised(),
    }))
}

/// Neither too late nor called off.
async fn still_wanted(fleet: &Fleet, job: &Job) -> Result<(), Failure> {
    if let Some(limit) = job.not_after
        && Timestamp::now() > limit
    {
        return Err(Failure::at(
            ErrorCode::JobExpired,
            "/not_after",
            format!("not to be run after {limit}"),
        ));
    }
    if is_cancelled(fleet, job).await? {
        return Err(cancel::cancelled());
    }
    Ok(())
}

/// Takes back what is left of a deleted call, whose job is given up before it is looked at.
pub async fn take_back_if_deleted(fleet: &Fleet, job: &Job) -> Option<Failure> {
    match deleted::check(fleet, job).await {
        Err(failure) if failure.code == ErrorCode::Deleted => Some(failure),
        _ => None,
    }
}

async fn is_cancelled(fleet: &Fleet, job: &Job) -> Result<bool, Failure> {
    let (store, results) = (fleet.store_of(job), &fleet.results_bucket);
    cancel::stands(&*store, results, &job.tenant, job.job_id)
        .await
        .map_err(|e| e.failure())
}

/// The recording into a file without a name, which vanishes with its last descriptor. `None` where `stop` came first.
async fn fetch(
    fleet: &Fleet,
    job: &Job,
    plan: &Plan,
    stop: &CancellationToken,
) -> Result<Option<(Arc<File>, Sha256)>, Failure> {
    let started = Instant::now();
    let exhausted = |e: std::io::Error| {
        let detail = format!("scratch file: {}", e.kind());
        Failure::new(ErrorCode::HostExhausted, detail)
    };
    let scratch = tempfile::tempfile().map_err(exhausted)?;
    let mut writer = tokio::fs::File::from_std(scratch.try_clone().map_err(exhausted)?);
    let limit = fleet.limits.max_recording_bytes;
    let store = fleet.store_of(job);
    let fetched = tokio::select! {
        fetched = store.fetch(&plan.recording, &plan.pin, &mut writer, limit) => fetched,
        () = stop.cancelled() => return Ok(None),
    };
    let fetched = fetched.map_err(|e| e.recording_failure())?;
    fleet
        .metrics
        .stage("fetch", started.elapsed().as_secs_f64());
    Ok(Some((Arc::new(scratch), fetched.sha256)))
}

#[cfg(test)]
mod tests;
