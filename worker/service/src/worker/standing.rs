//! What a worker does beside its jobs: it looks which lanes are paused, and says that it is there. In: the worker. Out: its
//! pauses, its presence. Nothing is taken before the first look has succeeded, so a paused lane stays paused over a restart.
//! Later failures are warned of once and change nothing: the last look counts.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use job_schema::job::Lane;
use tokio::time::MissedTickBehavior;
use tokio_util::task::AbortOnDropHandle;

use super::{Shutdown, Worker, sweeping};
use crate::pause;
use crate::presence::{self, Presence};
use crate::spec::PIPELINE_REVISION;
use crate::store::StoreError;

const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) struct Standing {
    worker: Arc<Worker>,
    telling: AbortOnDropHandle<()>,
    sweeping: Option<AbortOnDropHandle<()>>,
}

/// Returns when it is known which lanes are paused, or when the worker is to stop.
pub(super) async fn begin(worker: &Arc<Worker>, shutdown: &Shutdown) -> Standing {
    let started_at = Timestamp::now();
    let mut warned = false;
    while let Err(e) = look(worker).await {
        warn_once(&mut warned, &e);
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = shutdown.drain.cancelled() => break,
        }
    }
    let task = tokio::spawn(go_on(Arc::clone(worker), started_at));
    let sweeping = worker.sweeping.clone().map(|sweeping| {
        let sweeps = sweeping::go_on(Arc::clone(worker), sweeping);
        AbortOnDropHandle::new(tokio::spawn(sweeps))
    });
    Standing {
        worker: Arc::clone(worker),
        telling: AbortOnDropHandle::new(task),
        sweeping,
    }
}

impl Standing {
    /// The worker has stopped, and says so.
    pub(super) async fn end(self) {
        let Self {
            worker,
            telling,
            sweeping,
        } = self;
        drop((telling, sweeping));
        let fleet = &worker.fleet;
        let gone = presence::withdraw(
            fleet.own_store.as_ref(),
            &fleet.results_bucket,
            &fleet.worker,
        );
        if let Err(e) = gone.await {
            tracing::warn!(error = %e, "this worker will be listed for half a minute more");
        }
    }
}

async fn go_on(worker: Arc<Worker>, started_at: Timestamp) {
    let (mut looks, mut tells) = (
        tokio::time::interval(LOOK_EVERY),
        tokio::time::interval(presence::EVERY),
    );
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tells.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut warned = false;
    let fleet = &worker.fleet;
    // Here, where no job waits for it: after a night of kills there may be many to look at.
    let cleared = presence::clear_away(
        fleet.own_store.as_ref(),
        &fleet.results_bucket,
        Timestamp::now(),
    )
    .await;
    if let Err(e) = cleared {
        warn_once(&mut warned, &e);
    }
    loop {
        let done = tokio::select! {
            _ = looks.tick() => look(&worker).await,
            _ = tells.tick() => tell(&worker, started_at).await,
        };
        match done {
            Ok(()) => warned = false,
            Err(e) => warn_once(&mut warned, &e),
        }
    }
}

async fn look(worker: &Worker) -> Result<(), StoreError> {
    let fleet = &worker.fleet;
    let paused = pause::paused_lanes(fleet.own_store.as_ref(), &fleet.results_bucket).await?;
    for lane in Lane::ALL {
        let is_paused = paused.contains(&lane);
        if is_paused != worker.pauses.is_paused(lane) {
            tracing::info!(%lane, is_paused, "a lane was paused or resumed");
        }
        fleet.metrics.paused(lane, is_paused);
    }
    worker.pauses.set(&paused);
    Ok(())
}

async fn tell(worker: &Worker, started_at: Timestamp) -> Result<(), StoreError> {
    let fleet = &worker.fleet;
    let presence = Presence {
        worker: fleet.worker.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
        seen_at: Timestamp::now(),
        model: fleet.model.name.clone(),
        model_sha256: fleet.model.sha256.clone(),
        recognizer: fleet.model.recognizer.clone(),
        pipeline_revision: PIPELINE_REVISION,
        slots: worker.slots,
        running_count: u16::try_from(fleet.metrics.running_jobs.get()).unwrap_or(u16::MAX),
        lanes: worker.activity.lanes(&worker.lanes),
    };
    presence::announce(fleet.own_store.as_ref(), &fleet.results_bucket, &presence).await
}

fn warn_once(warned: &mut bool, error: &StoreError) {
    if !*warned {
        tracing::warn!(error = %error, "cannot look which lanes are paused, or say that this worker is there");
        *warned = true;
    }
}
