//! Which workers there are and what they do, for people and for a batch that wants to know what will run it. In: a worker's
//! own counts. Out: one small object `_workers/ID.json` for each, written every five seconds and removed when the worker
//! stops. What was not renewed for 30 s is a worker that was killed. Fails as the store does, and stops no work.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use job_schema::Sha256;
use job_schema::job::{BucketName, Lane};
use serde::{Deserialize, Serialize};

use crate::layout;
use crate::store::{BlobStore, Location, PutMode, StoreError};
use crate::topology::{Place, ROWS};

pub const EVERY: Duration = Duration::from_secs(5);
/// Six renewals missed: the worker was killed, or has no store.
const ALIVE: SignedDuration = SignedDuration::from_secs(30);
const MAX_PRESENCE_BYTES: u64 = 16_384;
const PAGE: u16 = 1_000;
const PLACES: usize = ROWS as usize + 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    pub worker: String,
    pub version: String,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    pub model: String,
    pub model_sha256: Sha256,
    pub recognizer: String,
    pub pipeline_revision: u32,
    pub slots: u16,
    pub running_count: u16,
    pub lanes: Vec<LaneActivity>,
}

/// What a worker did with one lane since it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneActivity {
    pub lane: Lane,
    pub settled_count: u64,
    /// When the job that was taken last had been submitted: at the intake, then in each row. Each of these queues is first in,
    /// first out, so what still waits in it is younger.
    #[serde(default)]
    pub last_taken_by_place: Vec<Option<Timestamp>>,
}

/// What the slots of a worker note as they go.
#[derive(Debug, Clone, Default)]
pub struct Activity(Arc<[LaneCounts; 3]>);

#[derive(Debug, Default)]
struct LaneCounts {
    settled: AtomicU64,
    /// By place. Milliseconds from 1970; 0 for none.
    last_submitted_ms: [AtomicI64; PLACES],
}

impl Activity {
    pub fn took(&self, lane: Lane, place: Place, submitted_at: Timestamp) {
        if let Some(last) = self.of(lane).last_submitted_ms.get(index(place)) {
            last.store(submitted_at.as_millisecond(), Ordering::Relaxed);
        }
    }

    pub fn settled(&self, lane: Lane) {
        self.of(lane).settled.fetch_add(1, Ordering::Relaxed);
    }

    pub fn lanes(&self, lanes: &[Lane]) -> Vec<LaneActivity> {
        let activity = |lane: &Lane| {
            let counts = self.of(*lane);
            let last = |ms: &AtomicI64| {
                let last = Timestamp::from_millisecond(ms.load(Ordering::Relaxed)).ok();
                last.filter(|at| *at != Timestamp::UNIX_EPOCH)
            };
            LaneActivity {
                lane: *lane,
                settled_count: counts.settled.load(Ordering::Relaxed),
                last_taken_by_place: counts.last_submitted_ms.iter().map(last).collect(),
            }
        };
        lanes.iter().map(activity).collect()
    }

    fn of(&self, lane: Lane) -> &LaneCounts {
        let [interactive, standard, batch] = &*self.0;
        match lane {
            Lane::Interactive => interactive,
            Lane::Standard => standard,
            Lane::Batch => batch,
        }
    }
}

impl LaneActivity {
    /// Of the job that was taken last from this place.
    pub fn last_taken_at(&self, place: Place) -> Option<Timestamp> {
        *self.last_taken_by_place.get(index(place))?
    }
}

/// Of a place in a list that has the intake first.
fn index(place: Place) -> usize {
    match place {
        Place::Intake => 0,
        Place::Row(number) => usize::from(number),
    }
}

pub async fn announce(
    store: &dyn BlobStore,
    results: &BucketName,
    presence: &Presence,
) -> Result<(), StoreError> {
    let body = serde_json::to_vec(presence).expect("texts, times and counts serialise");
    let (at, mode) = (at(results, &presence.worker), PutMode::Overwrite);
    let put = store.put(&at, Bytes::from(body), "application/json", mode);
    put.await.map(drop)
}

pub async fn withdraw(
    store: &dyn BlobStore,
    results: &BucketName,
    worker: &str,
) -> Result<(), StoreError> {
    store.delete(&at(results, worker)).await
}

/// The workers that renewed their presence lately, by name. What a killed one left is skipped here and removed by
/// [`clear_away`].
pub async fn alive(
    store: &dyn BlobStore,
    results: &BucketName,
    now: Timestamp,
) -> Result<Vec<Presence>, StoreError> {
    let mut found = Vec::new();
    for presence in all(store, results).await? {
        if now.duration_since(presence.seen_at) <= ALIVE {
            found.push(presence);
        }
    }
    found.sort_by(|a, b| a.worker.cmp(&b.worker));
    Ok(found)
}

/// Removes what workers left that were killed an hour ago or longer: their names hold process ids and never come back.
pub async fn clear_away(
    store: &dyn BlobStore,
    results: &BucketName,
    now: Timestamp,
) -> Result<(), StoreError> {
    for presence in all(store, results).await? {
        if now.duration_since(presence.seen_at) > SignedDuration::from_hours(1) {
            withdraw(store, results, &presence.worker).await?;
        }
    }
    Ok(())
}

async fn all(store: &dyn BlobStore, results: &BucketName) -> Result<Vec<Presence>, StoreError> {
    let page = store
        .list(results, layout::WORKERS_PREFIX, None, PAGE)
        .await?;
    let mut found = Vec::new();
    for object in page.objects {
        let at = Location::new(results.clone(), object.key);
        match store.get(&at, MAX_PRESENCE_BYTES).await {
            // One that another version wrote is none that we could speak of.
            Ok(bytes) => found.extend(serde_json::from_slice::<Presence>(&bytes)),
            Err(StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(found)
}

fn at(results: &BucketName, worker: &str) -> Location {
    Location::new(results.clone(), layout::worker(worker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_is_kept_lane_by_lane_and_row_by_row() {
        let activity = Activity::default();
        let at: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let row = Place::Row(ROWS);
        activity.took(Lane::Batch, row, at);
        activity.clone().settled(Lane::Batch);
        let lanes = activity.lanes(&[Lane::Standard, Lane::Batch]);
        let told = |place| {
            lanes
                .iter()
                .map(|l| l.last_taken_at(place))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(Place::Intake), [None, None]);
        assert_eq!(told(row), [None, Some(at)]);
        let settled: Vec<u64> = lanes.iter().map(|lane| lane.settled_count).collect();
        assert_eq!(settled, [0, 1]);
    }
}
