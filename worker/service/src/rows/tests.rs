use std::collections::{BTreeMap, VecDeque};

use super::*;

/// A lane as it would be on a broker, with one worker that sorts and serves.
#[derive(Default)]
struct World {
    rows: Rows,
    queues: BTreeMap<Place, VecDeque<String>>,
}

impl World {
    fn send(&mut self, tenant: &str) {
        let place = self.rows.assign(&owner(tenant));
        self.queues
            .entry(place)
            .or_default()
            .push_back(tenant.to_owned());
        self.rows.arrived(place);
    }

    fn send_many(&mut self, tenant: &str, count: usize) {
        for _ in 0..count {
            self.send(tenant);
        }
    }

    fn take(&mut self) -> Option<String> {
        for place in self.rows.order() {
            let queue = self.queues.entry(place).or_default();
            let taken = queue.pop_front();
            let left = u32::try_from(queue.len()).unwrap();
            if let Some(tenant) = taken {
                self.rows.took(place, left);
                self.rows.learn(place, owner(&tenant));
                return Some(tenant);
            }
            self.rows.saw(place, 0);
        }
        None
    }

    /// Takes until one of this tenant's: how many of others came first.
    fn waits(&mut self, tenant: &str) -> usize {
        let is_other = |taken: &String| taken != tenant;
        std::iter::from_fn(|| self.take())
            .take_while(is_other)
            .count()
    }
}

fn owner(tenant: &str) -> Owner {
    Some(tenant.parse().unwrap())
}

#[test]
fn a_lane_in_which_nothing_is_sorted_is_looked_at_once() {
    assert_eq!(Rows::default().order(), [Place::Intake]);
}

#[test]
fn a_row_holds_only_what_is_known_to_wait_there_now() {
    let mut world = World::default();
    let is_noisy = |of: &Owner| *of == owner("noisy");
    let holds_only = |world: &World, place| world.rows.holds_only(place, is_noisy);
    world.send_many("noisy", 2);
    let row = world.rows.assign(&owner("noisy"));
    world.rows.did_not_come(row);
    assert!(holds_only(&world, row));
    assert!(!holds_only(&world, Place::Intake));
    world.take();
    assert!(holds_only(&world, row));
    world.take();
    assert!(
        !holds_only(&world, row),
        "it is empty, so anybody's may be next"
    );
    world.rows.return_to(row, owner("noisy"));
    world.rows.arrived(row);
    assert!(holds_only(&world, row));
    world.rows.learn(row, owner("quiet"));
    assert!(!holds_only(&world, row));
}

#[test]
fn a_newcomer_is_next_however_much_waits() {
    let mut world = World::default();
    world.send_many("noisy", 10_000);
    for _ in 0..5 {
        world.take().unwrap();
        world.send("quiet");
        assert_eq!(world.waits("quiet"), 0);
    }
}

#[test]
fn a_newcomer_behind_several_backlogs_is_next_too() {
    let mut world = World::default();
    for round in 0..100 {
        for noisy in 0..5 {
            world.send_many(&format!("noisy-{noisy}"), 1 + round % 3);
        }
    }
    for _ in 0..7 {
        world.take().unwrap();
    }
    world.send("quiet");
    assert_eq!(world.waits("quiet"), 0);
}

#[test]
fn two_backlogs_are_worked_off_in_turns() {
    let mut world = World::default();
    world.send_many("early", 1_000);
    world.send_many("late", 50);
    let taken: Vec<String> = (0..100).map(|_| world.take().unwrap()).collect();
    let late = taken.iter().filter(|tenant| *tenant == "late").count();
    assert_eq!(late, 50, "twice its idle wait, and not more");
}

#[test]
fn a_tenant_that_sends_one_by_one_takes_no_more_than_its_turns() {
    let mut world = World::default();
    world.send_many("backlog", 1_000);
    let mut served = 0;
    for _ in 0..100 {
        world.send("dripping");
        served += usize::from(world.take().unwrap() == "backlog");
    }
    assert!((49..=51).contains(&served), "{served} of 100");
}

#[test]
fn with_more_tenants_than_rows_a_newcomer_waits_where_least_waits() {
    let mut world = World::default();
    world.send_many("noisy", 10_000);
    for quiet in 0..40 {
        world.send(&format!("quiet-{quiet}"));
    }
    let waited = world.waits("quiet-39");
    assert!(waited <= 48, "{waited} came first");
}

#[test]
fn what_nobody_vouches_for_shares_one_row() {
    let mut rows = Rows::default();
    let first = rows.assign(&None);
    assert_ne!(rows.assign(&owner("acme")), first);
    assert_eq!(rows.assign(&None), first);
}

#[test]
fn a_row_is_free_again_once_it_was_seen_empty_and_nothing_is_coming() {
    let mut rows = Rows::default();
    let place = rows.assign(&owner("acme"));
    rows.saw(place, 0);
    assert!(!rows.are_empty(), "one is on its way");
    assert_eq!(rows.assign(&owner("acme")), place);
    rows.arrived(place);
    rows.arrived(place);
    rows.saw(place, 0);
    assert!(rows.are_empty());
    assert_ne!(rows.assign(&owner("bolt")), rows.assign(&owner("acme")));
}

#[test]
fn whoever_sorts_next_knows_the_rows_that_it_served() {
    let mut rows = Rows::default();
    rows.saw(Place::Row(5), 9_000);
    rows.took(Place::Row(5), 8_999);
    rows.learn(Place::Row(5), owner("noisy"));
    assert_eq!(rows.assign(&owner("noisy")), Place::Row(5));
    assert_ne!(rows.assign(&owner("quiet")), Place::Row(5));
}

#[test]
fn an_intake_that_nobody_sorts_has_its_turn() {
    let mut rows = Rows::default();
    rows.saw(Place::Row(1), 10);
    assert_eq!(rows.order(), [Place::Row(1), Place::Intake]);
    rows.unsorted(true);
    rows.took(Place::Row(1), 9);
    assert_eq!(rows.order(), [Place::Intake, Place::Row(1)]);
    rows.took(Place::Intake, 4);
    assert_eq!(rows.order(), [Place::Row(1), Place::Intake]);
}

#[test]
fn each_lane_has_its_own() {
    let lanes = LaneRows::default();
    lanes.clone().of(Lane::Batch).saw(Place::Row(1), 3);
    let full = |lane| !lanes.of(lane).are_empty();
    assert_eq!(Lane::ALL.map(full), [false, false, true]);
}
