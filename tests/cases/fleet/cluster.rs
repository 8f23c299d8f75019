//! A broker of three nodes that loses the one which leads its queues: jobs go on, none is lost, and the node is taken back.

use std::collections::BTreeSet;

use earwitness_tests::cluster::Cluster;
use earwitness_tests::fleet::{Fleet, job};
use earwitness_tests::process::WorkerProcess;
use earwitness_tests::recordings::tone;
use earwitness_tests::signals::until;
use serde_json::json;

use super::stop;

const JOBS: usize = 60;
/// Done by then, so that the loss comes in the middle.
const BEFORE_THE_LOSS: usize = 10;
/// Published while the node is gone.
const LATE_JOBS: usize = 10;

#[tokio::test]
async fn the_loss_of_a_queues_leader_loses_no_job() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(dir.path()).await.unwrap();
    let [first, second, third] = &cluster.nodes[..] else {
        unreachable!("a cluster has three nodes");
    };
    let script = json!({ "words": ["one"], "delay_ms": 50 });
    let fleet = Fleet::start_led_by(first.broker(), second.broker(), &script)
        .await
        .unwrap();
    let queues = cluster.queues(&fleet.queue_prefix()).await.unwrap();
    assert!(queues.len() > 5, "{queues:?}");
    let leader = first.name().unwrap();
    let on_three = |(led_by, members): &(String, usize)| *led_by == leader && *members == 3;
    assert!(queues.iter().all(on_three), "{leader}: {queues:?}");

    fleet
        .upload("acme/tone.wav", tone().unwrap())
        .await
        .unwrap();
    let mut workers: Vec<WorkerProcess> = [("a", first), ("b", second), ("c", third)]
        .map(|(name, node)| {
            fleet
                .worker(name, &[("broker.url", node.broker().url())])
                .unwrap()
        })
        .into();
    for worker in &mut workers {
        worker.ready().await.unwrap();
    }
    publish(&fleet, 0..JOBS).await;
    done(&fleet, BEFORE_THE_LOSS).await;
    first.kill().await.unwrap();
    assert!(results(&fleet).await < JOBS, "the loss came too late");
    done(&fleet, JOBS).await;
    publish(&fleet, JOBS..JOBS + LATE_JOBS).await;
    done(&fleet, JOBS + LATE_JOBS).await;

    first.start_again().await.unwrap();
    let [cut_off, ..] = &mut workers[..] else {
        unreachable!("there are three workers");
    };
    cut_off.ready().await.unwrap();
    for worker in workers {
        stop(worker).await;
    }
    let waiting = fleet.waiting().await.unwrap();
    let [(queue, count)] = &waiting[..] else {
        unreachable!("events and nothing else: {waiting:?}");
    };
    assert_eq!(queue, "events.all");
    let events = fleet
        .events(usize::try_from(*count).unwrap())
        .await
        .unwrap();
    let completed = events
        .iter()
        .filter(|e| e.kind.as_str() == "earwitness.job.completed");
    let calls: BTreeSet<_> = completed.map(|event| event.subject.clone()).collect();
    assert_eq!(calls.len(), JOBS + LATE_JOBS, "each is told of");
    let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(
        ids.len(),
        JOBS + LATE_JOBS,
        "one event id each, in {count} copies"
    );
    for n in 0..JOBS + LATE_JOBS {
        fleet.result(&format!("call-{n}")).await.unwrap();
    }
}

async fn publish(fleet: &Fleet, numbers: std::ops::Range<usize>) {
    let body = |n| {
        let mut job = job(&format!("call-{n}"));
        job["recording"]["key"] = json!("acme/tone.wav");
        job.to_string().into_bytes()
    };
    let bodies: Vec<_> = numbers.map(body).collect();
    fleet.publish_all(&bodies).await.unwrap();
}

async fn results(fleet: &Fleet) -> usize {
    let keys = fleet.keys("acme/calls/").await.unwrap();
    keys.iter()
        .filter(|key| key.ends_with("/manifest.json"))
        .count()
}

async fn done(fleet: &Fleet, count: usize) {
    let what = format!("{count} results");
    until(&what, async || {
        Ok((results(fleet).await >= count).then_some(()))
    })
    .await
    .unwrap();
}
