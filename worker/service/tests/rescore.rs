//! Stored transcripts scored again, over a directory store with a few calls in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use analysis::RuleSet;
use bytes::Bytes;
use earwitness::rescore::{
    Archive as Stored, Difference, Order, Outcome, Write, manifests, rescore, stops_everything,
};
use earwitness::results::{Object, Scoring};
use earwitness::store::dir::DirStore;
use earwitness::store::{BlobStore, Location, PutMode};
use futures_util::StreamExt;
use job_schema::manifest::Manifest;
use job_schema::transcript::Transcript;
use job_schema::{ErrorCode, ObjectKey};

const OLD: &str = "id = \"demo\"\nversion = 1\n[[rule]]\nname = \"order\"\nphrases = [\"order\"]\n[[rule]]\nname = \"gone\"\nphrases = [\"help\"]\n";
const NEW: &str = "id = \"demo\"\nversion = 2\n[[rule]]\nname = \"order\"\nphrases = [\"parcel\"]\n[[rule]]\nname = \"hello\"\nphrases = [\"good morning\"]\nweight = 5\n";

struct Archive {
    root: tempfile::TempDir,
    store: Arc<dyn BlobStore>,
}

fn fixture(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../job-schema/fixtures/v1");
    std::fs::read_to_string(folder.join(name)).expect("a fixture")
}

fn scoring(rules: &str) -> Scoring {
    Scoring {
        rules: Some(Arc::new(RuleSet::parse(rules).expect("rules"))),
        ..Scoring::default()
    }
}

