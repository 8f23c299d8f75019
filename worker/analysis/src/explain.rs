//! Why a rule did or did not fire. In: a transcript, a rule set, facts. Out: for each rule its tree, term by term: the
//! outcome, the places, what blocked them, and where else the same words were said. Nothing fails; what it holds is
//! speech, for the person who asked and for no log.

use job_schema::analysis::{Blocked, Hit, Measured, Outcome, StepOutcome};
use job_schema::transcript::{TimeSpan, Transcript};

use crate::eval::{Evaluation, Facts};
use crate::program::{Node, NodeKind, ScopeId};
use crate::rules::{Rule, RuleSet, Speaker};
use crate::score::hit;

/// Places listed of one term, and of those elsewhere.
pub const MAX_EXPLAINED_HITS: usize = 20;

#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub rule: String,
    /// The rule's, `negate` applied.
    pub outcome: Outcome,
    pub negated: bool,
    pub term: Explained,
}

/// One term or operator of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// As the rule writes it.
    pub text: String,
    pub outcome: Outcome,
    /// Whose words were searched and where; for terms.
    pub scope: Option<(Speaker, TimeSpan)>,
    pub hits: Vec<Hit>,
    /// Places that may count.
    pub doubtful: Vec<Hit>,
    pub blocked: Vec<Blocked>,
    /// The same words outside the scope.
    pub elsewhere: Vec<Hit>,
    pub measures: Vec<Measured>,
    pub steps: Vec<(String, StepOutcome)>,
    pub reason: Option<String>,
    pub parts: Vec<Explained>,
}

/// Every rule, or those named.
pub fn explain(
    transcript: &Transcript,
    rule_set: &RuleSet,
    facts: &Facts,
    wanted: impl Fn(&Rule) -> bool,
) -> Vec<Explanation> {
    let evaluation = Evaluation::run(transcript, rule_set, facts);
    let rules = rule_set.rules.iter().enumerate();
    rules
        .filter(|(_, rule)| wanted(rule))
        .map(|(index, rule)| Explanation {
            rule: rule.name.clone(),
            outcome: evaluation.decided(index).outcome,
            negated: rule.negate,
            term: explained(&evaluation, &rule.node, rule.min_confidence),
        })
        .collect()
}

fn explained(evaluation: &Evaluation<'_>, node: &Node, least: f32) -> Explained {
    let value = evaluation.value(node, least);
    let terms = &evaluation.rule_set.program.terms;
    let hits = |places: &[crate::eval::Place]| -> Vec<Hit> {
        let listed = places.iter().take(MAX_EXPLAINED_HITS);
        listed.map(|place| hit(evaluation, place)).collect()
    };
    let blocked = value.blocked.iter().take(MAX_EXPLAINED_HITS);
    let scope = scope_of(node);
    Explained {
        text: terms[node.term].clone(),
        outcome: value.outcome,
        scope: scope.map(|id| {
            let speaker = evaluation.rule_set.program.scopes[id].speaker;
            (speaker, evaluation.scope(id).window)
        }),
        hits: hits(&value.sure),
        doubtful: hits(&value.maybe),
        blocked: blocked
            .map(|(place, by)| Blocked {
                place: hit(evaluation, place),
                by: hit(evaluation, by),
            })
            .collect(),
        elsewhere: hits(&evaluation.outside(node, &value)),
        measures: value.measured,
        steps: value
            .steps
            .iter()
            .map(|step| (terms[step.term].clone(), step.outcome))
            .collect(),
        reason: value.why,
        parts: parts(node)
            .into_iter()
            .map(|part| explained(evaluation, part, least))
            .collect(),
    }
}

fn scope_of(node: &Node) -> Option<ScopeId> {
    match &node.kind {
        NodeKind::Words { scope, .. }
        | NodeKind::Phrases { scope, .. }
        | NodeKind::Measure { scope, .. } => Some(*scope),
        _ => None,
    }
}

fn parts(node: &Node) -> Vec<&Node> {
    match &node.kind {
        NodeKind::Or(operands) | NodeKind::And(operands) => operands.iter().collect(),
        NodeKind::Not(inner) | NodeKind::TurnStart(inner) => vec![&**inner],
        NodeKind::Pair { left, right, .. } => vec![&**left, &**right],
        NodeKind::Sequence(steps) => steps.iter().map(|step| &step.node).collect(),
        NodeKind::Words { .. }
        | NodeKind::Phrases { .. }
        | NodeKind::Rule(_)
        | NodeKind::Fact { .. }
        | NodeKind::Measure { .. } => Vec::new(),
    }
}
