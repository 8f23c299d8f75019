//! Events out: CloudEvents 1.0 in structured JSON. Ids, keys, digests and counts; never speech.
//! A repeated event has the same `id`, which consumers deduplicate by.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Class, ErrorCode};
use crate::ids::{CallId, JobId, ObjectKey, Sha256, TenantId};
use crate::manifest::Summary;

/// `Content-Type` of a message that carries an [`Event`].
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// What became of a job, as a CloudEvent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [
    { "properties": {
        "type": { "const": "earwitness.job.completed" }, "data": { "$ref": "#/$defs/Completed" } } },
    { "properties": {
        "type": { "const": "earwitness.job.failed" }, "data": { "$ref": "#/$defs/Failed" } } },
]))]
pub struct Event {
    pub specversion: SpecVersion,
    /// The same for every copy of the same fact.
    pub id: Uuid,
    /// The fleet that sent it, as a URI reference.
    pub source: String,
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// `{tenant}/{call}`.
    pub subject: String,
    pub time: Timestamp,
    pub datacontenttype: String,
    pub dataschema: String,
    pub data: EventData,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum EventKind {
    #[serde(rename = "earwitness.job.completed")]
    JobCompleted,
    #[serde(rename = "earwitness.job.failed")]
    JobFailed,
}

impl EventKind {
    /// Also the routing key's beginning.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::JobCompleted => "earwitness.job.completed",
            EventKind::JobFailed => "earwitness.job.failed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EventData {
    Completed(Completed),
    Failed(Failed),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Completed {
    pub job_id: JobId,
    pub tenant: TenantId,
    pub call: CallId,
    pub spec_sha256: Sha256,
    pub manifest_bucket: String,
    pub manifest_key: ObjectKey,
    pub manifest_sha256: Sha256,
    pub summary: Summary,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    pub job_id: JobId,
    pub tenant: TenantId,
    pub call: CallId,
    pub code: ErrorCode,
    pub class: Class,
    pub detail: String,
    pub remedy: String,
    pub content_attempts: u32,
    pub infra_attempts: u32,
}
