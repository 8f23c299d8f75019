//! Who did what to whose call: JSON lines, each with the digest of the one before, so that none can be changed or taken out
//! unnoticed. In: an [`Event`]. Out: a line on disk. Fails when it cannot be written, and then a job is not begun. Ids and
//! codes only, no content. One file belongs to one process at a time.

mod chain;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use job_schema::review::Review;
use job_schema::{ErrorCode, Failure, Job, TenantId};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

pub use chain::{Broken, Head, verify};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A worker began with a job that is its tenant's.
    Accepted,
    Completed,
    /// Put into the queue of the dead; the outcome is the code.
    Dead,
    /// A message that is no job, or not its tenant's; the outcome is the code. No tenant is recorded: none is proven.
    Forged,
    Purged,
    /// Taken and put aside, because somebody had cancelled it.
    Cancelled,
    /// A person answered questions of a form; the outcome is the form and the reviewer's id.
    Reviewed,
}

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub action: Action,
    pub tenant: Option<String>,
    pub job: Option<String>,
    pub call: Option<String>,
    pub outcome: String,
}

impl Event {
    pub fn of_job(action: Action, job: &Job, outcome: &str) -> Self {
        Self {
            action,
            tenant: Some(job.tenant.to_string()),
            job: Some(job.job_id.to_string()),
            call: Some(job.call.to_string()),
            outcome: outcome.to_owned(),
        }
    }

    pub fn forged(code: ErrorCode) -> Self {
        Self {
            action: Action::Forged,
            tenant: None,
            job: None,
            call: None,
            outcome: code.as_str().to_owned(),
        }
    }

    pub fn purged(tenant: &TenantId, call: Option<String>, outcome: String) -> Self {
        Self {
            action: Action::Purged,
            tenant: Some(tenant.to_string()),
            job: None,
            call,
            outcome,
        }
    }

    /// Without the answers and the comment, which are content.
    pub fn reviewed(review: &Review) -> Self {
        let (form, version) = (&review.scorecard, review.version);
        Self {
            action: Action::Reviewed,
            tenant: Some(review.tenant.to_string()),
            job: None,
            call: Some(review.call.to_string()),
            outcome: format!("{form}@{version} by {}", review.reviewer),
        }
    }
}

/// Cheap to clone. Without a file nothing is recorded.
#[derive(Debug, Clone, Default)]
pub struct AuditLog {
    open: Option<Arc<Open>>,
}

#[derive(Debug)]
struct Open {
    who: String,
    end: Mutex<(File, Head)>,
}

impl AuditLog {
    /// Goes on with the chain in the file, or begins one. Refuses a file that another process has, and a chain that is broken.
    pub fn open(path: Option<&Path>, who: &str) -> io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let mut options = File::options();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = options.open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let head = take_up(&mut file)?;
        let who = who.to_owned();
        let end = Mutex::new((file, head));
        Ok(Self {
            open: Some(Arc::new(Open { who, end })),
        })
    }

    /// On disk when this returns.
    pub async fn record(&self, event: Event) -> Result<(), Failure> {
        let Some(open) = self.open.clone() else {
            return Ok(());
        };
        let written = tokio::task::spawn_blocking(move || open.append(event)).await;
        let failed = |reason: String| Failure::new(ErrorCode::HostExhausted, reason);
        written
            .map_err(|_| failed("record in the audit log: it panicked".into()))?
            .map_err(|e| failed(format!("record in the audit log: {}", e.kind())))
    }
}

impl Open {
    fn append(&self, event: Event) -> io::Result<()> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, head) = &mut *end;
        let (line, next) = chain::line(head, &self.who, Timestamp::now(), event);
        let before = file.seek(SeekFrom::End(0))?;
        let written = file
            .write_all(line.as_bytes())
            .and_then(|()| file.sync_data());
        if let Err(e) = written {
            // Half a line would break the chain for all that follow.
            file.set_len(before)?;
            return Err(e);
        }
        *head = next;
        Ok(())
    }
}

/// The chain's end. A last line without its line feed is from a death in the middle of a write, which nobody was told had
/// succeeded: it is cut off.
fn take_up(file: &mut File) -> io::Result<Head> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    if whole < text.len() {
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
    }
    verify(&text[..whole]).map_err(io::Error::other)
}
