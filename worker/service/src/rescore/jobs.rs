//! Scoring again as jobs. In: a stored result's manifest, and what to score with. Out: the job that a worker takes, always the
//! same one for the same result and versions: sent twice, it is one job. Pure.

use jiff::Timestamp;
use job_schema::job::{Lane, Options, Rescore, RuleSetRef};
use job_schema::manifest::Manifest;
use job_schema::{Job, JobId, ObjectKey, SCHEMA_VERSION};
use uuid::Uuid;

use crate::results::Scoring;

pub fn job(
    manifest_key: &ObjectKey,
    manifest: &Manifest,
    scoring: &Scoring,
    lane: Lane,
    not_after: Option<Timestamp>,
) -> Job {
    let rules = scoring.rules.as_deref();
    let card = scoring.scorecard.as_deref();
    let rescore = Rescore {
        manifest_key: manifest_key.clone(),
        rules_sha256: rules.map(|rules| rules.sha256().clone()),
        scorecard_sha256: card.map(|card| card.sha256.clone()),
    };
    Job {
        schema_version: SCHEMA_VERSION,
        job_id: id(&rescore, &scoring.name()),
        tenant: manifest.tenant.clone(),
        call: manifest.call.clone(),
        recording: manifest.recording.clone(),
        lane,
        options: Options {
            rules: rules.map(|rules| RuleSetRef {
                id: rules.id().clone(),
                version: rules.version(),
            }),
            scorecard: card.map(|card| RuleSetRef {
                id: card.id.clone(),
                version: card.version,
            }),
            ..Options::default()
        },
        submitted_at: Timestamp::now(),
        not_after,
        checkpoint: None,
        rescore: Some(rescore),
        signature: None,
    }
}

fn id(rescore: &Rescore, name: &str) -> JobId {
    let digest = |sha256: &Option<job_schema::Sha256>| {
        sha256.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let identity = format!(
        "{} {name} {} {}",
        rescore.manifest_key,
        digest(&rescore.rules_sha256),
        digest(&rescore.scorecard_sha256)
    );
    JobId(Uuid::new_v5(&Uuid::NAMESPACE_OID, identity.as_bytes()))
}
