//! The deletion protocol as a state machine, in every interleaving of a worker, its retry and the deleter, with a death of
//! each at any step. What is checked: once all have ended, nothing of the call is left. The steps are those of `job::process`,
//! `job::keep`, the slot and `purge`. A worker that lost its lease unnoticed and then dies is beyond it: purging again is the cure.

use std::collections::HashMap;

/// What lies in the store, one bit each.
type Objects = u8;
const TOMBSTONE: Objects = 1;
const CHECKPOINT: Objects = 2;
const RESULT: Objects = 4;
const MANIFEST: Objects = 8;
const STATUS: Objects = 16;
const OF_THE_CALL: Objects = CHECKPOINT | RESULT | MANIFEST | STATUS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Put(Objects),
    Delete(Objects),
    /// Notes what is there now, to be deleted by [`Step::DeleteListed`].
    List,
    DeleteListed(Objects),
    /// With a tombstone: go on at this step of the program.
    IfDeleted(usize),
    Goto(usize),
    /// The delivery is acked, or the deletion has its receipt.
    End,
}

use Step::{Delete, DeleteListed, End, Goto, IfDeleted, List, Put};

const WORKER: [Step; 27] = [
    // Admission.
    IfDeleted(13),
    Put(STATUS),
    IfDeleted(15),
    Put(CHECKPOINT),
    IfDeleted(17),
    // Recognised.
    IfDeleted(17),
    Put(RESULT),
    Put(MANIFEST),
    Delete(CHECKPOINT),
    IfDeleted(19),
    Put(STATUS),
    IfDeleted(25),
    End,
    // 13: deleted at admission: clear what an earlier try left.
    Delete(CHECKPOINT | RESULT | MANIFEST),
    Goto(22),
    // 15: the status is taken back, and the run goes on to its next look.
    Delete(STATUS),
    Goto(3),
    // 17: deleted before there was a result.
    Delete(CHECKPOINT),
    Goto(22),
    // 19: deleted while the result was written.
    Delete(RESULT),
    Delete(MANIFEST),
    Delete(CHECKPOINT),
    // 22: settled as `deleted`.
    Put(STATUS),
    IfDeleted(25),
    End,
    // 25: the last status is taken back.
    Delete(STATUS),
    End,
];

/// Without these something comes back. The other looks only end a run sooner.
const NEEDED: [usize; 4] = [0, 9, 11, 23];

const DELETER: [Step; 7] = [
    Put(TOMBSTONE),
    List,
    DeleteListed(STATUS),
    DeleteListed(CHECKPOINT),
    DeleteListed(RESULT),
    DeleteListed(MANIFEST),
    End,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Actor {
    at: usize,
    listed: Objects,
    /// Deaths that are still to be tried.
    deaths: u8,
}

/// The job is with one worker at a time: its retry begins where a run died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    objects: Objects,
    worker: Actor,
    deleter: Actor,
}

struct Model<'a> {
    worker: &'a [Step],
    deleter: &'a [Step],
    /// Interleavings from a state to an end, and whether something is left in one of them.
    known: HashMap<World, (u128, bool)>,
}

impl Model<'_> {
    fn explore(&mut self, world: World) -> (u128, bool) {
        if let Some(known) = self.known.get(&world) {
            return *known;
        }
        let next = self.next(world);
        let found = if next.is_empty() {
            (1, world.objects & OF_THE_CALL != 0)
        } else {
            next.into_iter()
                .fold((0_u128, false), |(paths, left), next| {
                    let (more, also_left) = self.explore(next);
                    (paths.saturating_add(more), left || also_left)
                })
        };
        self.known.insert(world, found);
        found
    }

    fn next(&self, world: World) -> Vec<World> {
        let mut all = Vec::new();
        for (program, is_worker) in [(self.worker, true), (self.deleter, false)] {
            let actor = if is_worker {
                world.worker
            } else {
                world.deleter
            };
            if program[actor.at] == End {
                continue;
            }
            let (moved, objects) = take(program[actor.at], actor, world.objects);
            all.push(with(world, is_worker, moved, objects));
            if actor.deaths > 0 {
                // Begun again from the start: by the broker's redelivery, or by whoever asked for the deletion.
                let reborn = Actor {
                    at: 0,
                    listed: 0,
                    deaths: actor.deaths - 1,
                };
                all.push(with(world, is_worker, reborn, world.objects));
            }
        }
        all
    }
}

fn with(world: World, is_worker: bool, actor: Actor, objects: Objects) -> World {
    if is_worker {
        World {
            objects,
            worker: actor,
            ..world
        }
    } else {
        World {
            objects,
            deleter: actor,
            ..world
        }
    }
}

fn take(step: Step, actor: Actor, objects: Objects) -> (Actor, Objects) {
    let on = Actor {
        at: actor.at + 1,
        ..actor
    };
    match step {
        Put(what) => (on, objects | what),
        Delete(what) => (on, objects & !what),
        List => (
            Actor {
                listed: objects,
                ..on
            },
            objects,
        ),
        DeleteListed(what) => (on, objects & !(what & actor.listed)),
        Goto(at) => (Actor { at, ..actor }, objects),
        IfDeleted(at) if objects & TOMBSTONE != 0 => (Actor { at, ..actor }, objects),
        IfDeleted(_) => (on, objects),
        End => (actor, objects),
    }
}

/// Interleavings, and whether one of them leaves something.
fn explore(worker: &[Step], deleter: &[Step], deaths: u8) -> (u128, bool) {
    let fresh = Actor {
        at: 0,
        listed: 0,
        deaths,
    };
    let world = World {
        objects: 0,
        worker: fresh,
        deleter: fresh,
    };
    let known = HashMap::new();
    Model {
        worker,
        deleter,
        known,
    }
    .explore(world)
}

#[test]
fn nothing_of_a_deleted_call_comes_back_in_any_interleaving() {
    for deaths in 0..=3 {
        let (paths, left) = explore(&WORKER, &DELETER, deaths);
        println!("{deaths} deaths of each: {paths} interleavings");
        assert!(!left, "with {deaths} deaths something is left");
        assert!(deaths < 2 || paths > 1_000_000, "{paths} interleavings");
    }
}

#[test]
fn each_look_and_the_order_of_the_deletion_are_needed() {
    for (index, step) in WORKER.iter().enumerate() {
        if !matches!(step, IfDeleted(_)) {
            continue;
        }
        let mut blind = WORKER;
        // A look that sees nothing.
        blind[index] = IfDeleted(index + 1);
        let (_, left) = explore(&blind, &DELETER, 1);
        assert_eq!(left, NEEDED.contains(&index), "without the look at {index}");
    }
    let mut late = DELETER;
    late[..6].rotate_left(1);
    assert_eq!(late[5..], [Put(TOMBSTONE), End][..]);
    assert!(explore(&WORKER, &late, 0).1, "a tombstone that comes last");
}
