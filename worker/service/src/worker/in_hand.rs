//! How many of a worker's slots work for one tenant. In: whose job a slot is about to begin. Out: leave to do so for as long as
//! it is held, or none where that tenant has as many slots as it may. A worker knows its own slots alone: over a fleet a tenant may
//! have as many times that as there are workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use job_schema::TenantId;

use crate::rows::Owner;

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct InHand {
    most: Option<u16>,
    counts: Arc<Mutex<BTreeMap<TenantId, u16>>>,
}

/// One slot works for this tenant until this is dropped.
#[derive(Debug)]
pub struct Held {
    tenant: TenantId,
    in_hand: InHand,
}

impl InHand {
    /// 0 for as many slots as there are.
    pub fn at_most(tenant_slots: u16) -> Self {
        Self {
            most: (tenant_slots > 0).then_some(tenant_slots),
            counts: Arc::default(),
        }
    }

    pub fn hold(&self, tenant: &TenantId) -> Option<Held> {
        let mut counts = self.counts();
        let count = counts.entry(tenant.clone()).or_default();
        if self.most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        Some(Held {
            tenant: tenant.clone(),
            in_hand: self.clone(),
        })
    }

    /// Whether a job of this owner's could not begin now. What is nobody's is dealt with at once.
    pub fn has_all_it_may(&self, owner: &Owner) -> bool {
        let (Some(most), Some(tenant)) = (self.most, owner) else {
            return false;
        };
        self.counts()
            .get(tenant)
            .is_some_and(|count| *count >= most)
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<TenantId, u16>> {
        // No count is left half changed.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut counts = self.in_hand.counts();
        let Some(count) = counts.get_mut(&self.tenant) else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[test]
    fn a_tenant_has_no_more_slots_than_it_may_and_gets_them_back() {
        let (in_hand, acme, other) = (InHand::at_most(2), tenant("acme"), tenant("other"));
        let first = in_hand.hold(&acme).unwrap();
        let _second = in_hand.hold(&acme).unwrap();
        assert!(in_hand.hold(&acme).is_none());
        assert!(in_hand.has_all_it_may(&Some(acme.clone())));
        assert!(!in_hand.has_all_it_may(&Some(other.clone())));
        assert!(!in_hand.has_all_it_may(&None));
        let _others = in_hand.hold(&other).unwrap();
        drop(first);
        assert!(!in_hand.has_all_it_may(&Some(acme.clone())));
        assert!(in_hand.hold(&acme).is_some());
    }

    #[test]
    fn without_a_cap_a_tenant_may_have_every_slot() {
        let (in_hand, acme) = (InHand::at_most(0), tenant("acme"));
        let held: Vec<Held> = (0..1_000).map(|_| in_hand.hold(&acme).unwrap()).collect();
        assert!(!in_hand.has_all_it_may(&Some(acme)));
        drop(held);
        assert!(in_hand.counts().is_empty());
    }
}
