//! Results that are scored again: by jobs on the batch lane and by the command, on a real broker and a real S3 API.

use std::collections::BTreeSet;

use earwitness_tests::fleet::{Fleet, TENANT};
use earwitness_tests::process::{WorkerProcess, run};
use earwitness_tests::recordings::{sample_path, spoken};
use earwitness_tests::signals::until;
use serde_json::Value;

use super::{quick, stop};

const OLD: &str = "id = \"facts\"\nversion = 1\n[[rule]]\nname = \"two\"\nphrases = [\"two\"]\n\
    [[rule]]\nname = \"sales\"\nquery = '$direction = inbound AND $queue = \"sales 2\"'\n\
    [[rule]]\nname = \"waited\"\nquery = '$wait > 90s'\n";

/// The same facts asked for otherwise, and another word.
const NEW: &str = "id = \"facts\"\nversion = 2\n[[rule]]\nname = \"two\"\nphrases = [\"four\"]\n\
    [[rule]]\nname = \"sales\"\nquery = '$queue = \"sales 2\"'\n\
    [[rule]]\nname = \"gold\"\nquery = '$attr.tier = gold'\n";

const KNOWN: [&str; 4] = [
    "--attribute=direction=inbound",
    "--attribute=queue=sales 2",
    "--attribute=wait=95s",
    "--attribute=attr.tier=gold",
];

/// Runs a command that prints JSON and is to succeed.
async fn json(fleet: &Fleet, arguments: &[&str]) -> Value {
    let output = run(arguments, &fleet.settings(&[])).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let last = output
        .stdout
        .split(|b| *b == b'\n')
        .rfind(|l| !l.is_empty());
    serde_json::from_slice(last.unwrap()).unwrap()
}

