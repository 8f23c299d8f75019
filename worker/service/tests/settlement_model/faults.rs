//! What may go wrong between any two steps, as long as there are faults to spend. In: a [`World`] and the [`Rules`]. Out: each
//! fault, and where it leads. A fault may cost the deliveries that it hits a run each, and no more than that.

use earwitness::settle::Outcome as Ended;
use job_schema::ErrorCode;

use crate::explore::Outcome;
use crate::rules::{Fault, Rules, Step};
use crate::sorting::sorter_killed;
use crate::steps::reconnected;
use crate::world::{At, Place, Worker, World};

type Struck = (Fault, World);

impl Rules {
    pub(crate) fn faults(&self, world: &World) -> Vec<(Step, Outcome<World>)> {
        let Some(left) = world.faults_left.checked_sub(1) else {
            return Vec::new();
        };
        let spent = World {
            faults_left: left,
            ..world.clone()
        };
        if !self.leases_last {
            return leases_run_out(&spent);
        }
        let mut struck = vec![(Fault::KillBroker, broker_killed(spent.clone()))];
        struck.extend(doubled(&spent));
        struck.extend(sorter_killed(&spent).map(|next| (Fault::KillSorter, next)));
        for (index, worker) in (0_u8..).zip(world.workers) {
            // Who has nothing in hand has nothing to lose.
            if !matches!(worker.at, At::Absent | At::Take) {
                self.strike(&spent, index, worker, &mut struck);
            }
        }
        let step = |(fault, next)| (Step::Fault(fault), Ok(next));
        struck.into_iter().map(step).collect()
    }

    fn strike(&self, spent: &World, index: u8, worker: Worker, struck: &mut Vec<Struck>) {
        // It can cost its delivery another run, if the broker still counts it as this worker's.
        let mut hit = spent.clone();
        hit.runs_left += u8::from(spent.broker.holds(index));
        if worker.takes || self.fenced_workers_die {
            let killed = reconnected(hit.clone(), index);
            struck.push((Fault::KillWorker(index), killed));
        }
        if worker.takes {
            let mut fenced = hit.clone();
            fenced.broker.take_from(index, true);
            fenced.workers[usize::from(index)].takes = false;
            struck.push((Fault::EndLease(index), fenced));
        }
        if worker.publishes {
            let mut cut = hit.clone();
            cut.workers[usize::from(index)].publishes = false;
            struck.push((Fault::CutPublishing(index), cut));
        }
        match worker.at {
            At::Tell if worker.publishes => {
                let mut unheard = hit;
                // One more for the copy, which is there although nobody knows.
                unheard.runs_left += 1;
                if self.tell(&mut unheard, index).is_ok() {
                    let lost = reconnected(unheard, index);
                    struck.push((Fault::LoseConfirm(index), lost));
                }
            }
            At::Recognise => {
                hit.runs_left = spent.runs_left + 1;
                let crashed = self.failed(hit.clone(), index, ErrorCode::EngineCrashed);
                struck.push((Fault::EngineCrash(index), crashed));
                let stopped = Ended::Interrupted {
                    checkpoint: None,
                    stalled: false,
                };
                struck.push((Fault::Stop(index), self.ended(hit, index, stopped)));
            }
            At::PutManifest => {
                hit.runs_left = spent.runs_left + 1;
                hit.workers[usize::from(index)].at = At::LookAfterFailing;
                struck.push((Fault::StoreError(index), hit.clone()));
                hit.store.manifest = hit.store.manifest.or(Some(index));
                struck.push((Fault::LoseStoreAnswer(index), hit));
            }
            _ => {}
        }
    }
}

fn broker_killed(mut world: World) -> World {
    for index in (0_u8..).take(world.workers.len()) {
        world.runs_left += u8::from(world.broker.take_from(index, true));
        let worker = &mut world.workers[usize::from(index)];
        if worker.at != At::Absent {
            (worker.takes, worker.publishes) = (false, false);
        }
    }
    sorter_killed(&world).unwrap_or(world)
}

/// Another copy of one that waits.
fn doubled(world: &World) -> Option<Struck> {
    let waits = |copy: &crate::world::Copy| !matches!(copy.place, Place::With(_));
    let copy = world.broker.copies().find(waits)?;
    let mut next = world.clone();
    next.broker.add(copy);
    next.runs_left += 1;
    Some((Fault::Double, next))
}

/// A broker that gives deliveries out again while their workers are well, as one does whose timeout is too short.
fn leases_run_out(world: &World) -> Vec<(Step, Outcome<World>)> {
    let holders = (0_u8..).take(world.workers.len());
    let run_out = |index| {
        let mut next = world.clone();
        let had = next.broker.take_from(index, true);
        next.workers[usize::from(index)].takes = false;
        had.then_some((Step::Fault(Fault::EndLease(index)), Ok(next)))
    };
    holders.filter_map(run_out).collect()
}
