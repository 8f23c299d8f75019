//! Test cases of a rule set, kept beside it: calls as dialogue, and what each rule should come to. In: TOML text. Out:
//! [`Case`]s, each with a transcript whose words have an even pace; then what differs from the expectations. Fails with
//! line and column for a file that is not understood.

mod dialogue;

use std::collections::BTreeMap;

use job_schema::analysis::{Outcome, Score};
use job_schema::transcript::Transcript;
use serde::Deserialize;
use toml::Spanned;

use crate::eval::Facts;
use crate::rules::{RuleSet, position};
use crate::score::score;

pub const MAX_CASES_BYTES: usize = 8 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}\nhint: {hint}")]
pub struct CaseError {
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub what: String,
    pub hint: &'static str,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub name: String,
    pub transcript: Transcript,
    pub facts: Facts,
    /// By rule; rules that are not named may come to anything.
    pub expected: BTreeMap<String, Outcome>,
    pub expected_points: Option<f64>,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// A rule, or none for the points.
    pub rule: Option<String>,
    pub expected: String,
    pub found: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    case: Vec<Spanned<CaseTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseTable {
    name: String,
    dialogue: Spanned<String>,
    duration_s: Option<u64>,
    #[serde(default)]
    facts: Facts,
    expect: BTreeMap<String, Spanned<Expected>>,
    points: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    Plain(bool),
    Word(String),
}

const SHAPE: &str = "a case has `name`, `dialogue`, `expect = { rule = true }`, and may have `facts`, `duration_s` and `points`";

/// Reads a file of cases for `rules`.
///
/// # Errors
/// [`CaseError`] for the first thing that is wrong, a rule that does not exist among them.
pub fn parse(text: &str, rules: &RuleSet) -> Result<Vec<Case>, CaseError> {
    let fault = |at: usize, what: String, hint| {
        let (line, column) = position::position(text, at);
        CaseError {
            line,
            column,
            what,
            hint,
        }
    };
    if text.len() > MAX_CASES_BYTES {
        let what = format!(
            "the file has {} bytes, the limit is {MAX_CASES_BYTES}",
            text.len()
        );
        return Err(fault(0, what, "split the cases into several files"));
    }
    let file: CaseFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        fault(at, error.message().trim().replace('\n', ", "), SHAPE)
    })?;
    if file.case.is_empty() {
        return Err(fault(
            text.len(),
            "the file has no case".into(),
            "add a `[[case]]` table",
        ));
    }
    let mut cases = Vec::with_capacity(file.case.len());
    for table in file.case {
        let case = table.into_inner();
        let transcript = dialogue::transcript(case.dialogue.get_ref(), case.duration_s);
        let transcript = transcript.map_err(|(offset, what)| {
            let at = position::in_string(text, case.dialogue.span(), offset);
            fault(at, what.to_owned(), dialogue::SHAPE)
        })?;
        let mut expected = BTreeMap::new();
        for (name, outcome) in case.expect {
            let at = outcome.span().start;
            if !rules.rules().iter().any(|rule| rule.name == name) {
                let hint = "expectations name rules of the rule set beside the cases";
                return Err(fault(at, format!("there is no rule `{name}`"), hint));
            }
            let outcome = match outcome.into_inner() {
                Expected::Plain(true) => Outcome::True,
                Expected::Plain(false) => Outcome::False,
                Expected::Word(word) if word == "inconclusive" => Outcome::Inconclusive,
                Expected::Word(word) => {
                    let hint = "write true, false or \"inconclusive\"";
                    return Err(fault(at, format!("`{word}` is no outcome"), hint));
                }
            };
            expected.insert(name, outcome);
        }
        cases.push(Case {
            name: case.name,
            transcript,
            facts: case.facts,
            expected,
            expected_points: case.points,
        });
    }
    Ok(cases)
}

/// Applies the rules to the case's call; empty where all is as expected.
pub fn run(case: &Case, rules: &RuleSet) -> Vec<Difference> {
    let score = score(&case.transcript, rules, &case.facts);
    let outcomes = score.rules.iter().filter_map(|rule| {
        let expected = *case.expected.get(&rule.rule)?;
        (rule.outcome != expected).then(|| Difference {
            rule: Some(rule.rule.clone()),
            expected: outcome_name(expected).to_owned(),
            found: outcome_name(rule.outcome).to_owned(),
        })
    });
    outcomes.chain(points(case, &score)).collect()
}

fn points(case: &Case, score: &Score) -> Option<Difference> {
    let expected = case.expected_points?;
    ((score.points - expected).abs() > 1e-6).then(|| Difference {
        rule: None,
        expected: expected.to_string(),
        found: score.points.to_string(),
    })
}

pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::True => "true",
        Outcome::False => "false",
        Outcome::Inconclusive => "inconclusive",
    }
}
