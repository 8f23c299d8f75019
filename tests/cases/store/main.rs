//! What every store promises, tried on a directory, on a conforming S3 API and on one that ignores conditions; and, in the
//! modules, what only a network, a bit or a bucket with versions can do wrong.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod damage;
mod encryption;
mod network;
mod rights;
mod versions;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use earwitness::store::dir::DirStore;
use earwitness::store::{BlobStore, Location, Pin, PutMode, PutOutcome, StoreError};
use earwitness_tests::ceph::{Ceph, PACKAGES as CEPH_PACKAGES};
use earwitness_tests::moto::{Moto, PACKAGE};
use earwitness_tests::s3::{S3Server, client};
use job_schema::ErrorCode;
use job_schema::job::BucketName;
use sha2::{Digest, Sha256};

const BUCKET: &str = "recordings";
const ODD_KEYS: [&str; 8] = [
    "acme/plain.wav",
    "acme/with space.wav",
    "acme/ümläut/😀.mp3",
    "acme/%2e%2e/percent.wav",
    "acme/plus+and&and=.wav",
    "acme/..two/dots..wav",
    "acme/quote'\"<xml>.wav",
    "acme/tilde~#hash?.wav",
];

fn at(key: &str) -> Location {
    Location::new(BUCKET.parse().unwrap(), key.parse().unwrap())
}

fn bucket() -> BucketName {
    BUCKET.parse().unwrap()
}

/// More than any buffer on the way, and over what was there.
async fn a_file_is_stored_as_it_is(store: &dyn BlobStore) {
    put(store, "acme/from-file", b"before").await;
    let body = noise(3_000_000);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &body).unwrap();
    let at = at("acme/from-file");
    store.put_file(&at, file.path(), "audio/wav").await.unwrap();
    assert!(store.get(&at, 4_000_000).await.unwrap() == body);
    let absent = std::path::Path::new("/nowhere/call.wav");
    let error = store.put_file(&at, absent, "audio/wav").await.unwrap_err();
    assert!(matches!(error, StoreError::Source(_)), "{error:?}");
    store.delete(&at).await.unwrap();
}

async fn put(store: &dyn BlobStore, key: &str, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let at = at(key);
    let put = store.put(&at, bytes, "audio/wav", PutMode::Overwrite);
    assert_eq!(put.await.unwrap(), PutOutcome::Created);
}

async fn s3_store(endpoint: String) -> Arc<dyn BlobStore> {
    client(&endpoint).await.unwrap()
}

/// Bytes that differ from place to place, so that a part at the wrong offset is noticed.
fn noise(bytes_count: u32) -> Vec<u8> {
    (0..bytes_count.div_ceil(4))
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(bytes_count as usize)
        .collect()
}

#[tokio::test]
async fn a_directory_keeps_the_promises_of_a_store() {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn BlobStore> = Arc::new(DirStore::new(data.path()));
    conforms(&*store).await;
    one_of_many_writers_creates(store).await;
}

#[tokio::test]
async fn s3_keeps_the_promises_of_a_store() {
    let data = tempfile::tempdir().unwrap();
    let server = S3Server::start(data.path(), &[BUCKET]).await.unwrap();
    let store = s3_store(server.endpoint()).await;
    conforms(&*store).await;
    one_of_many_writers_creates(store).await;
}

/// All but the race, which nobody can win on such a store.
#[tokio::test]
async fn an_s3_api_that_ignores_if_match_keeps_the_promises_too() {
    let data = tempfile::tempdir().unwrap();
    let server = S3Server::start_as_shipped(data.path(), &[BUCKET])
        .await
        .unwrap();
    conforms(&*s3_store(server.endpoint()).await).await;
}

/// One that none of us wrote. Its test of If-None-Match is not atomic, so the race is left out here too.
#[tokio::test]
async fn an_s3_api_of_others_keeps_the_promises_too() {
    let test = "an_s3_api_of_others_keeps_the_promises_too";
    let Some(moto) = Moto::start(&[BUCKET]).await.unwrap() else {
        println!("skipped: {test}: pip could not install {PACKAGE}");
        return;
    };
    conforms(&*s3_store(moto.endpoint()).await).await;
}

