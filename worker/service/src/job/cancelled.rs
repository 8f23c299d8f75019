//! Looking, while a job runs, whether somebody cancelled it. In: the job and its own stop. Out: a stop that is also given when the
//! job is cancelled, so that it ends at its next span. A look that fails is made again: only the last one, before the result
//! is written, has to succeed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use job_schema::{Failure, Job};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::plan::Plan;
use super::{Fleet, is_cancelled, keep};
use crate::cancel;

pub(super) struct Watch {
    pub(super) stop: CancellationToken,
    seen: Arc<AtomicBool>,
    _looking: AbortOnDropHandle<()>,
}

impl Watch {
    pub(super) fn begin(fleet: &Fleet, job: &Job, stop: &CancellationToken) -> Self {
        let (stop, seen) = (stop.child_token(), Arc::new(AtomicBool::new(false)));
        let looking = look(fleet.clone(), job.clone(), stop.clone(), Arc::clone(&seen));
        Self {
            stop,
            seen,
            _looking: AbortOnDropHandle::new(tokio::spawn(looking)),
        }
    }

    /// Fails with `cancelled` where that is so, after what was kept to go on from is gone.
    pub(super) async fn check(&self, fleet: &Fleet, job: &Job, plan: &Plan) -> Result<(), Failure> {
        if !self.seen.load(Ordering::Acquire) && !is_cancelled(fleet, job).await? {
            return Ok(());
        }
        keep::drop_checkpoint(fleet, job, plan).await;
        Err(cancel::cancelled())
    }
}

async fn look(fleet: Fleet, job: Job, stop: CancellationToken, seen: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(cancel::LOOK_EVERY).await;
        if matches!(is_cancelled(&fleet, &job).await, Ok(true)) {
            seen.store(true, Ordering::Release);
            stop.cancel();
            return;
        }
    }
}
