//! A store behind a network: downloads that break off, an API that is down, keys that it does not take. What can be mended is,
//! and the rest is an error that names no key.

use earwitness::store::Pin;
use earwitness_tests::chaos::link::Proxy;
use earwitness_tests::s3::S3Server;
use job_schema::ErrorCode;
use sha2::{Digest, Sha256};

use super::{BUCKET, at, noise, put, s3_store};

#[tokio::test]
async fn a_download_that_is_cut_goes_on_where_it_stopped() {
    let (data, body) = (tempfile::tempdir().unwrap(), noise(3_000_000));
    let server = S3Server::start(data.path(), &[BUCKET]).await.unwrap();
    let direct = s3_store(server.endpoint()).await;
    put(&*direct, "acme/long", &body).await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let store = s3_store(format!("http://{}", proxy.address())).await;
    proxy.cut_answers_after(&[1_000_000, 20, 300_000, 1_200_000]);
    let mut sink = Vec::new();
    let fetched = store
        .fetch(&at("acme/long"), &Pin::default(), &mut sink, 3_000_000)
        .await
        .unwrap();
    assert_eq!(proxy.faults_left_count(), 0, "the faults were not met");
    assert_eq!(fetched.sha256.as_str(), hex::encode(Sha256::digest(&body)));
    assert_eq!(sink, body);
}

#[tokio::test]
async fn a_download_that_never_gets_on_is_damaged_and_not_endless() {
    let data = tempfile::tempdir().unwrap();
    let server = S3Server::start(data.path(), &[BUCKET]).await.unwrap();
    put(
        &*s3_store(server.endpoint()).await,
        "acme/long",
        &noise(100_000),
    )
    .await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let store = s3_store(format!("http://{}", proxy.address())).await;
    // Enough for the head of the answer, and every time cut before or early in the body.
    proxy.cut_answers_after(&[50_000, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20]);
    let error = store.get(&at("acme/long"), 100_000).await.unwrap_err();
    let code = error.recording_failure().code;
    assert!(
        matches!(
            code,
            ErrorCode::TransferDamaged | ErrorCode::StoreUnavailable
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable_and_names_no_key() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let store = s3_store(format!("http://{free}")).await;
    let error = store.get(&at("acme/who-knows"), 1).await.unwrap_err();
    assert_eq!(error.recording_failure().code, ErrorCode::StoreUnavailable);
    let text = format!("{error:?} {error}");
    assert!(
        text.contains("refused") && !text.contains("who-knows"),
        "{text}"
    );
}

#[tokio::test]
async fn wrong_keys_are_the_stores_trouble_and_not_the_recordings() {
    let data = tempfile::tempdir().unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let server = S3Server::listen(listen, data.path(), &[BUCKET], ("other", "keys"))
        .await
        .unwrap();
    let error = s3_store(server.endpoint())
        .await
        .get(&at("acme/x"), 1)
        .await
        .unwrap_err();
    assert_eq!(
        error.recording_failure().code,
        ErrorCode::StoreUnavailable,
        "{error:?}"
    );
}
