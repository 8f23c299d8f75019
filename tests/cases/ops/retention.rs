//! Retention times through real workers: stamped, marked, swept when they are over, and not before.

use bytes::Bytes;
use earwitness::layout;
use earwitness_tests::fleet::{Fleet, TENANT};
use earwitness_tests::process::{WorkerProcess, run};
use earwitness_tests::recordings::tone;
use earwitness_tests::signals::until;
use jiff::{SignedDuration, Timestamp};
use job_schema::manifest::Manifest;
use job_schema::status::State;
use serde_json::{Value, json};

const DAYS: (&str, &str) = ("retention.tenants", "acme=30");
const OVERDUE: &str = "earwitness_retention_overdue";

async fn done(fleet: &Fleet, call: &str) -> Manifest {
    let job = fleet.submit(call, tone().unwrap()).await.unwrap();
    let done = |state| matches!(state, State::Completed { .. }).then_some(());
    fleet.state(job, "the job", done).await.unwrap();
    fleet.result(call).await.unwrap()
}

async fn stop(mut worker: WorkerProcess) {
    worker.terminate().unwrap();
    assert_eq!(worker.ended().await.unwrap().code(), Some(0));
}

/// Sets a call's clock: its manifest says that its time was over, and its mark stands on an earlier day.
async fn grow_old(fleet: &Fleet, mut manifest: Manifest, marked: bool) {
    let (tenant, call) = (&manifest.tenant, &manifest.call);
    let yesterday = Timestamp::now() - SignedDuration::from_hours(48);
    let day = yesterday.to_string()[..10].to_owned();
    let mark = layout::retention_mark(&day, tenant, call);
    fleet.put(mark.as_str(), Bytes::new()).await.unwrap();
    if marked {
        let keys = fleet
            .keys(&layout::calls_prefix(tenant, Some(call)))
            .await
            .unwrap();
        let key = keys
            .iter()
            .find(|key| key.ends_with("/manifest.json"))
            .unwrap();
        manifest.delete_after = Some(yesterday);
        let body = serde_json::to_vec(&manifest).unwrap();
        fleet.put(key, Bytes::from(body)).await.unwrap();
    }
}

async fn sweep(fleet: &Fleet, more: &[&str]) -> Vec<Value> {
    let command = [&["sweep", "--json"], more].concat();
    let output = run(&command, &fleet.settings(&[DAYS])).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn left_of(fleet: &Fleet, call: &str) -> usize {
    fleet
        .keys(&format!("{TENANT}/calls/{call}/"))
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn what_is_overdue_is_swept_and_nothing_else() {
    let fleet = Fleet::start(&json!({ "words": ["one"] })).await.unwrap();
    let no_sweep = ("retention.sweep_interval_s", "0");
    let worker = fleet.worker("w", &[DAYS, no_sweep]).unwrap();
    let old = done(&fleet, "old").await;
    let renewed = done(&fleet, "renewed").await;
    let for_ever = done(&fleet, "for-ever").await;
    let kept = renewed
        .delete_after
        .unwrap()
        .duration_since(renewed.completed_at);
    assert_eq!(kept, SignedDuration::from_hours(24 * 30));
    assert_eq!(fleet.keys("_retention/").await.unwrap().len(), 3);
    stop(worker).await;
    grow_old(&fleet, old, true).await;
    grow_old(&fleet, renewed, false).await;
    let mut without_end = for_ever.clone();
    without_end.delete_after = None;
    grow_old(&fleet, for_ever, true).await;
    let body = serde_json::to_vec(&without_end).unwrap();
    let beside = "acme/calls/for-ever/another/manifest.json";
    fleet.put(beside, Bytes::from(body)).await.unwrap();

    let named = sweep(&fleet, &["--dry-run"]).await;
    assert_eq!(named.len(), 4, "{named:?}");
    assert!(
        left_of(&fleet, "old").await > 0,
        "a dry run removes nothing"
    );
    let swept = sweep(&fleet, &[]).await;
    let counts = json!({ "purged_count": 1, "not_due_count": 2, "overdue_count": 0 });
    assert_eq!(swept.last(), Some(&counts));
    assert_eq!(left_of(&fleet, "old").await, 0);
    assert!(left_of(&fleet, "renewed").await > 0);
    assert!(left_of(&fleet, "for-ever").await > 0);
    assert_eq!(
        fleet.keys("_tombstones/").await.unwrap(),
        ["_tombstones/acme/old"]
    );
    assert_eq!(fleet.keys("_receipts/acme/").await.unwrap().len(), 1);
    let again = sweep(&fleet, &[]).await;
    assert_eq!(again[0]["purged_count"], 0);

    // What was deleted is refused before it is uploaded.
    let file = earwitness_tests::recordings::sample_path("cancel-plan.wav");
    let submit = [
        "submit",
        file.to_str().unwrap(),
        "--tenant",
        TENANT,
        "--call",
        "old",
    ];
    let output = run(&submit, &fleet.settings(&[])).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && said.contains("deleted"),
        "{said}"
    );
    let uploads = fleet.recordings("acme/uploads/").await.unwrap();
    assert_eq!(uploads, [""; 0], "it was uploaded all the same");
}

#[tokio::test]
async fn a_sweep_names_the_call_whose_manifest_does_not_parse_and_leaves_it() {
    let fleet = Fleet::start(&json!({ "words": ["one"] })).await.unwrap();
    let manifest = "acme/calls/damaged/spec/manifest.json";
    for key in [manifest, "_retention/2026-01-01/acme/damaged"] {
        fleet.put(key, Bytes::from_static(b"{")).await.unwrap();
    }
    let output = run(&["sweep"], &fleet.settings(&[DAYS])).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && said.contains("acme damaged: a stored manifest"),
        "{said}"
    );
    assert_eq!(fleet.keys("_retention/").await.unwrap().len(), 1);
    assert_eq!(left_of(&fleet, "damaged").await, 1);
    assert_eq!(fleet.keys("_tombstones/").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn one_of_two_workers_sweeps_what_is_overdue() {
    let fleet = Fleet::start(&json!({ "words": ["one"] })).await.unwrap();
    let quick = [DAYS, ("retention.sweep_interval_s", "2")];
    let mut first = fleet.worker("a", &quick).unwrap();
    let old = done(&fleet, "old").await;
    let mut second = fleet.worker("b", &quick).unwrap();
    second.ready().await.unwrap();
    grow_old(&fleet, old, true).await;
    until("the call to go", async || {
        Ok((left_of(&fleet, "old").await == 0).then_some(()))
    })
    .await
    .unwrap();
    until("no call to be overdue", async || {
        let overdue = first.metric(OVERDUE).await? + second.metric(OVERDUE).await?;
        Ok((overdue == 0.0).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(
        fleet.keys("_receipts/acme/").await.unwrap().len(),
        1,
        "purged twice"
    );
    stop(first).await;
    stop(second).await;
}
