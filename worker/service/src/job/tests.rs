//! Jobs on a directory, as far as they go without an engine.

use job_schema::parse;

use super::keep::tests::{JOB, fleet};
use super::*;
use crate::store::{Location, PutMode};

#[tokio::test]
async fn a_job_that_is_stopped_while_its_recording_comes_says_nothing_of_the_recording() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("results")).unwrap();
    std::fs::create_dir_all(root.path().join("recordings/acme")).unwrap();
    let recording = root.path().join("recordings/acme/c1.wav");
    // Of nothing on the disk, and of more than can be copied while one looks.
    let sparse = File::create(recording).and_then(|file| file.set_len(256 << 20));
    sparse.unwrap();
    let fleet = fleet(root.path(), &"0".repeat(64).parse().unwrap());
    let job = parse::job(JOB.as_bytes()).unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let ended = process(&fleet, &job, Attempts::default(), &stop).await;
    // With the recording in hand it would be at an engine that does not start.
    let Ok(Ended::Interrupted(stopped)) = ended else {
        unreachable!("nothing else ends it: {ended:?}")
    };
    assert!(stopped.checkpoint.is_none() && !stopped.progressed);
    assert_eq!(stopped.recognised, Duration::ZERO);
}

const MANIFEST: &str = include_str!("../../../../job-schema/fixtures/v1/manifest.json");

/// The manifest of the job's result, made by itself or by another of the same recording.
async fn finish(fleet: &Fleet, job: &Job, is_own: bool) {
    let plan = plan::plan(fleet, job).await.unwrap();
    let mut manifest: Manifest = serde_json::from_str(MANIFEST).unwrap();
    if is_own {
        manifest.job_id = job.job_id;
    }
    let at = Location::new(fleet.results_bucket.clone(), plan.keys.manifest());
    let bytes = serde_json::to_vec(&manifest).unwrap().into();
    let store = fleet.store_of(job);
    let put = store.put(&at, bytes, "application/json", PutMode::Overwrite);
    put.await.unwrap();
}

#[tokio::test]
async fn a_job_that_is_done_stays_done_however_late_its_delivery_comes_again() {
    let past = "2026-11-24T10:00:01Z".parse().unwrap();
    for (is_own, is_cancelled, expected) in [
        (true, false, None),
        (true, true, None),
        (false, false, Some(ErrorCode::JobExpired)),
        (false, true, Some(ErrorCode::Cancelled)),
    ] {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("results")).unwrap();
        std::fs::create_dir_all(root.path().join("recordings/acme")).unwrap();
        std::fs::write(root.path().join("recordings/acme/c1.wav"), b"RIFF").unwrap();
        let fleet = fleet(root.path(), &"0".repeat(64).parse().unwrap());
        let mut job = parse::job(JOB.as_bytes()).unwrap();
        finish(&fleet, &job, is_own).await;
        if is_cancelled {
            let (store, results) = (fleet.store_of(&job), &fleet.results_bucket);
            let put = cancel::put(&*store, results, &job.tenant, job.job_id);
            put.await.unwrap();
        } else {
            job.not_after = Some(past);
        }
        let stop = CancellationToken::new();
        let ended = process(&fleet, &job, Attempts::default(), &stop).await;
        let outcome = match &ended {
            Ok(Ended::Done(done)) if done.how == How::AlreadyDone => None,
            Ok(_) => unreachable!("{ended:?}"),
            Err(failure) => Some(failure.code),
        };
        assert_eq!(
            outcome, expected,
            "own: {is_own}, cancelled: {is_cancelled}"
        );
    }
}
