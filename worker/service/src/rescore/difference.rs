//! What new rules change. In: calls with their analysis before and after. Out: counts by rule, means of points and percentages,
//! and a sample of the calls that changed, with the places that speak for it. Memory does not grow with the calls.

use std::collections::BTreeMap;

use job_schema::analysis::{Analysis, Outcome, RuleResult};
use job_schema::transcript::TimeSpan;
use serde::Serialize;

use super::Rescored;
use super::questions::{self, ChangedQuestion, QuestionCounts};

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Difference {
    pub calls_count: u64,
    pub changed_count: u64,
    /// By rule name.
    pub rules: BTreeMap<String, RuleCounts>,
    /// By section and name of a scorecard's question.
    pub questions: BTreeMap<String, QuestionCounts>,
    pub points: Means,
    pub scorecard_percent: Means,
    /// The first calls that changed.
    pub sample: Vec<Changed>,
}

/// Calls in which a rule was true, false or inconclusive, before and after, and in which its outcome changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleCounts {
    pub before: Counts,
    pub after: Counts,
    pub changed_count: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub r#true: u64,
    pub r#false: u64,
    pub inconclusive: u64,
    /// The rule was not there.
    pub absent: u64,
}

impl Counts {
    fn add(&mut self, outcome: Option<Outcome>) {
        *match outcome {
            Some(Outcome::True) => &mut self.r#true,
            Some(Outcome::False) => &mut self.r#false,
            Some(Outcome::Inconclusive) => &mut self.inconclusive,
            None => &mut self.absent,
        } += 1;
    }
}

/// Of the calls that have a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Means {
    pub before: Mean,
    pub after: Mean,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Mean {
    pub count: u32,
    pub mean: f64,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.count += 1;
            self.mean += (value - self.mean) / f64::from(self.count);
        }
    }
}

/// One call whose outcomes are others now. It names places and no words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    pub call: String,
    pub points_before: Option<f64>,
    pub points_after: Option<f64>,
    pub percent_before: Option<f64>,
    pub percent_after: Option<f64>,
    pub rules: Vec<ChangedRule>,
    pub questions: Vec<ChangedQuestion>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedRule {
    pub rule: String,
    pub before: Option<Outcome>,
    pub after: Option<Outcome>,
    /// What the later result rests on; the earlier one's where the later has none.
    pub evidence: Vec<TimeSpan>,
}

impl Difference {
    /// `sample` is how many changed calls are kept.
    pub fn add(&mut self, scored: &Rescored, sample: usize) {
        let (before, after) = (scored.before.as_ref(), &scored.after);
        let points = |analysis: &Analysis| analysis.score.as_ref().map(|score| score.points);
        let percent =
            |analysis: &Analysis| analysis.scorecard.as_ref().and_then(|card| card.percent);
        self.calls_count += 1;
        self.points.before.add(before.and_then(points));
        self.points.after.add(points(after));
        self.scorecard_percent.before.add(before.and_then(percent));
        self.scorecard_percent.after.add(percent(after));
        let changed = self.add_rules(before, after);
        let answers = questions::add(&mut self.questions, before, after);
        let new_percent = before.and_then(percent) != percent(after);
        let same_points = before.and_then(points) == points(after);
        if changed.is_empty() && answers.is_empty() && !new_percent && same_points {
            return;
        }
        self.changed_count += 1;
        if self.sample.len() < sample {
            self.sample.push(Changed {
                call: after.call.to_string(),
                points_before: before.and_then(points),
                points_after: points(after),
                percent_before: before.and_then(percent),
                percent_after: percent(after),
                rules: changed,
                questions: answers,
            });
        }
    }

    fn add_rules(&mut self, before: Option<&Analysis>, after: &Analysis) -> Vec<ChangedRule> {
        let mut both: BTreeMap<&str, [Option<&RuleResult>; 2]> = BTreeMap::new();
        for (side, analysis) in [before, Some(after)].into_iter().enumerate() {
            let score = analysis.and_then(|analysis| analysis.score.as_ref());
            for rule in score.iter().flat_map(|score| &score.rules) {
                both.entry(&rule.rule).or_default()[side] = Some(rule);
            }
        }
        let mut changed = Vec::new();
        for (name, results) in both {
            let [was, is] = results.map(|result| result.map(|rule| rule.outcome));
            let counts = self.rules.entry(name.to_owned()).or_default();
            counts.before.add(was);
            counts.after.add(is);
            if was != is {
                counts.changed_count += 1;
                changed.push(ChangedRule {
                    rule: name.to_owned(),
                    before: was,
                    after: is,
                    evidence: places(results),
                });
            }
        }
        changed
    }
}

pub(super) const MAX_PLACES: usize = 3;

fn places([was, is]: [Option<&RuleResult>; 2]) -> Vec<TimeSpan> {
    let hits = |rule: Option<&RuleResult>| -> Vec<TimeSpan> {
        let hits = rule.iter().flat_map(|rule| &rule.hits).take(MAX_PLACES);
        hits.map(|hit| hit.span).collect()
    };
    let later = hits(is);
    if later.is_empty() { hits(was) } else { later }
}
