//! How many jobs a worker takes before it stops, over all its slots and connections. In: the limit, if there is one. Out: a permit
//! to take one, which goes back when it is dropped, unless its job was settled. Nothing fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Until;

#[derive(Debug)]
pub(super) struct JobLimit {
    most: u64,
    /// In hand, looked for, or settled.
    permitted: AtomicU64,
    settled: AtomicU64,
}

/// Leave to take one job and to see it settled.
#[derive(Debug)]
pub(super) struct Permit {
    limit: Arc<JobLimit>,
    is_used: bool,
}

impl JobLimit {
    pub(super) fn new(until: Until) -> Arc<Self> {
        let most = match until {
            Until::Jobs(most) => most,
            Until::Stopped | Until::Empty => u64::MAX,
        };
        Arc::new(Self {
            most,
            permitted: AtomicU64::new(0),
            settled: AtomicU64::new(0),
        })
    }

    /// None while others have the last ones, of which some may come back.
    pub(super) fn permit(self: &Arc<Self>) -> Option<Permit> {
        let one_more = |count| (count < self.most).then_some(count + 1);
        let (set, fetch) = (Ordering::AcqRel, Ordering::Acquire);
        self.permitted.fetch_update(set, fetch, one_more).ok()?;
        Some(Permit {
            limit: Arc::clone(self),
            is_used: false,
        })
    }

    pub(super) fn is_reached(&self) -> bool {
        self.settled_count() >= self.most
    }

    pub(super) fn settled_count(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }
}

impl Permit {
    pub(super) fn settled(mut self) {
        self.is_used = true;
        self.limit.settled.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_used {
            self.limit.permitted.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_permitted_than_is_to_be_settled_and_what_was_not_settled_comes_back() {
        let limit = JobLimit::new(Until::Jobs(2));
        let (first, second) = (limit.permit().unwrap(), limit.permit().unwrap());
        assert!(limit.permit().is_none(), "both are in hand");
        first.settled();
        assert!(limit.permit().is_none());
        drop(second);
        assert!(!limit.is_reached());
        limit.permit().unwrap().settled();
        assert!(limit.is_reached());
        assert!(limit.permit().is_none());
        assert_eq!(limit.settled_count(), 2);
    }

    #[test]
    fn without_a_limit_every_slot_may_take() {
        let limit = JobLimit::new(Until::Empty);
        let permits: Vec<Permit> = (0..100).map(|_| limit.permit().unwrap()).collect();
        permits.into_iter().for_each(Permit::settled);
        assert!(!limit.is_reached());
    }
}
