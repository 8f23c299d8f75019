//! Buckets that keep versions, as moto keeps them: nothing of a deleted call stays behind a delete marker.

use std::collections::BTreeSet;

use bytes::Bytes;
use earwitness::purge::{Places, Target, purge};
use earwitness::store::{BlobStore, Location, PutMode, erase};
use earwitness::{layout, status};
use earwitness_tests::moto::{Moto, PACKAGE, Versioning};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use job_schema::status::{State, Status};
use job_schema::{JobId, SCHEMA_VERSION};

use super::s3_store;

const RESULTS: &str = "results";
const RECORDINGS: &str = "recordings";
/// More than a page of 1,000, in several keys.
const MANY: usize = 1_100;

fn at(bucket: &str, key: &str) -> Location {
    Location::new(bucket.parse().unwrap(), key.parse().unwrap())
}

async fn put(store: &dyn BlobStore, at: &Location, body: &str) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let put = store.put(at, body, "text/plain", PutMode::Overwrite);
    put.await.unwrap();
}

/// A status object of the call, as workers write one.
async fn put_status(store: &dyn BlobStore, job: JobId, call: &str) -> Location {
    let status = Status {
        schema_version: SCHEMA_VERSION,
        job_id: job,
        tenant: "acme".parse().unwrap(),
        call: call.parse().unwrap(),
        updated_at: Timestamp::now(),
        state: State::Queued,
    };
    let at = status::at(&RESULTS.parse().unwrap(), &status.tenant, job);
    put(store, &at, &serde_json::to_string(&status).unwrap()).await;
    at
}

/// Everything that a call may leave, some of it overwritten and deleted by a simple delete.
async fn leave_a_call(store: &dyn BlobStore, call: &str, job: JobId) {
    let transcript = at(RESULTS, &format!("acme/calls/{call}/spec/transcript.json"));
    let checkpoint = at(RESULTS, &format!("acme/calls/{call}/spec/checkpoint.json"));
    for body in ["one", "two", "three"] {
        put(store, &transcript, body).await;
        put(store, &checkpoint, body).await;
    }
    store.delete(&checkpoint).await.unwrap();
    put(
        store,
        &at(RECORDINGS, &format!("acme/uploads/{call}.wav")),
        "sound",
    )
    .await;
    put_status(store, job, call).await;
    let taken_back = put_status(store, job, call).await;
    store.delete(&taken_back).await.unwrap();
}

#[tokio::test]
async fn a_deletion_leaves_no_version_behind() {
    let test = "a_deletion_leaves_no_version_behind";
    // Objects from before a bucket kept versions are one, without an id of their own; after it stopped, they are again.
    for (case, before, after) in [
        ("enabled from the start", Some(Versioning::Enabled), None),
        ("enabled later", None, Some(Versioning::Enabled)),
        (
            "suspended",
            Some(Versioning::Enabled),
            Some(Versioning::Suspended),
        ),
        ("none", None, None),
    ] {
        let started = Moto::start(&[RESULTS, RECORDINGS]).await;
        let Some(moto) = started.unwrap() else {
            println!("skipped: {test}: pip could not install {PACKAGE}");
            return;
        };
        let store = s3_store(moto.endpoint()).await;
        let switch = async |to: Option<Versioning>| {
            for bucket in [RESULTS, RECORDINGS] {
                if let Some(versioning) = to {
                    moto.keep_versions(bucket, versioning).await.unwrap();
                }
            }
        };
        let (job, other_job) = (JobId::generate(), JobId::generate());
        switch(before).await;
        leave_a_call(&*store, "c1", job).await;
        leave_a_call(&*store, "c10", other_job).await;
        switch(after).await;
        leave_a_call(&*store, "c1", job).await;
        let of_others = moto.versions(RECORDINGS).await.unwrap();
        let of_others = of_others.iter().filter(|key| key.ends_with("c10.wav"));
        let others_count = of_others.count();

        let (recordings, results) = (RECORDINGS.parse().unwrap(), RESULTS.parse().unwrap());
        let places = Places {
            store: &*store,
            recordings: &recordings,
            results: &results,
        };
        let target = Target {
            tenant: "acme".parse().unwrap(),
            call: Some("c1".parse().unwrap()),
        };
        purge(places, &target, Timestamp::now()).await.unwrap();

        let left = moto.versions(RESULTS).await.unwrap();
        let own_status = layout::status(&target.tenant, job).to_string();
        let of_the_call = |key: &&String| key.contains("/calls/c1/") || **key == own_status;
        let resurrected: Vec<_> = left.iter().filter(of_the_call).collect();
        assert!(resurrected.is_empty(), "{case}: {resurrected:?}");
        assert!(
            left.iter().any(|key| key.contains("/calls/c10/")),
            "{case}: another call is gone"
        );
        let uploads = moto.versions(RECORDINGS).await.unwrap();
        assert_eq!(uploads.len(), others_count, "{case}: {uploads:?}");
        let again = purge(places, &target, Timestamp::now()).await.unwrap();
        assert_eq!(again.removed.results_count, 0, "{case}: it looks clean");
    }
}

#[tokio::test]
async fn versions_are_listed_to_the_last_page_and_erased() {
    let test = "versions_are_listed_to_the_last_page_and_erased";
    let Some(moto) = Moto::start(&[RESULTS]).await.unwrap() else {
        println!("skipped: {test}: pip could not install {PACKAGE}");
        return;
    };
    moto.keep_versions(RESULTS, Versioning::Enabled)
        .await
        .unwrap();
    let store = s3_store(moto.endpoint()).await;
    let store = &*store;
    stream::iter(0..MANY)
        .map(|n| async move {
            let at = at(RESULTS, &format!("acme/many/{}", n % 3));
            put(store, &at, "x").await;
            anyhow::Ok(())
        })
        .buffer_unordered(8)
        .try_collect::<()>()
        .await
        .unwrap();
    let longer = at(RESULTS, "acme/many/10");
    put(store, &longer, "another key that begins alike").await;
    let bucket = RESULTS.parse().unwrap();
    let all = store.versions(&bucket, "acme/many/").await.unwrap();
    assert_eq!(all.len(), MANY + 1);
    let ids: BTreeSet<_> = all.iter().map(|v| v.version_id.clone()).collect();
    assert_eq!(ids.len(), MANY + 1, "each came once");

    erase(store, &at(RESULTS, "acme/many/1")).await.unwrap();
    let left = store.versions(&bucket, "acme/many/1").await.unwrap();
    let keys: Vec<_> = left.iter().map(|v| v.key.as_str()).collect();
    assert_eq!(keys, ["acme/many/10"]);
}
