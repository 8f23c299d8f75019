//! The worker: as many slots as wanted, each taking one delivery at a time and seeing it settled before the next.
//! In: a [`Fleet`], a broker to connect to, and a [`Shutdown`] that asks it to stop. Out: when it has stopped, with nothing
//! in hand. Everything that belongs to a broker connection is dropped and built again after any error on it.

mod ailing;
mod in_hand;
mod job_limit;
mod session;
mod slot;
mod sorter;
mod standing;
mod sweeping;

pub use ailing::Ailing;
pub use in_hand::InHand;
pub use sweeping::Sweeping;

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use job_schema::job::Lane;
use tokio_util::sync::CancellationToken;

use crate::admin::Health;
use crate::audit::AuditLog;
use crate::broker::Broker;
use crate::config;
use crate::job::Fleet;
use crate::pause::Pauses;
use crate::presence::Activity;
use crate::rows::LaneRows;
use crate::settle::Policy;
use crate::signing::Gate;
use crate::topology::Topology;
use job_limit::JobLimit;

/// Short, because a broker that is back should see its workers within 10 s.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Worker {
    pub fleet: Fleet,
    pub broker: config::Broker,
    pub topology: Topology,
    pub lanes: Vec<Lane>,
    /// Jobs in hand at once.
    pub slots: u16,
    pub policy: Policy,
    /// Longest pause between looks at empty lanes.
    pub poll_interval: Duration,
    /// After this long in hand a job is handed over: the broker takes back what is unacked for 30 minutes.
    pub max_hold: Duration,
    /// How long jobs may go on after a stop was asked for, before they are handed over.
    pub drain_timeout: Duration,
    pub until: Until,
    pub health: Health,
    /// Asked before anything in a job is believed.
    pub gate: Gate,
    pub audit: AuditLog,
    /// Lanes that nobody is to take from now.
    pub pauses: Pauses,
    /// What waits where within the lanes, as far as this worker has seen.
    pub rows: LaneRows,
    /// How many slots work for whom.
    pub in_hand: InHand,
    /// What is told of this worker.
    pub activity: Activity,
    /// Whether jobs fail here for the host's sake.
    pub ailing: Ailing,
    /// Absent where somebody else sweeps, or nothing is to go.
    pub sweeping: Option<Sweeping>,
}

/// When a worker stops by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Never.
    Stopped,
    /// After this many jobs.
    Jobs(u64),
    /// When every lane is empty and nothing is in hand.
    Empty,
}

/// Asks a worker to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take no new job.
    pub drain: CancellationToken,
    /// Hand over what is in hand at the next span.
    pub hand_over: CancellationToken,
}

/// Runs until asked to stop. Returns how many deliveries were settled.
pub async fn run(worker: Worker, shutdown: Shutdown) -> u64 {
    let worker = Arc::new(worker);
    let limit = JobLimit::new(worker.until);
    tokio::spawn(hand_over_late(shutdown.clone(), worker.drain_timeout));
    let standing = standing::begin(&worker, &shutdown).await;
    let mut backoff = reconnect();
    while !shutdown.drain.is_cancelled() && !limit.is_reached() {
        let connect = Broker::connect(
            &worker.broker,
            worker.topology.clone(),
            &worker.fleet.worker,
        );
        let connected = tokio::select! {
            connected = connect => connected,
            () = shutdown.drain.cancelled() => break,
        };
        let ended = match connected {
            Ok(broker) => {
                backoff = reconnect();
                connected_is(&worker, true);
                let ended = session::run(&worker, broker, &limit, &shutdown).await;
                connected_is(&worker, false);
                ended
            }
            Err(e) => Err(e),
        };
        let Err(e) = ended else { break };
        let delay = backoff.next().unwrap_or(MAX_RECONNECT_DELAY);
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(error = %e, delay_ms, "broker connection lost");
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = shutdown.drain.cancelled() => {}
        }
    }
    standing.end().await;
    limit.settled_count()
}

/// With jitter, because many workers lose the same broker.
fn reconnect() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(MAX_RECONNECT_DELAY)
        .without_max_times()
        .with_jitter()
        .build()
}

fn connected_is(worker: &Worker, connected: bool) {
    worker.health.broker(connected);
    worker
        .fleet
        .metrics
        .broker_connected
        .set(i64::from(connected));
}

/// A drain lets jobs finish for a while, then asks for what is left to be handed over.
async fn hand_over_late(shutdown: Shutdown, drain_timeout: Duration) {
    shutdown.drain.cancelled().await;
    tokio::time::sleep(drain_timeout).await;
    shutdown.hand_over.cancel();
}
