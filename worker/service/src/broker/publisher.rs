//! Sending: every message is mandatory, persistent and confirmed. `Ok` means that a majority of a queue's replicas has it.
//! A message that was returned is confirmed too, so the confirmation is looked into.

use std::fmt;

use jiff::Timestamp;
use job_schema::event::{self, Event, EventData};
use job_schema::job::Lane;
use job_schema::{Failure, Job};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation};
use serde::Serialize;
use tokio::sync::Mutex;

use super::delivery::Delivery;
use super::error::{BrokerError, answered, asked};
use super::headers::{self, put_attempts, put_text};
use super::patience::Patience;
use super::replay::LANE;
use crate::settle::Attempts;
use crate::topology::{Place, Topology, job_key, lane_name, sorter_key};

const APP_ID: &str = "earwitness";
const PERSISTENT: u8 = 2;
const MANDATORY: BasicPublishOptions = BasicPublishOptions {
    mandatory: true,
    immediate: false,
};
const JOB_TYPE: &str = "earwitness.job";
/// Headers are for people and routers; a long detail must not make a frame of its own.
const MAX_DETAIL_CHARS: usize = 500;

pub struct Publisher {
    /// One message at a time: lapin tells a returned message apart by its order on the channel.
    channel: Mutex<Channel>,
    pub(super) topology: Topology,
    patience: Patience,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

impl Publisher {
    pub(super) async fn open(
        channel: Channel,
        topology: Topology,
        patience: Patience,
    ) -> Result<Self, BrokerError> {
        let selected = channel.confirm_select(ConfirmSelectOptions::default());
        answered("select confirms", patience.limit, selected).await?;
        Ok(Self {
            channel: Mutex::new(channel),
            topology,
            patience,
        })
    }

    /// Puts a job into its lane, or into the retry queue of `step`, from which it comes to its lane by itself.
    pub async fn publish_job(
        &self,
        job: &Job,
        attempts: Attempts,
        step: Option<usize>,
    ) -> Result<(), BrokerError> {
        let message = (fresh(job), FieldTable::default());
        self.put_job(job, message, attempts, step).await
    }

    /// The same for a job that was taken, with what its message carried: marks of a replay, and what producers put there.
    pub async fn publish_again(
        &self,
        delivery: &Delivery,
        job: &Job,
        attempts: Attempts,
        step: Option<usize>,
    ) -> Result<(), BrokerError> {
        let mut headers = FieldTable::default();
        copy_headers(&delivery.properties, &mut headers);
        let message = (kept_over(fresh(job), &delivery.properties), headers);
        self.put_job(job, message, attempts, step).await
    }

    async fn put_job(
        &self,
        job: &Job,
        (properties, mut headers): (BasicProperties, FieldTable),
        attempts: Attempts,
        step: Option<usize>,
    ) -> Result<(), BrokerError> {
        let exchange = match step {
            None => self.topology.jobs_exchange(),
            Some(step) => self
                .topology
                .retry_exchange(step)
                .ok_or(BrokerError::NoSuchStep(step))?,
        };
        put_attempts(&mut headers, attempts);
        let properties = properties.with_headers(headers);
        let body = json(&exchange, job)?;
        self.publish(exchange, lane_name(job.lane), &body, properties)
            .await
    }

    /// Tells the portal and whoever else listens.
    pub async fn publish_event(&self, event: &Event) -> Result<(), BrokerError> {
        let exchange = self.topology.events_exchange();
        let (tenant, job_id) = match &event.data {
            EventData::Completed(data) => (&data.tenant, data.job_id),
            EventData::Failed(data) => (&data.tenant, data.job_id),
        };
        let kind = event.kind.as_str();
        let id = event.id.to_string();
        let mut headers = FieldTable::default();
        // There is no official AMQP 0-9-1 binding; these names let routers filter without reading the body.
        put_text(&mut headers, "ce-specversion", "1.0");
        put_text(&mut headers, "ce-id", &id);
        put_text(&mut headers, "ce-type", kind);
        put_text(&mut headers, "ce-source", &event.source);
        put_text(&mut headers, "ce-subject", &event.subject);
        let properties = properties(event::CONTENT_TYPE, kind, &id, &job_id.to_string())
            .with_timestamp(seconds(event.time))
            .with_headers(headers);
        let body = json(&exchange, event)?;
        let routing_key = format!("{kind}.{tenant}");
        self.publish(exchange, &routing_key, &body, properties)
            .await
    }

