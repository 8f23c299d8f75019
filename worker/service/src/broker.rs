//! The message broker: lapin is used below this module and nowhere else. In: settings and a [`Topology`]. Out: deliveries
//! and confirmed messages. Fails: [`BrokerError`]; after any of them the caller drops everything it got from the
//! [`Broker`] and connects anew, since nothing here recovers by itself.
//!
//! Two connections: one takes, one publishes, so that a broker that blocks publishers still gets the acks. Slots pull with
//! `basic.get`: a quorum queue has no channel-wide prefetch, so a slot that serves three lanes holds at most one delivery
//! only by pulling; and a get on a dead channel fails at once, so a slot that waits for ever on a dead consumer cannot exist.

mod connection;
mod consumer_timeout;
mod declare;
mod delivery;
mod error;
mod greeting;
mod headers;
mod patience;
mod publisher;
mod replay;
mod sorting;

use std::time::Duration;

use lapin::Connection;

pub use consumer_timeout::ConsumerTimeout;
pub use declare::Drift;
pub use delivery::{Delivery, SlotChannel};
pub use error::BrokerError;
pub use publisher::Publisher;
pub use sorting::{Intake, LaneWatch, MOVES_AT_ONCE};

use patience::Patience;

use crate::config;
use crate::topology::Topology;

pub struct Broker {
    taking: Connection,
    publishing: Connection,
    topology: Topology,
    request_timeout: Duration,
    confirm_timeout: Duration,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A connection's own Debug may show how it logged in.
        f.debug_struct("Broker")
            .field("topology", &self.topology)
            .finish_non_exhaustive()
    }
}

impl Broker {
    /// What can be said of the settings before anything is asked of the broker.
    ///
    /// # Errors
    /// [`BrokerError::Settings`].
    pub fn check_settings(settings: &config::Broker) -> Result<(), BrokerError> {
        connection::uri(settings)?;
        connection::trust(settings)?;
        Ok(())
    }

    /// Opens both connections. `name` is shown in the broker's own list of connections.
    ///
    /// # Errors
    /// [`BrokerError::Settings`] without a usable URL, else whatever keeps the broker from answering in time.
    pub async fn connect(
        settings: &config::Broker,
        topology: Topology,
        name: &str,
    ) -> Result<Self, BrokerError> {
        Ok(Self {
            taking: connection::open(settings, &format!("{name} take")).await?,
            publishing: connection::open(settings, &format!("{name} publish")).await?,
            topology,
            request_timeout: settings.request_timeout,
            confirm_timeout: settings.confirm_timeout,
        })
    }

    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Whether both connections still stand, as far as is known without asking.
    pub fn is_connected(&self) -> bool {
        self.taking.status().connected() && self.publishing.status().connected()
    }

    /// Whether the broker has stopped taking messages for want of disk or memory. Acks still go through.
    pub fn is_blocked(&self) -> bool {
        self.publishing.status().blocked()
    }

    /// A channel for one slot.
    pub async fn slot_channel(&self) -> Result<SlotChannel, BrokerError> {
        let channel = self.channel(&self.taking).await?;
        Ok(SlotChannel::new(
            channel,
            self.topology.clone(),
            self.request_timeout,
        ))
    }

    /// A channel with confirms. Its messages go out one after the other, so a publisher for each slot keeps them apart.
    pub async fn publisher(&self) -> Result<Publisher, BrokerError> {
        self.publisher_with(None).await
    }

    /// The same, for whoever would rather wait than lose what was done: no time counts in which the broker takes no messages.
    pub async fn patient_publisher(&self) -> Result<Publisher, BrokerError> {
        let connection = self.publishing.status().clone();
        self.publisher_with(Some(connection)).await
    }

    async fn publisher_with(
        &self,
        waits_out: Option<lapin::ConnectionStatus>,
    ) -> Result<Publisher, BrokerError> {
        let channel = self.channel(&self.publishing).await?;
        let patience = Patience {
            limit: self.confirm_timeout,
            waits_out,
        };
        let publisher = Publisher::open(channel, self.topology.clone(), patience);
        error::within("select confirms", self.request_timeout, publisher).await
    }

    /// Says goodbye, which ends every delivery in hand and everything else that came from this broker.
    pub async fn close(self) {
        for connection in [&self.taking, &self.publishing] {
            if connection.status().blocked() {
                // Nothing is written to it, and this would not be either.
                continue;
            }
            let closed = connection.close(200, "done".into());
            // The broker finds out by itself if this does not arrive.
            let _ = error::answered("close connection", self.request_timeout, closed).await;
        }
    }

    async fn channel(&self, connection: &Connection) -> Result<lapin::Channel, BrokerError> {
        let opened = connection.create_channel();
        error::answered("open channel", self.request_timeout, opened).await
    }
}
