//! A death at each named point, and what the next worker makes of it: one result, one event id, an audit log that is whole.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use earwitness::crash::Point;
use earwitness_tests::fleet::{Fleet, TENANT, job};
use earwitness_tests::process::{self, WorkerProcess};
use earwitness_tests::recordings::spoken;
use earwitness_tests::signals::until;
use job_schema::ErrorCode;
use job_schema::event::{Event, EventData};
use job_schema::status::State;
use rustix::process::Signal;
use serde_json::json;

use super::{quick, slow, stop};

/// Who writes the manifest after a death at a point: before it is there the next worker, after that nobody.
const COMPLETING: [(Point, &str); 8] = [
    (Point::Accepted, "next"),
    (Point::Fetched, "next"),
    (Point::CheckpointSaved, "next"),
    (Point::Recognised, "next"),
    (Point::ObjectsStored, "next"),
    (Point::ManifestStored, "lost"),
    (Point::EventPublished, "lost"),
    (Point::Completed, "lost"),
];

/// A worker that is to die, or with no point one that is not.
fn worker(fleet: &Fleet, name: &str, point: Option<Point>, more: &[(&str, &str)]) -> WorkerProcess {
    let audit = audit_file(fleet, name);
    let more = [more, &[("worker.name", name), ("audit.file", &audit)]].concat();
    let mut settings = fleet.settings(&more);
    settings.extend(crash_at(point));
    WorkerProcess::start(name, fleet.scratch(&format!("{name}.log")), &settings).unwrap()
}

fn crash_at(point: Option<Point>) -> Option<process::Setting> {
    point.map(|point| ("EARWITNESS_CRASH_AT".to_owned(), point.as_str().to_owned()))
}

fn audit_file(fleet: &Fleet, name: &str) -> String {
    fleet.path(&format!("{name}.audit"))
}

async fn died(mut worker: WorkerProcess, point: Point) {
    let status = worker.ended().await.unwrap();
    let killed = Some(Signal::KILL.as_raw());
    assert_eq!(
        status.signal(),
        killed,
        "{}: {status} {}",
        point.as_str(),
        worker.log().unwrap()
    );
}

async fn audit_is_whole(fleet: &Fleet, name: &str) {
    let file = audit_file(fleet, name);
    let verified = process::run(&["audit", "verify", &file], &[])
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success(), "{name}: {said}");
}

/// All events once nothing waits and nobody works.
async fn all_events(fleet: &Fleet) -> Vec<Event> {
    let waiting = fleet.waiting().await.unwrap();
    let events = waiting.iter().find(|(queue, _)| queue == "events.all");
    let count = events.map_or(0, |(_, count)| usize::try_from(*count).unwrap());
    fleet.events(count).await.unwrap()
}

