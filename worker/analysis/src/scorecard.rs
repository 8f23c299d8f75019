//! Scorecards: forms whose questions are answered by rules and measures. In: a form (TOML) and what an analysis found. Out: a
//! [`ScorecardResult`] in which every answer has its evidence. A file that cannot be read fails with [`CardError`]; filling a form
//! in never does: what cannot be decided is `inconclusive`. `docs/scorecards.md` has the form and the arithmetic.

mod agreement;
mod file;
mod fill;
mod measure;
mod review;

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use job_schema::analysis::{Conversation, Score};
use job_schema::scorecard::ScorecardResult;
use job_schema::{RuleSetId, Sha256};

pub use agreement::{Agreement, QuestionAgreement};
pub use file::CardError;
pub use measure::Measure;
pub use review::{ReviewError, Reviewed};

use crate::RuleSet;

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

    /// The rules that the form asks for and `rules` lack, each once, in their order of the alphabet. What asks for one of them
    /// is inconclusive on every call.
    pub fn missing_rules(&self, rules: Option<&RuleSet>) -> Vec<&str> {
        let has = |name: &str| {
            rules.is_some_and(|rules| rules.rules().iter().any(|rule| rule.name == name))
        };
        let mut wanted: BTreeSet<&str> = self.keywords.iter().map(|k| k.rule.as_str()).collect();
        for question in self.sections.iter().flat_map(|section| &section.questions) {
            wanted.extend(question.not_applicable_if.as_deref());
            wanted.extend(
                question
                    .answers
                    .iter()
                    .filter_map(|choice| match &choice.when {
                        When::Rule(rule) | When::NotRule(rule) => Some(rule.as_str()),
                        When::Measure(..) | When::Otherwise => None,
                    }),
            );
        }
        wanted.retain(|name| !has(name));
        wanted.into_iter().collect()
    }

    /// Answers every question.
    pub fn fill(&self, score: Option<&Score>, conversation: &Conversation) -> ScorecardResult {
        fill::fill(self, score, conversation)
    }
}
