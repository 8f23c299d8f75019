//! Scoring stored transcripts again: ten-minute calls a second from a directory store, read, checked, parsed, scored, compared,
//! and with `write` stored. The answer of each run is asserted: no call may be passed over or fail.

use std::path::Path;
use std::sync::Arc;

use analysis::RuleSet;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use earwitness::rescore::{Archive, Difference, Order, Outcome, Write, manifests, rescore};
use earwitness::results::Scoring;
use earwitness::store::dir::DirStore;
use earwitness_benches::archive::{self, BUCKET, TENANT};
use futures_util::StreamExt;
use tokio::runtime::Runtime;

const CALLS: u64 = 100;
const OLD: &str = include_str!("../../rules/call-quality@1.toml");
const NEW: &str = include_str!("../../rules/call-quality@2.toml");

fn scoring(rules: &str) -> Scoring {
    Scoring {
        rules: Some(Arc::new(RuleSet::parse(rules).expect("rules"))),
        ..Scoring::default()
    }
}

async fn run(root: &Path, scoring: &Scoring, write: Write) -> Difference {
    let store = Archive {
        store: Arc::new(DirStore::new(root)),
        bucket: BUCKET.parse().expect("a bucket"),
    };
    let prefix = format!("{TENANT}/calls/");
    let keys = manifests(store.store.clone(), store.bucket.clone(), prefix);
    let order = Order {
        archive: store,
        scoring: scoring.clone(),
        from: None,
        to: None,
        write,
        at_once: 8,
    };
    let outcomes = rescore(order, keys.map(|key| key.expect("listed")));
    let mut outcomes = std::pin::pin!(outcomes);
    let mut difference = Difference::default();
    while let Some((key, outcome)) = outcomes.next().await {
        match outcome {
            Outcome::Scored(scored) => difference.add(&scored, 5),
            other => unreachable!("{key}: {other:?}"),
        }
    }
    assert_eq!(difference.calls_count, CALLS);
    assert_eq!(difference.changed_count, CALLS, "the rules differ");
    difference
}

/// What a run has written, so that the next one writes again.
fn forget(root: &Path) {
    let calls = root.join(BUCKET).join(TENANT).join("calls");
    for call in std::fs::read_dir(calls).expect("calls") {
        for spec in std::fs::read_dir(call.expect("a call").path()).expect("specs") {
            let rescored = spec.expect("a spec").path().join("rescored");
            if rescored.exists() {
                std::fs::remove_dir_all(rescored).expect("remove what a run wrote");
            }
        }
    }
}

fn archives(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a temporary directory");
    archive::write(root.path(), CALLS, &scoring(OLD)).expect("an archive");
    let runtime = Runtime::new().expect("a runtime");
    let scoring = scoring(NEW);
    let mut group = criterion.benchmark_group("rescore");
    group
        .throughput(Throughput::Elements(CALLS))
        .sample_size(10);
    group.bench_function("dry", |bencher| {
        bencher.iter(|| runtime.block_on(run(root.path(), &scoring, Write::Nothing)));
    });
    group.bench_function("write", |bencher| {
        bencher.iter_batched(
            || forget(root.path()),
            |()| runtime.block_on(run(root.path(), &scoring, Write::All)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, archives);
criterion_main!(benches);
