//! What workers, the deleter and the broker may do next. In: a [`World`] and the [`Rules`]. Out: every step that may be taken
//! from there, and where it leads. A worker's steps are those of `job::process` and the slot, in their order; what becomes of
//! a delivery is decided by [`settle`] and [`worn_out`] themselves.

use earwitness::settle::{Outcome as Ended, Settlement, settle, worn_out};
use job_schema::{ErrorCode, Failure};

use crate::explore::{Outcome, Protocol};
use crate::rules::{Rules, Step};
use crate::world::{At, Copy, Deleter, Ending, Place, Worker, World};

impl Protocol for Rules {
    type World = World;
    type Step = Step;

    fn next(&self, world: &World) -> Vec<(Step, Outcome<World>)> {
        let mut next = Vec::new();
        for (index, worker) in (0_u8..).zip(world.workers) {
            match worker.at {
                At::Absent => {}
                At::Take if worker.takes => next.extend(takes(world, index)),
                at => next.push((Step::Worker(index, at), self.step(world, index))),
            }
        }
        next.extend(due(world).map(|next| (Step::RetryIsDue, Ok(next))));
        next.extend(deleted(world).map(|next| (Step::Deleter, Ok(next))));
        next.extend(self.sorting(world));
        next.extend(self.faults(world));
        next
    }

    fn broken(&self, world: &World, is_end: bool) -> Option<&'static str> {
        let has_both = world.broker.completed.is_some() && world.broker.failed;
        if has_both && !self.buried_jobs_may_be_completed {
            return Some("a job is buried and completed");
        }
        let at_the_end = is_end.then(|| world.broken_at_the_end()).flatten();
        world.broken().or(at_the_end)
    }
}

impl Rules {
    /// The one step that a worker takes now.
    fn step(&self, world: &World, index: u8) -> Outcome<World> {
        let mut next = world.clone();
        let worker = world.workers[usize::from(index)];
        let tombstone = world.store.tombstone;
        let at = match worker.at {
            At::Absent => return Ok(next),
            // Its connection is gone, and so is what it was publishing on.
            At::Take => return Ok(reconnected(next, index)),
            At::Tell | At::TellOfDeath if !worker.publishes => return Ok(reconnected(next, index)),
            At::Admit => match worn_out(worker.attempts(), &self.policy) {
                Some(settlement) => return Ok(self.settled(next, index, settlement)),
                None if tombstone => At::Clear,
                None => At::LookForManifest,
            },
            At::Clear => {
                (next.store.objects, next.store.manifest) = (false, None);
                return Ok(self.failed(next, index, ErrorCode::Deleted));
            }
            At::LookForManifest if world.store.manifest.is_some() => {
                next.workers[usize::from(index)].standing = world.store.manifest;
                At::LookForTombstone
            }
            At::LookForManifest => {
                let left = world.runs_left.checked_sub(1);
                next.runs_left = left.ok_or("a job is run twice to which nothing happened")?;
                At::Recognise
            }
            At::Recognise if self.poison => {
                next.runs_left += 1;
                return Ok(self.failed(next, index, ErrorCode::EngineCrashed));
            }
            At::Recognise => At::PutObjects,
            At::PutObjects
            | At::PutManifest
            | At::ReadManifest
            | At::LookForTombstone
            | At::LookAfterFailing
            | At::WithdrawObjects
            | At::WithdrawManifest => return self.store(next, index),
            At::Tell => {
                self.tell(&mut next, index)?;
                match worker.ending {
                    Ending::Bury => At::TellOfDeath,
                    _ if self.ack_last => At::Ack,
                    _ => return Ok(rested(next, index)),
                }
            }
            At::TellOfDeath => {
                next.broker.failed = true;
                if !self.ack_last {
                    return Ok(rested(next, index));
                }
                At::Ack
            }
            At::Ack => return self.ack(next, index),
        };
        next.workers[usize::from(index)].at = at;
        Ok(next)
    }

    /// From the first object to the last look.
    fn store(&self, mut world: World, index: u8) -> Outcome<World> {
        let worker = world.workers[usize::from(index)];
        let tombstone = world.store.tombstone;
        let at = match worker.at {
            At::PutObjects => {
                world.store.objects = true;
                if !self.manifest_before_event {
                    return Ok(self.complete(world, index, Some(index)));
                }
                At::PutManifest
            }
            At::PutManifest if world.store.manifest.is_none() => {
                world.store.manifest = Some(index);
                world.workers[usize::from(index)].standing = Some(index);
                At::LookForTombstone
            }
            At::PutManifest if self.manifest_only_if_absent => At::ReadManifest,
            At::PutManifest => return Err("a second manifest"),
            At::ReadManifest if world.store.manifest.is_none() => At::LookAfterFailing,
            At::ReadManifest => {
                world.workers[usize::from(index)].standing = world.store.manifest;
                At::LookForTombstone
            }
            At::LookForTombstone if tombstone && self.looks_for_tombstone_after_writing => {
                At::WithdrawObjects
            }
            At::LookAfterFailing if tombstone && self.looks_for_tombstone_after_failing => {
                At::WithdrawObjects
            }
            At::LookAfterFailing => {
                return Ok(self.failed(world, index, ErrorCode::StoreUnavailable));
            }
            At::LookForTombstone => return Ok(self.complete(world, index, worker.standing)),
            At::WithdrawObjects => {
                world.store.objects = false;
                At::WithdrawManifest
            }
            _ => {
                world.store.manifest = None;
                return Ok(self.failed(world, index, ErrorCode::Deleted));
            }
        };
        world.workers[usize::from(index)].at = at;
        Ok(world)
    }

