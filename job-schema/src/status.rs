//! A view of a job for people who wait: rewritten as the job goes on. The manifest, not this, says that a job is done.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::Progress;
use crate::error::Failure;
use crate::ids::{CallId, JobId, ObjectKey, TenantId};
use crate::manifest::{Processing, Summary};

/// How far a job is, for people who wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    pub job_id: JobId,
    pub tenant: TenantId,
    pub call: CallId,
    pub updated_at: Timestamp,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Submitted and not yet taken.
    Queued,
    Running {
        worker: String,
        progress: Option<Progress>,
    },
    /// Waits for its next attempt.
    Retrying {
        failure: Failure,
        delay_ms: u64,
        content_attempts: u32,
        infra_attempts: u32,
    },
    /// Handed over by a worker that stopped; goes on from its checkpoint.
    HandedOver { spans_count: u64 },
    Completed {
        manifest_key: ObjectKey,
        summary: Summary,
        processing: Processing,
    },
    Failed {
        failure: Failure,
        content_attempts: u32,
        infra_attempts: u32,
    },
    /// Somebody cancelled it: there is no result, and there will be none.
    Cancelled,
}
