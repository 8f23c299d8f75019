//! A scorecard as the machine filled it in: what each question was answered, why, and the score that the answers add up to.
//! People's answers are [`crate::review`]s beside it.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{RuleSetId, Sha256};
use crate::transcript::TimeSpan;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScorecardResult {
    pub scorecard: RuleSetId,
    pub version: NonZeroU32,
    /// Digest of the form as it was read: a version whose digest differs is not that version.
    pub scorecard_sha256: Sha256,
    /// 0 to 100; 0 when the form failed; absent when no question could be answered.
    pub percent: Option<f64>,
    /// Questions whose answer failed the whole form.
    pub failed_by: Vec<String>,
    pub sections: Vec<SectionResult>,
    pub keywords: Vec<KeywordScore>,
    /// Questions that could not be decided. They are in no denominator.
    pub inconclusive_count: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SectionResult {
    pub name: String,
    pub weight: f64,
    /// 0 to 100; absent when none of its questions counts.
    pub percent: Option<f64>,
    /// Questions whose answer failed this section.
    pub failed_by: Vec<String>,
    pub questions: Vec<QuestionResult>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionResult {
    /// `scorecard/section/question@version`: what evidence refers to.
    pub id: String,
    pub question: String,
    pub weight: f64,
    #[serde(flatten)]
    pub answer: Answer,
    /// The most points that an answer to it can give.
    pub potential: f64,
    pub evidence: Vec<Evidence>,
    /// Why the answer is what it is, where evidence alone does not say it.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Answer {
    Answered {
        answer: String,
        points: f64,
    },
    /// Leaves the denominator.
    NotApplicable,
    /// Leaves the denominator too, and is counted.
    Inconclusive,
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// A rule's id with its version, or a measure's name.
    pub source: String,
    pub channel: Option<u16>,
    pub span: Option<TimeSpan>,
    /// What was measured.
    pub value: Option<f64>,
}

/// Points for each occurrence of something said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeywordScore {
    pub name: String,
    /// A rule's id with its version.
    pub source: String,
    pub hits_count: u32,
    /// Set where the points are a minute's.
    pub minutes: Option<f64>,
    /// Clamped to the form's limits.
    pub points: f64,
}