    /// Publishes what the ending asks for. The broker has it then; whether the worker hears so is another matter.
    pub(crate) fn tell(&self, world: &mut World, index: u8) -> Result<(), &'static str> {
        let worker = world.workers[usize::from(index)];
        match worker.ending {
            Ending::None => {}
            Ending::Bury => world.broker.dead = true,
            Ending::Again(copy) => world.broker.add(copy),
            Ending::Complete => {
                let is_told_too_soon = world.store.manifest.is_none() && !world.store.tombstone;
                if is_told_too_soon {
                    return Err("an event without a manifest");
                }
                let told = match self.event_of_the_standing_manifest {
                    true => worker.standing,
                    false => Some(index),
                };
                let stands = world.store.manifest.is_some() && !world.store.tombstone;
                if stands && world.store.manifest != told {
                    return Err("an event of another manifest than stands");
                }
                let before = world.broker.completed;
                if before.is_some() && before != told {
                    return Err("two events of one id that tell different things");
                }
                world.broker.completed = told;
            }
        }
        Ok(())
    }

    fn ack(&self, mut world: World, index: u8) -> Outcome<World> {
        let worker = world.workers[usize::from(index)];
        if worker.takes {
            world.broker.take_from(index, false);
        } else if self.only_the_lease_holder_acks {
            return Ok(reconnected(world, index));
        } else {
            let mut others = (0_u8..).take(world.workers.len());
            if others.any(|other| world.broker.take_from(other, false)) {
                return Err("an ack without a lease counted");
            }
        }
        if self.ack_last {
            return Ok(rested(world, index));
        }
        world.workers[usize::from(index)].at = At::Tell;
        Ok(world)
    }

    fn complete(&self, mut world: World, index: u8, standing: Option<u8>) -> World {
        world.workers[usize::from(index)].standing = standing;
        self.ended(world, index, Ended::Completed)
    }

    pub(crate) fn failed(&self, world: World, index: u8, code: ErrorCode) -> World {
        self.ended(world, index, Ended::Failed(Failure::new(code, "")))
    }

    pub(crate) fn ended(&self, world: World, index: u8, outcome: Ended) -> World {
        let attempts = world.workers[usize::from(index)].attempts();
        let settlement = settle(outcome, attempts, &self.policy);
        self.settled(world, index, settlement)
    }

    /// From what was decided to what is to be published.
    fn settled(&self, mut world: World, index: u8, settlement: Settlement) -> World {
        let copy = |place, attempts: earwitness::settle::Attempts| {
            let (content, infra) = match self.attempts_go_with_the_copy {
                true => (attempts.content, attempts.infra),
                false => (0, 0),
            };
            let small = |count: u32| u8::try_from(count).expect("the policy allows few attempts");
            Ending::Again(Copy {
                place,
                sorted: false,
                content: small(content),
                infra: small(infra),
                redelivered: 0,
            })
        };
        let worker = &mut world.workers[usize::from(index)];
        worker.ending = match settlement {
            Settlement::Complete => Ending::Complete,
            Settlement::Dead { .. } => Ending::Bury,
            Settlement::Retry { attempts, .. } => copy(Place::Retry, attempts),
            Settlement::HandOver { attempts, .. } => copy(Place::Lane, attempts),
        };
        worker.at = match self.ack_last {
            true => At::Tell,
            false => At::Ack,
        };
        world
    }
}

/// With nothing in hand, on the connections that it has.
fn rested(mut world: World, index: u8) -> World {
    let worker = &mut world.workers[usize::from(index)];
    *worker = Worker {
        takes: worker.takes,
        publishes: worker.publishes,
        ..Worker::IDLE
    };
    world
}

/// Everything that came from a connection is dropped after any error on it, and built again.
pub(crate) fn reconnected(mut world: World, index: u8) -> World {
    world.broker.take_from(index, true);
    world.workers[usize::from(index)] = Worker::IDLE;
    world
}

/// Each copy that waits may be the next that this worker gets.
fn takes(world: &World, index: u8) -> Vec<(Step, Outcome<World>)> {
    let mut next = Vec::new();
    for (at, copy) in world.broker.copies.iter().enumerate() {
        let Some(copy) = copy.filter(|copy| copy.place == Place::Lane) else {
            continue;
        };
        let mut taken = world.clone();
        taken.broker.copies[at] = Some(Copy {
            place: Place::With(index),
            ..copy
        });
        taken.broker.sort();
        taken.workers[usize::from(index)] = Worker {
            at: At::Admit,
            content: copy.content,
            infra: copy.infra,
            redelivered: copy.redelivered,
            ..world.workers[usize::from(index)]
        };
        next.push((Step::Worker(index, At::Take), Ok(taken)));
    }
    next
}

/// A copy goes from its retry queue back to its lane.
fn due(world: &World) -> Option<World> {
    let mut next = world.clone();
    let mut copies = next.broker.copies.iter_mut().flatten();
    copies.find(|copy| copy.place == Place::Retry)?.place = Place::Lane;
    next.broker.sort();
    Some(next)
}

fn deleted(world: &World) -> Option<World> {
    let mut next = world.clone();
    let store = &mut next.store;
    next.deleter = match world.deleter {
        Deleter::Absent | Deleter::Done => return None,
        Deleter::PutTombstone => {
            store.tombstone = true;
            Deleter::List
        }
        Deleter::List => Deleter::DeleteObjects {
            objects: store.objects,
            manifest: store.manifest.is_some(),
        },
        Deleter::DeleteObjects { objects, manifest } => {
            store.objects &= !objects;
            Deleter::DeleteManifest { manifest }
        }
        Deleter::DeleteManifest { manifest } => {
            store.manifest = store.manifest.filter(|_| !manifest);
            Deleter::Done
        }
    };
    Some(next)
}
