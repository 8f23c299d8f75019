//! The queue of the dead, looked through. In: a channel and a [`Filter`]. Out: [`Letter`]s that match, still leased; the rest
//! goes back. Fails as the broker does, and then the broker takes everything back. Of a message only ids, counts and times
//! are read out: recording keys and vocabulary may hold numbers and names.

use jiff::{SignedDuration, Timestamp};
use job_schema::{Job, parse};
use serde::Serialize;

use crate::broker::{BrokerError, Delivery, Publisher, SlotChannel};
use crate::topology::lane_name;

/// The reason of what the broker itself gave up, after more returns than a lane allows.
pub const DELIVERY_LIMIT: &str = "delivery_limit";

/// Which letters are meant. Each part narrows; an empty filter means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A job's or a message's id.
    pub id: Option<String>,
    /// An error code, or [`DELIVERY_LIMIT`].
    pub reason: Option<String>,
    pub tenant: Option<String>,
    /// Dead for at least this long. What does not say when it died does not match.
    pub older_than: Option<SignedDuration>,
    /// At most so many, the oldest first.
    pub limit: Option<usize>,
}

/// What may be shown of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub message_id: Option<String>,
    /// The three are absent where the message is no job.
    pub job_id: Option<String>,
    pub tenant: Option<String>,
    pub call: Option<String>,
    pub lane: String,
    pub reason: String,
    pub detail: Option<String>,
    pub pointer: Option<String>,
    pub content_attempts: u32,
    pub infra_attempts: u32,
    pub replays: u32,
    pub first_at: Option<Timestamp>,
    pub dead_at: Option<Timestamp>,
    pub size_bytes: usize,
}

/// A dead letter in hand.
#[derive(Debug)]
pub struct Letter {
    pub facts: Facts,
    delivery: Delivery,
}

/// Everything that was taken: nothing else is in the queue while this is held.
#[derive(Debug)]
pub struct Taken {
    pub matching: Vec<Letter>,
    others: Vec<Delivery>,
}

impl Filter {
    /// Whether it narrows at all. A limit alone does not say which.
    pub fn is_empty(&self) -> bool {
        self.id.is_none()
            && self.reason.is_none()
            && self.tenant.is_none()
            && self.older_than.is_none()
    }

    pub fn matches(&self, facts: &Facts, now: Timestamp) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let old_enough = |limit| {
            let dead_at = facts.dead_at;
            dead_at.is_some_and(|at| now.duration_since(at) >= limit)
        };
        (is(&self.id, facts.job_id.as_deref()) || is(&self.id, facts.message_id.as_deref()))
            && is(&self.reason, Some(&facts.reason))
            && is(&self.tenant, facts.tenant.as_deref())
            && self.older_than.is_none_or(old_enough)
    }
}

impl Facts {
    fn read(delivery: &Delivery) -> Self {
        let text = |name| delivery.header(name).map(str::to_owned);
        let time = |name| delivery.header(name).and_then(|at| at.parse().ok());
        let job = parse::job(&delivery.body).ok();
        let own_lane = |job: &Job| lane_name(job.lane).to_owned();
        let lane = text("x-earwitness-lane").or_else(|| job.as_ref().map(own_lane));
        Self {
            message_id: delivery.message_id().map(str::to_owned),
            lane: lane.unwrap_or_else(|| lane_name(delivery.lane).to_owned()),
            reason: text("x-earwitness-code").unwrap_or_else(|| DELIVERY_LIMIT.to_owned()),
            detail: text("x-earwitness-detail"),
            pointer: text("x-earwitness-pointer"),
            content_attempts: delivery.attempts.content,
            infra_attempts: delivery.attempts.infra,
            replays: delivery.replays(),
            first_at: time("x-earwitness-first-at"),
            dead_at: time("x-earwitness-dead-at"),
            size_bytes: delivery.body.len(),
            job_id: job.as_ref().map(|job| job.job_id.to_string()),
            tenant: job.as_ref().map(|job| job.tenant.to_string()),
            call: job.map(|job| job.call.to_string()),
        }
    }
}

/// Takes until the queue is empty or enough match. Give back what is not settled with [`Taken::give_back`].
pub async fn take(
    slot: &SlotChannel,
    filter: &Filter,
    now: Timestamp,
) -> Result<Taken, BrokerError> {
    let mut taken = Taken {
        matching: Vec::new(),
        others: Vec::new(),
    };
    while filter
        .limit
        .is_none_or(|limit| taken.matching.len() < limit)
    {
        let Some(mut delivery) = slot.try_take_dead().await? else {
            break;
        };
        let facts = Facts::read(&delivery);
        if filter.matches(&facts, now) {
            taken.matching.push(Letter { facts, delivery });
        } else {
            // Only its lease is needed: a queue may hold more than fits into memory.
            delivery.body = Vec::new();
            taken.others.push(delivery);
        }
    }
    Ok(taken)
}

impl Taken {
    /// In the order in which they came, so that the oldest stays first.
    pub async fn give_back(self) -> Result<(), BrokerError> {
        let letters = self.matching.into_iter().map(|letter| letter.delivery);
        let mut all: Vec<Delivery> = self.others.into_iter().chain(letters).collect();
        all.sort_by_key(|delivery| delivery.taken_at);
        for delivery in all {
            delivery.requeue().await?;
        }
        Ok(())
    }
}

impl Letter {
    pub fn body(&self) -> &[u8] {
        &self.delivery.body
    }

    /// The first half of a replay. A crash before [`Letter::bury_for_good`] leaves two copies, and the second to be worked on
    /// finds the manifest or the checkpoint of the first.
    pub async fn publish_again(
        &self,
        publisher: &Publisher,
        now: Timestamp,
    ) -> Result<(), BrokerError> {
        let lane = &self.facts.lane;
        publisher.publish_replay(&self.delivery, lane, now).await
    }

    /// The dead copy is gone after this.
    pub async fn bury_for_good(self) -> Result<(), BrokerError> {
        self.delivery.ack().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            message_id: Some("m1".into()),
            job_id: Some("j1".into()),
            tenant: Some("acme".into()),
            call: Some("c1".into()),
            lane: "batch".into(),
            reason: "engine_crashed".into(),
            detail: None,
            pointer: None,
            content_attempts: 3,
            infra_attempts: 0,
            replays: 0,
            first_at: None,
            dead_at: "2026-11-24T12:00:00Z".parse().ok(),
            size_bytes: 10,
        }
    }

    #[test]
    fn each_part_of_a_filter_narrows() {
        let now: Timestamp = "2026-11-24T14:00:00Z".parse().unwrap();
        let some = |text: &str| Some(text.to_owned());
        let hours = |h| Some(SignedDuration::from_hours(h));
        let by = |id, reason, tenant, older_than| Filter {
            id,
            reason,
            tenant,
            older_than,
            limit: None,
        };
        let cases = [
            (by(None, None, None, None), true),
            (by(some("j1"), None, None, None), true),
            (by(some("m1"), None, None, None), true),
            (by(some("c1"), None, None, None), false),
            (
                by(None, some("engine_crashed"), some("acme"), hours(2)),
                true,
            ),
            (by(None, some("bad_job"), some("acme"), None), false),
            (by(None, None, some("acm"), None), false),
            (by(None, None, None, hours(3)), false),
        ];
        for (filter, expected) in cases {
            assert_eq!(filter.matches(&facts(), now), expected, "{filter:?}");
        }
        let undated = Facts {
            dead_at: None,
            ..facts()
        };
        assert!(!by(None, None, None, hours(0)).matches(&undated, now));
    }
}
