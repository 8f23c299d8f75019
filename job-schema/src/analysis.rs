//! The analysis of one transcript: which rules fired and where, the score they add up to, and how the talk went.
//! Made from stored words alone, so it can be made again under other rules without the audio.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CallId, RuleSetId, Sha256, TenantId};
use crate::job::Role;
use crate::scorecard::ScorecardResult;
use crate::sentiment::{CallSentiment, TurnSentiment};
use crate::transcript::TimeSpan;

/// Which rules fired and where, the score they add up to, and how the talk went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    pub tenant: TenantId,
    pub call: CallId,
    pub spec_sha256: Sha256,
    /// The transcript this was made from.
    pub transcript_sha256: Sha256,
    /// Absent when the job named no rules.
    pub score: Option<Score>,
    /// Absent when the job named no scorecard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard: Option<ScorecardResult>,
    pub conversation: Conversation,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    pub rule_set: RuleSetId,
    pub version: NonZeroU32,
    /// Digest of the rule file as it was read.
    pub rules_sha256: Sha256,
    /// The sum of the rules' points.
    pub points: f64,
    pub rules: Vec<RuleResult>,
    /// Rules that could not be decided.
    pub inconclusive_count: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleResult {
    /// `rule_set/rule@version`: what evidence refers to.
    pub id: String,
    pub rule: String,
    pub outcome: Outcome,
    /// The rule asks for absence.
    pub negated: bool,
    pub weight: f64,
    /// The weight if the outcome is true, else 0.
    pub points: f64,
    /// The part of the call that was searched.
    pub window: TimeSpan,
    pub hits: Vec<Hit>,
    /// Why the outcome is what it is, where hits alone do not say it.
    pub reason: Option<String>,
    /// Places that did not count because a phrase around them means something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Blocked>,
    /// Figures that the rule compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measured>,
    /// The steps of a sequence, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepResult>,
}

/// A place that a rule would have counted, and the words that ruled it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    pub place: Hit,
    pub by: Hit,
}

/// A figure of the talk that a rule compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// The comparison as the rule writes it.
    pub term: String,
    pub value: f64,
    pub unit: MeasureUnit,
    pub holds: bool,
    /// The parts of the call that the figure comes from, where it comes from some.
    pub spans: Vec<TimeSpan>,
    /// The turns that were counted, for a share of turns with a sentiment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<TurnSentiment>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MeasureUnit {
    Ms,
    Percent,
    Count,
    /// Decibels relative to full scale.
    Dbfs,
}

/// What became of one step of a sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepResult {
    /// The step as the rule writes it.
    pub step: String,
    pub outcome: StepOutcome,
    /// Where it was said, in time or not; absent where it was not.
    pub hit: Option<Hit>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Said in time, by whom it should be.
    Done,
    /// Said, but not in time.
    Late,
    /// Said in time, but by the other side.
    OtherSide,
    /// Not said.
    Missing,
    /// Not found, and not heard well enough to say that it was not said.
    Inconclusive,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    True,
    False,
    /// The window was not heard well enough to say that something was not said.
    Inconclusive,
}

/// One place where a phrase was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// The phrase as the rule writes it.
    pub phrase: String,
    /// The words as the transcript has them.
    pub words: Vec<String>,
    pub channel: u16,
    pub role: Role,
    /// Index of the first word in the channel's words.
    pub first_word: u32,
    #[serde(flatten)]
    pub span: TimeSpan,
    /// The least confident of its words.
    pub confidence: f32,
    /// Present where a word is only like the rule's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inexact: Option<Inexact>,
}

/// How a hit's words differ from the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inexact {
    pub how: Likeness,
    /// Letters to insert, delete, replace or swap, over all of the hit's words.
    pub distance: u32,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// Within the edits that the rule allows.
    Fuzzy,
    /// It sounds alike.
    Phonetic,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    pub duration_ms: u64,
    /// Time in which at least one channel speaks.
    pub talk_ms: u64,
    pub non_talk: NonTalk,
    pub overlap: Overlap,
    pub channels: Vec<ChannelTalk>,
    pub interruptions: Vec<Interruption>,
    /// Absent where it is not known of any turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<CallSentiment>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NonTalk {
    /// Time in which nobody speaks.
    pub total_ms: u64,
    /// Only gaps at least this long are listed below.
    pub threshold_ms: u64,
    pub gaps: Vec<TimeSpan>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overlap {
    /// Time in which two or more channels speak.
    pub total_ms: u64,
    pub spans: Vec<TimeSpan>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelTalk {
    pub channel: u16,
    pub role: Role,
    pub talk_ms: u64,
    pub words_count: u32,
    pub turns_count: u32,
    /// Words over talk time; absent without talk.
    pub words_per_minute: Option<f32>,
}

/// A turn that began while another speaker was talking, and did not let them finish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interruption {
    pub interrupter_channel: u16,
    pub interrupted_channel: u16,
    /// The time in which both spoke.
    #[serde(flatten)]
    pub span: TimeSpan,
}
