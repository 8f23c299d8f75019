//! Signed jobs from end to end: what `submit` signs is done, and a forger reads and writes nothing.

use earwitness::settle::Attempts;
use job_schema::job::Lane;
use job_schema::parse;

use crate::bench::{Bench, call};

const KEY: &str = "2026-11:abababababababababababababababababababababababababababababababab";

#[tokio::test]
async fn a_signed_job_is_done_and_its_forgery_touches_nothing() {
    let bench = Bench::new().await;
    let keys = [("SECURITY__SIGNING_KEYS", KEY)];
    let file = call();
    let submit = [
        "submit",
        file.to_str().unwrap(),
        "--tenant",
        "acme",
        "--call",
        "c1",
    ];
    let submitted = bench.command_with(&submit, &keys);
    let said = String::from_utf8_lossy(&submitted.stderr);
    assert!(submitted.status.success(), "{said}");

    // Whoever reads a lane has a well-signed job, and makes one of it for a tenant whose recording is there.
    let slot = bench.slot().await;
    let taken = slot.try_take(Lane::Standard).await.unwrap().unwrap();
    let mut forged = parse::job(&taken.body).unwrap();
    assert!(forged.signature.is_some() && forged.not_after.is_some());
    taken.requeue().await.unwrap();
    let theirs = bench.dir.path().join("recordings/globex/their-call.wav");
    std::fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    std::fs::copy(&file, theirs).unwrap();
    forged.tenant = "globex".parse().unwrap();
    forged.recording.key = "globex/their-call.wav".parse().unwrap();
    let mut unsigned = forged.clone();
    unsigned.signature = None;
    let publisher = bench.broker.publisher().await.unwrap();
    for job in [&forged, &unsigned] {
        publisher
            .publish_job(job, Attempts::default(), None)
            .await
            .unwrap();
    }

    let audit = bench.dir.path().join("audit.jsonl");
    let audit = audit.to_str().unwrap();
    let settings = [keys[0], ("AUDIT__FILE", audit)];
    let worker = bench.command_with(&["worker", "--exit-when-empty", "--slots", "1"], &settings);
    let log = String::from_utf8_lossy(&worker.stderr);
    assert!(worker.status.success(), "{log}");
    assert_eq!(log.matches("outcome=\"completed\"").count(), 1, "{log}");
    let listed = bench.command(&["dlq", "list", "--reason", "bad_signature", "--json"]);
    let dead = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(dead.lines().count(), 2, "{dead}");
    let verified = bench.command(&["audit", "verify", audit]);
    let said = String::from_utf8(verified.stdout).unwrap();
    assert!(said.starts_with("4 entries"), "{said}");
    let entries = std::fs::read_to_string(audit).unwrap();
    for (action, count) in [("accepted", 1), ("completed", 1), ("forged", 2)] {
        let entry = format!("\"action\":\"{action}\"");
        assert_eq!(entries.matches(&entry).count(), count, "{entries}");
    }
    assert!(!entries.contains("globex"), "a tenant that was not proven");
    let results = bench.dir.path().join("results");
    assert!(results.join("acme/calls/c1").is_dir());
    assert!(
        !results.join("globex").exists(),
        "something of globex was written"
    );
}

#[tokio::test]
async fn health_information_without_an_agreement_is_not_processed() {
    let bench = Bench::new().await;
    let keys = [("SECURITY__SIGNING_KEYS", KEY)];
    let file = call();
    let submit = [
        "submit",
        file.to_str().unwrap(),
        "--tenant",
        "acme",
        "--call",
        "c1",
        "--phi",
    ];
    assert!(bench.command_with(&submit, &keys).status.success());
    let without_keys = bench.command(&submit);
    assert_eq!(without_keys.status.code(), Some(78), "a claim nobody signs");
    let worker = bench.command_with(&["worker", "--exit-when-empty", "--slots", "1"], &keys);
    assert!(worker.status.success());
    let listed = bench.command(&["dlq", "list", "--reason", "baa_required"]);
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 1);
    assert!(!bench.dir.path().join("results/acme/calls").exists());
}

#[tokio::test]
async fn an_agreement_that_was_signed_lets_health_information_be_processed_and_a_forged_one_does_not()
 {
    let bench = Bench::new().await;
    let keys = [("SECURITY__SIGNING_KEYS", KEY)];
    let file = call();
    let submit = |name| {
        let of = [
            "submit",
            file.to_str().unwrap(),
            "--tenant",
            "acme",
            "--call",
            name,
        ];
        of.map(str::to_owned)
    };
    for (name, claims) in [("agreed", &["--phi", "--baa"][..]), ("forged", &["--phi"])] {
        let command = submit(name);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let submitted = bench.command_with(&[&command, claims].concat(), &keys);
        assert!(submitted.status.success(), "{name}");
    }
    // Whoever reads the lane claims the agreement in the tenant's name.
    let slot = bench.slot().await;
    let publisher = bench.broker.publisher().await.unwrap();
    for _ in 0..2 {
        let taken = slot.try_take(Lane::Standard).await.unwrap().unwrap();
        let mut job = parse::job(&taken.body).unwrap();
        if job.call.as_str() == "forged" {
            job.signature.as_mut().unwrap().baa = true;
        }
        let none = Attempts::default();
        publisher.publish_job(&job, none, None).await.unwrap();
        taken.ack().await.unwrap();
    }
    let worker = bench.command_with(&["worker", "--exit-when-empty", "--slots", "1"], &keys);
    let log = String::from_utf8_lossy(&worker.stderr);
    assert!(worker.status.success(), "{log}");
    let calls = bench.dir.path().join("results/acme/calls");
    assert!(calls.join("agreed").is_dir() && !calls.join("forged").exists());
    let listed = bench.command(&["dlq", "list", "--reason", "bad_signature"]);
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), 1);
}