/// Waits until no job is left, neither in a lane nor on its way to one, and none in hand.
async fn settled(fleet: &Fleet, next: &mut WorkerProcess) {
    until("all jobs to be settled", async || {
        let waiting = fleet.waiting().await?;
        let is_job = |queue: &str| queue.starts_with("jobs.") || queue.starts_with("retry.");
        let idle = next.metric("earwitness_running_jobs").await? == 0.0;
        Ok((idle && !waiting.iter().any(|(queue, _)| is_job(queue))).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_death_at_any_point_of_a_job_leaves_one_result_and_one_event() {
    let fleet = Fleet::start(&slow()).await.unwrap();
    for (point, writer) in COMPLETING {
        let call = point.as_str();
        let (lost_name, next_name) = (format!("lost-{call}"), format!("next-{call}"));
        let lost = worker(&fleet, &lost_name, Some(point), &[]);
        fleet.submit(call, spoken(3, 1.0).unwrap()).await.unwrap();
        died(lost, point).await;
        let mut next = worker(&fleet, &next_name, None, &[]);
        let outcome: String = next.logged("job done", "outcome").await.unwrap();
        let expected = if writer == "lost" {
            "already_done"
        } else {
            "completed"
        };
        assert_eq!(outcome, expected, "{call}");
        settled(&fleet, &mut next).await;
        stop(next).await;

        // Checks that there is one manifest, its objects as it says, and nothing else.
        let manifest = fleet.result(call).await.unwrap();
        assert_eq!(manifest.processing.worker, format!("{writer}-{call}"));
        let infra = u32::from(writer == "next");
        assert_eq!(manifest.processing.infra_attempts, infra, "{call}");
        assert_eq!(manifest.processing.content_attempts, 0, "{call}");
        let resumed = manifest.processing.resumed_spans_count > 0;
        if point == Point::CheckpointSaved {
            assert!(resumed, "what was saved is used");
        }
        let events = all_events(&fleet).await;
        let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
        assert_eq!(ids.len(), 1, "{call}: {events:?}");
        assert!(
            events.iter().all(|event| *event == events[0]),
            "{call}: copies differ"
        );
        let told_twice = matches!(point, Point::EventPublished | Point::Completed);
        assert_eq!(events.len(), 1 + usize::from(told_twice), "{call}");
        for name in [&lost_name, &next_name] {
            audit_is_whole(&fleet, name).await;
        }
        assert_eq!(
            fleet.waiting().await.unwrap(),
            [],
            "{call}: something is left"
        );
    }
}

/// Both copies of such a job are run, and whichever comes second finds the first one's result.
#[tokio::test]
async fn a_death_between_a_copy_and_the_ack_leaves_one_result() {
    let fleet = Fleet::start(&slow()).await.unwrap();
    let crashing = json!({ "words": ["one"], "fault": { "kind": "abort", "at_span": 0 } });
    std::fs::write(fleet.path("crashing.json"), crashing.to_string()).unwrap();
    let crashing = fleet.path("crashing.json");
    for (point, settings) in [
        (Point::RetryPublished, ("engine.script", &*crashing)),
        (Point::HandOverPublished, ("worker.drain_timeout_s", "0")),
    ] {
        let call = point.as_str();
        let lost = worker(&fleet, &format!("lost-{call}"), Some(point), &[settings]);
        let id = fleet.submit(call, spoken(3, 1.0).unwrap()).await.unwrap();
        if point == Point::HandOverPublished {
            let running = |state| matches!(state, State::Running { .. }).then_some(());
            fleet.state(id, "a running job", running).await.unwrap();
            lost.terminate().unwrap();
        }
        died(lost, point).await;
        let mut next = worker(&fleet, &format!("next-{call}"), None, &[]);
        let events = fleet.events(2).await.unwrap();
        assert_eq!(events[0], events[1], "{call}: copies differ");
        settled(&fleet, &mut next).await;
        stop(next).await;
        let manifest = fleet.result(call).await.unwrap();
        assert_eq!(manifest.processing.worker, format!("next-{call}"));
        for name in ["lost", "next"] {
            audit_is_whole(&fleet, &format!("{name}-{call}")).await;
        }
        assert_eq!(
            fleet.waiting().await.unwrap(),
            [],
            "{call}: something is left"
        );
    }
}

#[tokio::test]
async fn a_death_after_a_dead_letter_leaves_another_and_one_event() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let point = Point::DeadLetterPublished;
    let lost = worker(&fleet, "lost", Some(point), &[]);
    fleet
        .publish(job("no-recording").to_string().as_bytes())
        .await
        .unwrap();
    died(lost, point).await;
    let mut next = worker(&fleet, "next", None, &[]);
    let letters = [
        fleet.dead_letter().await.unwrap(),
        fleet.dead_letter().await.unwrap(),
    ];
    assert_eq!(
        letters[0].body, letters[1].body,
        "both hold the message as it came"
    );
    settled(&fleet, &mut next).await;
    stop(next).await;
    let events = all_events(&fleet).await;
    assert_eq!(events.len(), 1);
    let EventData::Failed(failed) = &events[0].data else {
        unreachable!("{:?}", events[0].kind);
    };
    assert_eq!(failed.code, ErrorCode::RecordingNotFound);
    for name in ["lost", "next"] {
        audit_is_whole(&fleet, name).await;
    }
}

/// The rows have the jobs and the intake has them too: each is run once, and none was tried by being moved.
#[tokio::test]
async fn a_death_among_moved_jobs_leaves_one_result_of_each() {
    const JOBS: usize = 6;
    let fleet = Fleet::start(&slow()).await.unwrap();
    let calls: Vec<String> = (0..JOBS).map(|index| format!("call-{index}")).collect();
    for call in &calls {
        fleet.submit(call, spoken(1, 1.0).unwrap()).await.unwrap();
    }
    let lost = worker(&fleet, "lost", Some(Point::Sorted), &[]);
    died(lost, Point::Sorted).await;
    let mut next = worker(&fleet, "next", None, &[]);
    let done = async || {
        let keys = fleet.keys("acme/calls/").await?;
        anyhow::Ok(
            keys.iter()
                .filter(|key| key.ends_with("/manifest.json"))
                .count(),
        )
    };
    until("all jobs to be done", async || {
        Ok((done().await? == JOBS).then_some(()))
    })
    .await
    .unwrap();
    settled(&fleet, &mut next).await;
    stop(next).await;
    let mut tried_before = 0;
    for call in &calls {
        let manifest = fleet.result(call).await.unwrap();
        tried_before += manifest.processing.infra_attempts;
    }
    assert!(tried_before <= 1, "one job was in its slot's hand");
    let events = all_events(&fleet).await;
    let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), JOBS);
    assert!(events.len() > JOBS, "no job was there twice");
    assert_eq!(fleet.waiting().await.unwrap(), [], "something is left");
}

/// The same of one that was put off.
#[tokio::test]
async fn a_death_after_a_job_was_put_off_leaves_one_result_of_each() {
    const JOBS: usize = 3;
    let fleet = Fleet::start(&slow()).await.unwrap();
    for index in 0..JOBS {
        let call = format!("call-{index}");
        fleet.submit(&call, spoken(2, 1.0).unwrap()).await.unwrap();
    }
    let capped = [("engine.slots", "2"), ("worker.tenant_slots", "1")];
    let lost = worker(&fleet, "lost", Some(Point::PutOff), &capped);
    died(lost, Point::PutOff).await;
    let mut next = worker(&fleet, "next", None, &capped);
    until("all jobs to be done", async || {
        let keys = fleet.keys("acme/calls/").await?;
        let done = keys.iter().filter(|key| key.ends_with("/manifest.json"));
        Ok((done.count() == JOBS).then_some(()))
    })
    .await
    .unwrap();
    settled(&fleet, &mut next).await;
    stop(next).await;
    let events = all_events(&fleet).await;
    let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), JOBS);
    assert_eq!(fleet.waiting().await.unwrap(), [], "something is left");
}

