//! How the fleet does. In: two looks at queues, workers and pauses, some time apart. Out: for each lane what waits, how old it
//! is at most, how many jobs a minute are settled, and when it will be empty. Pure: whoever calls looks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use job_schema::job::Lane;
use serde::Serialize;

use crate::pause::Pause;
use crate::presence::Presence;
use crate::topology::Place;

/// What was seen at one time.
#[derive(Debug, Clone)]
pub struct Look {
    pub at: Timestamp,
    /// Places where nothing waits may be left out.
    pub waiting: BTreeMap<(Lane, Place), u64>,
    pub retrying_count: u64,
    pub dead_count: u64,
    pub workers: Vec<Presence>,
    pub pauses: Vec<Pause>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    pub at: Timestamp,
    pub workers_count: usize,
    pub slots_count: u32,
    pub running_count: u32,
    pub retrying_count: u64,
    pub dead_count: u64,
    pub lanes: Vec<LaneView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneView {
    pub lane: Lane,
    pub paused: Option<Pause>,
    pub waiting_count: u64,
    /// No job that waits is older: each tenant's jobs are taken first in, first out, and the one taken last was older. Absent
    /// where nothing waits, or where some wait of which none was taken since the workers started.
    pub oldest_at_most_s: Option<u64>,
    /// Absent at the first look.
    pub settled_per_minute: Option<f64>,
    /// Absent while nothing is settled.
    pub empty_in_s: Option<u64>,
}

/// `before` is an earlier look, to tell rates by.
pub fn view(now: &Look, before: Option<&Look>) -> View {
    let lane_view = |lane: &Lane| {
        let waiting = Place::all().map(|place| now.waits(*lane, place));
        let waiting_count = waiting.sum();
        let rate = before.and_then(|before| per_minute(now, before, *lane));
        LaneView {
            lane: *lane,
            paused: now.pauses.iter().find(|p| p.lane == *lane).cloned(),
            waiting_count,
            oldest_at_most_s: (waiting_count > 0).then(|| oldest_s(now, *lane)).flatten(),
            settled_per_minute: rate,
            empty_in_s: rate.and_then(|rate| empty_in_s(waiting_count, rate)),
        }
    };
    View {
        at: now.at,
        workers_count: now.workers.len(),
        slots_count: now.workers.iter().map(|w| u32::from(w.slots)).sum(),
        running_count: now.workers.iter().map(|w| u32::from(w.running_count)).sum(),
        retrying_count: now.retrying_count,
        dead_count: now.dead_count,
        lanes: Lane::ALL.iter().map(lane_view).collect(),
    }
}

impl Look {
    fn waits(&self, lane: Lane, place: Place) -> u64 {
        self.waiting.get(&(lane, place)).copied().unwrap_or(0)
    }
}

/// The oldest of each queue that holds something, of which each has to be known.
fn oldest_s(now: &Look, lane: Lane) -> Option<u64> {
    let activities = now.workers.iter().flat_map(|worker| &worker.lanes);
    let of_lane: Vec<_> = activities.filter(|a| a.lane == lane).collect();
    let last = |place| of_lane.iter().filter_map(|a| a.last_taken_at(place)).max();
    let full = Place::all().filter(|place| now.waits(lane, *place) > 0);
    let lasts: Option<Vec<Timestamp>> = full.map(last).collect();
    let oldest = lasts?.into_iter().min()?;
    Some(u64::try_from(now.at.duration_since(oldest).as_secs()).unwrap_or(0))
}

/// By what each worker counted between its own two announcements; one that came or went meanwhile counts for nothing.
fn per_minute(now: &Look, before: &Look, lane: Lane) -> Option<f64> {
    let mut rate = None;
    for worker in &now.workers {
        let same = |w: &&Presence| w.worker == worker.worker && w.started_at == worker.started_at;
        let Some(earlier) = before.workers.iter().find(same) else {
            continue;
        };
        let seconds = worker.seen_at.duration_since(earlier.seen_at).as_secs_f64();
        let (new, old) = (settled(worker, lane), settled(earlier, lane));
        if seconds > 0.0 {
            let settled = u32::try_from(new.saturating_sub(old)).unwrap_or(u32::MAX);
            *rate.get_or_insert(0.0) += f64::from(settled) * 60.0 / seconds;
        }
    }
    rate
}

fn settled(worker: &Presence, lane: Lane) -> u64 {
    let mut lanes = worker.lanes.iter();
    lanes
        .find(|a| a.lane == lane)
        .map_or(0, |a| a.settled_count)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate in whole seconds; a float too large becomes the greatest number"
)]
fn empty_in_s(waiting: u64, rate: f64) -> Option<u64> {
    match waiting {
        0 => Some(0),
        _ => (rate > 0.0).then(|| (waiting as f64 * 60.0 / rate).ceil() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::LaneActivity;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn look(second: i64, waiting: u64, workers: &[(&str, u64)]) -> Look {
        let worker = |(name, settled_count): &(&str, u64)| Presence {
            worker: (*name).to_owned(),
            version: "0".to_owned(),
            started_at: at(0),
            seen_at: at(second),
            model: "m".to_owned(),
            model_sha256: "0".repeat(64).parse().unwrap(),
            recognizer: "r".to_owned(),
            pipeline_revision: 1,
            slots: 2,
            running_count: 1,
            lanes: vec![LaneActivity {
                lane: Lane::Batch,
                settled_count: *settled_count,
                last_taken_by_place: vec![Some(at(second - 40)), Some(at(second - 70))],
            }],
        };
        Look {
            at: at(second),
            waiting: [((Lane::Batch, Place::Intake), waiting)].into(),
            retrying_count: 0,
            dead_count: 3,
            workers: workers.iter().map(worker).collect(),
            pauses: Vec::new(),
        }
    }

    #[test]
    fn rates_come_from_what_each_worker_counted_and_say_when_a_lane_is_empty() {
        let before = look(100, 90, &[("a", 10), ("gone", 5)]);
        let now = look(110, 60, &[("a", 20), ("b", 400)]);
        let view = view(&now, Some(&before));
        assert_eq!(
            (view.slots_count, view.running_count, view.dead_count),
            (4, 2, 3)
        );
        let batch = &view.lanes[2];
        assert_eq!(batch.settled_per_minute, Some(60.0), "b came meanwhile");
        assert_eq!(batch.empty_in_s, Some(60));
        assert_eq!(batch.oldest_at_most_s, Some(40));
        let standard = &view.lanes[1];
        assert_eq!(
            (standard.empty_in_s, standard.oldest_at_most_s),
            (Some(0), None)
        );
    }

    #[test]
    fn a_lane_is_what_waits_in_all_its_rows_and_as_old_as_the_oldest_of_them() {
        let mut now = look(110, 60, &[("a", 20)]);
        let oldest = |now: &Look| {
            let batch = view(now, None).lanes[2].clone();
            (batch.waiting_count, batch.oldest_at_most_s)
        };
        assert_eq!(oldest(&now), (60, Some(40)));
        now.waiting.insert((Lane::Batch, Place::Row(1)), 7);
        assert_eq!(oldest(&now), (67, Some(70)));
        now.waiting.insert((Lane::Batch, Place::Row(2)), 1);
        assert_eq!(oldest(&now), (68, None), "none of that row was taken");
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let stuck = look(110, 60, &[("a", 10)]);
        assert_eq!(view(&stuck, None).lanes[2].settled_per_minute, None);
        let view = view(&stuck, Some(&look(100, 60, &[("a", 10)])));
        assert_eq!(view.lanes[2].settled_per_minute, Some(0.0));
        assert_eq!(view.lanes[2].empty_in_s, None, "never, at this rate");
    }
}
