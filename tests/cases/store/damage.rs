//! Bits that flip between the store and us: what is read is what was stored, or it is an error.

use earwitness::store::{Pin, StoreError};
use earwitness_tests::chaos::store_link::StoreProxy;
use earwitness_tests::chaos::weather::{Rates, Weather};
use earwitness_tests::s3::S3Server;

use super::{BUCKET, at, noise, put, s3_store};

/// Every third answer.
const FLIPS: Rates = Rates {
    flipped_ppm: 333_000,
    ..Rates::NONE
};

#[tokio::test]
async fn a_flipped_bit_is_noticed_and_what_is_small_is_read_again() {
    let (data, body) = (tempfile::tempdir().unwrap(), noise(10_000));
    let server = S3Server::start(data.path(), &[BUCKET]).await.unwrap();
    put(&*s3_store(server.endpoint()).await, "acme/call", &body).await;
    let weather = Weather::new(1, FLIPS);
    let proxy = StoreProxy::start(server.address(), weather).await.unwrap();
    let store = s3_store(proxy.endpoint()).await;
    let (mut whole_count, mut refused_count) = (0, 0);
    for _ in 0..60 {
        match store.get(&at("acme/call"), 10_000).await {
            Ok(bytes) => {
                assert!(bytes == body, "other bytes than were stored");
                whole_count += 1;
            }
            Err(StoreError::Garbled) => refused_count += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    let flips_count: u64 = proxy.faults().values().sum();
    assert!(flips_count >= 20, "the faults were not met: {flips_count}");
    assert!(whole_count > refused_count * 5, "{whole_count} of 60");
}

/// Of what is large there is no second copy to write over: it is refused at the first flip.
#[tokio::test]
async fn a_flipped_bit_in_what_is_streamed_is_an_error() {
    let (data, body) = (tempfile::tempdir().unwrap(), noise(10_000));
    let server = S3Server::start(data.path(), &[BUCKET]).await.unwrap();
    put(&*s3_store(server.endpoint()).await, "acme/call", &body).await;
    let weather = Weather::new(2, FLIPS);
    let proxy = StoreProxy::start(server.address(), weather).await.unwrap();
    let store = s3_store(proxy.endpoint()).await;
    let (call, any) = (at("acme/call"), Pin::default());
    let mut refused_count = 0;
    for _ in 0..30 {
        let mut sink = Vec::new();
        match store.fetch(&call, &any, &mut sink, 10_000).await {
            Ok(_) => assert!(sink == body, "other bytes than were stored"),
            Err(StoreError::Garbled) => refused_count += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused_count > 0, "no flip was noticed");
}

/// Some stores make their ETags of something else, and some gateways change bytes behind a store's back.
#[tokio::test]
async fn an_etag_that_is_no_digest_of_the_bytes_refuses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = S3Server::start(data.path(), &[BUCKET]).await.unwrap();
    put(&*s3_store(server.endpoint()).await, "acme/call", b"before").await;
    let file = data.path().join(BUCKET).join("acme/call");
    std::fs::write(&file, b"behind").unwrap();
    let store = s3_store(server.endpoint()).await;
    for _ in 0..2 {
        assert_eq!(store.get(&at("acme/call"), 10).await.unwrap(), "behind");
    }
}
