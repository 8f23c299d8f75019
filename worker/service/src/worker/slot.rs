//! One slot: take a delivery, do the job, settle it, and only then take another. Slots pull, because a quorum queue has
//! no prefetch over several consumers: this is the only way to hold one delivery and still serve three lanes in order.
//! A job whose tenant has all the slots it may goes to the end of its row, and nobody looks there until one of them is free.
//! How a delivery ends stands in `settlement`. Fails as the broker does, and then the slot ends with its connection.

mod settlement;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use job_schema::job::Lane;
use job_schema::{Failure, Job, parse};
use rand::Rng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::in_hand::Held;
use super::session::Session;
use super::{Until, Worker};
use crate::audit::{Action, Event};
use crate::broker::{BrokerError, Delivery, Publisher, SlotChannel};
use crate::crash::{self, Point};
use crate::job::{self, Ended};
use crate::lanes::LaneOrder;
use crate::rows::Owner;
use crate::settle::{Outcome, after_stop, settle, worn_out};
use crate::topology::Place;

/// The first pause of an idle slot; it doubles up to `worker.poll_interval` while nothing comes.
const IDLE_MIN: Duration = Duration::from_millis(50);

pub(super) struct Slot {
    worker: Arc<Worker>,
    session: Arc<Session>,
    channel: SlotChannel,
    /// A slot's own, so that its confirms wait for nobody else's.
    publisher: Publisher,
    order: LaneOrder,
    /// Something waits that may not begin yet, so the lanes are not empty.
    held_up: bool,
}

impl Slot {
    pub(super) async fn open(
        worker: Arc<Worker>,
        session: Arc<Session>,
    ) -> Result<Self, BrokerError> {
        let channel = session.broker.slot_channel().await?;
        let publisher = session.broker.patient_publisher().await?;
        let order = LaneOrder::new(&worker.lanes);
        Ok(Self {
            worker,
            session,
            channel,
            publisher,
            order,
            held_up: false,
        })
    }

    pub(super) async fn run(mut self) -> Result<(), BrokerError> {
        let mut idle = IDLE_MIN;
        while !self.session.drain.is_cancelled() {
            tokio::select! {
                () = self.worker.ailing.recover() => {}
                () = self.session.drain.cancelled() => continue,
            }
            // The last ones may be in other slots' hands, and come back.
            let Some(permit) = self.session.limit.permit() else {
                self.rest(&mut idle).await;
                continue;
            };
            // Counted before looking, so that no other slot calls the lanes empty while this one has just taken a job.
            self.session.busy.fetch_add(1, Ordering::AcqRel);
            let sorting = self.session.sorting.load(Ordering::Acquire);
            self.held_up = false;
            let taken = self.take().await;
            let worked = match taken {
                // Boxed: a job's future is some 20 KB, and a slot is idle most of its life.
                Ok(Some(delivery)) => Box::pin(self.work(delivery)).await,
                Ok(None) => Ok(false),
                Err(e) => Err(e),
            };
            let still_busy = self.session.busy.fetch_sub(1, Ordering::AcqRel) - 1;
            if worked? {
                idle = IDLE_MIN;
                self.session.settled_one(permit);
                continue;
            }
            drop(permit);
            // Nor while jobs are moved from where they were looked for last to where they were looked for first.
            let sorting = sorting + self.session.sorting.load(Ordering::Acquire);
            let all_empty = still_busy == 0 && sorting == 0 && !self.held_up;
            if self.worker.until == Until::Empty && all_empty {
                self.session.drain.cancel();
            }
            self.rest(&mut idle).await;
        }
        Ok(())
    }

    async fn take(&mut self) -> Result<Option<Delivery>, BrokerError> {
        if self.session.broker.is_blocked() {
            // What a job leads to could not be sent.
            self.held_up = true;
            return Ok(None);
        }
        let mut empty = Vec::new();
        for lane in self.order.order() {
            if self.worker.pauses.is_paused(lane) {
                empty.push(lane);
                continue;
            }
            if let Some(delivery) = self.take_in(lane).await? {
                self.order.served(lane, &empty);
                return Ok(Some(delivery));
            }
            empty.push(lane);
        }
        Ok(None)
    }

