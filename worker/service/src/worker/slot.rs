//! One slot: take a delivery, do the job, settle it, and only then take another. Slots pull, because a quorum queue has
//! no prefetch over several consumers: this is the only way to hold one delivery and still serve three lanes in order.
//! Every settlement publishes first and acks last, so that a crash in between repeats work and loses none. The status is
//! written before the ack too: where the call was deleted meanwhile, a crash then leaves a retry that clears it away.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use job_schema::status::State;
use job_schema::{Failure, Job, parse};
use rand::Rng;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::session::Session;
use super::{Until, Worker};
use crate::audit::{Action, Event};
use crate::broker::{BrokerError, Delivery, Publisher, SlotChannel};
use crate::job::{self, Done, Ended, How};
use crate::lanes::LaneOrder;
use crate::metrics::LaneLabel;
use crate::settle::{Attempts, Outcome, Settlement, settle, worn_out};

/// The first pause of an idle slot; it doubles up to `worker.poll_interval` while nothing comes.
const IDLE_MIN: Duration = Duration::from_millis(50);

pub(super) struct Slot {
    worker: Arc<Worker>,
    session: Arc<Session>,
    channel: SlotChannel,
    /// A slot's own, so that its confirms wait for nobody else's.
    publisher: Publisher,
    order: LaneOrder,
}

impl Slot {
    pub(super) async fn open(
        worker: Arc<Worker>,
        session: Arc<Session>,
    ) -> Result<Self, BrokerError> {
        let channel = session.broker.slot_channel().await?;
        let publisher = session.broker.publisher().await?;
        let order = LaneOrder::new(&worker.lanes);
        Ok(Self {
            worker,
            session,
            channel,
            publisher,
            order,
        })
    }

    pub(super) async fn run(mut self) -> Result<(), BrokerError> {
        let mut idle = IDLE_MIN;
        while !self.session.drain.is_cancelled() {
            // Counted before looking, so that no other slot calls the lanes empty while this one has just taken a job.
            self.session.busy.fetch_add(1, Ordering::AcqRel);
            let taken = self.take().await;
            let worked = match taken {
                // Boxed: a job's future is some 20 KB, and a slot is idle most of its life.
                Ok(Some(delivery)) => Box::pin(self.work(delivery)).await.map(|()| true),
                Ok(None) => Ok(false),
                Err(e) => Err(e),
            };
            let still_busy = self.session.busy.fetch_sub(1, Ordering::AcqRel) - 1;
            if worked? {
                idle = IDLE_MIN;
                self.session.settled_one(self.worker.until);
                continue;
            }
            if self.worker.until == Until::Empty && still_busy == 0 {
                self.session.drain.cancel();
            }
            self.rest(&mut idle).await;
        }
        Ok(())
    }

    async fn take(&mut self) -> Result<Option<Delivery>, BrokerError> {
        let mut empty = Vec::new();
        for lane in self.order.order() {
            if let Some(delivery) = self.channel.try_take(lane).await? {
                self.order.served(lane, &empty);
                return Ok(Some(delivery));
            }
            empty.push(lane);
        }
        Ok(None)
    }

