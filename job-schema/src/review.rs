//! A person's answers to the questions of a scorecard about one call, at one time. They stand beside the machine's and are never
//! changed: whoever thinks again writes another review.

use std::num::NonZeroU32;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CallId, ReviewerId, RuleSetId, Sha256, TenantId};

/// A comment longer than this belongs elsewhere.
pub const MAX_COMMENT_BYTES: usize = 4_000;

/// What one person answered about one call, at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    pub tenant: TenantId,
    pub call: CallId,
    pub scorecard: RuleSetId,
    pub version: NonZeroU32,
    /// Digest of the form that was answered.
    pub scorecard_sha256: Sha256,
    pub reviewer: ReviewerId,
    pub reviewed_at: Timestamp,
    pub answers: Vec<HumanAnswer>,
    /// The reviewer's own words: for people, and for no log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What a person answered to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HumanAnswer {
    /// As in a result: `scorecard/section/question@version`.
    pub id: String,
    /// One of the question's answers; absent for "not applicable".
    pub answer: Option<String>,
}
