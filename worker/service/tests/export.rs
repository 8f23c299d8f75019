//! A stored result as other systems' documents, by `earwitness results --format` over a directory store.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};

const JOB: &str = "01930d5e-7c00-7a3b-8e21-5f0c2b9d4a17";

fn fixture(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../job-schema/fixtures/v1");
    let text = std::fs::read_to_string(folder.join(name)).expect("a fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// A completed job of a call with these attributes.
fn archive(attributes: &Value) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary directory");
    let mut manifest = fixture("manifest.json");
    manifest["attributes"] = attributes.clone();
    let status = fixture("status-completed.json");
    let place = |value: &Value| value.as_str().expect("a key").to_owned();
    let put = |key: &str, value: &Value| {
        let file = root.path().join("results").join(key);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("make it");
        std::fs::write(file, value.to_string()).expect("write");
    };
    put(&place(&status["state"]["manifest_key"]), &manifest);
    put(&format!("acme/jobs/{JOB}.json"), &status);
    for (at, name) in ["transcript.json", "analysis.json"].iter().enumerate() {
        put(&place(&manifest["objects"][at]["key"]), &fixture(name));
    }
    root
}

/// Status, standard output and standard error.
fn results(root: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
    let output = command
        .args(["results", JOB, "--tenant", "acme"])
        .args(args)
        .env("EARWITNESS__STORE__KIND", "dir")
        .env("EARWITNESS__STORE__DIR", root)
        .env("EARWITNESS__STORE__RESULTS_BUCKET", "results")
        .env("EARWITNESS__STORE__RECORDINGS_BUCKET", "recordings")
        .output()
        .expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().expect("it ends by itself");
    (status, text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_vcon_says_when_the_call_began_by_its_attribute_or_by_the_flag() {
    let known = json!({ "started_at": "2026-11-24T10:30:00+01:00" });
    let flag = "2026-11-23T08:00:00Z";
    let table: [(&Value, &[&str], &str); 3] = [
        (&known, &[], "2026-11-24T09:30:00Z"),
        (&known, &["--started-at", flag], flag),
        (&json!({}), &["--started-at", flag], flag),
    ];
    for (attributes, more, expected) in table {
        let root = archive(attributes);
        let (status, out, error) = results(root.path(), &[&["--format", "vcon"], more].concat());
        assert_eq!(status, 0, "{error}");
        let vcon: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(vcon["dialog"][0]["start"], *expected);
        assert_eq!(vcon["created_at"], fixture("manifest.json")["completed_at"]);
        let words = &fixture("transcript.json")["channels"][0]["words"];
        let text = &vcon["analysis"][0]["body"]["words"][0]["text"];
        assert_eq!(*text, words[0]["text"]);
        assert_eq!(vcon["analysis"][1]["body"], fixture("analysis.json"));
    }
}

#[test]
fn a_vcon_of_a_call_whose_time_nobody_knows_is_refused_with_what_to_give() {
    for attributes in [json!({}), json!({ "started_at": "yesterday" })] {
        let root = archive(&attributes);
        let (status, out, error) = results(root.path(), &["--format", "vcon"]);
        assert_eq!((status, out.as_str()), (2, ""), "{error}");
        assert!(error.contains("--started-at"), "{error}");
    }
}
