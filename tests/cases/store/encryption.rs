//! Which key a store is asked to encrypt an object under, as moto tells it.

use earwitness_tests::moto::{Moto, PACKAGE};
use earwitness_tests::s3::client_with;

use super::{BUCKET, put};

#[tokio::test]
async fn each_tenants_objects_are_encrypted_under_its_own_key() {
    let test = "each_tenants_objects_are_encrypted_under_its_own_key";
    let Some(moto) = Moto::start(&[BUCKET]).await.unwrap() else {
        println!("skipped: {test}: pip could not install {PACKAGE}");
        return;
    };
    let keys = [("store.kms_keys", "acme=alias/acme, globex=alias/globex")];
    let store = client_with(&moto.endpoint(), &keys).await.unwrap();
    for (key, encrypted_under) in [
        ("acme/calls/c/s/transcript.json", Some("alias/acme")),
        ("globex/jobs/1.json", Some("alias/globex")),
        ("initech/calls/c/s/transcript.json", None),
    ] {
        put(&*store, key, b"words").await;
        let told = moto.kms_key(BUCKET, key).await.unwrap();
        assert_eq!(told.as_deref(), encrypted_under, "{key}");
    }
}
