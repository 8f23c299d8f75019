//! Commands of an operator, run as processes against a real broker and a real S3 API: what they print and how they end.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::path::Path;

use earwitness_tests::fleet::Fleet;
use earwitness_tests::process::run;
use serde_json::{Value, json};

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
        ("/nowhere/ggml-tiny.en.bin", 66, "open `/nowhere"),
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

/// A stand-in for RabbitMQ's own command, which has to run on the broker's host and as its user.
fn rabbitmqctl(folder: &Path, answer: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("rabbitmqctl");
    std::fs::write(&path, format!("#!/bin/sh\n{answer}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_queue_check_compares_the_brokers_patience_with_ours_where_it_is_known() {
    let fleet = fleet().await;
    let folder = tempfile::tempdir().unwrap();
    let plain = earwitness(&fleet, &["queues", "check"], &[]).await;
    assert_eq!(plain.status, 0, "{}", plain.talk);
    assert!(plain.out.contains("AMQP does not show it"), "{}", plain.out);
    for (answer, status, said) in [
        ("echo '{ok,1800000}'", 0, "consumer timeout: 1800 s;"),
        ("echo '{ok,600000}'", 1, "lower worker.max_hold_s"),
        ("echo '{ok,undefined}'", 0, "consumer timeout: none;"),
        ("echo no such node; exit 69", 1, "not known: "),
    ] {
        let program = rabbitmqctl(folder.path(), answer);
        let command = ["queues", "check", "--rabbitmqctl", &program];
        let checked = earwitness(&fleet, &command, &[]).await;
        assert_eq!(checked.status, status, "{answer}: {}", checked.out);
        assert!(checked.out.contains(said), "{answer}: {}", checked.out);
    }
    let program = rabbitmqctl(folder.path(), "echo '{ok,600000}'");
    let command = ["queues", "check", "--json", "--rabbitmqctl", &program];
    let checked = earwitness(&fleet, &command, &[]).await;
    let line: Value = serde_json::from_str(checked.out.lines().next().unwrap()).unwrap();
    assert_eq!(line["consumer_timeout_s"], 600);
    assert_eq!(line["max_hold_allowed"], false);
}

#[tokio::test]
async fn the_doctor_looks_at_everything_and_says_what_to_do() {
    const CHECKS: &str =
        "cpu disk signing sandbox model memory rules retention broker queues timeout store clock";
    let fleet = fleet().await;
    // Those that come with the project: rules, their cases, scorecards.
    for file in std::fs::read_dir("../rules").unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(&path).unwrap();
        fleet.add_rules(&name, &text).unwrap();
    }
    let healthy = earwitness(&fleet, &["doctor", "--json"], &[]).await;
    assert_eq!(healthy.status, 0, "{}", healthy.out);
    let lines: Vec<Value> = healthy
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = lines.iter().map(|l| l["check"].as_str().unwrap()).collect();
    assert_eq!(names.join(" "), CHECKS);
    for line in &lines {
        // Disk and memory are this machine's own.
        let expected: &[&str] = match line["check"].as_str().unwrap() {
            "timeout" => &["skipped"],
            // No keys are set, which the loopback broker of a test allows.
            "signing" => &["warn"],
            "disk" | "memory" => &["ok", "warn"],
            _ => &["ok"],
        };
        let verdict = line["verdict"].as_str().unwrap();
        assert!(expected.contains(&verdict), "{line}");
        assert_eq!(line["fix"].is_null(), verdict == "ok", "{line}");
    }

    let misnamed = fleet.path("rules/call-quality-form@9.scorecard.toml");
    std::fs::copy("../rules/call-quality-form@1.scorecard.toml", &misnamed).unwrap();
    let lost = earwitness(&fleet, &["doctor"], &[]).await;
    let advice = "holds call-quality-form@1.scorecard.toml, so no job finds it";
    assert!(lost.out.contains(advice), "{}", lost.out);
    std::fs::remove_file(misnamed).unwrap();

    fleet.add_rules("broken@1.toml", "id = 7").unwrap();
    let ill = [
        ("broker.prefix", "nobody-declared-this"),
        ("store.endpoint", "http://127.0.0.1:1"),
        ("store.max_attempts", "1"),
        ("engine.script", "/nowhere.json"),
    ];
    let ailing = earwitness(&fleet, &["doctor"], &ill).await;
    assert_eq!(ailing.status, 1);
    for check in ["model", "rules", "queues", "store"] {
        let line = |l: &&str| l.starts_with("FAIL") && l.contains(&format!(" {check} "));
        let found = ailing.out.lines().find(line);
        assert!(found.is_some_and(|l| l.contains(" -> ")), "{}", ailing.out);
    }
}
