//! Times, marks, and what a sweep leaves, on a directory.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use job_schema::manifest::Manifest;
use job_schema::status::{State, Status};
use job_schema::{JobId, SCHEMA_VERSION};

use super::sweep::is_over;
use super::*;
use crate::store::dir::DirStore;
use crate::store::watched::{Watch, Watched};
use crate::store::{StoreError, list_all};

#[test]
fn a_tenants_own_time_wins_over_that_for_all() {
    let retention = Retention::read(90, "acme=1, globex=0").unwrap();
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    for (tenant, expected) in [
        ("acme", Some("2026-11-25T12:00:00Z")),
        ("globex", None),
        ("initech", Some("2027-02-22T12:00:00Z")),
    ] {
        let found = retention.delete_after(&tenant.parse().unwrap(), now);
        assert_eq!(found, expected.map(|at| at.parse().unwrap()), "{tenant}");
    }
    assert!(Retention::read(0, "globex=0").unwrap().is_empty());
    for wrong in ["acme", "acme=soon", "a b=1", "acme=1,acme=2"] {
        assert!(Retention::read(0, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_mark_names_the_day_on_which_its_call_is_due_and_is_read_back() {
    let (tenant, call) = ("acme".parse().unwrap(), "c1".parse().unwrap());
    let at: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
    let key = layout::retention_mark(&day_after(at), &tenant, &call);
    assert_eq!(key.as_str(), "_retention/2027-01-01/acme/c1");
    let (day, target) = read_mark(key.as_str()).unwrap();
    assert_eq!(
        (day, target.tenant, target.call),
        ("2027-01-01", tenant, Some(call))
    );
    assert!(read_mark("_retention/2027-01-01/acme").is_none());
}

#[test]
fn a_call_is_over_when_each_of_its_results_is() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let hour = SignedDuration::from_hours(1);
    let (past, later) = (Some(now - hour), Some(now + hour));
    for (ends, expected) in [
        (vec![], false),
        (vec![past], true),
        (vec![Some(now)], true),
        (vec![later], false),
        (vec![past, later], false),
        (vec![None], false),
        (vec![past, None], false),
        (vec![None, past], false),
        (vec![past, past], true),
    ] {
        assert_eq!(is_over(&ends, now), expected, "{ends:?}");
    }
}

const MANIFEST: &str = include_str!("../../../../job-schema/fixtures/v1/manifest.json");

/// A call's results, each with when it is to go, and its mark.
async fn due_call(store: &DirStore, call: &str, ends: &[Option<Timestamp>]) -> Due {
    let (tenant, call): (TenantId, CallId) = ("acme".parse().unwrap(), call.parse().unwrap());
    for (n, delete_after) in ends.iter().enumerate() {
        let mut manifest: Manifest = serde_json::from_str(MANIFEST).unwrap();
        manifest.delete_after = *delete_after;
        let key = format!("acme/calls/{call}/{n}/manifest.json");
        put(store, &key, serde_json::to_vec(&manifest).unwrap()).await;
    }
    let mark = layout::retention_mark("2026-11-24", &tenant, &call);
    put(store, mark.as_str(), Vec::new()).await;
    let call = Some(call);
    Due {
        target: Target { tenant, call },
        mark,
    }
}

fn at(key: &str) -> Location {
    Location::new("results".parse().unwrap(), key.parse().unwrap())
}

async fn put(store: &DirStore, key: &str, body: Vec<u8>) {
    let at = at(key);
    let put = store.put(&at, body.into(), "text/plain", PutMode::Overwrite);
    put.await.unwrap();
}

fn shelf() -> (tempfile::TempDir, DirStore) {
    let root = tempfile::tempdir().unwrap();
    for bucket in ["recordings", "results"] {
        std::fs::create_dir(root.path().join(bucket)).unwrap();
    }
    let store = DirStore::new(root.path());
    (root, store)
}

async fn swept(store: &DirStore, due: &Due, now: Timestamp) -> Result<bool, SweepError> {
    let (recordings, results) = ("recordings".parse().unwrap(), "results".parse().unwrap());
    let places = Places {
        store,
        recordings: &recordings,
        results: &results,
    };
    let mut sweep = Sweep::new(places, vec![due.clone()], now);
    let (_, receipt) = sweep.next().await.unwrap();
    assert!(sweep.next().await.is_none());
    Ok(receipt?.is_some())
}

#[tokio::test]
async fn a_result_without_an_end_keeps_its_call_whatever_the_others_say() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let past = Some(now - SignedDuration::from_hours(1));
    for (ends, expected) in [
        ([past, past], true),
        ([past, None], false),
        ([None, past], false),
    ] {
        let (_root, store) = shelf();
        let due = due_call(&store, "c1", &ends).await;
        assert_eq!(swept(&store, &due, now).await.unwrap(), expected);
        let is_there = store.exists(&at("acme/calls/c1/0/manifest.json")).await;
        assert_eq!(is_there.unwrap(), !expected, "{ends:?}");
        let is_marked = store.exists(&at(due.mark.as_str())).await.unwrap();
        assert!(!is_marked, "it would be looked at for ever");
    }
}

#[tokio::test]
async fn a_call_with_a_manifest_that_does_not_parse_is_left_for_the_next_sweep() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let past = Some(now - SignedDuration::from_hours(1));
    let (_root, store) = shelf();
    let due = due_call(&store, "c1", &[past]).await;
    let damaged = "acme/calls/c1/damaged/manifest.json";
    put(&store, damaged, b"{\"schema_version\": 1,".to_vec()).await;
    let refused = swept(&store, &due, now).await;
    assert!(
        matches!(refused, Err(SweepError::Manifest { .. })),
        "{refused:?}"
    );
    for key in [damaged, "acme/calls/c1/0/manifest.json", due.mark.as_str()] {
        assert!(store.exists(&at(key)).await.unwrap(), "{key} is gone");
    }
    assert!(!store.exists(&at("_tombstones/acme/c1")).await.unwrap());
    store.delete(&at(damaged)).await.unwrap();
    assert!(swept(&store, &due, now).await.unwrap());
}

/// Notes which objects are read.
#[derive(Debug, Default)]
struct Reads(Mutex<Vec<String>>);

impl Watch for Reads {
    fn before_fetch(&self, at: &Location) {
        self.0.lock().unwrap().push(at.key.as_str().to_owned());
    }
}

async fn put_status(store: &DirStore, call: &str) {
    let status = Status {
        schema_version: SCHEMA_VERSION,
        job_id: JobId::generate(),
        tenant: "acme".parse().unwrap(),
        call: call.parse().unwrap(),
        updated_at: Timestamp::UNIX_EPOCH,
        state: State::Queued,
    };
    let key = layout::status(&status.tenant, status.job_id);
    put(store, key.as_str(), serde_json::to_vec(&status).unwrap()).await;
}

#[tokio::test]
async fn a_sweep_reads_a_tenants_status_objects_once_for_all_its_calls() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let past = Some(now - SignedDuration::from_hours(1));
    let (_root, store) = shelf();
    let mut due = Vec::new();
    for call in ["c1", "c2", "c3"] {
        due.push(due_call(&store, call, &[past]).await);
        put_status(&store, call).await;
        put_status(&store, call).await;
    }
    put_status(&store, "kept").await;
    put(&store, "acme/jobs/no-status.json", b"{".to_vec()).await;
    // A second mark of the same call.
    due.push(due[0].clone());
    let store = Watched {
        store,
        watch: Reads::default(),
    };
    let (recordings, results) = ("recordings".parse().unwrap(), "results".parse().unwrap());
    let places = Places {
        store: &store,
        recordings: &recordings,
        results: &results,
    };
    let mut sweep = Sweep::new(places, due, now);
    let mut removed = Vec::new();
    while let Some((_, receipt)) = sweep.next().await {
        removed.push(receipt.unwrap().map(|r| r.removed.status_count));
    }
    assert_eq!(removed, [Some(2), Some(2), Some(2), None]);
    let read = store.watch.0.lock().unwrap().clone();
    let statuses = read.iter().filter(|key| key.starts_with("acme/jobs/"));
    assert_eq!(statuses.count(), 8, "{read:?}");
    let left = list_all(&store, &results, "acme/").await.unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// Deletes so many objects, and then none.
#[derive(Debug)]
struct BreaksOff(AtomicUsize);

impl Watch for BreaksOff {
    fn before_delete(&self) -> Result<(), StoreError> {
        let one_less = |left: usize| left.checked_sub(1);
        let counted = self.0.fetch_update(Relaxed, Relaxed, one_less);
        counted.map(drop).map_err(|_| StoreError::Unavailable {
            action: "delete object",
            reason: "gone".to_owned(),
        })
    }
}

#[tokio::test]
async fn a_sweep_that_is_broken_off_anywhere_is_finished_by_the_next() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let past = Some(now - SignedDuration::from_hours(1));
    let (recordings, results): (BucketName, BucketName) =
        ("recordings".parse().unwrap(), "results".parse().unwrap());
    // Two manifests, a transcript before and behind them, a status, an upload and the mark.
    for deletes_count in 0..7 {
        let (_root, store) = shelf();
        let due = due_call(&store, "c1", &[past, past]).await;
        for name in ["0/analysis.json", "0/transcript.json", "1/transcript.json"] {
            put(&store, &format!("acme/calls/c1/{name}"), b"{}".to_vec()).await;
        }
        put_status(&store, "c1").await;
        let upload = Location::new(
            recordings.clone(),
            layout::upload(&due.target.tenant, due.target.call.as_ref().unwrap(), None),
        );
        let bytes = Bytes::from_static(b"RIFF");
        let uploaded = store.put(&upload, bytes, "audio/wav", PutMode::Overwrite);
        uploaded.await.unwrap();
        let store = Watched {
            store,
            watch: BreaksOff(AtomicUsize::new(deletes_count)),
        };
        let places = Places {
            store: &store,
            recordings: &recordings,
            results: &results,
        };
        let mut sweep = Sweep::new(places, vec![due.clone()], now);
        let (_, broken_off) = sweep.next().await.unwrap();
        assert!(broken_off.is_err(), "{deletes_count}");
        assert!(store.exists(&at(due.mark.as_str())).await.unwrap());

        swept(&store.store, &due, now).await.unwrap();
        let left = list_all(&store, &results, "acme/").await.unwrap();
        let uploads = list_all(&store, &recordings, "acme/").await.unwrap();
        assert!(
            left.is_empty() && uploads.is_empty(),
            "{deletes_count}: {left:?} {uploads:?}"
        );
        assert!(!store.exists(&at(due.mark.as_str())).await.unwrap());
    }
}
