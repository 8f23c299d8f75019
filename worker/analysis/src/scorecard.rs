//! Scorecards: forms whose questions are answered by rules and measures. In: a form (TOML) and what an analysis found. Out: a
//! [`ScorecardResult`] in which every answer has its evidence. A file that cannot be read fails with [`CardError`]; filling a form
//! in never does: what cannot be decided is `inconclusive`. `docs/scorecards.md` has the form and the arithmetic.

mod agreement;
mod file;
mod fill;
mod measure;
mod review;

use std::num::NonZeroU32;

use job_schema::analysis::{Conversation, Score};
use job_schema::scorecard::ScorecardResult;
use job_schema::{RuleSetId, Sha256};

pub use agreement::{Agreement, QuestionAgreement};
pub use file::CardError;
pub use measure::Measure;
pub use review::{ReviewError, Reviewed};

/// A checked form.
#[derive(Debug, Clone, PartialEq)]
pub struct Scorecard {
    pub id: RuleSetId,
    pub version: NonZeroU32,
    /// Digest of the file: the same version with another digest is another form, and an error of whoever edited it.
    pub sha256: Sha256,
    pub sections: Vec<Section>,
    pub keywords: Vec<Keyword>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub name: String,
    pub weight: f64,
    pub questions: Vec<Question>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub name: String,
    pub weight: f64,
    /// In the order in which they are tried; the first that holds is the answer.
    pub answers: Vec<Choice>,
    /// Its rule being true takes the question out of the form.
    pub not_applicable_if: Option<String>,
    pub inconclusive: WhenInconclusive,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub answer: String,
    pub points: f64,
    pub when: When,
    pub fails: Option<Fails>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// The rule's outcome is true.
    Rule(String),
    /// The rule's outcome is false.
    NotRule(String),
    /// From the first, inclusive, to the second, exclusive.
    Measure(Measure, f64, f64),
    Otherwise,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fails {
    Section,
    Form,
}

/// What becomes of a question whose rule could not be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenInconclusive {
    /// Out of the denominator, and counted.
    #[default]
    Exclude,
    /// As if the rule had been false: for what must be proved.
    CountAsFalse,
}

/// So many points for each hit of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyword {
    pub name: String,
    pub rule: String,
    pub points: f64,
    pub least: f64,
    pub most: f64,
    pub per_minute: bool,
}

impl Scorecard {
    /// Reads a form.
    ///
    /// # Errors
    /// The text is not TOML, or says what a form cannot mean.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        file::read(text)
    }

    /// Answers every question.
    pub fn fill(&self, score: Option<&Score>, conversation: &Conversation) -> ScorecardResult {
        fill::fill(self, score, conversation)
    }
}
