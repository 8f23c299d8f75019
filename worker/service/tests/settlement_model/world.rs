//! What the protocol consists of at one moment: the store, the broker, the workers, whoever deletes. Plain data, small
//! enough to keep a million of. Also what must hold in each of them ([`World::broken`]) and in those in which nothing is
//! left to do ([`World::broken_at_the_end`]).

use earwitness::settle::Attempts;

pub(crate) const WORKERS: usize = 3;
/// Copies of the message: the one that was sent, and one more for each fault that may double it.
pub(crate) const COPIES: usize = 6;
/// Holds a lease as workers do.
pub(crate) const SORTER: u8 = 3;

/// Stands for the worker who wrote it.
pub(crate) type Writer = u8;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    pub(crate) workers: [Worker; WORKERS],
    pub(crate) deleter: Deleter,
    pub(crate) sorter: Sorter,
    pub(crate) faults_left: u8,
    /// Runs that may still begin: one, and one for each delivery that a fault hit.
    pub(crate) runs_left: u8,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    pub(crate) objects: bool,
    pub(crate) manifest: Option<Writer>,
    pub(crate) tombstone: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Broker {
    /// Sorted, those that are gone last.
    pub(crate) copies: [Option<Copy>; COPIES],
    /// Whose manifest the completed event tells of, once there is one.
    pub(crate) completed: Option<Writer>,
    pub(crate) failed: bool,
    pub(crate) dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Copy {
    pub(crate) place: Place,
    /// In its tenant's row, from where it is not moved again.
    pub(crate) sorted: bool,
    pub(crate) content: u8,
    pub(crate) infra: u8,
    pub(crate) redelivered: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    Lane,
    Retry,
    /// Leased to this worker, in the broker's eyes.
    With(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    pub(crate) at: At,
    pub(crate) ending: Ending,
    pub(crate) content: u8,
    pub(crate) infra: u8,
    pub(crate) redelivered: u8,
    /// The manifest that it knows to stand.
    pub(crate) standing: Option<Writer>,
    /// Whether its two connections stand, which it learns when it next uses one.
    pub(crate) takes: bool,
    pub(crate) publishes: bool,
}

/// What a worker does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// Nobody is there.
    Absent,
    Take,
    Admit,
    Clear,
    LookForManifest,
    Recognise,
    PutObjects,
    PutManifest,
    ReadManifest,
    LookForTombstone,
    /// Something may have been written, and it has failed since.
    LookAfterFailing,
    WithdrawObjects,
    WithdrawManifest,
    /// Publishes what the ending asks for.
    Tell,
    TellOfDeath,
    Ack,
}

/// What [`earwitness::settle`] decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    None,
    Complete,
    /// The same job, to its lane or to wait.
    Again(Copy),
    Bury,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deleter {
    Absent,
    PutTombstone,
    List,
    DeleteObjects { objects: bool, manifest: bool },
    DeleteManifest { manifest: bool },
    Done,
}

/// Moves what waits in the lane into its tenant's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sorter {
    Absent,
    Rests,
    Holds(Copy),
    /// The row has it, and the lane too.
    HasTold,
    /// Where acks come first: nobody has it.
    HasAcked(Copy),
}

impl Worker {
    pub(crate) const IDLE: Self = Self {
        at: At::Take,
        ending: Ending::None,
        content: 0,
        infra: 0,
        redelivered: 0,
        standing: None,
        takes: true,
        publishes: true,
    };

    pub(crate) fn attempts(self) -> Attempts {
        Attempts {
            content: self.content.into(),
            infra: self.infra.into(),
            redelivered: self.redelivered.into(),
        }
    }
}

impl Broker {
    pub(crate) fn add(&mut self, copy: Copy) {
        let free = self.copies.iter_mut().find(|place| place.is_none());
        *free.expect("a fault makes one copy at most, and there is room for each") = Some(copy);
        self.sort();
    }

    /// The delivery goes from its worker, to be forgotten or to be given out again. Whether there was one.
    pub(crate) fn take_from(&mut self, worker: u8, redeliver: bool) -> bool {
        let held = |copy: &Option<Copy>| copy.is_some_and(|c| c.place == Place::With(worker));
        let Some(at) = self.copies.iter().position(held) else {
            return false;
        };
        self.copies[at] = self.copies[at].filter(|_| redeliver).map(|copy| Copy {
            place: Place::Lane,
            redelivered: copy.redelivered + 1,
            ..copy
        });
        self.sort();
        true
    }

    pub(crate) fn holds(&self, worker: u8) -> bool {
        self.copies().any(|copy| copy.place == Place::With(worker))
    }

    pub(crate) fn copies(&self) -> impl Iterator<Item = Copy> {
        self.copies.into_iter().flatten()
    }

    pub(crate) fn sort(&mut self) {
        self.copies
            .sort_unstable_by_key(|copy| (copy.is_none(), *copy));
    }
}

impl World {
    /// One job, confirmed to whoever sent it.
    pub(crate) fn begin(workers: usize, faults: u8, deleter: Deleter) -> Self {
        let sent = Copy {
            place: Place::Lane,
            sorted: false,
            content: 0,
            infra: 0,
            redelivered: 0,
        };
        let mut broker = Broker::default();
        broker.add(sent);
        let absent = Worker {
            at: At::Absent,
            ..Worker::IDLE
        };
        let worker = |index| {
            if index < workers {
                Worker::IDLE
            } else {
                absent
            }
        };
        Self {
            store: Store::default(),
            broker,
            workers: std::array::from_fn(worker),
            deleter,
            sorter: Sorter::Absent,
            faults_left: faults,
            runs_left: 1,
        }
    }

    /// The same in a lane that is sorted.
    pub(crate) fn begin_sorted(workers: usize, faults: u8) -> Self {
        Self {
            sorter: Sorter::Rests,
            ..Self::begin(workers, faults, Deleter::Absent)
        }
    }

    /// What must hold at every moment: a job that the broker has forgotten has been settled.
    pub(crate) fn broken(&self) -> Option<&'static str> {
        let forgotten = self.broker.copies().next().is_none();
        (forgotten && !self.is_settled()).then_some("the job is lost")
    }

    /// What must hold where nobody has anything left to do.
    pub(crate) fn broken_at_the_end(&self) -> Option<&'static str> {
        let left = self.store.objects || self.store.manifest.is_some();
        if self.broker.copies().next().is_some() {
            Some("a copy of the job waits for ever")
        } else if self.store.tombstone && left {
            Some("something of a deleted call is left")
        } else {
            None
        }
    }

    fn is_settled(&self) -> bool {
        let result_stands = self.store.manifest.is_some() || self.store.tombstone;
        let is_done = self.broker.completed.is_some() && result_stands;
        is_done || (self.broker.dead && self.broker.failed)
    }
}
