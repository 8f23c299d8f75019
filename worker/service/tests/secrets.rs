//! What must not be told by accident: secrets by whatever holds them, and speech by a panic.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::sync::{Arc, Mutex};

use earwitness::config::{self, Config};
use earwitness::signing::{Gate, KeyRing};
use earwitness::store::s3::S3Store;
use earwitness::telemetry::hush_panics;
use secrecy::SecretString;

const PASSWORD: &str = "qzxpassword";
const KEY_ID: &str = "QZXKEYID";
const KEY: &str = "qzxsecretkey";
/// 32 bytes, and how Debug of them would look.
const SIGNING_KEY: &str = "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11";
const SIGNING_BYTES: &str = "192, 255, 238, 17";

fn settings() -> config::Loaded {
    let flags = [
        (
            "broker.url",
            format!("amqp://worker:{PASSWORD}@127.0.0.1/v"),
        ),
        ("store.endpoint", "http://127.0.0.1:1".to_owned()),
        ("store.access_key_id", KEY_ID.to_owned()),
        ("store.secret_access_key", KEY.to_owned()),
        ("security.signing_keys", format!("k1:{SIGNING_KEY}")),
    ];
    config::assemble(None, &[], &flags).unwrap()
}

fn shown(value: &dyn std::fmt::Debug) -> String {
    format!("{value:?}{value:#?}")
}

#[tokio::test]
async fn whatever_holds_a_secret_does_not_show_it() {
    let loaded = settings();
    let config: &Config = &loaded.config;
    let store = S3Store::connect(&config.store).await.unwrap();
    let ring = KeyRing::read(&SecretString::from(format!("k1:{SIGNING_KEY}"))).unwrap();
    for (holder, text) in [
        ("the settings with their origins", shown(&loaded)),
        ("the settings", shown(config)),
        ("the broker's", shown(&config.broker)),
        ("the store's", shown(&config.store)),
        ("the security's", shown(&config.security)),
        ("the store", shown(&store)),
        ("the keys", shown(&ring)),
        ("the gate", shown(&Gate::open(config).unwrap())),
    ] {
        for secret in [PASSWORD, KEY_ID, KEY, SIGNING_KEY, SIGNING_BYTES] {
            assert!(!text.contains(secret), "{holder} show {secret}");
        }
    }
}

/// A slice inside a character quotes the whole text in its message.
#[test]
fn a_panic_tells_its_place_and_not_what_was_said() {
    let notes: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&notes);
    hush_panics(move |place| sink.lock().unwrap().push(place.to_owned()));
    let said = "qzxcanary é";
    let middle = said.len() - 1;
    let panicked = std::panic::catch_unwind(|| said[..middle].len()).unwrap_err();
    let message = panicked.downcast_ref::<String>();
    assert!(message.is_some_and(|text| text.contains("qzxcanary")));
    let noted = notes.lock().unwrap().join("\n");
    assert!(noted.contains("secrets.rs:"), "{noted}");
    assert!(!noted.contains("qzxcanary"), "{noted}");
}
