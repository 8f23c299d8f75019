//! Every exchange and queue, declared in this one place. In: the name prefix and the retry delays. Out: names and
//! arguments as plain data; nothing here talks to a broker. Made for RabbitMQ 3.10 and later: no priorities, no delayed
//! retry, no delivery limit by default.
//!
//! ```text
//! producers ─► p.jobs (direct) ─► p.jobs.interactive | p.jobs.standard | p.jobs.batch ─► workers
//!                 ▲ ▲                   │ delivery limit, a backstop only        ▲
//!                 │ └─ one worker sorts ├─► p.jobs.standard.1 … 8, by tenant ────┘
//!                 └── p.retry.30s|5m|30m│ (fanout ─► queue with a TTL, dead-lettering back)
//! workers ─► p.dead (fanout) ─► p.dead ◄┘
//! workers ─► p.events (topic) ─► p.events.all, and whatever consumers bind
//! ```

use std::time::Duration;

use job_schema::job::Lane;
use uuid::Uuid;

/// Far above our own limit on attempts: it stops a loop that our counting missed, and the message goes to `dead`.
const DELIVERY_LIMIT: i64 = 100;
/// Looking through the dead takes and returns each. From RabbitMQ 4.0 on a quorum queue without a limit of its own drops
/// what was returned 20 times.
const DEAD_RETURNS_LIMIT: i64 = 1_000_000_000;
/// An event has to reach a queue, or its job could never be acked; so this queue takes every event, and forgets the oldest
/// ones where nobody reads them.
const EVENTS_KEPT: i64 = 100_000;

/// Queues beside a lane's intake, for tenants that wait. Part of the wire format: jobs in a row that workers do not know stay there.
pub const ROWS: u8 = 8;

pub const LANES: [Lane; 3] = [Lane::Interactive, Lane::Standard, Lane::Batch];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
    delays: Vec<Duration>,
}

/// Where in a lane a job waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Where producers put it.
    Intake,
    /// Where it was sorted to, from 1 to [`ROWS`].
    Row(u8),
}

impl Place {
    /// Every place of a lane, the intake first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Intake].into_iter().chain(Self::rows())
    }

    pub fn rows() -> impl Iterator<Item = Self> {
        (1..=ROWS).map(Self::Row)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeType {
    Direct,
    Fanout,
    Topic,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub name: String,
    pub kind: ExchangeType,
}

/// A durable quorum queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub arguments: Vec<(&'static str, Argument)>,
    pub bound_to: String,
    pub routing_key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    Text(String),
    Number(i64),
}

impl Topology {
    pub fn new(prefix: impl Into<String>, delays: impl Into<Vec<Duration>>) -> Self {
        Self {
            prefix: prefix.into(),
            delays: delays.into(),
        }
    }

    /// Routed by the lane's name.
    pub fn jobs_exchange(&self) -> String {
        self.name("jobs")
    }

    pub fn job_queue(&self, lane: Lane, place: Place) -> String {
        self.name(&format!("jobs.{}", job_key(lane, place)))
    }

    /// Only one connection can hold this queue: whose it is sorts the lane.
    pub fn sorter_queue(&self, lane: Lane) -> String {
        self.name(&sorter_key(lane))
    }

    /// Where a job waits; its routing key, the lane, brings it back. `None` for a step that there is not.
    pub fn retry_exchange(&self, step: usize) -> Option<String> {
        let delay = self.delays.get(step)?;
        Some(self.name(&format!("retry.{}", delay_name(*delay))))
    }

    pub fn dead_exchange(&self) -> String {
        self.name("dead")
    }

    pub fn dead_queue(&self) -> String {
        self.name("dead")
    }

    /// Routed by `{type}.{tenant}`.
    pub fn events_exchange(&self) -> String {
        self.name("events")
    }

    pub fn events_queue(&self) -> String {
        self.name("events.all")
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        let mut all = vec![
            (self.jobs_exchange(), ExchangeType::Direct),
            (self.dead_exchange(), ExchangeType::Fanout),
            (self.events_exchange(), ExchangeType::Topic),
        ];
        let retries = (0..self.delays.len()).filter_map(|step| self.retry_exchange(step));
        all.extend(retries.map(|name| (name, ExchangeType::Fanout)));
        let exchange = |(name, kind)| Exchange { name, kind };
        all.into_iter().map(exchange).collect()
    }

    pub fn queues(&self) -> Vec<Queue> {
        let places = |lane| Place::all().map(move |place| (lane, place));
        let of_jobs = LANES.into_iter().flat_map(places);
        let mut all: Vec<Queue> = of_jobs.map(|(l, p)| self.lane_queue(l, p)).collect();
        let delays = self.delays.iter().enumerate();
        all.extend(delays.filter_map(|(step, delay)| self.retry_queue(step, *delay)));
        all.push(Queue {
            name: self.dead_queue(),
            arguments: quorum([("x-delivery-limit", Argument::Number(DEAD_RETURNS_LIMIT))]),
            bound_to: self.dead_exchange(),
            routing_key: String::new(),
        });
        let newest = [
            ("x-max-length", Argument::Number(EVENTS_KEPT)),
            ("x-overflow", text("drop-head")),
        ];
        all.push(Queue {
            name: self.events_queue(),
            arguments: quorum(newest),
            bound_to: self.events_exchange(),
            routing_key: "#".to_owned(),
        });
        all
    }

