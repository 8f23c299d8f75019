//! What new rules or a new form change in the answers of a scorecard. In: the form filled in before and after. Out: for each
//! question how often it was answered how, and what changed in this call, with the places that speak for it. A question
//! is known by its section and name, so that two versions of a form can be compared.

use std::collections::BTreeMap;

use job_schema::analysis::Analysis;
use job_schema::scorecard::{Answer, QuestionResult};
use job_schema::transcript::TimeSpan;
use serde::Serialize;

use super::difference::MAX_PLACES;

/// Calls by answer, before and after; `not_applicable`, `inconclusive` and `absent` are answers here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct QuestionCounts {
    pub before: BTreeMap<String, u64>,
    pub after: BTreeMap<String, u64>,
    pub changed_count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedQuestion {
    pub question: String,
    pub before: String,
    pub after: String,
    /// What the later answer rests on; the earlier one's where the later has none.
    pub evidence: Vec<TimeSpan>,
}

/// Counts the answers of one call and returns those that changed.
pub(super) fn add(
    counts: &mut BTreeMap<String, QuestionCounts>,
    before: Option<&Analysis>,
    after: &Analysis,
) -> Vec<ChangedQuestion> {
    let mut both: BTreeMap<String, [Option<&QuestionResult>; 2]> = BTreeMap::new();
    for (side, analysis) in [before, Some(after)].into_iter().enumerate() {
        let card = analysis.and_then(|analysis| analysis.scorecard.as_ref());
        for section in card.iter().flat_map(|card| &card.sections) {
            for question in &section.questions {
                let name = format!("{}/{}", section.name, question.question);
                both.entry(name).or_default()[side] = Some(question);
            }
        }
    }
    let mut changed = Vec::new();
    for (question, results) in both {
        let [was, is] = results.map(label);
        let counts = counts.entry(question.clone()).or_default();
        *counts.before.entry(was.to_owned()).or_default() += 1;
        *counts.after.entry(is.to_owned()).or_default() += 1;
        if was != is {
            counts.changed_count += 1;
            changed.push(ChangedQuestion {
                before: was.to_owned(),
                after: is.to_owned(),
                evidence: places(results),
                question,
            });
        }
    }
    changed
}

fn label(question: Option<&QuestionResult>) -> &str {
    match question.map(|question| &question.answer) {
        Some(Answer::Answered { answer, .. }) => answer,
        Some(Answer::NotApplicable) => "not_applicable",
        Some(Answer::Inconclusive) => "inconclusive",
        None => "absent",
    }
}

fn places([was, is]: [Option<&QuestionResult>; 2]) -> Vec<TimeSpan> {
    let spans = |question: Option<&QuestionResult>| -> Vec<TimeSpan> {
        let evidence = question.iter().flat_map(|question| &question.evidence);
        evidence
            .filter_map(|place| place.span)
            .take(MAX_PLACES)
            .collect()
    };
    let later = spans(is);
    if later.is_empty() { spans(was) } else { later }
}
