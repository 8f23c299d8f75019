//! How pleased or displeased the turns of a call sound, by a list of words: no model's opinion. Part of an analysis.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::Role;
use crate::transcript::TimeSpan;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sentiment {
    Positive,
    Negative,
    Neutral,
    /// Both sides have words of weight.
    Mixed,
}

/// How pleased or displeased the call's turns sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallSentiment {
    /// In the order of the channels, those with a turn below.
    pub roles: Vec<RoleSentiment>,
    /// Those whose sentiment is known, in the transcript's order: English, and heard well enough.
    pub turns: Vec<TurnSentiment>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleSentiment {
    pub role: Role,
    /// Positive turns less negative ones over all of them, from -5 to 5.
    pub score: f32,
    pub turns_count: u32,
    pub positive_count: u32,
    pub negative_count: u32,
    pub mixed_count: u32,
    /// Quarters of the recording in which one of the turns starts.
    pub quarters: Vec<PeriodSentiment>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodSentiment {
    #[serde(flatten)]
    pub span: TimeSpan,
    /// As that of the whole call.
    pub score: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnSentiment {
    pub channel: u16,
    pub role: Role,
    /// Index of the turn's first word in the channel's words.
    pub first_word: u32,
    #[serde(flatten)]
    pub span: TimeSpan,
    pub sentiment: Sentiment,
    /// From -1 to 1.
    pub score: f32,
    /// What made the score; none where no word of the turn has a weight.
    pub words: Vec<WeightedWords>,
}

/// A word or phrase with what strengthens, weakens or negates it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WeightedWords {
    /// As the transcript has it.
    pub text: String,
    /// Index of its first word in the channel's words.
    pub first_word: u32,
    /// Above 0 for what pleases, below for what displeases.
    pub weight: f32,
}