    /// Bound to nothing.
    pub fn useless_queue(&self, id: &Uuid, expires_ms: i64) -> Queue {
        Queue {
            name: format!("{}.useless.{}", self.prefix, id.simple()),
            arguments: quorum([("x-expires", Argument::Number(expires_ms))]),
            bound_to: String::new(),
            routing_key: String::new(),
        }
    }

    fn lane_queue(&self, lane: Lane, place: Place) -> Queue {
        let limit = ("x-delivery-limit", Argument::Number(DELIVERY_LIMIT));
        Queue {
            name: self.job_queue(lane, place),
            arguments: quorum(
                dead_lettering(self.dead_exchange())
                    .into_iter()
                    .chain([limit]),
            ),
            bound_to: self.jobs_exchange(),
            routing_key: job_key(lane, place),
        }
    }

    /// One queue for each delay: messages expire at a queue's head only, so they must all wait equally long.
    fn retry_queue(&self, step: usize, delay: Duration) -> Option<Queue> {
        let ttl_ms = i64::try_from(delay.as_millis()).ok()?;
        let ttl = ("x-message-ttl", Argument::Number(ttl_ms));
        let name = self.retry_exchange(step)?;
        Some(Queue {
            arguments: quorum(
                dead_lettering(self.jobs_exchange())
                    .into_iter()
                    .chain([ttl]),
            ),
            bound_to: name.clone(),
            name,
            routing_key: String::new(),
        })
    }

    fn name(&self, rest: &str) -> String {
        format!("{}.{rest}", self.prefix)
    }
}

impl From<&crate::config::Config> for Topology {
    fn from(settings: &crate::config::Config) -> Self {
        let delays = crate::settle::Policy::from(&settings.retry).delays;
        Self::new(&settings.broker.prefix, delays)
    }
}

/// As jobs and headers write it.
pub fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Interactive => "interactive",
        Lane::Standard => "standard",
        Lane::Batch => "batch",
    }
}

/// By which it routes to whoever sorts the lane.
pub fn sorter_key(lane: Lane) -> String {
    format!("sorter.{}", lane_name(lane))
}

/// By which the exchange of jobs routes: the lane's name, where a row is meant with its number.
pub fn job_key(lane: Lane, place: Place) -> String {
    match place {
        Place::Intake => lane_name(lane).to_owned(),
        Place::Row(number) => format!("{}.{number}", lane_name(lane)),
    }
}

fn delay_name(delay: Duration) -> String {
    match delay.as_secs() {
        0 => format!("{}ms", delay.as_millis()),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

fn quorum(
    more: impl IntoIterator<Item = (&'static str, Argument)>,
) -> Vec<(&'static str, Argument)> {
    let mut arguments = vec![("x-queue-type", text("quorum"))];
    arguments.extend(more);
    arguments
}

/// At least once: a message leaves its queue when the next one has it. RabbitMQ asks for reject-publish beside it.
fn dead_lettering(exchange: String) -> [(&'static str, Argument); 3] {
    [
        ("x-dead-letter-exchange", Argument::Text(exchange)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]
}

fn text(value: &str) -> Argument {
    Argument::Text(value.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn topology() -> Topology {
        Topology::new("ew", [30, 300, 1800, 7200, 45].map(Duration::from_secs))
    }

    #[test]
    fn names_are_part_of_the_wire_format() {
        let names: Vec<String> = topology().queues().into_iter().map(|q| q.name).collect();
        let expected = "ew.jobs.interactive ew.jobs.standard ew.jobs.batch ew.retry.30s ew.retry.5m ew.retry.30m \
                        ew.retry.2h ew.retry.45s ew.dead ew.events.all";
        let is_row = |name: &&String| name.ends_with(|last: char| last.is_ascii_digit());
        let (rows, others): (Vec<_>, Vec<_>) = names.iter().partition(is_row);
        assert_eq!(
            others.into_iter().cloned().collect::<Vec<_>>().join(" "),
            expected
        );
        assert_eq!(rows.len(), LANES.len() * usize::from(ROWS));
        let [first, last] = [1, ROWS].map(|n| format!("ew.jobs.batch.{n}"));
        assert!(rows.contains(&&first) && rows.contains(&&last), "{rows:?}");
    }

    #[test]
    fn every_queue_hangs_on_an_exchange_and_every_exchange_feeds_a_queue() {
        let topology = topology();
        let exchanges: BTreeSet<String> =
            topology.exchanges().into_iter().map(|e| e.name).collect();
        let bound: BTreeSet<String> = topology.queues().into_iter().map(|q| q.bound_to).collect();
        assert_eq!(exchanges, bound);
        for queue in topology.queues() {
            for (name, value) in queue.arguments {
                if let ("x-dead-letter-exchange", Argument::Text(target)) = (name, value) {
                    assert!(exchanges.contains(&target), "{target}");
                }
            }
        }
    }
}
