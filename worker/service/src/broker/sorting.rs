//! What sorting a lane asks of the broker. In: a lane. Out: how much waits where ([`LaneWatch`]), whether this connection is the
//! one that sorts, and the jobs of the intake, pushed by the broker ([`Intake`]): pulling ten thousand takes half a minute. A
//! consumer that is dead is silent, so whoever waits for it has to look whether something waits that it does not bring.

use std::fmt;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use job_schema::job::Lane;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer, ErrorKind};

use super::Broker;
use super::delivery::Delivery;
use super::error::{BrokerError, answered};
use crate::topology::{Place, Topology, sorter_key};

/// Jobs in hand of whoever sorts. Each may be there twice after its death, so it is part of the bound on executions.
pub const MOVES_AT_ONCE: u16 = 16;

pub struct LaneWatch {
    channel: Channel,
    topology: Topology,
    lane: Lane,
    timeout: Duration,
}

impl fmt::Debug for LaneWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneWatch")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

impl Broker {
    /// # Errors
    /// The broker is gone or does not answer.
    pub async fn lane_watch(&self, lane: Lane) -> Result<LaneWatch, BrokerError> {
        Ok(LaneWatch {
            channel: self.channel(&self.taking).await?,
            topology: self.topology.clone(),
            lane,
            timeout: self.request_timeout,
        })
    }

    /// Whether this connection is the one that sorts the lane, from now until it ends or [`LaneWatch::leave_sorting`]. The broker
    /// lets one connection have an exclusive queue, and drops it with that connection. Where another has it, client and broker both
    /// log an error, so [`Publisher::is_sorted`] is to be asked before.
    ///
    /// [`Publisher::is_sorted`]: super::Publisher::is_sorted
    ///
    /// # Errors
    /// The broker is gone or does not answer, or this user may not make the queue.
    pub async fn may_sort(&self, lane: Lane) -> Result<bool, BrokerError> {
        const ACTION: &str = "become the sorter";
        // A refusal closes the channel, so each question has its own.
        let channel = self.channel(&self.taking).await?;
        let options = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        let name = self.topology.sorter_queue(lane);
        let mut at_once = FieldTable::default();
        at_once.insert("x-message-ttl".into(), AMQPValue::LongInt(0));
        let declared = async {
            let declared = channel.queue_declare(name.as_str().into(), options, at_once);
            match declared.await {
                Ok(_) => Ok(true),
                Err(e) if is_anothers(&e) => Ok(false),
                Err(e) => Err(e),
            }
        };
        let mine = answered(ACTION, self.request_timeout, declared).await?;
        if mine {
            let (from, key) = (self.topology.jobs_exchange(), sorter_key(lane));
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            let bound =
                channel.queue_bind(name.into(), from.into(), key.as_str().into(), options, none);
            answered(ACTION, self.request_timeout, bound).await?;
        }
        let closed = channel.close(200, "done".into());
        // It may be closed already, by the refusal.
        let _ = answered("close channel", self.request_timeout, closed).await;
        Ok(mine)
    }
}

fn is_anothers(error: &lapin::Error) -> bool {
    let ErrorKind::ProtocolError(refusal) = error.kind() else {
        return false;
    };
    *refusal.kind() == AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED)
}

impl LaneWatch {
    /// Messages that wait there, those in hand left out.
    ///
    /// # Errors
    /// The queue is missing, or the broker is gone or does not answer.
    pub async fn waiting_count(&self, place: Place) -> Result<u32, BrokerError> {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let name = self.topology.job_queue(self.lane, place);
        let none = FieldTable::default();
        let looked = self.channel.queue_declare(name.into(), options, none);
        let queue = answered("look at queue", self.timeout, looked).await?;
        Ok(queue.message_count())
    }

    /// Somebody else may sort.
    ///
    /// # Errors
    /// The broker is gone or does not answer.
    pub async fn leave_sorting(&self) -> Result<(), BrokerError> {
        let name = self.topology.sorter_queue(self.lane);
        let options = QueueDeleteOptions::default();
        let deleted = self.channel.queue_delete(name.into(), options);
        answered("leave sorting", self.timeout, deleted).await?;
        Ok(())
    }

    /// Has the broker send what is in the intake, and whatever comes there.
    ///
    /// # Errors
    /// The broker is gone or does not answer.
    pub async fn open_intake(&self, broker: &Broker) -> Result<Intake, BrokerError> {
        const ACTION: &str = "open intake";
        let channel = broker.channel(&broker.taking).await?;
        let limited = channel.basic_qos(MOVES_AT_ONCE, BasicQosOptions::default());
        answered(ACTION, self.timeout, limited).await?;
        let queue = self.topology.job_queue(self.lane, Place::Intake);
        let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
        let opened = channel.basic_consume(queue.into(), "".into(), options, none);
        let consumer = answered(ACTION, self.timeout, opened).await?;
        Ok(Intake {
            channel,
            consumer,
            lane: self.lane,
            timeout: self.timeout,
        })
    }
}

/// Dropped, it leaves what it was sent to the broker.
pub struct Intake {
    channel: Channel,
    consumer: Consumer,
    lane: Lane,
    timeout: Duration,
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

impl Intake {
    /// What has come, at most [`MOVES_AT_ONCE`]; nothing where nothing comes for this long.
    ///
    /// # Errors
    /// The broker has ended this.
    pub async fn next(&mut self, patience: Duration) -> Result<Vec<Delivery>, BrokerError> {
        let mut batch = Vec::new();
        let Ok(first) = tokio::time::timeout(patience, self.consumer.next()).await else {
            return Ok(batch);
        };
        batch.push(self.delivery(first)?);
        while batch.len() < usize::from(MOVES_AT_ONCE)
            && let Some(next) = self.consumer.next().now_or_never()
        {
            batch.push(self.delivery(next)?);
        }
        Ok(batch)
    }

    /// Ends it. What had been sent before the broker heard of it comes out here.
    ///
    /// # Errors
    /// The broker is gone or does not answer.
    pub async fn close(mut self) -> Result<Vec<Delivery>, BrokerError> {
        const ACTION: &str = "close intake";
        let (tag, options) = (self.consumer.tag(), BasicCancelOptions::default());
        let cancelled = self.channel.basic_cancel(tag, options);
        answered(ACTION, self.timeout, cancelled).await?;
        let mut rest = Vec::new();
        while let Some(Some(next)) = self.consumer.next().now_or_never() {
            rest.push(self.delivery(Some(next))?);
        }
        Ok(rest)
    }

    fn delivery(
        &self,
        sent: Option<lapin::Result<lapin::message::Delivery>>,
    ) -> Result<Delivery, BrokerError> {
        let failed = |reason: String| BrokerError::Failed {
            action: "read intake",
            reason,
        };
        let ended = || failed("the broker has ended it".to_owned());
        let message = sent.ok_or_else(ended)?;
        let message = message.map_err(|e| failed(e.to_string()))?;
        let (channel, timeout) = (self.channel.clone(), self.timeout);
        Ok(Delivery::new(
            message,
            self.lane,
            Place::Intake,
            channel,
            timeout,
        ))
    }
}
