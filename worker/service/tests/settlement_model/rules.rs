//! The protocol as rules, each of which can be broken, to see whether the search notices; and the kinds of steps.

use std::time::Duration;

use earwitness::settle::Policy;

use crate::world::At;

#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    /// The recording breaks whatever engine takes it.
    pub(crate) poison: bool,
    pub(crate) manifest_only_if_absent: bool,
    pub(crate) event_of_the_standing_manifest: bool,
    pub(crate) manifest_before_event: bool,
    pub(crate) ack_last: bool,
    pub(crate) attempts_go_with_the_copy: bool,
    /// Whoever sorts publishes before it acks.
    pub(crate) moves_ack_last: bool,
    pub(crate) looks_for_tombstone_after_writing: bool,
    pub(crate) looks_for_tombstone_after_failing: bool,
    pub(crate) only_the_lease_holder_acks: bool,
    /// No delivery is taken back from a worker to which nothing happened.
    pub(crate) leases_last: bool,
    /// A worker may die while it does not know that its lease has ended.
    pub(crate) fenced_workers_die: bool,
    /// A worker that was believed lost may complete a job that was buried meanwhile, for its losses were too many.
    pub(crate) buried_jobs_may_be_completed: bool,
}

impl Rules {
    /// As they are, with few attempts, so that using them up is among what is tried.
    pub(crate) fn promised() -> Self {
        Self {
            policy: Policy {
                delays: vec![Duration::from_secs(30)],
                max_content_attempts: 2,
                max_infra_attempts: 3,
            },
            poison: false,
            manifest_only_if_absent: true,
            event_of_the_standing_manifest: true,
            manifest_before_event: true,
            ack_last: true,
            attempts_go_with_the_copy: true,
            moves_ack_last: true,
            looks_for_tombstone_after_writing: true,
            looks_for_tombstone_after_failing: true,
            only_the_lease_holder_acks: true,
            leases_last: true,
            fenced_workers_die: true,
            buried_jobs_may_be_completed: true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Worker(u8, At),
    Fault(Fault),
    RetryIsDue,
    Deleter,
    Sorter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    KillWorker(u8),
    /// The broker takes a worker's delivery back and the worker does not know: it is frozen, or its line is cut, or it
    /// held the delivery too long. Until it next asks the broker something it goes on.
    EndLease(u8),
    CutPublishing(u8),
    KillBroker,
    /// With a job in hand; another sorts from then on. Its confirm that never comes leads to the same.
    KillSorter,
    /// The message is in its queue, and the worker never hears of it.
    LoseConfirm(u8),
    /// A producer sends the job again, or the broker moves it twice.
    Double,
    EngineCrash(u8),
    StoreError(u8),
    /// The object is stored, and the worker is told that it is not.
    LoseStoreAnswer(u8),
    /// A drain, or the end of a hold.
    Stop(u8),
}
