//! What happens to hosts and broker in a run, and after how many finished jobs. In: a seed, how many jobs, how many faults
//! of each kind, how many workers. Out: a list of blows, sorted by time. Time is counted in finished jobs and not in seconds,
//! so that every fault meets a fleet at work, however fast the machine is. Pure.

use crate::seed::Seeded;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to a worker process, which is started again at once.
    KillWorker(usize),
    /// SIGKILL to the broker, which is started again on its data.
    KillBroker,
    /// Every connection of a worker to the broker is cut.
    CutConnections(usize),
    /// The broker stops taking messages for want of memory, for so long.
    MemoryAlarm { hold_ms: u64 },
    /// The same for want of disk.
    DiskAlarm { hold_ms: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// After so many jobs are finished.
    pub after_jobs: u64,
    pub fault: Fault,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    pub worker_kills: u64,
    pub broker_kills: u64,
    pub connection_cuts: u64,
    /// Memory and disk in turn.
    pub alarms: u64,
}

/// Alarms last up to twice the time that the bench's workers wait for a confirm: some are slept through, some not.
const ALARM_MS: std::ops::Range<u64> = 1_000..16_000;
/// Faults fall into the first part of a run, in hundredths of its jobs, so that each has work left to disturb.
const LAST_HUNDREDTH: u64 = 96;

/// The faults of a run in the order in which they happen.
pub fn schedule(seed: u64, jobs: u64, workers: usize, wanted: Wanted) -> Vec<Planned> {
    let mut numbers = Seeded::new(seed, "schedule");
    let last = jobs * LAST_HUNDREDTH / 100;
    let mut all = Vec::new();
    let mut plan = |count: u64, fault: &mut dyn FnMut(&mut Seeded, u64) -> Fault| {
        for index in 0..count {
            // One in each equal part of the run: faults of one kind neither pile up nor leave a part out.
            let (from, to) = (last * index / count, last * (index + 1) / count);
            // Not before one job is through: a node killed within a second of declaring its queues may come back with
            // one that confirms nothing, and that is not what is tried here.
            let after_jobs = (from + numbers.below(to - from)).max(1);
            let fault = fault(&mut numbers, index);
            all.push(Planned { after_jobs, fault });
        }
    };
    let worker =
        |numbers: &mut Seeded| usize::try_from(numbers.below(workers as u64)).unwrap_or_default();
    plan(wanted.worker_kills, &mut |numbers, _| {
        Fault::KillWorker(worker(numbers))
    });
    plan(wanted.broker_kills, &mut |_, _| Fault::KillBroker);
    plan(wanted.connection_cuts, &mut |numbers, _| {
        Fault::CutConnections(worker(numbers))
    });
    plan(wanted.alarms, &mut |numbers, index| {
        let hold_ms = ALARM_MS.start + numbers.below(ALARM_MS.end - ALARM_MS.start);
        if index % 2 == 0 {
            Fault::MemoryAlarm { hold_ms }
        } else {
            Fault::DiskAlarm { hold_ms }
        }
    });
    all.sort_by_key(|planned| planned.after_jobs);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted = Wanted {
        worker_kills: 200,
        broker_kills: 20,
        connection_cuts: 100,
        alarms: 10,
    };

    #[test]
    fn a_schedule_holds_what_was_wanted_in_order_and_in_time() {
        let plan = schedule(1, 10_000, 4, ALL);
        let count = |kind: fn(&Fault) -> bool| plan.iter().filter(|p| kind(&p.fault)).count();
        assert_eq!(count(|f| matches!(f, Fault::KillWorker(w) if *w < 4)), 200);
        assert_eq!(count(|f| matches!(f, Fault::KillBroker)), 20);
        assert_eq!(
            count(|f| matches!(f, Fault::CutConnections(w) if *w < 4)),
            100
        );
        assert_eq!(count(|f| matches!(f, Fault::MemoryAlarm { .. })), 5);
        assert_eq!(count(|f| matches!(f, Fault::DiskAlarm { .. })), 5);
        assert!(plan.is_sorted_by_key(|p| p.after_jobs));
        assert!(plan.iter().all(|p| p.after_jobs < 9_600));
    }

    #[test]
    fn a_seed_gives_the_same_schedule_and_another_seed_another() {
        assert_eq!(schedule(5, 500, 3, ALL), schedule(5, 500, 3, ALL));
        assert_ne!(schedule(5, 500, 3, ALL), schedule(6, 500, 3, ALL));
    }

    #[test]
    fn a_run_of_few_jobs_still_has_all_its_faults() {
        assert_eq!(schedule(1, 10, 1, ALL).len(), 330);
        assert_eq!(schedule(1, 0, 0, Wanted::default()), []);
    }
}
