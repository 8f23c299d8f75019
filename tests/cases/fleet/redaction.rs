//! Jobs that ask for redacted copies: what lies in the store when they are done, and what does not.

use std::path::Path;

use earwitness_tests::fleet::{Fleet, job};
use job_schema::manifest::Manifest;
use job_schema::redaction::{Check, RedactionReport, WithheldReason};
use serde_json::{Value, json};

use super::stop;

/// Whatever is heard, the recogniser reads a card number out.
fn dictation() -> Value {
    json!({ "words": ["4111", "1111", "1111", "1111", "thanks"] })
}

/// Text and audio, with so much around each number that nothing is left of the call.
fn all_of_it() -> Value {
    json!({ "audio": "silence", "padding_ms": 5_000 })
}

fn sample() -> Vec<u8> {
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    std::fs::read(Path::new(&package).join("data/calls/cancel-plan.wav")).unwrap()
}

async fn done(fleet: &Fleet, call: &str, recording: Vec<u8>) -> Manifest {
    let mut job = job(call);
    job["options"] = json!({ "redaction": all_of_it(), "formats": ["vtt", "call_analytics"] });
    fleet
        .upload(&format!("acme/{call}.wav"), recording)
        .await
        .unwrap();
    fleet.publish(job.to_string().as_bytes()).await.unwrap();
    fleet.events(1).await.unwrap();
    fleet.result(call).await.unwrap()
}

async fn stored(fleet: &Fleet, manifest: &Manifest, name: &str) -> Vec<u8> {
    let object = manifest.objects.iter().find(|object| object.name == name);
    let key = object.unwrap_or_else(|| unreachable!("{name} is listed"));
    fleet
        .bytes(key.key.as_str())
        .await
        .unwrap()
        .unwrap()
        .to_vec()
}

async fn report(fleet: &Fleet, manifest: &Manifest) -> RedactionReport {
    let raw = stored(fleet, manifest, "redacted/redaction.json").await;
    serde_json::from_slice(&raw).unwrap()
}

#[tokio::test]
async fn a_job_stores_redacted_text_and_audio_beside_the_whole_and_nothing_that_cannot_be_placed() {
    let fleet = Fleet::start(&dictation()).await.unwrap();
    let worker = fleet.worker("a", &[]).unwrap();

    let manifest = done(&fleet, "whole", sample()).await;
    let found = report(&fleet, &manifest).await;
    assert_eq!(found.withheld, None);
    assert_eq!(
        (found.verdict.text, found.verdict.audio),
        (Check::Clean, Check::Clean)
    );
    let documents = [
        "transcript.json",
        "analysis.json",
        "transcript.vtt",
        "call-analytics.json",
    ];
    for name in documents {
        let copy = stored(&fleet, &manifest, &format!("redacted/{name}")).await;
        assert!(!String::from_utf8_lossy(&copy).contains("1111"), "{name}");
    }
    let whole = stored(&fleet, &manifest, "transcript.json").await;
    assert!(String::from_utf8_lossy(&whole).contains("1111"));
    let muted = stored(&fleet, &manifest, "redacted/recording.wav").await;
    assert_eq!(&muted[..4], b"RIFF");
    let waveform = stored(&fleet, &manifest, "redacted/peaks.json").await;
    assert_ne!(waveform, stored(&fleet, &manifest, "peaks.json").await);

    // It ends in mid-word: what came after may have been said of what is removed.
    let mut cut = sample();
    cut.truncate(cut.len() / 2);
    let manifest = done(&fleet, "cut", cut).await;
    let found = report(&fleet, &manifest).await;
    let reason = found.withheld.map(|withheld| withheld.reason);
    assert_eq!(reason, Some(WithheldReason::RecordingDamaged));
    let names = manifest.objects.iter().map(|object| object.name.as_str());
    let copies: Vec<&str> = names.filter(|name| name.starts_with("redacted/")).collect();
    assert_eq!(copies, ["redacted/redaction.json"]);
    stop(worker).await;
}
