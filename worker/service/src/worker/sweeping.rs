//! The sweep that workers make in turns: one of them an hour purges what is overdue. In: the worker. Out: purged calls, audited,
//! and the metric of what is overdue. A sweep that fails is tried again in the next turn; jobs are not held up.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use job_schema::job::BucketName;

use super::Worker;
use crate::audit::Event;
use crate::purge::Places;
use crate::retention::{Sweep, SweepError, Swept, due, sweep_time, take_turn};

/// What a worker sweeps, and how often.
#[derive(Debug, Clone)]
pub struct Sweeping {
    pub recordings: BucketName,
    pub every: Duration,
}

pub(super) async fn go_on(worker: Arc<Worker>, sweeping: Sweeping) {
    loop {
        if let Err(e) = turn(&worker, &sweeping).await {
            tracing::warn!(error = %e, "the sweep for overdue calls failed");
        }
        // A few looks within each turn, so that one that nobody finished is not waited for long.
        tokio::time::sleep(sweeping.every / 4).await;
    }
}

async fn turn(worker: &Worker, sweeping: &Sweeping) -> Result<(), SweepError> {
    let fleet = &worker.fleet;
    let places = Places {
        store: fleet.own_store.as_ref(),
        recordings: &sweeping.recordings,
        results: &fleet.results_bucket,
    };
    let now = Timestamp::now();
    let overdue = due(places, now).await?.len();
    let count = i64::try_from(overdue).unwrap_or(i64::MAX);
    fleet.metrics.retention_overdue.set(count);
    if overdue == 0 {
        return Ok(());
    }
    let now = sweep_time(places).await?;
    if !take_turn(places, sweeping.every, now).await? {
        return Ok(());
    }
    // Looked up once more: the one whose turn it was before may have just finished.
    let calls = due(places, now).await?;
    let mut swept = Swept::default();
    let mut sweep = Sweep::new(places, calls, now);
    while let Some((_, outcome)) = sweep.next().await {
        match outcome {
            Ok(Some(receipt)) => {
                swept.purged_count += 1;
                let call = receipt.call.as_ref().map(ToString::to_string);
                let outcome = receipt.removed_sha256.to_string();
                let event = Event::purged(&receipt.tenant, call, outcome);
                if let Err(failure) = worker.audit.record(event).await {
                    tracing::error!(code = %failure.code, detail = failure.detail, "the audit log lacks an entry");
                }
            }
            Ok(None) => swept.not_due_count += 1,
            Err(e) => {
                swept.overdue_count += 1;
                tracing::warn!(error = %e, "an overdue call could not be purged");
            }
        }
    }
    let left = i64::try_from(swept.overdue_count).unwrap_or(i64::MAX);
    fleet.metrics.retention_overdue.set(left);
    tracing::info!(
        purged_count = swept.purged_count,
        not_due_count = swept.not_due_count,
        overdue_count = swept.overdue_count,
        "swept"
    );
    Ok(())
}