    /// Keeps the original message, byte for byte and with its properties, beside the reason.
    pub async fn publish_dead(
        &self,
        delivery: &Delivery,
        failure: &Failure,
        attempts: Attempts,
    ) -> Result<(), BrokerError> {
        let mut headers = FieldTable::default();
        copy_headers(&delivery.properties, &mut headers);
        put_attempts(&mut headers, attempts);
        let detail: String = failure.detail.chars().take(MAX_DETAIL_CHARS).collect();
        put_text(&mut headers, "x-earwitness-code", failure.code.as_str());
        put_text(&mut headers, "x-earwitness-detail", &detail);
        if let Some(pointer) = &failure.pointer {
            put_text(&mut headers, "x-earwitness-pointer", pointer);
        }
        put_text(&mut headers, LANE, lane_name(delivery.lane));
        if let Some(first) = delivery.properties.timestamp() {
            let first = i64::try_from(*first).ok();
            if let Some(first) = first.and_then(|s| Timestamp::from_second(s).ok()) {
                put_text(&mut headers, "x-earwitness-first-at", &first.to_string());
            }
        }
        let now = Timestamp::now().to_string();
        put_text(&mut headers, "x-earwitness-dead-at", &now);
        let properties = kept(&delivery.properties).with_headers(headers);
        let exchange = self.topology.dead_exchange();
        let lane = lane_name(delivery.lane);
        self.publish(exchange, lane, &delivery.body, properties)
            .await
    }

    /// Puts each job into its row as it came, but for the broker's own history of it: a job that is moved was not tried.
    /// All are sent before the first confirm is awaited, since a broker writes many at once as fast as one.
    ///
    /// Gives for each whether a queue has it. Where that is not sure of several they are sent again, one by one: what is in its row
    /// twice runs once, by its manifest.
    ///
    /// # Errors
    /// The broker is gone or does not answer; some may have arrived.
    pub async fn publish_moved(
        &self,
        moves: &[(Delivery, Place)],
    ) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
        let answers = self.publish_together(moves).await?;
        if are_sure(&answers) {
            return Ok(answers);
        }
        let mut sure = Vec::new();
        for alone in moves.chunks(1) {
            sure.extend(self.publish_together(alone).await?);
        }
        Ok(sure)
    }