/// One that many run, and that lets one of many writers create an object.
#[tokio::test]
async fn ceph_keeps_the_promises_too() {
    let Some(ceph) = Ceph::start(&[BUCKET]).await.unwrap() else {
        println!("skipped: ceph_keeps_the_promises_too: {CEPH_PACKAGES} are not installed");
        return;
    };
    let store = s3_store(ceph.endpoint()).await;
    conforms(&*store).await;
    one_of_many_writers_creates(store).await;
}

async fn conforms(store: &dyn BlobStore) {
    bytes_come_back_under_odd_keys(store).await;
    an_empty_object_is_an_object(store).await;
    a_file_is_stored_as_it_is(store).await;
    a_missing_object_is_not_found(store).await;
    an_object_above_the_limit_is_refused(store).await;
    a_replaced_object_is_noticed(store).await;
    other_content_than_was_asked_for_is_refused(store).await;
    if_absent_leaves_the_first_object_alone(store).await;
    pages_follow_each_other_in_key_order(store).await;
    deleting_twice_is_fine(store).await;
}

async fn bytes_come_back_under_odd_keys(store: &dyn BlobStore) {
    let body = noise(700_001);
    for key in ODD_KEYS {
        put(store, key, &body).await;
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().unwrap());
        let fetched = store
            .fetch(&at(key), &Pin::default(), &mut file, 700_001)
            .await
            .unwrap();
        assert_eq!(fetched.size_bytes, 700_001, "{key}");
        assert_eq!(fetched.sha256.as_str(), hex::encode(Sha256::digest(&body)));
        assert_eq!(file.metadata().await.unwrap().len(), 700_001, "{key}");
        let meta = store.head(&at(key), None).await.unwrap();
        assert_eq!((meta.size_bytes, meta.etag), (700_001, fetched.etag));
        assert_eq!(store.get(&at(key), 1 << 20).await.unwrap(), body, "{key}");
    }
}

async fn an_empty_object_is_an_object(store: &dyn BlobStore) {
    put(store, "acme/empty", b"").await;
    assert_eq!(
        store
            .head(&at("acme/empty"), None)
            .await
            .unwrap()
            .size_bytes,
        0
    );
    assert_eq!(store.get(&at("acme/empty"), 0).await.unwrap(), Bytes::new());
}

async fn a_missing_object_is_not_found(store: &dyn BlobStore) {
    let missing = at("acme/none/at/all");
    let head = store.head(&missing, None).await.unwrap_err();
    assert!(matches!(head, StoreError::NotFound { .. }), "{head:?}");
    let get = store.get(&missing, 10).await.unwrap_err();
    assert_eq!(get.recording_failure().code, ErrorCode::RecordingNotFound);
    assert!(
        !format!("{get:?} {get}").contains("none/at"),
        "names the key"
    );
}

async fn an_object_above_the_limit_is_refused(store: &dyn BlobStore) {
    put(store, "acme/large", &noise(1_000)).await;
    let error = store.get(&at("acme/large"), 999).await.unwrap_err();
    let limit_named = matches!(
        error,
        StoreError::TooLarge {
            size_bytes: 1_000,
            limit_bytes: 999
        }
    );
    assert!(limit_named, "{error:?}");
}

async fn a_replaced_object_is_noticed(store: &dyn BlobStore) {
    put(store, "acme/replaced", b"first").await;
    let etag = store.head(&at("acme/replaced"), None).await.unwrap().etag;
    let quoted = Pin {
        etag: etag.map(|tag| format!("\"{tag}\"")),
        ..Pin::default()
    };
    let mut sink = Vec::new();
    store
        .fetch(&at("acme/replaced"), &quoted, &mut sink, 10)
        .await
        .unwrap();
    put(store, "acme/replaced", b"other").await;
    let error = store
        .fetch(&at("acme/replaced"), &quoted, &mut sink, 10)
        .await;
    assert_eq!(
        error.unwrap_err().recording_failure().code,
        ErrorCode::RecordingChanged
    );
}