/// The tombstone stands, so whoever comes next clears the call: a worker with its job, or the deletion when it is run again.
#[tokio::test]
async fn a_deletion_that_dies_is_finished_by_whoever_comes_next() {
    for point in [Point::TombstoneWritten, Point::HalfPurged] {
        for by_worker in [false, true] {
            let fleet = Fleet::start(&quick()).await.unwrap();
            let first = worker(&fleet, "first", None, &[]);
            fleet
                .submit("call-1", spoken(1, 1.0).unwrap())
                .await
                .unwrap();
            fleet.events(1).await.unwrap();
            stop(first).await;
            let mut settings = fleet.settings(&[]);
            settings.extend(crash_at(Some(point)));
            let purge = ["purge", "--tenant", TENANT, "--call", "call-1"];
            let killed = process::run(&purge, &settings).await.unwrap();
            assert_eq!(killed.status.signal(), Some(Signal::KILL.as_raw()));
            let left = fleet.keys("acme/calls/call-1/").await.unwrap();
            assert!(!left.is_empty(), "{}: it died too late", point.as_str());
            if by_worker {
                let next = worker(&fleet, "next", None, &[]);
                fleet
                    .publish(job("call-1").to_string().as_bytes())
                    .await
                    .unwrap();
                let dead = fleet.dead_letter().await.unwrap();
                assert_eq!(dead.header("x-earwitness-code").as_deref(), Some("deleted"));
                stop(next).await;
            } else {
                let again = process::run(&purge, &fleet.settings(&[])).await.unwrap();
                assert!(again.status.success());
            }
            let left = fleet.keys("acme/calls/call-1/").await.unwrap();
            assert_eq!(
                left,
                [""; 0],
                "{}, by a worker: {by_worker}",
                point.as_str()
            );
        }
    }
}

/// What a worker wrote before it died goes with a deletion that comes before its job is taken up again.
#[tokio::test]
async fn a_call_that_is_deleted_after_a_death_leaves_nothing() {
    let fleet = Fleet::start(&slow()).await.unwrap();
    for point in [
        Point::CheckpointSaved,
        Point::ObjectsStored,
        Point::ManifestStored,
    ] {
        let call = point.as_str();
        let lost = worker(&fleet, &format!("lost-{call}"), Some(point), &[]);
        fleet.submit(call, spoken(3, 1.0).unwrap()).await.unwrap();
        died(lost, point).await;
        let purge = ["purge", "--tenant", TENANT, "--call", call];
        let purged = process::run(&purge, &fleet.settings(&[])).await.unwrap();
        assert!(purged.status.success());
        let next = worker(&fleet, &format!("next-{call}"), None, &[]);
        let dead = fleet.dead_letter().await.unwrap();
        assert_eq!(dead.header("x-earwitness-code").as_deref(), Some("deleted"));
        stop(next).await;
        let left = fleet.keys(&format!("acme/calls/{call}/")).await.unwrap();
        assert_eq!(left, [""; 0], "{call}");
    }
}

#[test]
fn every_point_has_a_name_of_its_own_and_a_test() {
    let names: BTreeSet<_> = Point::ALL.iter().map(|point| point.as_str()).collect();
    assert_eq!(names.len(), Point::ALL.len());
    let source = include_str!("crashes.rs");
    for point in Point::ALL {
        assert!(
            source.contains(&format!("Point::{point:?}")),
            "{point:?} is never died at"
        );
    }
}
