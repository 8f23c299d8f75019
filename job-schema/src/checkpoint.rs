//! Finished work of an unfinished job, so that the next worker goes on instead of starting again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::SpanResult;
use crate::ids::{ObjectKey, Sha256};

/// A pointer from the message to the stored [`Checkpoint`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointRef {
    pub key: ObjectKey,
    pub sha256: Sha256,
    /// How many spans it holds: a worker reports how much it saved without reading it.
    pub spans_count: u64,
}

/// Results of the first `spans.len()` spans. Decoding, voice activity and span planning are deterministic and cheap,
/// so a resumed engine repeats them from the start and recognises only the spans that come after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    /// A checkpoint of another spec is of no use.
    pub spec_sha256: Sha256,
    pub spans: Vec<SpanResult>,
    /// Once all spans are there and redacted audio was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// What was heard so far of the redacted recording, which is transcribed as well to see that nothing is left in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// Of the redacted recording. What was heard of another one is of no use.
    pub recording_sha256: Sha256,
    pub spans: Vec<SpanResult>,
}
