//! What becomes of a delivery once its work has ended. In: an [`Outcome`], the attempts so far, a [`Policy`]. Out: a
//! [`Settlement`]. Pure: the counts come from headers and redelivery data, never from memory. Every failure ends in a retry
//! or in `dead`, and only so many retries are left: nothing is dropped, nothing goes round for ever.

#[cfg(test)]
mod tests;

use std::time::Duration;

use job_schema::checkpoint::CheckpointRef;
use job_schema::{Class, ErrorCode, Failure};

/// A job that finishes no span in this time will not finish one in the next either.
const STALL: Duration = Duration::from_mins(10);

/// Failed attempts before this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// The recording broke the engine.
    pub content: u32,
    /// Store, broker or host failed.
    pub infra: u32,
    /// How often the broker took this very message back from a worker that was lost.
    pub redelivered: u32,
}

impl Attempts {
    /// Losses count as infra attempts. A message that is published again starts with no redeliveries of its own,
    /// so they move to where they are kept.
    pub fn folded(self) -> Self {
        Self {
            content: self.content,
            infra: self.infra.saturating_add(self.redelivered),
            redelivered: 0,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Rising. The first failure waits for the first delay, and all after the last for the last.
    pub delays: Vec<Duration>,
    pub max_content_attempts: u32,
    pub max_infra_attempts: u32,
}

impl From<&crate::config::Retry> for Policy {
    fn from(settings: &crate::config::Retry) -> Self {
        let delays = settings.delays_s.iter();
        Self {
            delays: delays.map(|&s| Duration::from_secs(s.into())).collect(),
            max_content_attempts: settings.max_content_attempts,
            max_infra_attempts: settings.max_infra_attempts,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The manifest exists.
    Completed,
    Failed(Failure),
    /// Stopped by a shutdown or at the end of a hold, with what is finished so far.
    Interrupted {
        checkpoint: Option<CheckpointRef>,
        /// The engine had the recording for long ([`after_stop`]) and finished no span.
        stalled: bool,
    },
}

/// A job that was stopped before its end; by default before it was begun.
#[derive(Debug, Default)]
pub struct Stopped {
    pub checkpoint: Option<CheckpointRef>,
    /// A span was finished that the checkpoint did not hold when the job was begun.
    pub progressed: bool,
    /// How long ago the engine was given the recording; zero if it never was.
    pub recognised: Duration,
}

/// What to publish before the delivery is acked. Publishing fails: no ack, and the broker redelivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The completed event.
    Complete,
    /// The same job, to the retry queue of `step`, with these attempts.
    Retry {
        failure: Failure,
        step: usize,
        delay: Duration,
        attempts: Attempts,
    },
    /// The failed event and the dead letter.
    Dead {
        failure: Failure,
        attempts: Attempts,
    },
    /// The same job with this checkpoint, to its own lane.
    HandOver {
        checkpoint: Option<CheckpointRef>,
        attempts: Attempts,
    },
}

/// Decides what becomes of a delivery.
pub fn settle(outcome: Outcome, attempts: Attempts, policy: &Policy) -> Settlement {
    let attempts = attempts.folded();
    match outcome {
        Outcome::Completed => Settlement::Complete,
        Outcome::Failed(failure) => after_failure(failure, attempts, policy),
        Outcome::Interrupted {
            checkpoint,
            stalled: false,
        } => Settlement::HandOver {
            checkpoint,
            attempts,
        },
        Outcome::Interrupted { stalled: true, .. } => {
            let detail = "held as long as a delivery may be, and no span was finished";
            let failure = Failure::new(ErrorCode::EngineTimeout, detail);
            after_failure(failure, attempts, policy)
        }
    }
}

/// What a stop makes of a job. One without progress after a whole hold, or `STALL` in the engine, will make none in the next
/// hold either. It counts as the recording's failure only where the engine had it for most of the time: to fetch it, or to wait
/// for the engine, is no fault of its own. A restart that comes earlier says nothing about the job.
pub fn after_stop(stopped: Stopped, held: Duration, max_hold: Duration) -> Outcome {
    let is_whole = held >= max_hold;
    let had_its_time = is_whole && stopped.recognised >= max_hold / 2;
    let stalled = !stopped.progressed && (had_its_time || stopped.recognised >= STALL);
    if is_whole && !stopped.progressed && !stalled {
        let detail =
            "held as long as a delivery may be, most of it before the engine had the recording";
        return Outcome::Failed(Failure::new(ErrorCode::HostExhausted, detail));
    }
    Outcome::Interrupted {
        checkpoint: stopped.checkpoint,
        stalled,
    }
}

/// Whether a delivery is to be buried before any work: its workers were lost too often to try it on one more.
pub fn worn_out(attempts: Attempts, policy: &Policy) -> Option<Settlement> {
    let attempts = attempts.folded();
    let detail = if attempts.infra >= policy.max_infra_attempts {
        format!("{} infra attempts failed", attempts.infra)
    } else if attempts.content >= policy.max_content_attempts {
        format!("{} content attempts failed", attempts.content)
    } else {
        return None;
    };
    let failure = Failure::new(ErrorCode::WorkerLost, detail);
    Some(Settlement::Dead { failure, attempts })
}

fn after_failure(failure: Failure, before: Attempts, policy: &Policy) -> Settlement {
    let mut attempts = before;
    let (failed, limit) = match failure.class() {
        Class::Permanent => return Settlement::Dead { failure, attempts },
        Class::Content => {
            attempts.content = before.content.saturating_add(1);
            (attempts.content, policy.max_content_attempts)
        }
        // A failure that says "interrupted" is a caller's mistake; counted, it cannot go round for ever.
        Class::Infra | Class::Interrupted => {
            attempts.infra = before.infra.saturating_add(1);
            (attempts.infra, policy.max_infra_attempts)
        }
    };
    let last = policy.delays.len().saturating_sub(1);
    let step = usize::try_from(failed - 1).map_or(last, |step| step.min(last));
    match policy.delays.get(step) {
        Some(&delay) if failed < limit => Settlement::Retry {
            failure,
            step,
            delay,
            attempts,
        },
        _ => Settlement::Dead { failure, attempts },
    }
}
