//! Deletion on a directory and on an S3 API: what goes, what stays, and that a second time finds nothing.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::sync::Arc;

use bytes::Bytes;
use earwitness::purge::{Places, Removed, Target, purge};
use earwitness::store::dir::DirStore;
use earwitness::store::{BlobStore, Location, PutMode};
use earwitness::{layout, tombstone};
use earwitness_tests::s3::{S3Server, client};
use jiff::Timestamp;
use job_schema::job::BucketName;
use job_schema::status::{State, Status};
use job_schema::{JobId, SCHEMA_VERSION};

const KEPT: [&str; 4] = [
    "acme/calls/c10/spec/manifest.json",
    "acme/uploads/c10.wav",
    "acme/uploads/c1.backup.wav",
    "globex/calls/c1/spec/manifest.json",
];
const OF_THE_CALL: [&str; 4] = [
    "acme/calls/c1/spec/manifest.json",
    "acme/calls/c1/spec/transcript.json",
    "acme/calls/c1/other/checkpoint.json",
    "acme/uploads/c1.wav",
];

fn bucket_of(key: &str) -> BucketName {
    let name = if key.contains("/uploads/") {
        "recordings"
    } else {
        "results"
    };
    name.parse().unwrap()
}

async fn put(store: &dyn BlobStore, key: &str, body: Vec<u8>) {
    let at = Location::new(bucket_of(key), key.parse().unwrap());
    let put = store.put(&at, Bytes::from(body), "text/plain", PutMode::Overwrite);
    put.await.unwrap();
}

/// Of both buckets, without what deletions leave.
async fn keys(store: &dyn BlobStore) -> Vec<String> {
    let mut all = Vec::new();
    for bucket in ["recordings", "results"] {
        let page = store.list(&bucket.parse().unwrap(), "", None, 1_000).await;
        let objects = page.unwrap().objects.into_iter();
        all.extend(objects.map(|object| object.key.as_str().to_owned()));
    }
    all.retain(|key| !key.starts_with('_'));
    all
}

async fn status(store: &dyn BlobStore, call: &str) -> String {
    let status = Status {
        schema_version: SCHEMA_VERSION,
        job_id: JobId::generate(),
        tenant: "acme".parse().unwrap(),
        call: call.parse().unwrap(),
        updated_at: Timestamp::now(),
        state: State::Queued,
    };
    let key = layout::status(&status.tenant, status.job_id);
    put(store, key.as_str(), serde_json::to_vec(&status).unwrap()).await;
    key.as_str().to_owned()
}

async fn deletion_removes_the_call_and_nothing_else(store: Arc<dyn BlobStore>) {
    for key in KEPT.iter().chain(&OF_THE_CALL) {
        put(store.as_ref(), key, b"twelve bytes".to_vec()).await;
    }
    status(store.as_ref(), "c1").await;
    let other = status(store.as_ref(), "c10").await;

    let (recordings, results) = ("recordings".parse().unwrap(), "results".parse().unwrap());
    let places = Places {
        store: store.as_ref(),
        recordings: &recordings,
        results: &results,
    };
    let mut target = Target {
        tenant: "acme".parse().unwrap(),
        call: Some("c1".parse().unwrap()),
    };
    let other_call = "c10".parse().unwrap();
    let receipt = purge(places, &target, Timestamp::now()).await.unwrap();
    let removed = receipt.removed;
    assert_eq!(
        (
            removed.results_count,
            removed.status_count,
            removed.uploads_count
        ),
        (3, 1, 1)
    );
    assert!(removed.size_bytes > 4 * 12);
    let mut left = KEPT.map(str::to_owned).to_vec();
    left.push(other);
    left.sort();
    let mut found = keys(store.as_ref()).await;
    found.sort();
    assert_eq!(found, left);
    let (tenant, call) = (&target.tenant, target.call.as_ref().unwrap());
    let stands = tombstone::stands(store.as_ref(), &results, tenant, call);
    assert!(stands.await.unwrap());
    let another = tombstone::stands(store.as_ref(), &results, tenant, &other_call);
    assert!(!another.await.unwrap());

    let again = purge(places, &target, Timestamp::now()).await.unwrap();
    assert_eq!(again.removed, Removed::default());
    assert_ne!(again.removed_sha256, receipt.removed_sha256);

    target.call = None;
    purge(places, &target, Timestamp::now()).await.unwrap();
    assert_eq!(
        keys(store.as_ref()).await,
        ["globex/calls/c1/spec/manifest.json"]
    );
    let another = tombstone::stands(store.as_ref(), &results, &target.tenant, &other_call);
    assert!(another.await.unwrap(), "the whole tenant has a tombstone");
}

#[tokio::test]
async fn a_deletion_in_a_directory_removes_the_call_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    for bucket in ["recordings", "results"] {
        std::fs::create_dir(dir.path().join(bucket)).unwrap();
    }
    deletion_removes_the_call_and_nothing_else(Arc::new(DirStore::new(dir.path()))).await;
}

#[tokio::test]
async fn a_deletion_over_an_s3_api_removes_the_call_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = S3Server::start(dir.path(), &["recordings", "results"])
        .await
        .unwrap();
    let store = client(&server.endpoint()).await.unwrap();
    deletion_removes_the_call_and_nothing_else(store).await;
}