    async fn publish_together(
        &self,
        moves: &[(Delivery, Place)],
    ) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
        let exchange = self.topology.jobs_exchange();
        let moving = async {
            let channel = self.channel.lock().await;
            let mut sent = Vec::new();
            for (delivery, place) in moves {
                let key = job_key(delivery.lane, *place);
                let to = (exchange.as_str().into(), key.as_str().into());
                let published =
                    channel.basic_publish(to.0, to.1, MANDATORY, &delivery.body, moved(delivery));
                let confirm = asked("publish", published).await?;
                sent.push((key, confirm));
            }
            let mut answers = Vec::new();
            for (key, confirm) in sent {
                let confirmation = asked("confirm", confirm).await?;
                answers.push(confirmed(confirmation, &exchange, &key));
            }
            Ok(answers)
        };
        self.patience.confirm(Box::pin(moving)).await
    }

    /// Whether somebody sorts the lane: a message without a body finds the queue that he has, and expires there.
    ///
    /// # Errors
    /// The broker is gone or does not answer.
    pub async fn is_sorted(&self, lane: Lane) -> Result<bool, BrokerError> {
        let (to, nothing) = (self.topology.jobs_exchange(), BasicProperties::default());
        match self.publish(to, &sorter_key(lane), &[], nothing).await {
            Ok(()) => Ok(true),
            Err(BrokerError::Unroutable { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    pub(super) async fn publish(
        &self,
        exchange: String,
        routing_key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), BrokerError> {
        let sending = async {
            let channel = self.channel.lock().await;
            let (to, key) = (exchange.as_str().into(), routing_key.into());
            let sent = channel.basic_publish(to, key, MANDATORY, body, properties);
            let confirm = asked("publish", sent).await?;
            asked("confirm", confirm).await
        };
        let confirmation = self.patience.confirm(Box::pin(sending)).await?;
        confirmed(confirmation, &exchange, routing_key)
    }
}

/// lapin gives what came back to whichever confirm is read next, and a confirm of a queue takes longer: where one of several came
/// back, it may have been any of them.
fn are_sure(answers: &[Result<(), BrokerError>]) -> bool {
    let came_back =
        |answer: &Result<(), BrokerError>| matches!(answer, Err(BrokerError::Unroutable { .. }));
    answers.len() < 2 || !answers.iter().any(came_back)
}

fn confirmed(
    confirmation: Confirmation,
    exchange: &str,
    routing_key: &str,
) -> Result<(), BrokerError> {
    let exchange = exchange.to_owned();
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Err(BrokerError::Unroutable {
            exchange,
            routing_key: routing_key.to_owned(),
        }),
        Confirmation::Nack(None) | Confirmation::NotRequested => {
            Err(BrokerError::Rejected { exchange })
        }
    }
}

/// The message of a job as it came, without what the broker wrote into it.
fn moved(delivery: &Delivery) -> BasicProperties {
    let mut headers = FieldTable::default();
    copy_headers(&delivery.properties, &mut headers);
    let mut moved = kept(&delivery.properties).with_headers(headers);
    if let Some(expiration) = delivery.properties.expiration() {
        moved = moved.with_expiration(expiration.clone());
    }
    moved
}

/// All but the broker's own.
fn copy_headers(original: &BasicProperties, into: &mut FieldTable) {
    let headers = original.headers().as_ref();
    for (name, value) in headers.into_iter().flat_map(|table| table.inner()) {
        if !headers::is_brokers(name.as_str()) {
            into.insert(name.clone(), value.clone());
        }
    }
}

fn fresh(job: &Job) -> BasicProperties {
    let id = job.job_id.to_string();
    properties("application/json", JOB_TYPE, &id, &id)
        // When the job was first sent, however often it is sent again.
        .with_timestamp(seconds(job.submitted_at))
}

fn properties(content_type: &str, kind: &str, message_id: &str, job_id: &str) -> BasicProperties {
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_app_id(APP_ID.into())
        .with_content_type(content_type.into())
        .with_type(kind.into())
        .with_message_id(message_id.into())
        .with_correlation_id(job_id.into())
}

/// What a message that is sent on keeps of itself. Not the time to live, which must not empty the queue of the dead, and not
/// the user, whom the broker would check against us.
pub(super) fn kept(original: &BasicProperties) -> BasicProperties {
    let persistent = BasicProperties::default().with_delivery_mode(PERSISTENT);
    kept_over(persistent, original)
}

fn kept_over(mut kept: BasicProperties, original: &BasicProperties) -> BasicProperties {
    if let Some(value) = original.content_type() {
        kept = kept.with_content_type(value.clone());
    }
    if let Some(value) = original.content_encoding() {
        kept = kept.with_content_encoding(value.clone());
    }
    if let Some(value) = original.message_id() {
        kept = kept.with_message_id(value.clone());
    }
    if let Some(value) = original.correlation_id() {
        kept = kept.with_correlation_id(value.clone());
    }
    if let Some(value) = original.kind() {
        kept = kept.with_type(value.clone());
    }
    if let Some(value) = original.app_id() {
        kept = kept.with_app_id(value.clone());
    }
    if let Some(value) = original.timestamp() {
        kept = kept.with_timestamp(*value);
    }
    kept
}

fn json(exchange: &str, document: &impl Serialize) -> Result<Vec<u8>, BrokerError> {
    serde_json::to_vec(document).map_err(|error| BrokerError::Body {
        exchange: exchange.to_owned(),
        reason: error.to_string(),
    })
}

/// AMQP counts whole seconds from 1970.
fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_one_of_several_came_back_nothing_is_known_of_any() {
        let exchange = || "jobs".to_owned();
        let unroutable = || {
            Err(BrokerError::Unroutable {
                exchange: exchange(),
                routing_key: "standard.1".to_owned(),
            })
        };
        let full = || {
            Err(BrokerError::Rejected {
                exchange: exchange(),
            })
        };
        assert!(are_sure(&[]));
        assert!(are_sure(&[unroutable()]), "alone it is known");
        assert!(are_sure(&[Ok(()), Ok(()), full()]));
        assert!(!are_sure(&[Ok(()), unroutable()]));
        assert!(!are_sure(&[unroutable(), full()]));
    }
}
