//! How a delivery ends. In: the job and what became of it. Out: messages, status, audit, metrics, and last the ack. Everything is
//! published first and acked last, so that a crash in between repeats work and loses none. The status is written before the
//! ack too: where the call was deleted meanwhile, a crash then leaves a retry that clears it away. Fails as the broker does.

use std::future::Future;
use std::time::{Duration, Instant};

use job_schema::event;
use job_schema::status::State;
use job_schema::{Class, ErrorCode, Failure, Job};

use super::Slot;
use crate::audit::{Action, Event};
use crate::broker::{BrokerError, Delivery};
use crate::crash::{self, Point};
use crate::job::{self, Done, How};
use crate::metrics::LaneLabel;
use crate::settle::{Attempts, Settlement};

/// Between tries to send what the broker refused.
const FIRST_REFUSAL: Duration = Duration::from_millis(200);
const LONGEST_REFUSAL: Duration = Duration::from_secs(10);

/// What a job leads to.
#[derive(Clone, Copy)]
enum Message<'a> {
    Event(&'a event::Event),
    /// To its lane, or to the retry queue of a step.
    Job(&'a Job, Attempts, Option<usize>),
    Dead(&'a Failure, Attempts),
}

impl Slot {
    /// Of what has happened already: nothing is made better by failing now.
    async fn note(&self, event: Event) {
        if let Err(failure) = self.record(event).await {
            tracing::error!(code = %failure.code, detail = failure.detail, "the audit log lacks an entry");
        }
    }

    /// Waits for a confirm, through an alarm of the broker too, but not beyond the hold, nor long once a hand-over was asked for.
    pub(super) async fn while_held<T>(
        &self,
        taken_at: Instant,
        sending: impl Future<Output = Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        let enough = self.worker.broker.confirm_timeout;
        let rest = self.worker.max_hold.saturating_sub(taken_at.elapsed());
        let handed_over = async {
            self.session.hand_over.cancelled().await;
            tokio::time::sleep(enough).await;
        };
        tokio::select! {
            sent = sending => return sent,
            () = tokio::time::sleep(rest.max(enough)) => {}
            () = handed_over => {}
        }
        Err(BrokerError::Timeout {
            action: "publish",
            after: taken_at.elapsed(),
        })
    }

    async fn publish(&self, delivery: &Delivery, message: Message<'_>) -> Result<(), BrokerError> {
        let publisher = &self.publisher;
        match message {
            Message::Event(event) => publisher.publish_event(event).await,
            Message::Job(job, attempts, step) => {
                publisher.publish_again(delivery, job, attempts, step).await
            }
            Message::Dead(failure, attempts) => {
                publisher.publish_dead(delivery, failure, attempts).await
            }
        }
    }

    /// Sends until it is taken. A queue that is full or was unbound is for somebody to mend: to give the job back would have it
    /// done, refused and given back again, and each time would count as the loss of a worker.
    async fn send(&self, delivery: &Delivery, message: Message<'_>) -> Result<(), BrokerError> {
        let mut pause = FIRST_REFUSAL;
        loop {
            let sending = Box::pin(self.publish(delivery, message));
            let refused = match self.while_held(delivery.taken_at, sending).await {
                Err(e) if e.is_refusal() && delivery.taken_at.elapsed() < self.worker.max_hold => e,
                sent => return sent,
            };
            tracing::warn!(error = %refused, "the broker does not take what the job leads to");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.session.hand_over.cancelled() => return Err(refused),
            }
            pause = (pause * 2).min(LONGEST_REFUSAL);
        }
    }

    /// A job that failed for this worker's sake keeps the next ones from it for a while.
    fn note_failure(&self, failure: &Failure) {
        // One that points into the job is its tenant's, as a role that is refused for that tenant.
        let is_ours = failure.class() == Class::Infra
            && failure.code != ErrorCode::WorkerLost
            && failure.pointer.is_none();
        if is_ours && self.worker.ailing.failed() {
            self.worker.health.unwell(true);
        }
    }

    fn note_success(&self) {
        self.worker.ailing.succeeded();
        self.worker.health.unwell(false);
    }

    pub(super) async fn complete(
        &self,
        delivery: Delivery,
        job: &Job,
        done: Done,
    ) -> Result<(), BrokerError> {
        self.note_success();
        self.send(&delivery, Message::Event(&done.event)).await?;
        crash::at(Point::EventPublished);
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
        crash::at(Point::Completed);
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
    pub(super) async fn settle(
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
                self.note_failure(&failure);
                self.send(&delivery, Message::Job(&job, attempts, Some(step)))
                    .await?;
                crash::at(Point::RetryPublished);
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
                self.send(&delivery, Message::Job(&next, attempts, None))
                    .await?;
                crash::at(Point::HandOverPublished);
                job::keep::note_status(fleet, &next, State::HandedOver { spans_count }).await;
                delivery.ack().await?;
                tracing::info!(spans_count, "job handed over");
                fleet.metrics.settled(lane, "handed_over", "");
                Ok(())
            }
        }
    }

    /// Keeps the original message in `dead`, tells of the failure, acks. What is not a job, or not its tenant's, has nobody to tell.
    pub(super) async fn bury(
        &self,
        delivery: Delivery,
        job: Option<&Job>,
        failure: &Failure,
        attempts: Attempts,
    ) -> Result<(), BrokerError> {
        let fleet = &self.worker.fleet;
        self.note_failure(failure);
        self.send(&delivery, Message::Dead(failure, attempts))
            .await?;
        crash::at(Point::DeadLetterPublished);
        if let Some(job) = job {
            let event = job::publish::failed_event(job, failure, attempts);
            self.send(&delivery, Message::Event(&event)).await?;
        }
        if let Some(job) = job {
            let state = match failure.code {
                ErrorCode::Cancelled => State::Cancelled,
                _ => State::Failed {
                    failure: failure.clone(),
                    content_attempts: attempts.content,
                    infra_attempts: attempts.infra,
                },
            };
            job::keep::note_status(fleet, job, state).await;
        }
        match job {
            Some(job) => {
                let action = match failure.code {
                    ErrorCode::Cancelled => Action::Cancelled,
                    _ => Action::Dead,
                };
                let event = Event::of_job(action, job, failure.code.as_str());
                self.note(event).await;
            }
            None => self.note(Event::forged(failure.code)).await,
        }
        let lane = delivery.lane;
        delivery.ack().await?;
        if failure.code == ErrorCode::Cancelled {
            // As somebody wished: nothing that an alarm should count.
            tracing::info!("job cancelled");
            fleet.metrics.settled(lane, "cancelled", "");
            return Ok(());
        }
        tracing::warn!(code = %failure.code, detail = failure.detail, "job is dead");
        fleet.metrics.settled(lane, "dead", failure.code.as_str());
        Ok(())
    }
}