    async fn take_in(&mut self, lane: Lane) -> Result<Option<Delivery>, BrokerError> {
        let rows = &self.worker.rows;
        let mut places = rows.of(lane).order();
        if self.worker.until == Until::Empty {
            // What another worker sorted a moment ago is not known here yet.
            places.extend(Place::all());
        }
        for place in places {
            if self.is_held_up(lane, place) {
                self.held_up = true;
                continue;
            }
            if let Some((delivery, left)) = self.channel.try_take_at(lane, place).await? {
                rows.of(lane).took(place, left);
                return Ok(Some(delivery));
            }
            rows.of(lane).saw(place, 0);
        }
        Ok(None)
    }

    fn is_held_up(&self, lane: Lane, place: Place) -> bool {
        let cannot_begin = |owner: &Owner| self.worker.in_hand.has_all_it_may(owner);
        self.worker.rows.of(lane).holds_only(place, cannot_begin)
    }

    async fn rest(&self, idle: &mut Duration) {
        let pause = idle.mul_f64(rand::rng().random_range(0.7..1.3));
        *idle = (*idle * 2).min(self.worker.poll_interval);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.session.drain.cancelled() => {}
        }
    }

    /// One delivery from parse to ack. Gives whether it was settled, or else put off.
    async fn work(&mut self, delivery: Delivery) -> Result<bool, BrokerError> {
        let lane = delivery.lane;
        let read = parse::job(&delivery.body);
        let believed = read.and_then(|job| self.worker.gate.check(&job).map(|()| job));
        let owner = believed.as_ref().ok().map(|job| job.tenant.clone());
        let rows = &self.worker.rows;
        rows.of(lane).learn(delivery.place, owner.clone());
        let Some((delivery, _held)) = self.begin(delivery, &owner).await? else {
            self.held_up = true;
            return Ok(false);
        };
        let _running = self.worker.fleet.metrics.running();
        let settled = match believed {
            Ok(job) => {
                let span = tracing::info_span!("job", job_id = %job.job_id, tenant = %job.tenant, lane = %delivery.lane);
                Box::pin(self.work_on(delivery, job).instrument(span)).await
            }
            Err(failure) => {
                tracing::warn!(code = %failure.code, pointer = failure.pointer, "not a job, or not its tenant's");
                let attempts = delivery.attempts;
                self.bury(delivery, None, &failure, attempts).await
            }
        };
        if settled.is_ok() {
            self.worker.activity.settled(lane);
        }
        settled.map(|()| true)
    }

    /// The delivery and the leave to work on it, or nothing where it was put off. What is nobody's needs no leave: it is buried at once.
    async fn begin(
        &self,
        delivery: Delivery,
        owner: &Owner,
    ) -> Result<Option<(Delivery, Option<Held>)>, BrokerError> {
        let Some(tenant) = owner else {
            return Ok(Some((delivery, None)));
        };
        match self.worker.in_hand.hold(tenant) {
            Some(held) => Ok(Some((delivery, Some(held)))),
            None => {
                let refused = self.put_off(delivery, owner).await?;
                Ok(refused.map(|delivery| (delivery, None)))
            }
        }
    }

    /// To the end of its row, without counting as an attempt. Given back where the row has no room: it begins after all.
    async fn put_off(
        &self,
        delivery: Delivery,
        owner: &Owner,
    ) -> Result<Option<Delivery>, BrokerError> {
        let rows = &self.worker.rows;
        let lane = delivery.lane;
        let place = match delivery.place {
            Place::Intake => rows.of(lane).assign(owner),
            row @ Place::Row(_) => {
                rows.of(lane).return_to(row, owner.clone());
                row
            }
        };
        let (taken_at, moves) = (delivery.taken_at, [(delivery, place)]);
        let moving = Box::pin(self.publisher.publish_moved(&moves));
        let answers = self.while_held(taken_at, moving).await?;
        let [(delivery, _)] = moves;
        if let Some(refusal) = answers.into_iter().find_map(Result::err) {
            tracing::warn!(error = %refusal, %lane, "a tenant has one slot more than it may: its row is full");
            rows.of(lane).did_not_come(place);
            return Ok(Some(delivery));
        }
        crash::at(Point::PutOff);
        rows.of(lane).arrived(place);
        delivery.ack().await?;
        self.worker.fleet.metrics.put_off_jobs.inc();
        Ok(None)
    }

    async fn work_on(&self, delivery: Delivery, job: Job) -> Result<(), BrokerError> {
        let policy = &self.worker.policy;
        if let Some(mut settlement) = worn_out(delivery.attempts, policy) {
            if let Some(deleted) = job::take_back_if_deleted(&self.worker.fleet, &job).await {
                settlement = settle(Outcome::Failed(deleted), delivery.attempts, policy);
            }
            return Box::pin(self.settle(delivery, job, settlement)).await;
        }
        if let Err(failure) = self
            .record(Event::of_job(Action::Accepted, &job, "accepted"))
            .await
        {
            // What cannot be accounted for is not begun.
            let settlement = settle(Outcome::Failed(failure), delivery.attempts, policy);
            return Box::pin(self.settle(delivery, job, settlement)).await;
        }
        crash::at(Point::Accepted);
        self.observe_wait(&job);
        self.worker
            .activity
            .took(delivery.lane, delivery.place, job.submitted_at);
        let taken = Instant::now();
        let (stop, _timer) = stop_after(&self.session.hand_over, self.worker.max_hold);
        let outcome = match job::process(&self.worker.fleet, &job, delivery.attempts, &stop).await {
            Ok(Ended::Done(done)) => return self.complete(delivery, &job, done).await,
            Ok(Ended::Interrupted(stopped)) => {
                after_stop(stopped, taken.elapsed(), self.worker.max_hold)
            }
            Err(failure) => Outcome::Failed(failure),
        };
        let settlement = settle(outcome, delivery.attempts, policy);
        Box::pin(self.settle(delivery, job, settlement)).await
    }

    fn observe_wait(&self, job: &Job) {
        let waited = Timestamp::now()
            .duration_since(job.submitted_at)
            .as_secs_f64();
        self.worker
            .fleet
            .metrics
            .queue_wait_seconds
            .observe(waited.max(0.0));
    }

    async fn record(&self, event: Event) -> Result<(), Failure> {
        self.worker.audit.record(event).await
    }
}

/// Cancelled by the session's hand-over, and after a whole hold by a timer, which goes with the job.
fn stop_after(
    hand_over: &CancellationToken,
    hold: Duration,
) -> (CancellationToken, AbortOnDropHandle<()>) {
    let stop = hand_over.child_token();
    let late = stop.clone();
    let timer = tokio::spawn(async move {
        tokio::time::sleep(hold).await;
        late.cancel();
    });
    (stop, AbortOnDropHandle::new(timer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn a_job_is_stopped_at_the_end_of_its_hold_and_by_a_hand_over() {
        let hand_over = CancellationToken::new();
        let (held_up, _timer) = stop_after(&hand_over, Duration::ZERO);
        held_up.cancelled().await;
        let (stop, _timer) = stop_after(&hand_over, LONG);
        assert!(!stop.is_cancelled());
        hand_over.cancel();
        stop.cancelled().await;
    }

    #[tokio::test]
    async fn the_timer_of_a_job_ends_with_it() {
        let tasks_count = || {
            tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks()
        };
        let stop = stop_after(&CancellationToken::new(), LONG);
        assert_eq!(tasks_count(), 1);
        drop(stop);
        while tasks_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
