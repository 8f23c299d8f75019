//! From a job to its spec: which bytes, which model, which rules, and where the results belong.
//! Fails when the job names what this fleet does not have, or the recording is not there as described.

use std::sync::Arc;

use analysis::redact::Policy;
use job_schema::engine::CallSpec;
use job_schema::{ErrorCode, Failure, Job, Sha256};

use super::Fleet;
use crate::layout::ResultKeys;
use crate::results::Scoring;
use crate::spec::{PIPELINE_REVISION, RecordingIdentity, Spec};
use crate::store::{Location, ObjectMeta, Pin, Readiness};

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) recording: Location,
    /// The object as it was when the plan was made: what is fetched must still be that.
    pub(super) pin: Pin,
    pub(super) size_bytes: u64,
    pub(super) scoring: Scoring,
    /// Of the job or its tenant, to detect one of.
    pub(super) languages: Vec<String>,
    /// Present when redacted copies were asked for.
    pub(super) redaction: Option<Arc<Policy>>,
    pub(super) spec_sha256: Sha256,
    pub(super) keys: ResultKeys,
}

pub(super) async fn plan(fleet: &Fleet, job: &Job) -> Result<Plan, Failure> {
    if let Some(model) = job
        .options
        .model
        .as_ref()
        .filter(|m| **m != fleet.model.name)
    {
        let detail = format!("this worker runs `{}`, not `{model}`", fleet.model.name);
        return Err(Failure::at(
            ErrorCode::UnknownModel,
            "/options/model",
            detail,
        ));
    }
    let scoring = scoring(fleet, job).await?;
    let redaction = redaction(job)?;
    let recording = Location::new(job.recording.bucket.clone(), job.recording.key.clone());
    let meta = fleet
        .store_of(job)
        .head(&recording, job.recording.version_id.as_deref())
        .await
        .map_err(|e| e.recording_failure())?;
    check_object(fleet, job, &meta)?;
    let pin = Pin {
        etag: meta.etag,
        version_id: meta.version_id.or(job.recording.version_id.clone()),
        sha256: job.recording.sha256.clone(),
    };
    let options = fleet.languages.complete(&job.tenant, &job.options);
    let spec = Spec {
        tenant: &job.tenant,
        call: &job.call,
        recording: RecordingIdentity {
            bucket: &job.recording.bucket,
            key: &job.recording.key,
            etag: pin.etag.as_deref(),
            version_id: pin.version_id.as_deref(),
        },
        options: &options,
        model_sha256: &fleet.model.sha256,
        rules_sha256: scoring.rules.as_ref().map(|rules| rules.sha256()),
        scorecard_sha256: scoring.scorecard.as_ref().map(|card| &card.sha256),
        recognizer: &fleet.model.recognizer,
        pipeline_revision: PIPELINE_REVISION,
    };
    let spec_sha256 = spec.sha256();
    let keys = ResultKeys::new(&job.tenant, &job.call, &spec_sha256);
    Ok(Plan {
        recording,
        pin,
        size_bytes: meta.size_bytes,
        scoring,
        languages: options.into_owned().languages,
        redaction,
        spec_sha256,
        keys,
    })
}

/// The rules and the scorecard that the job names, as this worker has them.
pub(super) async fn scoring(fleet: &Fleet, job: &Job) -> Result<Scoring, Failure> {
    let rules = match &job.options.rules {
        Some(wanted) => Some(fleet.rules.load(wanted).await?.rules),
        None => None,
    };
    let scorecard = match &job.options.scorecard {
        Some(wanted) => Some(fleet.rules.load_scorecard(wanted).await?),
        None => None,
    };
    if let Some(rescore) = &job.rescore {
        let found = (
            rules.as_ref().map(|rules| rules.sha256()),
            scorecard.as_ref().map(|card| &card.sha256),
        );
        let meant = (&rescore.rules_sha256, &rescore.scorecard_sha256);
        check_digest(meant.0, found.0, "/rescore/rules_sha256")?;
        check_digest(meant.1, found.1, "/rescore/scorecard_sha256")?;
    }
    Ok(Scoring {
        rules,
        scorecard,
        facts: job.options.attributes.clone(),
    })
}

fn check_digest(
    meant: &Option<Sha256>,
    found: Option<&Sha256>,
    pointer: &str,
) -> Result<(), Failure> {
    match meant {
        Some(meant) if found != Some(meant) => {
            let detail = "this worker has another file under this id and version";
            Err(Failure::at(ErrorCode::BadRules, pointer, detail))
        }
        _ => Ok(()),
    }
}

fn redaction(job: &Job) -> Result<Option<Arc<Policy>>, Failure> {
    let policy = job.options.redaction.clone().map(Policy::new).transpose();
    let place = "/options/redaction/custom";
    let policy = policy.map_err(|e| Failure::at(ErrorCode::BadJob, place, e.to_string()))?;
    Ok(policy.map(Arc::new))
}

/// Decided on the object's metadata, before a byte of it is read.
fn check_object(fleet: &Fleet, job: &Job, meta: &ObjectMeta) -> Result<(), Failure> {
    let (size_bytes, limit) = (meta.size_bytes, fleet.limits.max_recording_bytes);
    if let Readiness::Archived(tier) = &meta.readiness {
        return Err(Failure::new(
            ErrorCode::RecordingNotReadable,
            format!("the object is in the tier {tier}"),
        ));
    }
    if size_bytes == 0 {
        return Err(Failure::new(
            ErrorCode::RecordingEmpty,
            "the object has 0 bytes",
        ));
    }
    if size_bytes > limit {
        return Err(Failure::new(
            ErrorCode::RecordingTooLarge,
            format!("{size_bytes} bytes, the limit is {limit}"),
        ));
    }
    match (&job.recording.etag, &meta.etag) {
        (Some(wanted), Some(found)) if wanted.trim_matches('"') != found.trim_matches('"') => {
            Err(Failure::at(
                ErrorCode::RecordingChanged,
                "/recording/etag",
                "the object has another ETag",
            ))
        }
        _ => Ok(()),
    }
}

impl Plan {
    /// What the engine is told: nothing of tenants, calls or keys.
    pub(super) fn call_spec(&self, fleet: &Fleet, job: &Job) -> CallSpec {
        let name = job
            .recording
            .key
            .as_str()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let (vocabulary, role_vocabulary) = self.scoring.vocabulary(&job.options.vocabulary);
        CallSpec {
            channel_roles: job.options.channel_roles.clone(),
            language: job.options.language.clone(),
            languages: self.languages.clone(),
            vocabulary,
            role_vocabulary,
            raw_audio: job.options.raw_audio,
            extension: name
                .rsplit_once('.')
                .map(|(_, extension)| extension.to_ascii_lowercase()),
            limits: fleet.limits,
            skip_spans_count: 0,
        }
    }
}
