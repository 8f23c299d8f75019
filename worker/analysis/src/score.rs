//! From what rules come to, to a score. In: an evaluated rule set. Out: a [`Score`] with a result for each rule in the
//! file's order. Nothing fails: what cannot be decided is `inconclusive`, with its reason.

use job_schema::analysis::{
    Blocked, Hit, Inexact, Likeness, Outcome, RuleResult, Score, StepResult,
};
use job_schema::transcript::{TimeSpan, Transcript, Word};

use crate::eval::{Evaluation, Facts, Place, Value, least_confidence};
use crate::program::{Node, NodeKind, ScopeId};
use crate::rules::{Body, Rule, RuleSet};
use crate::vocabulary::How;

/// More hits of one rule are counted and not listed.
pub const MAX_HITS_PER_RULE: usize = 1_000;

pub(crate) fn score(transcript: &Transcript, rule_set: &RuleSet, facts: &Facts) -> Score {
    let evaluation = Evaluation::run(transcript, rule_set, facts);
    let rules: Vec<RuleResult> = rule_set
        .rules
        .iter()
        .enumerate()
        .map(|(index, rule)| result(&evaluation, rule, evaluation.decided(index)))
        .collect();
    let inconclusive = rules
        .iter()
        .filter(|rule| rule.outcome == Outcome::Inconclusive);
    Score {
        rule_set: rule_set.id.clone(),
        version: rule_set.version,
        rules_sha256: rule_set.sha256.clone(),
        points: rules.iter().map(|rule| rule.points).sum(),
        inconclusive_count: u32::try_from(inconclusive.count()).expect("at most MAX_RULES rules"),
        rules,
    }
}

fn result(evaluation: &Evaluation<'_>, rule: &Rule, value: &Value) -> RuleResult {
    let rule_set = evaluation.rule_set;
    let places = without_overlaps(&value.sure);
    let hits = places.iter().take(MAX_HITS_PER_RULE);
    RuleResult {
        id: rule.id.clone(),
        rule: rule.name.clone(),
        outcome: value.outcome,
        negated: rule.negate,
        weight: rule.weight,
        points: match value.outcome {
            Outcome::True => rule.weight,
            Outcome::False | Outcome::Inconclusive => 0.0,
        },
        window: evaluation.scope(rule.scope).window,
        hits: hits.map(|place| hit(evaluation, place)).collect(),
        reason: reason(evaluation, rule, value, places.len()),
        blocked: value
            .blocked
            .iter()
            .take(MAX_HITS_PER_RULE)
            .map(|(place, by)| Blocked {
                place: hit(evaluation, place),
                by: hit(evaluation, by),
            })
            .collect(),
        measures: value.measured.clone(),
        steps: value
            .steps
            .iter()
            .map(|step| StepResult {
                step: rule_set.program.terms[step.term].clone(),
                outcome: step.outcome,
                hit: step.place.map(|place| hit(evaluation, &place)),
            })
            .collect(),
    }
}

/// Of all the places, the leftmost, and of those the longest, none overlapping another. The steps of a sequence never do.
fn without_overlaps(places: &[Place]) -> Vec<Place> {
    let mut sorted = places.to_vec();
    sorted.sort_by_key(Place::key);
    let mut free_from = (0, 0);
    sorted.retain(|place| {
        let free = (place.channel, place.first_token) >= free_from;
        if free {
            free_from = (place.channel, place.end_token);
        }
        free
    });
    sorted
}

/// What the hits do not say by themselves.
fn reason(
    evaluation: &Evaluation<'_>,
    rule: &Rule,
    value: &Value,
    hits_count: usize,
) -> Option<String> {
    if value.outcome == Outcome::Inconclusive {
        return value.why.clone();
    }
    if hits_count > 0 {
        return (hits_count > MAX_HITS_PER_RULE)
            .then(|| format!("the first {MAX_HITS_PER_RULE} of {hits_count} hits are listed"));
    }
    let scope = only_scope(&rule.node)?;
    evaluation.scope(scope).absence.clone()
}

/// The scope of a rule about words in one scope; none for a rule about several or about other things.
fn only_scope(node: &Node) -> Option<ScopeId> {
    let same = |nodes: &[Node]| {
        let mut scopes = nodes.iter().map(only_scope);
        let first = scopes.next()??;
        scopes.all(|scope| scope == Some(first)).then_some(first)
    };
    match &node.kind {
        NodeKind::Words { scope, .. } | NodeKind::Phrases { scope, .. } => Some(*scope),
        NodeKind::Or(operands) | NodeKind::And(operands) => same(operands),
        NodeKind::Not(inner) | NodeKind::TurnStart(inner) => only_scope(inner),
        NodeKind::Pair { left, right, .. } => {
            only_scope(left).filter(|&scope| only_scope(right) == Some(scope))
        }
        NodeKind::Rule(_)
        | NodeKind::Fact { .. }
        | NodeKind::Measure { .. }
        | NodeKind::Sequence(_) => None,
    }
}

pub(crate) fn hit(evaluation: &Evaluation<'_>, place: &Place) -> Hit {
    let channel = &evaluation.transcript().channels[place.channel];
    let words: &[Word] = &channel.words[place.first_word..=place.last_word];
    let inexact = |how| Inexact {
        how,
        distance: place.distance,
    };
    Hit {
        phrase: evaluation.rule_set.program.terms[place.term].clone(),
        words: words.iter().map(|word| word.text.clone()).collect(),
        channel: channel.facts.index,
        role: channel.facts.role,
        first_word: u32::try_from(place.first_word).unwrap_or(u32::MAX),
        span: TimeSpan {
            start_ms: words.first().map_or(0, |word| word.start_ms),
            end_ms: words.last().map_or(0, |word| word.end_ms),
        },
        confidence: least_confidence(words),
        inexact: match place.how {
            How::Plain => None,
            How::Fuzzy => Some(inexact(Likeness::Fuzzy)),
            How::Phonetic => Some(inexact(Likeness::Phonetic)),
        },
    }
}

impl Rule {
    /// Whether the rule, where it is true, says where in the call.
    pub(crate) fn has_places(&self) -> bool {
        let kind_has = !matches!(
            self.node.kind,
            NodeKind::Not(_) | NodeKind::Fact { .. } | NodeKind::Measure { .. }
        );
        !self.negate && (kind_has || matches!(self.body, Body::Phrases(_)))
    }
}
