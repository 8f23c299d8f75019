//! Rules compiled together. In: each rule's expression, and the set's lists and names. Out: nodes whose words are slots of
//! one trie, whose scopes are shared and whose rules are indexes, in an order in which each rule follows those it uses.
//! Fails with the bytes and the problem: an unknown name, a cycle, a term without a place.

mod build;
mod order;
mod sequences;
mod side_by_side;
mod terms;
mod variants;

use crate::matching::Trie;
use crate::query::{Comparison, Limit, Measure, PairOp, Value};
use crate::rules::{Speaker, Window};
use crate::vocabulary::Vocabulary;

pub(crate) use build::Builder;
pub(crate) use order::{References, evaluation_order};
pub(crate) use sequences::Lists;

/// Alternatives multiply: `(a|b) (c|d)` are four sequences.
pub(crate) const MAX_SEQUENCES_PER_TERM: usize = 2_000;
/// Of all terms of all rules.
pub(crate) const MAX_SEQUENCES: usize = 500_000;

#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) trie: Trie,
    pub(crate) slots_count: usize,
    pub(crate) scopes: Vec<Scope>,
    /// The text of each term, as evidence shows it.
    pub(crate) terms: Vec<String>,
    /// Rules by index, each after those it refers to.
    pub(crate) order: Vec<usize>,
}

/// Whose words are searched, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Scope {
    pub(crate) speaker: Speaker,
    /// The part that all of them share.
    pub(crate) windows: Vec<Window>,
}

/// Index in [`Program::scopes`].
pub(crate) type ScopeId = usize;
/// Index in [`Program::terms`].
pub(crate) type TermId = usize;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// What the rule wrote.
    pub(crate) term: TermId,
    pub(crate) kind: NodeKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeKind {
    /// Places of one slot.
    Words {
        slot: usize,
        scope: ScopeId,
    },
    /// The phrases of a rule, each with a slot and a text of its own.
    Phrases {
        phrases: Vec<(usize, TermId)>,
        scope: ScopeId,
    },
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    Pair {
        op: PairOp,
        limit: Limit,
        left: Box<Node>,
        right: Box<Node>,
    },
    TurnStart(Box<Node>),
    /// Another rule's outcome and hits.
    Rule(usize),
    Fact {
        name: String,
        comparison: Comparison,
        value: Value,
    },
    Measure {
        measure: Measure,
        of: Option<Speaker>,
        comparison: Comparison,
        value: f64,
        scope: ScopeId,
    },
    Sequence(Vec<StepNode>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StepNode {
    pub(crate) limit: Limit,
    pub(crate) node: Node,
    /// The same words of the other side; none where the step names no side.
    pub(crate) other_side: Option<Node>,
    /// The same in the whole call; none where the step has no window.
    pub(crate) anywhere: Option<Node>,
}
