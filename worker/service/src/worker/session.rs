//! One broker connection's worth of work: every slot runs on it, and the first error on it ends them all.
//! Jobs in hand are then stopped at their next span and leave a checkpoint; the broker gives them out again.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::job_limit::{JobLimit, Permit};
use super::slot::Slot;
use super::sorter::Sorter;
use super::{Shutdown, Until, Worker};
use crate::broker::{Broker, BrokerError};
use crate::lanes::LaneOrder;

/// Well below the 5 s in which a worker without a broker is to be found out.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What the slots of a session share.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) broker: Broker,
    /// Take nothing more.
    pub(super) drain: CancellationToken,
    /// Stop at the next span.
    pub(super) hand_over: CancellationToken,
    /// Jobs in hand over all slots: "empty" means that nothing can come back from one of them.
    pub(super) busy: AtomicU64,
    /// Lanes that this worker moves jobs in.
    pub(super) sorting: AtomicU64,
    pub(super) limit: Arc<JobLimit>,
}

impl Session {
    /// Counts a settled delivery; the last one of `--once` and its like ends the session.
    pub(super) fn settled_one(&self, permit: Permit) {
        permit.settled();
        if self.limit.is_reached() {
            self.drain.cancel();
        }
    }
}

pub(super) async fn run(
    worker: &Arc<Worker>,
    broker: Broker,
    limit: &Arc<JobLimit>,
    shutdown: &Shutdown,
) -> Result<(), BrokerError> {
    let session = Arc::new(Session {
        broker,
        drain: shutdown.drain.child_token(),
        hand_over: shutdown.hand_over.child_token(),
        busy: AtomicU64::new(0),
        sorting: AtomicU64::new(0),
        limit: Arc::clone(limit),
    });
    let mut slots = open(worker, &session).await?;
    let watching = AbortOnDropHandle::new(tokio::spawn(watch(Arc::clone(&session))));
    let mut first_error = None;
    while let Some(ended) = slots.join_next().await {
        let error = match ended {
            Ok(Ok(())) => continue,
            Ok(Err(e)) => e,
            // Its delivery goes back to the broker with the connection; the slots are opened anew with the next one.
            Err(_panic) => BrokerError::LeaseLost { action: "run slot" },
        };
        session.drain.cancel();
        session.hand_over.cancel();
        first_error.get_or_insert(error);
    }
    if watching.is_finished() {
        // Its slots may all have ended as for a drain.
        first_error.get_or_insert(BrokerError::Failed {
            action: "hold connection",
            reason: "it is closed".to_owned(),
        });
    }
    watching.abort();
    // Ended, by the abort if not before: its hold on the session is gone.
    let _ = watching.await;
    if let Some(session) = Arc::into_inner(session) {
        session.broker.close().await;
    }
    first_error.map_or(Ok(()), Err)
}

/// All of them before the first one sends anything: a broker that takes no messages says so only then, and opens no channel after.
async fn open(
    worker: &Arc<Worker>,
    session: &Arc<Session>,
) -> Result<JoinSet<Result<(), BrokerError>>, BrokerError> {
    let (mut sorters, mut slots) = (Vec::new(), Vec::new());
    for lane in LaneOrder::new(&worker.lanes).order() {
        sorters.push(Sorter::open(Arc::clone(worker), Arc::clone(session), lane).await?);
    }
    for _ in 0..worker.slots_wanted() {
        slots.push(Slot::open(Arc::clone(worker), Arc::clone(session)).await?);
    }
    if let Some(sorter) = sorters.first() {
        // Slots are to know of an alarm before they take anything.
        sorter.is_sorted().await?;
    }
    let mut all = JoinSet::new();
    for sorter in sorters {
        all.spawn(sorter.run());
    }
    for slot in slots {
        all.spawn(slot.run());
    }
    Ok(all)
}

/// A slot with a job in hand asks nothing of the broker, so somebody has to see for it that its delivery is another's by now.
async fn watch(session: Arc<Session>) {
    let mut was_blocked = false;
    while session.broker.is_connected() {
        let is_blocked = session.broker.is_blocked();
        match (was_blocked, is_blocked) {
            (false, true) => {
                tracing::warn!("the broker takes no messages: it is short of memory or disk");
            }
            (true, false) => tracing::info!("the broker takes messages again"),
            _ => {}
        }
        was_blocked = is_blocked;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    session.drain.cancel();
    session.hand_over.cancel();
}

impl Worker {
    /// `--once` takes one job, so one slot.
    fn slots_wanted(&self) -> u16 {
        match self.until {
            Until::Jobs(limit) => self
                .slots
                .min(u16::try_from(limit).unwrap_or(u16::MAX))
                .max(1),
            Until::Stopped | Until::Empty => self.slots.max(1),
        }
    }
}
