//! Stored transcripts scored again, over a directory store with a few calls in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use analysis::RuleSet;
use bytes::Bytes;
use earwitness::rescore::{Difference, Order, Outcome, manifests, rescore, stops_everything};
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
        scorecard: None,
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
            serde_json::from_str(&fixture("manifest.json")).expect("a manifest");
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

    async fn rescore(&self, rules: &str, write: bool) -> (Difference, Vec<(ObjectKey, Outcome)>) {
        let order = Order {
            store: self.store.clone(),
            bucket: "results".parse().expect("a bucket"),
            scoring: scoring(rules),
            from: None,
            to: None,
            write,
            at_once: 4,
        };
        let keys = manifests(
            self.store.clone(),
            order.bucket.clone(),
            "acme/calls/".into(),
        );
        let keys = keys.map(|key| key.expect("listed"));
        let outcomes: Vec<_> = rescore(order, keys).collect().await;
        let mut difference = Difference::default();
        for (_, outcome) in &outcomes {
            if let Outcome::Scored(scored) = outcome {
                difference.add(scored, 2);
            }
        }
        (difference, outcomes)
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
    let (difference, outcomes) = archive.rescore(NEW, false).await;
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

    let (same, _) = archive.rescore(OLD, false).await;
    assert_eq!((same.calls_count, same.changed_count), (12, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_analyses_lie_beside_the_old_and_a_second_run_changes_nothing() {
    let archive = Archive::of(3).await;
    let before = archive.files();
    archive.rescore(NEW, true).await;
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
    let (_, again) = archive.rescore(NEW, true).await;
    assert!(
        again
            .iter()
            .all(|(_, outcome)| matches!(outcome, Outcome::Scored(_))),
        "{again:?}"
    );
    assert_eq!(archive.files(), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_changed_under_its_name_is_refused() {
    let archive = Archive::of(1).await;
    let (_, outcomes) = archive.rescore(&OLD.replace("help", "hello"), true).await;
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
    let (difference, outcomes) = archive.rescore(NEW, true).await;
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
