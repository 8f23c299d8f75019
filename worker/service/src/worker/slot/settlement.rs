//! How a delivery ends. In: the job and what became of it. Out: messages, status, audit, metrics, and last the ack. Everything is
//! published first and acked last, so that a crash in between repeats work and loses none. The status is written before the
//! ack too: where the call was deleted meanwhile, a crash then leaves a retry that clears it away. Fails as the broker does.

use std::time::Duration;

use job_schema::status::State;
use job_schema::{ErrorCode, Failure, Job};

use super::Slot;
use crate::audit::{Action, Event};
use crate::broker::{BrokerError, Delivery};
use crate::crash::{self, Point};
use crate::job::{self, Done, How};
use crate::metrics::LaneLabel;
use crate::settle::{Attempts, Settlement};

impl Slot {
    /// Of what has happened already: nothing is made better by failing now.
    async fn note(&self, event: Event) {
        if let Err(failure) = self.record(event).await {
            tracing::error!(code = %failure.code, detail = failure.detail, "the audit log lacks an entry");
        }
    }

    pub(super) async fn complete(
        &self,
        delivery: Delivery,
        job: &Job,
        done: Done,
    ) -> Result<(), BrokerError> {
        self.publisher.publish_event(&done.event).await?;
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
                self.publisher
                    .publish_job(&job, attempts, Some(step))
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
                self.publisher.publish_job(&next, attempts, None).await?;
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
        self.publisher
            .publish_dead(&delivery, failure, attempts)
            .await?;
        crash::at(Point::DeadLetterPublished);
        if let Some(job) = job {
            self.publisher
                .publish_event(&job::publish::failed_event(job, failure, attempts))
                .await?;
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
