//! Commands of an operator, run as processes against a real broker and a real S3 API: what they print and how they end.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::path::Path;

use earwitness_tests::fleet::Fleet;
use earwitness_tests::process::run;
use serde_json::json;

/// Standard output, standard error and exit status of a command.
struct Ran {
    out: String,
    talk: String,
    status: i32,
}

async fn earwitness(fleet: &Fleet, command: &[&str], more: &[(&str, &str)]) -> Ran {
    let output = run(command, &fleet.settings(more)).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        out: text(output.stdout),
        talk: text(output.stderr),
        status: output.status.code().unwrap(),
    }
}

async fn fleet() -> Fleet {
    Fleet::start(&json!({ "words": ["one"] })).await.unwrap()
}

async fn pull(fleet: &Fleet, folder: &Path, from: &str) -> Ran {
    let folder = folder.to_str().unwrap();
    let command = ["models", "pull", "tiny.en", "--from", from];
    earwitness(fleet, &command, &[("engine.models_dir", folder)]).await
}

#[tokio::test]
async fn what_is_no_model_in_a_bucket_is_refused_and_leaves_nothing() {
    let fleet = fleet().await;
    let folder = tempfile::tempdir().unwrap();
    let junk = vec![7; 100_000];
    fleet.upload("models/junk.bin", junk).await.unwrap();
    for (from, status, reason) in [
        ("s3://recordings/models/absent.bin", 66, "no such object"),
        ("s3://recordings/models/junk.bin", 66, "ggml"),
        ("s3://recordings", 2, "expected s3://BUCKET/KEY"),
        ("s3://UPPER/x.bin", 2, "bucket"),
        ("/nowhere/ggml-tiny.en.bin", 66, "open /nowhere"),
    ] {
        let pulled = pull(&fleet, folder.path(), from).await;
        assert_eq!(pulled.status, status, "{from}: {}", pulled.talk);
        assert!(pulled.talk.contains(reason), "{from}: {}", pulled.talk);
        assert_eq!(pulled.out, "", "{from}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "files are left over");
}

#[tokio::test]
async fn a_model_is_pulled_from_a_bucket_and_held_to_its_digest() {
    let Some(path) = std::env::var_os("EARWITNESS_TEST_MODEL") else {
        println!(
            "skipped: a_model_is_pulled_from_a_bucket_and_held_to_its_digest: EARWITNESS_TEST_MODEL is unset"
        );
        return;
    };
    let model = std::fs::read(path).unwrap();
    let mut changed = model.clone();
    *changed.last_mut().unwrap() ^= 1;
    let cut = model[..model.len() - 1].to_vec();
    let fleet = fleet().await;
    let folder = tempfile::tempdir().unwrap();
    for (key, bytes) in [("models/changed.bin", changed), ("models/cut.bin", cut)] {
        fleet.upload(key, bytes).await.unwrap();
        let from = format!("s3://recordings/{key}");
        let refused = pull(&fleet, folder.path(), &from).await;
        assert_eq!(refused.status, 66, "{key}: {}", refused.talk);
    }
    fleet
        .upload("models/whole.bin", model.clone())
        .await
        .unwrap();
    let pulled = pull(&fleet, folder.path(), "s3://recordings/models/whole.bin").await;
    assert_eq!(pulled.status, 0, "{}", pulled.talk);
    let installed = folder.path().join("ggml-tiny.en.bin");
    assert_eq!(Path::new(pulled.out.trim_end()), installed);
    assert!(std::fs::read(installed).unwrap() == model, "other bytes");
}
