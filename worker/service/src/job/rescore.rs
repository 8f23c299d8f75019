//! A job that scores a stored result again. In: a job with `rescore`, already admitted. Out: the completed event, from a manifest of
//! its own beside the new analysis. The promise is that of every job: analysis, manifest if absent, event, ack; nothing is
//! overwritten, and a copy of the job repeats the event. Fails for good where the result or the rules are not as named.

use std::time::Instant;

use jiff::Timestamp;
use job_schema::job::Rescore;
use job_schema::manifest::{Manifest, Processing, Summary};
use job_schema::{ErrorCode, Failure, Job};

use super::deleted::{self, deleted, is_deleted};
use super::publish::{self, done};
use super::{Done, Fleet, How, plan};
use crate::layout;
use crate::rescore::{Archive, another_analysis};
use crate::results::scored;
use crate::settle::Attempts;
use crate::spec::RescoreSpec;

pub(super) async fn rescore(
    fleet: &Fleet,
    job: &Job,
    wanted: &Rescore,
    attempts: Attempts,
    started: Instant,
) -> Result<Done, Failure> {
    let scoring = plan::scoring(fleet, job).await?;
    let archive = Archive {
        store: fleet.store_of(job),
        bucket: fleet.results_bucket.clone(),
    };
    let absent = |detail: &str| {
        Failure::at(
            ErrorCode::ResultNotFound,
            "/rescore/manifest_key",
            detail.to_owned(),
        )
    };
    let keys = layout::rescored(&wanted.manifest_key, &scoring.name())
        .ok_or_else(|| absent("not a manifest's key"))?;
    let original = archive.manifest(&wanted.manifest_key).await?;
    if (&original.tenant, &original.call) != (&job.tenant, &job.call) {
        return Err(absent("the manifest is another call's"));
    }
    let spec = RescoreSpec {
        manifest_key: &wanted.manifest_key,
        transcripts: &original.spec_sha256,
        attributes: &original.attributes,
        rules_sha256: scoring.rules.as_ref().map(|rules| rules.sha256()),
        scorecard_sha256: scoring.scorecard.as_ref().map(|card| &card.sha256),
    };
    let spec_sha256 = spec.sha256();
    if let Some(standing) = publish::standing_manifest(fleet, job, &keys.done).await? {
        if standing.manifest.spec_sha256 != spec_sha256 {
            return Err(another_analysis());
        }
        deleted::check(fleet, job).await?;
        return Ok(done(fleet, job, keys.done, standing, How::AlreadyDone));
    }
    let Some((rescored, document)) = archive.score(&original, &scoring).await? else {
        return Err(absent("the result has no transcript"));
    };
    let analysis = archive.store_beside(&keys.analysis, document).await?;
    let (score_points, rules_hit_count) = scored(&rescored.after);
    let manifest = Manifest {
        job_id: job.job_id,
        spec_sha256,
        completed_at: Timestamp::now(),
        objects: vec![analysis],
        summary: Summary {
            score_points,
            rules_hit_count,
            ..original.summary
        },
        processing: processing(fleet, attempts, started),
        ..original
    };
    let standing = publish::put_manifest(fleet, job, &keys.done, manifest).await?;
    // A deletion writes its tombstone before it lists what to delete, and we look after we wrote: one side sees the other.
    if is_deleted(fleet, job).await? {
        archive.delete(&keys.analysis).await?;
        archive.delete(&keys.done).await?;
        return Err(deleted());
    }
    Ok(done(fleet, job, keys.done, standing, How::Rescored))
}

fn processing(fleet: &Fleet, attempts: Attempts, started: Instant) -> Processing {
    // A worker that was killed counted nothing itself: the broker did.
    let attempts = attempts.folded();
    Processing {
        worker: fleet.worker.clone(),
        wall_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        // No audio was touched.
        real_time_factor: None,
        content_attempts: attempts.content,
        infra_attempts: attempts.infra,
        resumed_spans_count: 0,
    }
}
