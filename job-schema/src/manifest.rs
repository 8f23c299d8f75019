//! The manifest: its existence is what "done" means. Written last, only if absent, and naming every other object.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CallId, JobId, ObjectKey, Sha256, TenantId};
use crate::job::Recording;

/// Names every result object of a call. Its existence is what "done" means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    pub tenant: TenantId,
    pub call: CallId,
    /// The job that got there first.
    pub job_id: JobId,
    pub spec_sha256: Sha256,
    pub recording: Recording,
    pub recording_sha256: Sha256,
    /// What the job knew of the call: whoever scores it again compares the same facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    pub model: String,
    pub model_sha256: Sha256,
    pub completed_at: Timestamp,
    /// From then on a sweep purges the call, unless another result of it is kept longer. Absent: the call is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after: Option<Timestamp>,
    pub objects: Vec<StoredObject>,
    pub summary: Summary,
    pub processing: Processing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredObject {
    /// `transcript.json`, `analysis.json` …
    pub name: String,
    pub key: ObjectKey,
    pub size_bytes: u64,
    pub sha256: Sha256,
    pub content_type: String,
}

/// Counts that a list of calls shows. No content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub duration_ms: u64,
    pub channels_count: u16,
    pub speech_ms: u64,
    pub words_count: u32,
    pub suppressed_count: u32,
    pub warnings_count: u32,
    pub languages: Vec<String>,
    /// Absent when the job named no rules.
    pub score_points: Option<f64>,
    pub rules_hit_count: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Processing {
    pub worker: String,
    /// From taking the job to writing this, on the worker that finished it.
    pub wall_ms: u64,
    /// `wall_ms` over the recording's duration.
    pub real_time_factor: Option<f64>,
    pub content_attempts: u32,
    pub infra_attempts: u32,
    /// Spans taken over from an earlier worker's checkpoint.
    pub resumed_spans_count: u64,
}
