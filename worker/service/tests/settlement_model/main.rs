//! The protocol of leases, fences and settlement as a state machine, in every interleaving of two or three workers, the
//! broker, the store, a deletion, and faults between any two steps. What is checked: no job is lost, none has two manifests or
//! two tales, nothing is run more often than faults account for, nothing outlives a deletion, and every way has an end.
//! A frozen worker needs no step of its own: it is one that takes none while the others go on. Checkpoints and status
//! objects are in `deletion_model.rs`.

mod explore;
mod faults;
mod rules;
mod sorting;
mod steps;
mod world;

use explore::{Broken, Explored, explore};
use rules::{Fault, Rules, Step};
use world::{Deleter, World};

/// One more fault where the search is widest: millions of states, and minutes.
const LONG_VARIABLE: &str = "EARWITNESS_TEST_PROTOCOL_LONG";

fn one_more() -> u8 {
    u8::from(std::env::var_os(LONG_VARIABLE).is_some())
}

/// Fails with the way to the broken promise.
fn kept(rules: &Rules, begin: World) -> Explored {
    let broken = |b: Broken<Step>| unreachable!("{}:\n{:#?}", b.promise, b.way);
    explore(rules, begin).unwrap_or_else(broken)
}

fn broken(rules: &Rules, begin: World) -> Broken<Step> {
    explore(rules, begin).expect_err("nobody noticed")
}

#[test]
fn whatever_workers_and_faults_do_a_job_is_settled_and_once() {
    let (mut ways_count, mut looked_at_count) = (0_u128, 0);
    for (workers, faults) in [(2, 0), (2, 1), (2, 2), (2, 3), (3, 2 + one_more())] {
        let found = kept(
            &Rules::promised(),
            World::begin(workers, faults, Deleter::Absent),
        );
        println!("{workers} workers, {faults} faults: {found:?}");
        ways_count = ways_count.saturating_add(found.ways_count);
        looked_at_count += found.states_count + found.steps_count;
    }
    assert!(ways_count >= 1_000_000, "{ways_count} interleavings");
    assert!(
        looked_at_count >= 1_000_000,
        "{looked_at_count} states and steps"
    );
}

/// Its steps fall between any two of the workers', and it may die with each job that it moves.
#[test]
fn a_lane_that_is_sorted_keeps_every_promise() {
    for (poison, most_faults) in [(false, 2), (true, 1)] {
        for faults in 0..=most_faults {
            let rules = Rules {
                poison,
                ..Rules::promised()
            };
            let found = kept(&rules, World::begin_sorted(2, faults));
            println!("poison: {poison}, {faults} faults: {found:?}");
        }
    }
}

#[test]
fn whoever_sorts_and_acks_before_it_has_published_loses_jobs() {
    let rules = Rules {
        moves_ack_last: false,
        ..Rules::promised()
    };
    let found = broken(&rules, World::begin_sorted(1, 0));
    assert_eq!(found.promise, "the job is lost", "{:#?}", found.way);
}

#[test]
fn a_poisoned_job_is_buried_whatever_else_happens() {
    let poisoned = Rules {
        poison: true,
        ..Rules::promised()
    };
    for faults in 0..=2 {
        let found = kept(&poisoned, World::begin(2, faults, Deleter::Absent));
        println!("{faults} faults: {found:?}");
        assert!(found.ways_count > 0);
    }
}

#[test]
fn nothing_of_a_deleted_call_is_left_by_workers_that_lost_their_lease_and_live() {
    let rules = Rules {
        fenced_workers_die: false,
        ..Rules::promised()
    };
    for faults in 0..=1 + one_more() {
        let found = kept(&rules, World::begin(2, faults, Deleter::PutTombstone));
        println!("{faults} faults: {found:?}");
    }
}

/// The limit of the above, for which purging again is the cure.
#[test]
fn a_worker_that_lost_its_lease_unnoticed_and_dies_may_leave_something_of_a_deleted_call() {
    let found = broken(
        &Rules::promised(),
        World::begin(2, 2, Deleter::PutTombstone),
    );
    assert_eq!(found.promise, "something of a deleted call is left");
    let dies = |step: &Step| matches!(step, Step::Fault(Fault::KillWorker(_)));
    assert!(found.way.iter().any(dies), "{:#?}", found.way);
}

/// Not a promise, so that nobody takes it for one: a consumer may hear of the burial first and of the result then.
#[test]
fn a_job_buried_for_its_lost_workers_may_still_be_completed_by_one_of_them() {
    let strict = Rules {
        buried_jobs_may_be_completed: false,
        ..Rules::promised()
    };
    let found = broken(&strict, World::begin(2, 3, Deleter::Absent));
    assert_eq!(found.promise, "a job is buried and completed");
    kept(&strict, World::begin(2, 2, Deleter::Absent));
}

#[test]
fn each_rule_is_needed_and_its_breach_is_found() {
    type Breach = fn(&mut Rules);
    let table: [(&str, u8, Breach); 7] = [
        ("the job is lost", 1, |r| r.ack_last = false),
        ("a second manifest", 1, |r| {
            r.manifest_only_if_absent = false
        }),
        ("an event without a manifest", 0, |r| {
            r.manifest_before_event = false
        }),
        ("an event of another manifest than stands", 1, |r| {
            r.event_of_the_standing_manifest = false;
        }),
        ("an ack without a lease counted", 1, |r| {
            r.only_the_lease_holder_acks = false
        }),
        ("a job is run twice to which nothing happened", 1, |r| {
            r.leases_last = false
        }),
        ("the job goes round for ever", 0, |r| {
            (r.poison, r.attempts_go_with_the_copy) = (true, false);
        }),
    ];
    for (promise, faults, breach) in table {
        let mut rules = Rules::promised();
        breach(&mut rules);
        let found = broken(&rules, World::begin(2, faults, Deleter::Absent));
        assert_eq!(found.promise, promise, "{:#?}", found.way);
    }
    let (after_writing, after_failing): (Breach, Breach) = (
        |r| r.looks_for_tombstone_after_writing = false,
        |r| r.looks_for_tombstone_after_failing = false,
    );
    for (workers, faults, breach) in [(1, 0, after_writing), (2, 1, after_failing)] {
        let mut rules = Rules {
            fenced_workers_die: false,
            ..Rules::promised()
        };
        breach(&mut rules);
        let found = broken(&rules, World::begin(workers, faults, Deleter::PutTombstone));
        assert_eq!(found.promise, "something of a deleted call is left");
    }
}
