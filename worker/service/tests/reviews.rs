//! `earwitness scorecards` as a user meets it, over a directory store with a few scored calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use analysis::{RuleSet, Scorecard};
use assert_cmd::Command;
use earwitness::purge::{Places, Target, purge};
use earwitness::results::{Object, Scoring};
use earwitness::store::dir::DirStore;
use job_schema::manifest::Manifest;
use job_schema::transcript::Transcript;
use serde_json::Value;

/// On the fixture's call "order" was said: the machine answers yes and no.
const RULES: &str = "id = \"demo\"\nversion = 1\n[[rule]]\nname = \"order\"\nphrases = [\"order\"]\n[[rule]]\nname = \"quiet\"\nphrases = [\"order\"]\nnegate = true\n";
const FORM: &str = "id = \"form\"\nversion = 1\n[[section]]\nname = \"talk\"\n[[section.question]]\nname = \"order\"\nrule = \"order\"\n[[section.question]]\nname = \"quiet\"\nrule = \"quiet\"\n";

struct Desk {
    root: tempfile::TempDir,
    form: String,
}

fn fixture(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../job-schema/fixtures/v1");
    std::fs::read_to_string(folder.join(name)).expect("a fixture")
}

impl Desk {
    fn of(calls: &[&str]) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        for bucket in ["results", "recordings"] {
            std::fs::create_dir(root.path().join(bucket)).expect("a bucket");
        }
        let form = root.path().join("form@1.scorecard.toml");
        std::fs::write(&form, FORM).expect("write a form");
        std::fs::write(
            root.path().join("demo@2.toml"),
            RULES.replace("version = 1", "version = 2"),
        )
        .expect("write rules");
        let form = form.display().to_string();
        let desk = Self { root, form };
        calls.iter().for_each(|call| desk.add(call));
        desk
    }

    fn add(&self, call: &str) {
        let mut transcript: Transcript =
            serde_json::from_str(&fixture("transcript.json")).expect("a transcript");
        transcript.call = call.parse().expect("a name");
        let mut manifest: Manifest =
            serde_json::from_str(&fixture("manifest.json")).expect("a manifest");
        manifest.call = transcript.call.clone();
        let scoring = Scoring {
            rules: Some(Arc::new(RuleSet::parse(RULES).expect("rules"))),
            scorecard: Some(Arc::new(Scorecard::parse(FORM).expect("a form"))),
            ..Scoring::default()
        };
        let document = Object::json("transcript.json", &transcript);
        let analysis = scoring.analyse(&transcript, &document.sha256);
        let prefix = format!("{}/calls/{call}/{}", manifest.tenant, manifest.spec_sha256);
        let folder = self.root.path().join("results").join(&prefix);
        std::fs::create_dir_all(&folder).expect("a folder");
        manifest.objects.clear();
        for object in [document, Object::json("analysis.json", &analysis)] {
            let key = format!("{prefix}/{}", object.name).parse().expect("a key");
            manifest.objects.push(object.stored_at(key));
            std::fs::write(folder.join(&*object.name), &object.bytes).expect("write");
        }
        let manifest = Object::json("manifest.json", &manifest);
        std::fs::write(folder.join("manifest.json"), manifest.bytes).expect("write");
    }

    /// Status, and what was printed on standard output and standard error.
    fn earwitness(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
        let output = command
            .args(args)
            .env("EARWITNESS__STORE__KIND", "dir")
            .env("EARWITNESS__STORE__DIR", self.root.path())
            .env("EARWITNESS__STORE__RESULTS_BUCKET", "results")
            .env("EARWITNESS__STORE__RECORDINGS_BUCKET", "recordings")
            .env("EARWITNESS__AUDIT__FILE", self.audit_file())
            .env("EARWITNESS_TENANT", "acme")
            .output()
            .expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let status = output.status.code().expect("it ends by itself");
        (status, text(&output.stdout), text(&output.stderr))
    }

    fn audit_file(&self) -> PathBuf {
        self.root.path().join("audit.jsonl")
    }

    fn scorecards(&self, verb: &str, args: &[&str]) -> (i32, String, String) {
        let form = ["scorecards", verb, "--scorecard", &self.form];
        self.earwitness(&[&form, args].concat())
    }

    fn answer(&self, call: &str, reviewer: &str, answers: &[&str]) {
        let who = ["--call", call, "--reviewer", reviewer];
        let (status, _, error) = self.scorecards("answer", &[&who, answers].concat());
        assert_eq!(status, 0, "{error}");
    }

    fn json(&self, verb: &str, args: &[&str]) -> Value {
        let (status, out, error) = self.scorecards(verb, &[&["--json"], args].concat());
        assert_eq!(status, 0, "{error}");
        serde_json::from_str(&out).expect("an object")
    }

    /// Everything in the results bucket, by path.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        fn walk(dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
            for entry in std::fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => walk(&path, found),
                    false => found.push((
                        path.display().to_string(),
                        std::fs::read(&path).expect("a file"),
                    )),
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.root.path().join("results"), &mut found);
        found.sort();
        found
    }
}

