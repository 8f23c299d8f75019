//! Archives transcribed again: many recordings of one tenant under one frozen spec. In: a list of recordings. Out: a file that
//! holds the plan and a journal of what became of each item, so that a run can die at any time and go on. The file is local:
//! recording keys may hold phone numbers, and what is true of a job stands in the results bucket anyway, so a lost file
//! costs a new plan and no transcription.

mod book;
pub mod estimate;
mod inventory;
mod pace;
mod rhythm;
pub mod run;
pub mod source;
#[cfg(test)]
pub(crate) mod tests;
mod watch;

use jiff::Timestamp;
use job_schema::job::{BucketName, Options};
use job_schema::{CallId, ErrorCode, JobId, ObjectKey, Sha256, TenantId};
use serde::{Deserialize, Serialize};

pub use book::{Book, BookError, Counts};

use crate::spec::{RecordingIdentity, Spec};
use crate::store::ObjectMeta;

/// What all items have in common, fixed when the plan is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    pub schema_version: u32,
    pub created_at: Timestamp,
    pub tenant: TenantId,
    pub options: Options,
    pub phi: bool,
    pub baa: bool,
    pub model: String,
    pub model_sha256: Sha256,
    pub recognizer: String,
    pub pipeline_revision: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_sha256: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard_sha256: Option<Sha256>,
}

/// One recording to transcribe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub job_id: JobId,
    pub call: CallId,
    pub bucket: BucketName,
    pub key: ObjectKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_ms: Option<u64>,
}

/// What is known of an item, and what a line of the journal notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Noted where a failed item is tried, or looked at, again.
    #[serde(rename = "reopened")]
    Waiting,
    /// Perhaps published: the run died before it knew.
    Begun,
    /// Published and confirmed.
    Sent,
    /// Its result was there before, under the same spec.
    Skipped,
    Completed,
    /// There is a result, made by a worker with another model or build than the plan's.
    OtherSpec,
    Failed(ErrorCode),
}

impl Frozen {
    /// The digest that a worker of the plan's kind gives to the item's result.
    pub fn spec_sha256(&self, item: &Item, meta: &ObjectMeta) -> Sha256 {
        let version_id = meta.version_id.as_deref().or(item.version_id.as_deref());
        let spec = Spec {
            tenant: &self.tenant,
            call: &item.call,
            recording: RecordingIdentity {
                bucket: &item.bucket,
                key: &item.key,
                etag: meta.etag.as_deref(),
                version_id,
            },
            options: &self.options,
            model_sha256: &self.model_sha256,
            rules_sha256: self.rules_sha256.as_ref(),
            scorecard_sha256: self.scorecard_sha256.as_ref(),
            recognizer: &self.recognizer,
            pipeline_revision: self.pipeline_revision,
        };
        spec.sha256()
    }
}
