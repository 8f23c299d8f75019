//! What commands say to a user who asks for what is not there or cannot be, over a directory store and without a broker.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use earwitness::audit::AuditLog;
use serde_json::Value;

const JOB: &str = "01930d5e-7c00-7a3b-8e21-5f0c2b9d4a17";

/// What became of a command.
struct Ran {
    status: i32,
    out: String,
    talk: String,
}

fn earwitness(root: &Path, args: &[&str], more: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
    let output = command
        .args(args)
        .env("EARWITNESS__STORE__KIND", "dir")
        .env("EARWITNESS__STORE__DIR", root)
        .env("EARWITNESS__STORE__RESULTS_BUCKET", "results")
        .env("EARWITNESS__STORE__RECORDINGS_BUCKET", "recordings")
        .envs(more.iter().copied())
        .output()
        .expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        status: output.status.code().expect("it ends by itself"),
        out: text(&output.stdout),
        talk: text(&output.stderr),
    }
}

fn fixture(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../job-schema/fixtures/v1");
    std::fs::read_to_string(folder.join(name)).expect("a fixture")
}

fn put(root: &Path, key: &str, text: &str) {
    let file = root.join("results").join(key);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("make it");
    std::fs::write(file, text).expect("write");
}

#[test]
fn results_say_what_became_of_a_job_that_has_none() {
    for (fixed, status, said) in [
        (
            Some("status-failed.json"),
            1,
            ": failed: bad_job: expected one of `interactive`, `standard`, `batch`, at /lane (",
        ),
        (
            Some("status-cancelled.json"),
            1,
            ": cancelled: there is no result",
        ),
        (Some("status-queued.json"), 75, ": queued"),
        (None, 75, "is known yet"),
    ] {
        let root = tempfile::tempdir().expect("a temporary directory");
        if let Some(name) = fixed {
            put(
                root.path(),
                &format!("acme/jobs/{JOB}.json"),
                &fixture(name),
            );
        }
        let ran = earwitness(root.path(), &["results", JOB, "--tenant", "acme"], &[]);
        assert_eq!(ran.status, status, "{fixed:?}: {}", ran.talk);
        assert!(ran.talk.contains(said), "{fixed:?}: {}", ran.talk);
        assert_eq!(ran.out, "", "{fixed:?}");
    }
}

#[test]
fn an_object_that_is_gone_is_told_by_its_name_and_not_by_its_key() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let status = fixture("status-completed.json");
    let read: Value = serde_json::from_str(&status).expect("JSON");
    let manifest_key = read["state"]["manifest_key"].as_str().expect("a key");
    put(root.path(), &format!("acme/jobs/{JOB}.json"), &status);
    let results = ["results", JOB, "--tenant", "acme"];
    let ran = earwitness(root.path(), &results, &[]);
    assert_eq!(ran.status, 1, "{}", ran.talk);
    assert!(ran.talk.contains("manifest.json: "), "{}", ran.talk);
    put(root.path(), manifest_key, &fixture("manifest.json"));
    let ran = earwitness(root.path(), &results, &[]);
    assert_eq!(ran.status, 1, "{}", ran.talk);
    assert!(ran.talk.contains("transcript.json: "), "{}", ran.talk);
    assert!(!ran.talk.contains("acme/calls"), "{}", ran.talk);
}

#[test]
fn a_whole_tenant_is_purged_on_a_yes_alone() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let ran = earwitness(root.path(), &["purge", "--tenant", "acme"], &[]);
    assert_eq!(ran.status, 2, "{}", ran.talk);
    assert!(ran.talk.contains("or say --yes"), "{}", ran.talk);
}

#[test]
fn an_audit_log_that_a_worker_writes_is_left_to_it() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let log = root.path().join("audit.jsonl");
    let held = AuditLog::open(Some(&log), "w1").expect("a new log");
    let shown = log.display().to_string();
    let more = [("EARWITNESS__AUDIT__FILE", shown.as_str())];
    let ran = earwitness(root.path(), &["sweep", "--dry-run"], &more);
    assert_eq!(ran.status, 78, "{}", ran.talk);
    assert!(ran.talk.contains(&shown), "{}", ran.talk);
    assert!(
        ran.talk.contains("another process writes it"),
        "{}",
        ran.talk
    );
    drop(held);
}

#[test]
fn settings_that_a_worker_refuses_are_not_approved() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let keys = root.path().join("keys");
    std::fs::write(&keys, "k1:nohex").expect("write");
    let keys = keys.display().to_string();
    for (more, said) in [
        (
            ("EARWITNESS__SECURITY__SIGNING_KEYS_FILE", keys.as_str()),
            "key 1: 32 to 64 bytes",
        ),
        (
            ("EARWITNESS__SECURITY__SIGNING_KEYS_FILE", "/nowhere"),
            "signing_keys_file",
        ),
        (("EARWITNESS__LOG__LEVEL", "a=b=c"), "`log.level`"),
        (
            ("EARWITNESS__LIMITS__MAX_CHANNELS", "0"),
            "`limits.max_channels`",
        ),
    ] {
        let ran = earwitness(root.path(), &["config", "check"], &[more]);
        assert_eq!(ran.status, 78, "{more:?}: {}", ran.out);
        assert!(ran.talk.contains(said), "{more:?}: {}", ran.talk);
    }
    let missing = ["--config", "/nowhere.toml", "config", "check"];
    let ran = earwitness(root.path(), &missing, &[]);
    assert_eq!(ran.status, 78, "{}", ran.talk);
    assert_eq!(ran.talk.matches("No such file").count(), 1, "{}", ran.talk);
}

#[test]
fn a_model_that_nobody_knows_is_not_to_be_pulled() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let models = root.path().join("models").display().to_string();
    for (model, advice) in [
        ("nosuch", "`earwitness models list` has the names"),
        ("base", "`earwitness models pull base` gets it"),
    ] {
        let args = [
            "doctor",
            "--offline",
            "--model",
            model,
            "--models-dir",
            &models,
        ];
        let ran = earwitness(root.path(), &args, &[]);
        let line = ran.out.lines().find(|line| line.contains(" model "));
        let line = line.expect("a line on the model");
        assert!(line.starts_with("FAIL") && line.contains(advice), "{line}");
    }
}

#[test]
fn commands_without_a_broker_say_so_and_do_not_wait_for_one() {
    let root = tempfile::tempdir().expect("a folder");
    for args in [
        &["worker"][..],
        &["submit", "s3://recordings/acme/c1.wav", "--tenant", "acme"],
        &["queues", "check"],
        &["status"],
    ] {
        let ran = earwitness(root.path(), args, &[("AMQP_URL", "")]);
        assert_eq!(ran.status, 78, "{args:?}: {}", ran.talk);
        assert!(ran.talk.contains("broker.url is not set"), "{}", ran.talk);
    }
}