#[test]
fn what_people_answer_lies_beside_the_machine_s_and_overwrites_nothing() {
    let desk = Desk::of(&["c1"]);
    let before = desk.files();
    desk.answer("c1", "r-1", &["talk/order=no", "talk/quiet=no"]);
    desk.answer(
        "c1",
        "r-2",
        &["talk/quiet=yes", "--comment", "in the other room"],
    );
    desk.answer("c1", "r-1", &["talk/order=not_applicable"]);
    let after = desk.files();
    assert_eq!(after.len(), before.len() + 3);
    assert!(before.iter().all(|file| after.contains(file)));

    let both = desk.json("show", &["--call", "c1"]);
    assert_eq!(both["machine"]["percent"], 50.0);
    assert_eq!(
        both["human"]["percent"], 100.0,
        "order is left out, and quiet is yes"
    );
    let reviewers: Vec<&str> = both["reviews"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|review| review["reviewer"].as_str().expect("an id"))
        .collect();
    assert_eq!(
        reviewers,
        ["r-1", "r-2", "r-1"],
        "in the order in which they were written"
    );
    assert_eq!(both["reviews"][1]["comment"], "in the other room");
    let (status, text, _) = desk.scorecards("show", &["--call", "c1"]);
    assert_eq!(status, 0);
    assert!(text.contains("no (r-1), not applicable (r-1)"), "{text}");
}

#[test]
fn what_the_form_does_not_have_is_refused_and_nothing_is_stored() {
    let desk = Desk::of(&["c1"]);
    let before = desk.files();
    let table = [
        ("c1", "r-1", "talk/colour=yes", 2),
        ("c1", "r-1", "talk/order=maybe", 2),
        ("c1", "Mary Jones", "talk/order=yes", 2),
        ("c2", "r-1", "talk/order=yes", 1),
    ];
    for (call, reviewer, answer, expected) in table {
        let args = [
            "--call",
            call,
            "--reviewer",
            reviewer,
            "--comment",
            "hush",
            answer,
        ];
        let (status, out, error) = desk.scorecards("answer", &args);
        assert_eq!(status, expected, "{answer}: {error}");
        assert!(!out.contains("hush") && !error.contains("hush"), "{error}");
    }
    assert_eq!(desk.files(), before);
}

#[test]
fn agreement_is_counted_question_by_question() {
    let desk = Desk::of(&["c1", "c2", "c3", "d1"]);
    desk.answer("c1", "r-1", &["talk/order=yes", "talk/quiet=no"]);
    desk.answer("c2", "r-1", &["talk/order=no"]);
    desk.answer("c2", "r-1", &["talk/order=yes"]);
    desk.answer("c3", "r-1", &["talk/order=no"]);
    desk.answer("d1", "r-2", &["talk/order=no"]);
    let counts = |args: &[&str]| {
        let found = desk.json("agreement", args);
        let questions = found["questions"].as_array().expect("a list").clone();
        let count = |of: &Value, name: &str| of[name].as_u64().expect("a count");
        let each = questions.iter().map(|q| {
            let id = q["id"].as_str().expect("an id").to_owned();
            (id, count(q, "agreed_count"), count(q, "compared_count"))
        });
        (count(&found, "calls_count"), each.collect::<Vec<_>>())
    };
    let (order, quiet) = (
        "form/talk/order@1".to_owned(),
        "form/talk/quiet@1".to_owned(),
    );
    let expected = (4, vec![(order.clone(), 2, 4), (quiet.clone(), 1, 1)]);
    assert_eq!(counts(&[]), expected);
    let expected = (3, vec![(order.clone(), 2, 3), (quiet, 1, 1)]);
    assert_eq!(counts(&["--prefix", "c"]), expected);
    // One that nobody reviewed has nothing to compare.
    desk.add("e1");
    let args = ["--call", "c3", "--call", "d1", "--call", "e1"];
    assert_eq!(counts(&args), (2, vec![(order, 0, 2)]));
}

