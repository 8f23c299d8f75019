//! Lanes that nobody takes from for a while. In: a lane. Out: an object `_control/paused/LANE` in the results bucket, which
//! every worker lists every two seconds. It lies there, and not on the broker or in a worker, so that it outlives both. Fails
//! as the store does; a worker that cannot look keeps to what it saw last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use job_schema::job::{BucketName, Lane};
use serde::{Deserialize, Serialize};

use crate::layout;
use crate::store::{BlobStore, Location, PutMode, StoreError};

const MAX_PAUSE_BYTES: u64 = 4_096;

/// Why and since when. Operators read it; workers only look whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub lane: Lane,
    pub since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a worker knows of the lanes that are paused. Cheap to clone: it is shared by all slots.
#[derive(Debug, Clone, Default)]
pub struct Pauses(Arc<AtomicU8>);

impl Pauses {
    pub fn set(&self, lanes: &[Lane]) {
        let bits = lanes.iter().fold(0, |bits, lane| bits | bit(*lane));
        self.0.store(bits, Ordering::Release);
    }

    pub fn is_paused(&self, lane: Lane) -> bool {
        self.0.load(Ordering::Acquire) & bit(lane) != 0
    }
}

fn bit(lane: Lane) -> u8 {
    match lane {
        Lane::Interactive => 1,
        Lane::Standard => 2,
        Lane::Batch => 4,
    }
}

/// Stands until [`resume`]; a second pause of the same lane replaces the first one's reason.
pub async fn pause(
    store: &dyn BlobStore,
    results: &BucketName,
    pause: &Pause,
) -> Result<(), StoreError> {
    let body = serde_json::to_vec(pause).expect("a lane, a time and a text serialise");
    let (at, mode) = (at(results, pause.lane), PutMode::Overwrite);
    let put = store.put(&at, Bytes::from(body), "application/json", mode);
    put.await.map(drop)
}

pub async fn resume(
    store: &dyn BlobStore,
    results: &BucketName,
    lane: Lane,
) -> Result<(), StoreError> {
    store.delete(&at(results, lane)).await
}

/// One request, however many lanes are paused.
pub async fn paused_lanes(
    store: &dyn BlobStore,
    results: &BucketName,
) -> Result<Vec<Lane>, StoreError> {
    let page = store.list(results, layout::PAUSES_PREFIX, None, 10).await?;
    let keys = page.objects.iter().map(|object| object.key.as_str());
    let lane = |key: &str| key.strip_prefix(layout::PAUSES_PREFIX)?.parse().ok();
    Ok(keys.filter_map(lane).collect())
}

/// With their reasons. One that does not parse is a pause all the same.
pub async fn pauses(store: &dyn BlobStore, results: &BucketName) -> Result<Vec<Pause>, StoreError> {
    let mut found = Vec::new();
    for lane in paused_lanes(store, results).await? {
        match store.get(&at(results, lane), MAX_PAUSE_BYTES).await {
            Ok(bytes) => found.push(serde_json::from_slice(&bytes).unwrap_or(Pause {
                lane,
                since: Timestamp::UNIX_EPOCH,
                reason: None,
            })),
            // Resumed meanwhile.
            Err(StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(found)
}

fn at(results: &BucketName, lane: Lane) -> Location {
    Location::new(results.clone(), layout::pause(lane))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_is_paused_by_itself() {
        let pauses = Pauses::default();
        for paused in Lane::ALL {
            pauses.clone().set(&[paused]);
            for lane in Lane::ALL {
                assert_eq!(pauses.is_paused(lane), lane == paused, "{lane}");
            }
        }
        pauses.set(&[]);
        assert!(!Lane::ALL.iter().any(|lane| pauses.is_paused(*lane)));
    }
}
