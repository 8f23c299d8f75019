//! How long results are kept. In: days by tenant. Out: a time stamped into each manifest, and for each call a mark
//! `_retention/DAY/TENANT/CALL` in the results bucket, so that a sweep lists what is due and nothing else. The mark is written before
//! the manifest: none is without. What is due goes by way of a purge, tombstone first. Fails as the store does, call by call.

mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use job_schema::job::BucketName;
use job_schema::{CallId, ObjectKey, TenantId};
use serde::Serialize;

use crate::clock::store_ahead;
use crate::config::by_tenant;
use crate::layout;
use crate::purge::{Places, Target};
use crate::store::{BlobStore, Location, PutMode, PutOutcome, StoreError};

pub use sweep::Sweep;

const PAGE: u16 = 1_000;
/// S3 itself refuses requests that are so far off.
const MAX_CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(15);
const EXPECTED: &str = "expected TENANT=DAYS, separated by commas";

/// Why nothing was swept.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "this host's clock and the store's are {difference_s} s apart, so that nobody knows what is overdue: set the one that is wrong, with NTP"
    )]
    Clock { difference_s: u64 },
    #[error(
        "a stored manifest does not parse at column {column}, so that nobody knows how long its call is kept"
    )]
    Manifest { column: usize },
}

/// Days by tenant; `None` keeps for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    otherwise: Option<u32>,
    tenants: BTreeMap<TenantId, Option<u32>>,
}

impl Retention {
    /// `days` for all, and `TENANT=DAYS`, separated by commas, for some; 0 for ever.
    pub fn read(days: u32, tenants: &str) -> Result<Self, String> {
        let limit = |days: u32| (days > 0).then_some(days);
        let days_of = |text: &str| {
            let days = text.trim().parse().map(limit);
            days.map_err(|_| EXPECTED.to_owned())
        };
        Ok(Self {
            otherwise: limit(days),
            tenants: by_tenant(tenants, EXPECTED, days_of)?,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.otherwise.is_none() && self.tenants.values().all(Option::is_none)
    }

    /// When a result that is completed now is to go.
    pub fn delete_after(&self, tenant: &TenantId, now: Timestamp) -> Option<Timestamp> {
        let days = self
            .tenants
            .get(tenant)
            .copied()
            .unwrap_or(self.otherwise)?;
        let kept = SignedDuration::from_hours(24 * i64::from(days));
        // Beyond the calendar's end is for ever.
        now.checked_add(kept).ok()
    }
}

/// A call whose day has come.
#[derive(Debug, Clone)]
pub struct Due {
    pub target: Target,
    mark: ObjectKey,
}

/// What a sweep did. Ids and counts only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    pub purged_count: u64,
    /// Their results are kept longer, or gone already.
    pub not_due_count: u64,
    /// Still there, because the store failed or a manifest does not parse: the next sweep tries them again.
    pub overdue_count: u64,
}

/// Says that a call is to be looked at when its day has come.
pub async fn mark(
    store: &dyn BlobStore,
    results: &BucketName,
    tenant: &TenantId,
    call: &CallId,
    delete_after: Timestamp,
) -> Result<(), StoreError> {
    let at = Location::new(
        results.clone(),
        layout::retention_mark(&day_after(delete_after), tenant, call),
    );
    let nothing = Bytes::from_static(b"kept until this day\n");
    let put = store.put(&at, nothing, "text/plain", PutMode::Overwrite);
    put.await.map(drop)
}

/// By which time calls are swept. A host whose clock ran ahead would delete what customers still keep.
pub async fn sweep_time(places: Places<'_>) -> Result<Timestamp, SweepError> {
    let ahead = store_ahead(places.store, places.results).await?;
    match ahead {
        Some(ahead) if ahead.abs() > MAX_CLOCK_DIFFERENCE => Err(SweepError::Clock {
            difference_s: ahead.as_secs().unsigned_abs(),
        }),
        _ => Ok(Timestamp::now()),
    }
}

/// Calls whose day has come, the oldest first: days sort as text.
pub async fn due(places: Places<'_>, now: Timestamp) -> Result<Vec<Due>, StoreError> {
    let today = day(now);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = places
            .store
            .list(
                places.results,
                layout::RETENTION_PREFIX,
                after.as_deref(),
                PAGE,
            )
            .await?;
        for object in page.objects {
            let Some((day, target)) = read_mark(object.key.as_str()) else {
                continue;
            };
            if day > today.as_str() {
                return Ok(found);
            }
            found.push(Due {
                target,
                mark: object.key,
            });
        }
        match page.next_after {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Whether it is this worker's turn. Time is cut into turns, and whoever first puts an object with the turn's number has it: a
/// sweeper that dies leaves its work to the next turn, and nothing has to be renewed.
pub async fn take_turn(
    places: Places<'_>,
    every: Duration,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let number = u64::try_from(now.as_second()).unwrap_or(0) / every.as_secs().max(1);
    let key = layout::sweep_turn(number);
    let at = Location::new(places.results.clone(), key.clone());
    let nothing = Bytes::from_static(b"taken\n");
    let put = places
        .store
        .put(&at, nothing, "text/plain", PutMode::IfAbsent);
    if put.await? == PutOutcome::AlreadyExists {
        return Ok(false);
    }
    let turns = places
        .store
        .list(places.results, layout::SWEEP_TURNS_PREFIX, None, PAGE)
        .await?;
    for old in turns.objects.into_iter().filter(|turn| turn.key < key) {
        let at = Location::new(places.results.clone(), old.key);
        places.store.delete(&at).await?;
    }
    Ok(true)
}

fn read_mark(key: &str) -> Option<(&str, Target)> {
    let rest = key.strip_prefix(layout::RETENTION_PREFIX)?;
    let mut parts = rest.split('/');
    let (day, tenant, call) = (parts.next()?, parts.next()?, parts.next()?);
    let target = Target {
        tenant: tenant.parse().ok()?,
        call: Some(call.parse().ok()?),
    };
    Some((day, target))
}

/// The first day on which all of the time is over.
fn day_after(at: Timestamp) -> String {
    day(at.checked_add(SignedDuration::from_hours(24)).unwrap_or(at))
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}