#[test]
fn the_audit_log_says_who_answered_about_which_call_and_nothing_of_what() {
    let desk = Desk::of(&["c1"]);
    let args = ["talk/order=no", "--comment", "hush"];
    desk.answer("c1", "r-1", &args);
    let refused = ["--call", "c1", "--reviewer", "r-1", "talk/colour=yes"];
    assert_eq!(desk.scorecards("answer", &refused).0, 2);
    desk.json("agreement", &[]);

    let log = std::fs::read_to_string(desk.audit_file()).expect("a log");
    let entries: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("an entry"))
        .collect();
    let of_entry = |name: &str| entries[0][name].as_str().expect("a text");
    assert_eq!(entries.len(), 1, "what is refused or read is no answer");
    assert_eq!(of_entry("action"), "reviewed");
    assert_eq!((of_entry("tenant"), of_entry("call")), ("acme", "c1"));
    assert_eq!(of_entry("outcome"), "form@1 by r-1");
    for content in ["hush", "order", "\"no\""] {
        assert!(!log.contains(content), "{content}");
    }
    let file = desk.audit_file().display().to_string();
    assert_eq!(desk.earwitness(&["audit", "verify", &file]).0, 0);
}

#[test]
fn an_answer_that_cannot_be_recorded_is_not_taken() {
    let desk = Desk::of(&["c1"]);
    let before = desk.files();
    std::fs::write(desk.audit_file(), "not a chain\n").expect("write");
    let args = ["--call", "c1", "--reviewer", "r-1", "talk/order=yes"];
    let (status, _, error) = desk.scorecards("answer", &args);
    assert_eq!(status, 78, "{error}");
    assert_eq!(desk.files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_call_loses_its_reviews_and_takes_no_more() {
    let desk = Desk::of(&["c1", "c2"]);
    desk.answer("c1", "r-1", &["talk/order=yes"]);
    desk.answer("c2", "r-1", &["talk/order=yes"]);
    let (recordings, results) = (
        "recordings".parse().expect("a name"),
        "results".parse().expect("a name"),
    );
    let store = DirStore::new(desk.root.path());
    let places = Places {
        store: &store,
        recordings: &recordings,
        results: &results,
    };
    let target = Target {
        tenant: "acme".parse().expect("a name"),
        call: Some("c1".parse().expect("a name")),
    };
    let receipt = purge(places, &target, jiff::Timestamp::now())
        .await
        .expect("the store works");
    assert_eq!(
        receipt.removed.results_count, 4,
        "transcript, analysis, manifest, review"
    );
    desk.add("c1");
    let before = desk.files();
    let args = ["--call", "c1", "--reviewer", "r-1", "talk/order=yes"];
    let (status, _, error) = desk.scorecards("answer", &args);
    assert_eq!(status, 1, "{error}");
    assert!(error.contains("deleted"), "{error}");
    assert_eq!(desk.files(), before);
    assert_eq!(desk.json("agreement", &[])["calls_count"], 1);
}

#[test]
fn scoring_again_leaves_reviews_as_they_are() {
    let desk = Desk::of(&["c1"]);
    desk.answer("c1", "r-1", &["talk/quiet=yes"]);
    let before = desk.files();
    let rules = desk.root.path().join("demo@2.toml").display().to_string();
    let (status, _, error) = desk.earwitness(&[
        "rescore",
        "--tenant",
        "acme",
        "--rules",
        &rules,
        "--scorecard",
        &desk.form,
        "--write",
    ]);
    assert_eq!(status, 0, "{error}");
    let after = desk.files();
    assert_eq!(after.len(), before.len() + 1, "the new analysis");
    assert!(before.iter().all(|file| after.contains(file)));
    let both = desk.json("show", &["--call", "c1"]);
    assert_eq!(both["human"]["percent"], 100.0);
}
