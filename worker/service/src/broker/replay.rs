//! Giving a dead letter another life. In: a delivery from the queue of the dead. Out: the same body in its old lane, with
//! no attempts and a mark. Confirmed like every message, so that the dead copy may then be acked.

use jiff::Timestamp;
use lapin::types::FieldTable;

use super::delivery::Delivery;
use super::error::BrokerError;
use super::headers::{self, put_attempts, put_text};
use super::publisher::{Publisher, kept};
use crate::settle::Attempts;

pub(super) const LANE: &str = "x-earwitness-lane";
const REPLAYS: &str = "x-earwitness-replays";
const REPLAYED_AT: &str = "x-earwitness-replayed-at";

/// What a burial wrote: true of the old life only.
const OF_THE_DEAD: [&str; 5] = [
    "x-earwitness-code",
    "x-earwitness-detail",
    "x-earwitness-pointer",
    "x-earwitness-dead-at",
    LANE,
];

impl Delivery {
    /// How often the message was replayed before.
    pub fn replays(&self) -> u32 {
        let headers = self.properties.headers().as_ref();
        headers.map_or(0, |headers| headers::count(headers, REPLAYS))
    }
}

impl Publisher {
    /// Puts a dead letter back into the lane it came from.
    pub async fn publish_replay(
        &self,
        dead: &Delivery,
        lane: &str,
        now: Timestamp,
    ) -> Result<(), BrokerError> {
        let mut headers = FieldTable::default();
        let original = dead.properties.headers().as_ref();
        for (name, value) in original.into_iter().flat_map(|table| table.inner()) {
            if !headers::is_brokers(name.as_str()) && !OF_THE_DEAD.contains(&name.as_str()) {
                headers.insert(name.clone(), value.clone());
            }
        }
        put_attempts(&mut headers, Attempts::default());
        headers.insert(REPLAYS.into(), dead.replays().saturating_add(1).into());
        put_text(&mut headers, REPLAYED_AT, &now.to_string());
        let properties = kept(&dead.properties).with_headers(headers);
        let exchange = self.topology.jobs_exchange();
        self.publish(exchange, lane, &dead.body, properties).await
    }
}