async fn other_content_than_was_asked_for_is_refused(store: &dyn BlobStore) {
    put(store, "acme/content", b"spoken").await;
    let of = |bytes: &[u8]| Pin {
        sha256: Some(hex::encode(Sha256::digest(bytes)).try_into().unwrap()),
        ..Pin::default()
    };
    let at = at("acme/content");
    let (bytes, _) = store.read(&at, &of(b"spoken"), 10).await.unwrap();
    assert_eq!(bytes, "spoken");
    let error = store.read(&at, &of(b"broken"), 10).await.unwrap_err();
    let failure = error.recording_failure();
    assert_eq!(failure.code, ErrorCode::RecordingChanged);
    assert_eq!(failure.pointer.as_deref(), Some("/recording/sha256"));
}

async fn if_absent_leaves_the_first_object_alone(store: &dyn BlobStore) {
    for (key, bodies) in [
        ("acme/once", ["one", "two"]),
        ("acme/again", ["same", "same"]),
    ] {
        for (body, outcome) in bodies
            .into_iter()
            .zip([PutOutcome::Created, PutOutcome::AlreadyExists])
        {
            let at = at(key);
            let put = store.put(&at, body.into(), "text/plain", PutMode::IfAbsent);
            assert_eq!(put.await.unwrap(), outcome, "{key}");
        }
        assert_eq!(store.get(&at(key), 10).await.unwrap(), bodies[0]);
    }
}

async fn pages_follow_each_other_in_key_order(store: &dyn BlobStore) {
    let mut keys: Vec<String> = (0..7).map(|i| format!("list/a{i}")).collect();
    keys.extend(["list/a/deep/x".to_owned(), "list/ü".to_owned()]);
    for key in keys.iter().chain([&"listed/not".to_owned()]) {
        put(store, key, b"x").await;
    }
    keys.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .list(&bucket(), "list/", after.as_deref(), 4)
            .await
            .unwrap();
        assert!(page.objects.len() <= 4);
        seen.extend(page.objects.into_iter().map(|o| o.key.to_string()));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, keys);
    let page = store.list(&bucket(), "list/a5", None, 1).await.unwrap();
    assert_eq!((page.objects.len(), page.next_after), (1, None));
    let none = store
        .list(&bucket(), "nothing/here", None, 4)
        .await
        .unwrap();
    assert!(none.objects.is_empty());
}

async fn deleting_twice_is_fine(store: &dyn BlobStore) {
    put(store, "acme/gone", b"x").await;
    for _ in 0..2 {
        store.delete(&at("acme/gone")).await.unwrap();
    }
    assert!(store.head(&at("acme/gone"), None).await.is_err());
}

async fn one_of_many_writers_creates(store: Arc<dyn BlobStore>) {
    for round in 0..10 {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8 {
            let store = Arc::clone(&store);
            let (key, body) = (at(&format!("race/{round}")), format!("writer {writer}"));
            writers.spawn(async move {
                let put = store.put(&key, body.clone().into(), "text/plain", PutMode::IfAbsent);
                (put.await.unwrap(), body)
            });
        }
        let outcomes = writers.join_all().await;
        let created: Vec<_> = outcomes
            .iter()
            .filter(|(o, _)| *o == PutOutcome::Created)
            .collect();
        assert_eq!(created.len(), 1, "round {round}: {outcomes:?}");
        let there = store.get(&at(&format!("race/{round}")), 100).await.unwrap();
        assert_eq!(there, created[0].1);
    }
}

#[tokio::test]
async fn a_file_that_is_rewritten_in_place_has_another_etag() {
    let data = tempfile::tempdir().unwrap();
    let store = DirStore::new(data.path());
    put(&store, "acme/x", b"one").await;
    let before = store.head(&at("acme/x"), None).await.unwrap().etag;
    std::fs::write(Path::new(&store.path(&at("acme/x"))), b"three").unwrap();
    assert_ne!(store.head(&at("acme/x"), None).await.unwrap().etag, before);
}
