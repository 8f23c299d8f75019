//! Whoever sorts the lane, beside the workers. In: a [`World`] and the [`Rules`]. Out: its next steps, and what its death leaves.
//! It publishes into the tenant's row and acks then, so it may leave a job twice and never not at all. A move is no attempt:
//! the copy starts without the redeliveries of its original. Its death may cost a run only where both copies are there.

use crate::explore::Outcome;
use crate::rules::{Rules, Step};
use crate::world::{Copy, Place, SORTER, Sorter, World};

impl Rules {
    pub(crate) fn sorting(&self, world: &World) -> Vec<(Step, Outcome<World>)> {
        let moved = match world.sorter {
            Sorter::Absent => Vec::new(),
            Sorter::Rests => takes(world),
            Sorter::Holds(copy) if self.moves_ack_last => vec![told(world, copy, Sorter::HasTold)],
            Sorter::Holds(copy) => vec![acked(world, Sorter::HasAcked(copy))],
            Sorter::HasTold => vec![acked(world, Sorter::Rests)],
            Sorter::HasAcked(copy) => vec![told(world, copy, Sorter::Rests)],
        };
        let step = |next| (Step::Sorter, Ok(next));
        moved.into_iter().map(step).collect()
    }
}

/// What it had goes back to the lane. Nothing where it had nothing.
pub(crate) fn sorter_killed(world: &World) -> Option<World> {
    if matches!(world.sorter, Sorter::Absent | Sorter::Rests) {
        return None;
    }
    let mut next = world.clone();
    next.broker.take_from(SORTER, true);
    next.runs_left += u8::from(world.sorter == Sorter::HasTold);
    next.sorter = Sorter::Rests;
    Some(next)
}

fn takes(world: &World) -> Vec<World> {
    let mut taken = Vec::new();
    for (at, copy) in world.broker.copies.iter().enumerate() {
        let waits = |copy: &Copy| copy.place == Place::Lane && !copy.sorted;
        let Some(copy) = copy.filter(waits) else {
            continue;
        };
        let mut next = world.clone();
        next.broker.copies[at] = Some(Copy {
            place: Place::With(SORTER),
            ..copy
        });
        next.broker.sort();
        next.sorter = Sorter::Holds(copy);
        taken.push(next);
    }
    taken
}

fn told(world: &World, copy: Copy, then: Sorter) -> World {
    let mut next = world.clone();
    next.broker.add(Copy {
        place: Place::Lane,
        sorted: true,
        redelivered: 0,
        ..copy
    });
    next.sorter = then;
    next
}

fn acked(world: &World, then: Sorter) -> World {
    let mut next = world.clone();
    next.broker.take_from(SORTER, false);
    next.sorter = then;
    next
}