async fn outcomes(fleet: &Fleet, key: &str) -> Vec<(String, String)> {
    let bytes = fleet.bytes(key).await.unwrap().unwrap();
    let analysis: Value = serde_json::from_slice(&bytes).unwrap();
    let rules = analysis["score"]["rules"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rules
        .map(|rule| (text(&rule["rule"]), text(&rule["outcome"])))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(rule, outcome): &(&str, &str)| ((*rule).to_owned(), (*outcome).to_owned());
    expected.iter().map(owned).collect()
}

async fn keys_ending(fleet: &Fleet, ending: &str) -> Vec<String> {
    let keys = fleet.keys(&format!("{TENANT}/calls/")).await.unwrap();
    keys.into_iter()
        .filter(|key| key.ends_with(ending))
        .collect()
}

async fn settled(worker: &mut WorkerProcess, outcome: &str, reason: &str) -> f64 {
    let name =
        format!(r#"earwitness_jobs_total{{lane="batch",outcome="{outcome}",reason="{reason}"}}"#);
    worker.metric(&name).await.unwrap()
}

#[tokio::test]
async fn what_is_known_of_a_call_reaches_its_rules_then_and_later() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    fleet.add_rules("facts@1.toml", OLD).unwrap();
    fleet.add_rules("facts@2.toml", NEW).unwrap();
    let mut worker = fleet.worker("a", &[]).unwrap();
    let path = sample_path("cancel-plan.wav");
    let call = [path.to_str().unwrap(), "--call", "c1", "--rules", "facts@1"];
    let submit = [
        &["submit", "--tenant", TENANT, "--wait", "--json"][..],
        &call,
        &KNOWN[..],
    ]
    .concat();
    let status = json(&fleet, &submit).await;
    assert_eq!(status["state"]["state"], "completed", "{status}");
    let manifest = fleet.result("c1").await.unwrap();
    assert_eq!(manifest.attributes["attr.tier"], "gold");
    let analysis = manifest.objects.iter().find(|o| o.name == "analysis.json");
    let before = outcomes(&fleet, analysis.unwrap().key.as_str()).await;
    let expected = [("two", "true"), ("sales", "true"), ("waited", "true")];
    assert_eq!(before, pairs(&expected));
    fleet.events(1).await.unwrap();

    // By jobs, sent twice: one result, and events that cannot be told apart.
    let rules = fleet.path("rules/facts@2.toml");
    let rescore = [
        "rescore", "--tenant", TENANT, "--rules", &rules, "--submit", "--json",
    ];
    for _ in 0..2 {
        let queued = json(&fleet, &rescore).await;
        assert_eq!(
            (&queued["submitted_count"], &queued["lane"]),
            (&1.into(), &"batch".into())
        );
    }
    let events = fleet.events(2).await.unwrap();
    assert_eq!(
        serde_json::to_string(&events[0]).unwrap(),
        serde_json::to_string(&events[1]).unwrap()
    );
    let written = keys_ending(&fleet, "/rescored/facts@2/analysis.json").await;
    // Three words in all that speech are too few to say that a fourth was not said.
    let expected = [("two", "inconclusive"), ("sales", "true"), ("gold", "true")];
    assert_eq!(outcomes(&fleet, &written[0]).await, pairs(&expected));
    until("both deliveries to be settled", async || {
        let rescored = settled(&mut worker, "rescored", "").await;
        let again = settled(&mut worker, "already_done", "").await;
        Ok(((rescored, again) == (1.0, 1.0)).then_some(()))
    })
    .await
    .unwrap();

    // The command makes the same analysis, so it finds nothing to overwrite.
    let here = [
        "rescore", "--tenant", TENANT, "--rules", &rules, "--write", "--json",
    ];
    let report = json(&fleet, &here).await;
    assert_eq!(
        (&report["calls_count"], &report["failed_count"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        report["rules"]["two"]["after"]["inconclusive"], 1,
        "{report}"
    );
    assert_eq!(keys_ending(&fleet, "/analysis.json").await.len(), 2);
    stop(worker).await;
}

#[tokio::test]
async fn a_worker_that_is_killed_while_it_scores_loses_no_call() {
    const CALLS: usize = 12;
    let fleet = Fleet::start(&quick()).await.unwrap();
    fleet.add_rules("facts@2.toml", NEW).unwrap();
    let mut first = fleet.worker("a", &[]).unwrap();
    let recording = spoken(1, 1.0).unwrap();
    for call in 0..CALLS {
        let name = format!("call-{call}");
        fleet.submit(&name, recording.clone()).await.unwrap();
    }
    fleet.events(CALLS).await.unwrap();
    let rules = fleet.path("rules/facts@2.toml");
    let rescore = [
        "rescore", "--tenant", TENANT, "--rules", &rules, "--submit", "--json",
    ];
    assert_eq!(json(&fleet, &rescore).await["submitted_count"], CALLS);
    until("the first call to be scored again", async || {
        Ok((settled(&mut first, "rescored", "").await >= 1.0).then_some(()))
    })
    .await
    .unwrap();
    first.kill().await.unwrap();
    let second = fleet.worker("b", &[]).unwrap();
    let mut calls = BTreeSet::new();
    while calls.len() < CALLS {
        let event = fleet.events(1).await.unwrap().remove(0);
        calls.insert(event.subject);
    }
    assert_eq!(
        keys_ending(&fleet, "/rescored/facts@2/analysis.json")
            .await
            .len(),
        CALLS
    );
    assert_eq!(
        keys_ending(&fleet, "/rescored/facts@2/rescored.json")
            .await
            .len(),
        CALLS
    );
    stop(second).await;
}

#[tokio::test]
async fn a_deleted_call_and_rules_that_differ_are_not_scored() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    fleet.add_rules("facts@2.toml", NEW).unwrap();
    let worker = fleet.worker("a", &[]).unwrap();
    let recording = spoken(1, 1.0).unwrap();
    for call in ["kept", "gone"] {
        fleet.submit(call, recording.clone()).await.unwrap();
    }
    fleet.events(2).await.unwrap();
    stop(worker).await;
    let rules = fleet.path("rules/facts@2.toml");
    let rescore = [
        "rescore", "--tenant", TENANT, "--rules", &rules, "--submit", "--json",
    ];
    assert_eq!(json(&fleet, &rescore).await["submitted_count"], 2);
    let purge = [
        "purge", "--tenant", TENANT, "--call", "gone", "--yes", "--json",
    ];
    json(&fleet, &purge).await;
    fleet
        .add_rules("facts@2.toml", &NEW.replace("four", "five"))
        .unwrap();

    let worker = fleet.worker("b", &[]).unwrap();
    let events = fleet.events(2).await.unwrap();
    let codes: BTreeSet<String> = events
        .iter()
        .map(|event| serde_json::to_value(&event.data).unwrap()["code"].to_string())
        .collect();
    assert_eq!(
        codes,
        BTreeSet::from(["\"bad_rules\"".into(), "\"deleted\"".into()])
    );
    assert_eq!(keys_ending(&fleet, "/analysis.json").await.len(), 1);
    stop(worker).await;
}