    async fn rest(&self, idle: &mut Duration) {
        let pause = idle.mul_f64(rand::rng().random_range(0.7..1.3));
        *idle = (*idle * 2).min(self.worker.poll_interval);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.session.drain.cancelled() => {}
        }
    }

    /// One delivery from parse to ack.
    async fn work(&self, delivery: Delivery) -> Result<(), BrokerError> {
        let running = &self.worker.fleet.metrics.running_jobs;
        running.inc();
        let read = parse::job(&delivery.body);
        let believed = read.and_then(|job| self.worker.gate.check(&job).map(|()| job));
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
        running.dec();
        settled
    }

    async fn work_on(&self, delivery: Delivery, job: Job) -> Result<(), BrokerError> {
        let policy = &self.worker.policy;
        if let Some(settlement) = worn_out(delivery.attempts, policy) {
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
        self.observe_wait(&job);
        let stop = self.stop_token();
        let outcome = match job::process(&self.worker.fleet, &job, delivery.attempts, &stop).await {
            Ok(Ended::Done(done)) => return self.complete(delivery, &job, done).await,
            Ok(Ended::Interrupted {
                checkpoint,
                stalled,
            }) => Outcome::Interrupted {
                checkpoint,
                stalled,
            },
            Err(failure) => Outcome::Failed(failure),
        };
        let settlement = settle(outcome, delivery.attempts, policy);
        Box::pin(self.settle(delivery, job, settlement)).await
    }

    /// Ends by itself at `max_hold`, and with the session's hand-over.
    fn stop_token(&self) -> CancellationToken {
        let stop = self.session.hand_over.child_token();
        let (late, hold) = (stop.clone(), self.worker.max_hold);
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(hold) => late.cancel(),
                () = late.cancelled() => {}
            }
        });
        stop
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

    /// Of what has happened already: nothing is made better by failing now.
    async fn note(&self, event: Event) {
        if let Err(failure) = self.record(event).await {
            tracing::error!(code = %failure.code, detail = failure.detail, "the audit log lacks an entry");
        }
    }

    async fn complete(&self, delivery: Delivery, job: &Job, done: Done) -> Result<(), BrokerError> {
        self.publisher.publish_event(&done.event).await?;
        let lane = delivery.lane;
        let held = delivery.taken_at.elapsed();
        let state = State::Completed {
            manifest_key: done.manifest_key,
            summary: done.manifest.summary.clone(),
            processing: done.manifest.processing.clone(),
        };
        job::keep::note_status(&self.worker.fleet, job, state).await;
        self.note(Event::of_job(Action::Completed, job, done.how.as_str()))
            .await;
        delivery.ack().await?;
        let (metrics, summary, processing) = (
            &self.worker.fleet.metrics,
            &done.manifest.summary,
            &done.manifest.processing,
        );
        metrics.settled(lane, done.how.as_str(), "");
        if done.how == How::Completed {
            let audio = Duration::from_millis(summary.duration_ms).as_secs_f64();
            let label = LaneLabel {
                lane: lane.as_str(),
            };
            metrics.audio_seconds.get_or_create(&label).inc_by(audio);
            metrics
                .real_time_factor
                .observe(processing.real_time_factor.unwrap_or(0.0));
            metrics
                .suppressed_spans
                .inc_by(u64::from(summary.suppressed_count));
        }
        tracing::info!(
            outcome = done.how.as_str(),
            audio_ms = summary.duration_ms,
            words_count = summary.words_count,
            held_ms = u64::try_from(held.as_millis()).unwrap_or(u64::MAX),
            resumed_spans_count = processing.resumed_spans_count,
            "job done"
        );
        Ok(())
    }

    /// Publishes what the settlement asks for, then acks.
    async fn settle(
        &self,
        delivery: Delivery,
        job: Job,
        settlement: Settlement,
    ) -> Result<(), BrokerError> {
        let fleet = &self.worker.fleet;
        let lane = delivery.lane;
        match settlement {
            // Completed jobs take their own way, with a manifest in hand.
            Settlement::Complete => Ok(()),
            Settlement::Dead { failure, attempts } => {
                self.bury(delivery, Some(&job), &failure, attempts).await
            }
            Settlement::Retry {
                failure,
                step,
                delay,
                attempts,
            } => {
                self.publisher
                    .publish_job(&job, attempts, Some(step))
                    .await?;
                let state = State::Retrying {
                    failure: failure.clone(),
                    delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                    content_attempts: attempts.content,
                    infra_attempts: attempts.infra,
                };
                job::keep::note_status(fleet, &job, state).await;
                delivery.ack().await?;
                tracing::warn!(code = %failure.code, detail = failure.detail, delay_s = delay.as_secs(), "job will be tried again");
                fleet
                    .metrics
                    .settled(lane, "retried", failure.code.as_str());
                Ok(())
            }
            Settlement::HandOver {
                checkpoint,
                attempts,
            } => {
                let spans_count = checkpoint.as_ref().map_or(0, |c| c.spans_count);
                let next = Job {
                    checkpoint: checkpoint.or(job.checkpoint.clone()),
                    ..job
                };
                self.publisher.publish_job(&next, attempts, None).await?;
                job::keep::note_status(fleet, &next, State::HandedOver { spans_count }).await;
                delivery.ack().await?;
                tracing::info!(spans_count, "job handed over");
                fleet.metrics.settled(lane, "handed_over", "");
                Ok(())
            }
        }
    }

    /// Keeps the original message in `dead`, tells of the failure, acks. What is not a job, or not its tenant's, has nobody to tell.
    async fn bury(
        &self,
        delivery: Delivery,
        job: Option<&Job>,
        failure: &Failure,
        attempts: Attempts,
    ) -> Result<(), BrokerError> {
        let fleet = &self.worker.fleet;
        self.publisher
            .publish_dead(&delivery, failure, attempts)
            .await?;
        if let Some(job) = job {
            self.publisher
                .publish_event(&job::publish::failed_event(job, failure, attempts))
                .await?;
        }
        if let Some(job) = job {
            let state = State::Failed {
                failure: failure.clone(),
                content_attempts: attempts.content,
                infra_attempts: attempts.infra,
            };
            job::keep::note_status(fleet, job, state).await;
        }
        match job {
            Some(job) => {
                let event = Event::of_job(Action::Dead, job, failure.code.as_str());
                self.note(event).await;
            }
            None => self.note(Event::forged(failure.code)).await,
        }
        let lane = delivery.lane;
        delivery.ack().await?;
        tracing::warn!(code = %failure.code, detail = failure.detail, "job is dead");
        fleet.metrics.settled(lane, "dead", failure.code.as_str());
        Ok(())
    }
}
