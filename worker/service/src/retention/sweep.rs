//! A sweep over calls whose day has come. In: the calls. Out: of each a receipt, or none where it is not due after all. A tenant's
//! calls get their tombstones first, and then its status objects are read once for all of them: whatever a worker writes later
//! it takes back. Fails call by call; what is left has its mark, and is due in the next sweep.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use job_schema::manifest::Manifest;
use job_schema::{CallId, TenantId};

use super::{Due, SweepError};
use crate::layout;
use crate::purge::{self, Places, Receipt, Target};
use crate::results::MAX_MANIFEST_BYTES;
use crate::store::{Location, StoreError, StoredVersion, TenantStore, list_all};

/// So many calls of one tenant at a time: their status objects are kept in memory, and a death leaves tombstones over what is there.
const CALLS_AT_A_TIME: usize = 1_000;

#[derive(Debug)]
pub struct Sweep<'a> {
    places: Places<'a>,
    now: Timestamp,
    /// Each of one tenant.
    waiting: VecDeque<Vec<Due>>,
    /// Whether a call is over and has its tombstone.
    begun: VecDeque<(Due, Result<bool, SweepError>)>,
    /// Calls that are, and their status objects once they were asked for.
    over: BTreeSet<CallId>,
    statuses: Option<BTreeMap<CallId, Vec<StoredVersion>>>,
}

impl<'a> Sweep<'a> {
    pub fn new(places: Places<'a>, calls: Vec<Due>, now: Timestamp) -> Self {
        Self {
            places,
            now,
            waiting: by_tenant(calls),
            begun: VecDeque::new(),
            over: BTreeSet::new(),
            statuses: None,
        }
    }

    /// The next call, and the receipt of its purge, or none where it is not due after all; `None` at the end.
    pub async fn next(&mut self) -> Option<(Due, Result<Option<Receipt>, SweepError>)> {
        loop {
            if let Some((due, begun)) = self.begun.pop_front() {
                let finished = self.finish(&due, begun).await;
                return Some((due, finished));
            }
            let calls = self.waiting.pop_front()?;
            self.over.clear();
            self.statuses = None;
            for due in calls {
                let begun = self.begin(&due.target).await;
                self.begun.push_back((due, begun));
            }
        }
    }

    async fn begin(&mut self, target: &Target) -> Result<bool, SweepError> {
        let Some(call) = &target.call else {
            return Ok(false);
        };
        // Two results can have ended on two days: the call is purged once.
        if self.over.contains(call) {
            return Ok(false);
        }
        let store = TenantStore::new(self.places.store, &target.tenant);
        let places = Places {
            store: &store,
            ..self.places
        };
        if !is_over(&ends(places, target).await?, self.now) {
            return Ok(false);
        }
        purge::begin(places, target).await?;
        self.over.insert(call.clone());
        Ok(true)
    }

    async fn finish(
        &mut self,
        due: &Due,
        begun: Result<bool, SweepError>,
    ) -> Result<Option<Receipt>, SweepError> {
        let store = TenantStore::new(self.places.store, &due.target.tenant);
        let places = Places {
            store: &store,
            ..self.places
        };
        let receipt = match begun? {
            true => {
                let statuses = self.statuses_of(places, &due.target).await?;
                Some(purge::finish(places, &due.target, statuses, self.now).await?)
            }
            false => None,
        };
        let mark = Location::new(places.results.clone(), due.mark.clone());
        places.store.delete(&mark).await?;
        Ok(receipt)
    }

    async fn statuses_of(
        &mut self,
        places: Places<'_>,
        target: &Target,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        let all = match &mut self.statuses {
            Some(all) => all,
            none => none.insert(purge::statuses_of(places, &target.tenant, &self.over).await?),
        };
        let own = target.call.as_ref().and_then(|call| all.remove(call));
        Ok(own.unwrap_or_default())
    }
}

fn by_tenant(calls: Vec<Due>) -> VecDeque<Vec<Due>> {
    let mut tenants: BTreeMap<TenantId, Vec<Due>> = BTreeMap::new();
    for due in calls {
        let tenant = due.target.tenant.clone();
        tenants.entry(tenant).or_default().push(due);
    }
    let mut groups = VecDeque::new();
    for calls in tenants.into_values() {
        for group in calls.chunks(CALLS_AT_A_TIME) {
            groups.push_back(group.to_vec());
        }
    }
    groups
}

/// When each result of the call is to go; `None` for one that is kept for ever.
async fn ends(places: Places<'_>, target: &Target) -> Result<Vec<Option<Timestamp>>, SweepError> {
    let below = layout::calls_prefix(&target.tenant, target.call.as_ref());
    let mut ends = Vec::new();
    for object in list_all(places.store, places.results, &below).await? {
        if !layout::is_manifest(&object.key) {
            continue;
        }
        let at = Location::new(places.results.clone(), object.key);
        match places.store.get(&at, MAX_MANIFEST_BYTES).await {
            Ok(bytes) => ends.push(delete_after(&bytes)?),
            Err(StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(ends)
}

/// What does not parse may say that it is to be kept.
fn delete_after(manifest: &[u8]) -> Result<Option<Timestamp>, SweepError> {
    match serde_json::from_slice::<Manifest>(manifest) {
        Ok(manifest) => Ok(manifest.delete_after),
        Err(e) => Err(SweepError::Manifest { column: e.column() }),
    }
}

/// Not of a call without results.
pub(super) fn is_over(ends: &[Option<Timestamp>], now: Timestamp) -> bool {
    let has_ended = |end: &Option<Timestamp>| end.is_some_and(|end| end <= now);
    !ends.is_empty() && ends.iter().all(has_ended)
}
