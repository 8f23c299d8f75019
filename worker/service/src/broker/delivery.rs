//! Taking jobs. In: a lane. Out: one [`Delivery`], leased until it is acked, requeued, or its channel goes. It is consumed
//! by what ends it, so nothing can be acked twice. Its body is never printed.

use std::fmt;
use std::time::{Duration, Instant};

use job_schema::job::Lane;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};
use lapin::{BasicProperties, Channel};

use super::error::{BrokerError, answered};
use super::headers;
use crate::settle::Attempts;
use crate::topology::{Place, Topology};

#[derive(Clone)]
pub struct SlotChannel {
    channel: Channel,
    topology: Topology,
    timeout: Duration,
}

impl fmt::Debug for SlotChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotChannel")
            .field("id", &self.channel.id())
            .finish_non_exhaustive()
    }
}

impl SlotChannel {
    pub(super) fn new(channel: Channel, topology: Topology, timeout: Duration) -> Self {
        Self {
            channel,
            topology,
            timeout,
        }
    }

    /// The next job of a lane's intake, if there is one now.
    ///
    /// # Errors
    /// The channel or connection is gone, or the broker does not answer: connect anew.
    pub async fn try_take(&self, lane: Lane) -> Result<Option<Delivery>, BrokerError> {
        let taken = self.try_take_at(lane, Place::Intake).await?;
        Ok(taken.map(|(delivery, _)| delivery))
    }

    /// The next job at a place, and how many are left there.
    ///
    /// # Errors
    /// As [`SlotChannel::try_take`].
    pub async fn try_take_at(
        &self,
        lane: Lane,
        place: Place,
    ) -> Result<Option<(Delivery, u32)>, BrokerError> {
        let queue = self.topology.job_queue(lane, place);
        self.take_from(&queue, lane, place).await
    }

    /// The oldest dead letter, if there is one.
    ///
    /// # Errors
    /// As [`SlotChannel::try_take`].
    pub async fn try_take_dead(&self) -> Result<Option<Delivery>, BrokerError> {
        let queue = self.topology.dead_queue();
        let taken = self.take_from(&queue, Lane::default(), Place::Intake);
        Ok(taken.await?.map(|(delivery, _)| delivery))
    }

    async fn take_from(
        &self,
        queue: &str,
        lane: Lane,
        place: Place,
    ) -> Result<Option<(Delivery, u32)>, BrokerError> {
        let options = BasicGetOptions { no_ack: false };
        let got = self.channel.basic_get(queue.into(), options);
        let Some(got) = answered("take job", self.timeout, got).await? else {
            return Ok(None);
        };
        let (channel, left_count) = (self.channel.clone(), got.message_count);
        let delivery = Delivery::new(got.delivery, lane, place, channel, self.timeout);
        Ok(Some((delivery, left_count)))
    }
}

#[must_use = "a delivery that is dropped stays with this channel until the broker takes it back"]
pub struct Delivery {
    pub body: Vec<u8>,
    pub lane: Lane,
    pub place: Place,
    pub attempts: Attempts,
    pub taken_at: Instant,
    pub(super) properties: BasicProperties,
    acker: Acker,
    /// lapin closes a channel with its last handle, and the delivery would be gone.
    _channel: Channel,
    timeout: Duration,
}

impl Delivery {
    pub(super) fn new(
        message: lapin::message::Delivery,
        lane: Lane,
        place: Place,
        channel: Channel,
        timeout: Duration,
    ) -> Self {
        Self {
            attempts: headers::attempts(message.properties.headers().as_ref()),
            body: message.data,
            lane,
            place,
            taken_at: Instant::now(),
            properties: message.properties,
            acker: message.acker,
            _channel: channel,
            timeout,
        }
    }

    pub fn message_id(&self) -> Option<&str> {
        self.properties.message_id().as_ref().map(|id| id.as_str())
    }

    /// A header's text, if it is one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.properties.headers().as_ref()?;
        let text = headers.inner().get(name)?.as_long_string()?;
        std::str::from_utf8(text.as_bytes()).ok()
    }

    /// Whether the broker is known to have taken the delivery back. While this is false the lease may still be lost.
    pub fn is_lease_lost(&self) -> bool {
        self.acker.poisoned()
    }

    /// Done with: the broker forgets the message.
    ///
    /// # Errors
    /// [`BrokerError::LeaseLost`] if it was redelivered meanwhile; else as [`SlotChannel::try_take`].
    pub async fn ack(self) -> Result<(), BrokerError> {
        const ACTION: &str = "ack delivery";
        let acked = self.acker.ack(BasicAckOptions::default());
        // lapin's `false` means that the channel died, which it does not call an error.
        match answered(ACTION, self.timeout, acked).await? {
            true => Ok(()),
            false => Err(BrokerError::LeaseLost { action: ACTION }),
        }
    }

    /// Not begun: the message goes back to its queue.
    ///
    /// # Errors
    /// As [`Delivery::ack`].
    pub async fn requeue(self) -> Result<(), BrokerError> {
        const ACTION: &str = "requeue delivery";
        let options = BasicNackOptions {
            requeue: true,
            multiple: false,
        };
        match answered(ACTION, self.timeout, self.acker.nack(options)).await? {
            true => Ok(()),
            false => Err(BrokerError::LeaseLost { action: ACTION }),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("body_bytes", &self.body.len())
            .field("lane", &self.lane)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
