//! Terms numbered by their text. In: terms by their first use. Out: the same in the order of their texts, and every node told.
//! Of two terms that one place satisfies, the one with the lower number is named as evidence; were that the one that the
//! file has first, a rule's evidence would hang on rules beside it. Nothing fails.

use std::collections::HashMap;

use super::{Node, NodeKind, TermId};

/// The texts in their order, and for each term its number among them.
pub(super) fn by_text(terms: HashMap<String, TermId>) -> (Vec<String>, Vec<TermId>) {
    let mut terms: Vec<(String, TermId)> = terms.into_iter().collect();
    terms.sort_unstable();
    let mut number_of = vec![0; terms.len()];
    for (number, (_, term)) in terms.iter().enumerate() {
        number_of[*term] = number;
    }
    (terms.into_iter().map(|(text, _)| text).collect(), number_of)
}

impl Node {
    pub(super) fn renumber(&mut self, number_of: &[TermId]) {
        self.term = number_of[self.term];
        let each = |nodes: &mut [Node]| nodes.iter_mut().for_each(|node| node.renumber(number_of));
        match &mut self.kind {
            NodeKind::Phrases { phrases, .. } => {
                phrases
                    .iter_mut()
                    .for_each(|(_, term)| *term = number_of[*term]);
            }
            NodeKind::Or(operands) | NodeKind::And(operands) => each(operands),
            NodeKind::Not(inner) | NodeKind::TurnStart(inner) => inner.renumber(number_of),
            NodeKind::Pair { left, right, .. } => {
                left.renumber(number_of);
                right.renumber(number_of);
            }
            NodeKind::Sequence(steps) => {
                for step in steps {
                    step.node.renumber(number_of);
                    let variants = step.other_side.iter_mut().chain(&mut step.anywhere);
                    variants.for_each(|node| node.renumber(number_of));
                }
            }
            NodeKind::Words { .. }
            | NodeKind::Rule(_)
            | NodeKind::Fact { .. }
            | NodeKind::Measure { .. } => {}
        }
    }
}