impl Archive {
    /// So many calls of one tenant, each scored with the old rules.
    async fn of(calls: usize) -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(root.path().join("results")).expect("a bucket");
        let archive = Self {
            store: Arc::new(DirStore::new(root.path())),
            root,
        };
        for number in 0..calls {
            archive.add(&format!("call-{number:04}")).await;
        }
        archive
    }

    async fn add(&self, call: &str) {
        let mut transcript: Transcript =
            serde_json::from_str(&fixture("transcript.json")).expect("a transcript");
        transcript.call = call.parse().expect("a name");
        let mut manifest: Manifest =
            serde_json::from_str(&fixture("manifest-attributes.json")).expect("a manifest");
        manifest.call = transcript.call.clone();
        let prefix = format!("{}/calls/{call}/{}", manifest.tenant, manifest.spec_sha256);
        let document = Object::json("transcript.json", &transcript);
        let analysis = Object::json(
            "analysis.json",
            &scoring(OLD).analyse(&transcript, &document.sha256),
        );
        manifest.objects.clear();
        for object in [document, analysis] {
            let key: ObjectKey = format!("{prefix}/{}", object.name).parse().expect("a key");
            manifest.objects.push(object.stored_at(key.clone()));
            self.put(key, object.bytes).await;
        }
        let key = format!("{prefix}/manifest.json").parse().expect("a key");
        self.put(key, Object::json("manifest.json", &manifest).bytes)
            .await;
    }

    async fn put(&self, key: ObjectKey, bytes: Vec<u8>) {
        let at = Location::new("results".parse().expect("a bucket"), key);
        let put = self.store.put(
            &at,
            Bytes::from(bytes),
            "application/json",
            PutMode::Overwrite,
        );
        put.await.expect("put");
    }

    async fn rescore(&self, rules: &str, write: Write) -> (Difference, Vec<(ObjectKey, Outcome)>) {
        let order = Order {
            archive: self.stored(),
            scoring: scoring(rules),
            from: None,
            to: None,
            write,
            at_once: 4,
        };
        let keys = self.manifests();
        let outcomes: Vec<_> = rescore(order, keys).collect().await;
        let mut difference = Difference::default();
        for (_, outcome) in &outcomes {
            if let Outcome::Scored(scored) = outcome {
                difference.add(scored, 2);
            }
        }
        (difference, outcomes)
    }

    fn stored(&self) -> Stored {
        Stored {
            store: self.store.clone(),
            bucket: "results".parse().expect("a bucket"),
        }
    }

    fn manifests(&self) -> impl futures_util::Stream<Item = ObjectKey> + use<> {
        let stored = self.stored();
        let keys = manifests(stored.store, stored.bucket, "acme/calls/".into());
        keys.map(|key| key.expect("listed"))
    }

    /// Paths below the bucket, in order.
    fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    found.push(
                        path.strip_prefix(root)
                            .expect("below")
                            .display()
                            .to_string(),
                    );
                }
            }
        }
        let (mut found, bucket) = (Vec::new(), self.root.path().join("results"));
        walk(&bucket, &bucket, &mut found);
        found.sort();
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_change_and_writes_nothing() {
    let archive = Archive::of(12).await;
    let before = archive.files();
    let (difference, outcomes) = archive.rescore(NEW, Write::Nothing).await;
    assert_eq!(archive.files(), before);
    assert_eq!((difference.calls_count, difference.changed_count), (12, 12));
    let order = difference.rules["order"];
    assert_eq!(
        (order.before.r#true, order.after.r#true, order.changed_count),
        (12, 0, 12)
    );
    assert_eq!(difference.rules["gone"].after.absent, 12);
    assert_eq!(difference.rules["hello"].after.r#true, 12);
    assert_eq!(
        (difference.points.before.mean, difference.points.after.mean),
        (2.0, 5.0)
    );
    assert_eq!(difference.sample.len(), 2);
    let hello = difference.sample[0]
        .rules
        .iter()
        .find(|rule| rule.rule == "hello")
        .expect("changed");
    assert_eq!(hello.evidence.len(), 1);
    assert!(
        outcomes.is_sorted_by_key(|(key, _)| key.clone()),
        "calls come in the order of their keys"
    );

    let (same, _) = archive.rescore(OLD, Write::Nothing).await;
    assert_eq!((same.calls_count, same.changed_count), (12, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_analyses_lie_beside_the_old_and_a_second_run_changes_nothing() {
    let archive = Archive::of(3).await;
    let before = archive.files();
    archive.rescore(NEW, Write::All).await;
    let after = archive.files();
    let added: Vec<&String> = after.iter().filter(|file| !before.contains(file)).collect();
    assert_eq!(added.len(), 3);
    assert!(
        added
            .iter()
            .all(|file| file.ends_with("/rescored/demo@2/analysis.json")),
        "{added:?}"
    );
    assert!(before.iter().all(|file| after.contains(file)));
    let (_, again) = archive.rescore(NEW, Write::All).await;
    assert!(
        again
            .iter()
            .all(|(_, outcome)| matches!(outcome, Outcome::Scored(_))),
        "{again:?}"
    );
    assert_eq!(archive.files(), after);
}

/// Killed for good, in mid-run: what is left is done by the next run, and the whole is as if nothing had happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_is_resumed_where_it_broke_off() {
    const CALLS: usize = 400;
    let archive = Archive::of(CALLS).await;
    let rules = archive.root.path().join("demo@2.toml");
    std::fs::write(&rules, NEW).expect("write rules");
    let command = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_earwitness"));
        let root = archive.root.path().display().to_string();
        command
            .env_clear()
            .envs([
                ("EARWITNESS__STORE__KIND", "dir"),
                ("EARWITNESS__STORE__DIR", &root),
                ("EARWITNESS__STORE__RECORDINGS_BUCKET", "recordings"),
                ("EARWITNESS__STORE__RESULTS_BUCKET", "results"),
            ])
            .args([
                "rescore", "--tenant", "acme", "--write", "--json", "--rules",
            ])
            .arg(&rules)
            .args(more)
            .stdout(std::process::Stdio::piped());
        command
    };
    let written = || {
        let files = archive.files();
        files.iter().filter(|f| f.contains("/rescored/")).count()
    };
    let mut broken_off = command(&[]).spawn().expect("start");
    while written() == 0 {
        let ended = broken_off.try_wait().expect("a child");
        assert!(ended.is_none(), "it ended before it wrote: {ended:?}");
        std::thread::yield_now();
    }
    broken_off.kill().expect("kill");
    broken_off.wait().expect("wait");
    let before = written();
    assert!((1..CALLS).contains(&before), "{before} of {CALLS}");

    let output = command(&["--resume"]).output().expect("run");
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["done_before_count"], before, "{report}");
    assert_eq!(report["calls_count"], CALLS - before, "{report}");
    assert_eq!(written(), CALLS);
    let (_, again) = archive.rescore(NEW, Write::All).await;
    let same = |(_, outcome): &(ObjectKey, Outcome)| matches!(outcome, Outcome::Scored(_));
    assert!(
        again.iter().all(same),
        "each analysis is what an unbroken run makes"
    );
}

/// The form's question is answered otherwise, although its rule keeps its name.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_change_are_counted_by_question_and_shown_with_their_places() {
    let archive = Archive::of(3).await;
    let form = "id = \"form\"\nversion = 1\n[[section]]\nname = \"opening\"\n[[section.question]]\nname = \"hello\"\nrule = \"hello\"\n";
    let card = Arc::new(analysis::Scorecard::parse(form).expect("a form"));
    let order = Order {
        archive: archive.stored(),
        scoring: Scoring {
            scorecard: Some(card),
            ..scoring(NEW)
        },
        from: None,
        to: None,
        write: Write::Nothing,
        at_once: 2,
    };
    let keys = archive.manifests();
    let outcomes: Vec<_> = rescore(order, keys).collect().await;
    let mut difference = Difference::default();
    for (_, outcome) in &outcomes {
        if let Outcome::Scored(scored) = outcome {
            difference.add(scored, 1);
        }
    }
    let counts = &difference.questions["opening/hello"];
    assert_eq!(
        (
            counts.before["absent"],
            counts.after["yes"],
            counts.changed_count
        ),
        (3, 3, 3)
    );
    let [call] = &difference.sample[..] else {
        unreachable!("one call was asked for: {difference:?}")
    };
    assert_eq!(
        (call.percent_before, call.percent_after),
        (None, Some(100.0))
    );
    assert_eq!(call.questions[0].evidence.len(), 1, "{call:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_come_from_the_manifest() {
    let archive = Archive::of(1).await;
    let rules =
        "id = \"demo\"\nversion = 3\n[[rule]]\nname = \"order\"\nquery = '$queue = \"sales 2\"'\n";
    let (_, outcomes) = archive.rescore(rules, Write::Nothing).await;
    let Outcome::Scored(scored) = &outcomes[0].1 else {
        unreachable!("{outcomes:?}")
    };
    let score = scored.after.score.as_ref().expect("rules give a score");
    assert_eq!(score.rules[0].outcome, job_schema::analysis::Outcome::True);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_changed_under_its_name_is_refused() {
    let archive = Archive::of(1).await;
    let (_, outcomes) = archive
        .rescore(&OLD.replace("help", "hello"), Write::All)
        .await;
    let Outcome::Failed(failure) = &outcomes[0].1 else {
        unreachable!("the version is in use with another digest: {outcomes:?}")
    };
    assert!(stops_everything(failure), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_calls_are_passed_over_and_damaged_ones_fail_alone() {
    let archive = Archive::of(3).await;
    archive
        .put(
            "_tombstones/acme/call-0000".parse().expect("a key"),
            Vec::new(),
        )
        .await;
    let files = archive.files();
    let damaged = files
        .iter()
        .find(|file| file.contains("call-0001") && file.ends_with("transcript.json"));
    archive
        .put(
            damaged.expect("stored").parse().expect("a key"),
            b"{}".to_vec(),
        )
        .await;
    let (difference, outcomes) = archive.rescore(NEW, Write::All).await;
    assert_eq!(difference.calls_count, 1);
    assert!(matches!(outcomes[0].1, Outcome::PassedOver));
    assert!(
        matches!(&outcomes[1].1, Outcome::Failed(failure) if failure.code == ErrorCode::TransferDamaged)
    );
    assert!(
        !archive
            .files()
            .iter()
            .any(|file| file.contains("call-0000") && file.contains("rescored"))
    );
}
