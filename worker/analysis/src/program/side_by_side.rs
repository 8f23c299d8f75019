//! Two bare words side by side may be said as one: `voice mail`, `voicemail`. In: a pair made by the operator that stands
//! between bare words. Out: its row of operands, the last two of them made one word.

use crate::query::{
    DEFAULT_DISTANCE_WORDS, Element, Expr, ExprKind, Limit, MAX_PHRASE_WORDS, PairOp,
};

/// What bare words are joined by.
pub(super) const LIMIT: Limit = Limit::Words(DEFAULT_DISTANCE_WORDS);

/// None unless the row ends with two bare words. Earlier neighbours are looked at when their own pair is. Rows longer
/// than a phrase may be are left alone.
pub(super) fn last_two_as_one(pair: &Expr) -> Option<Vec<Expr>> {
    let mut row = Vec::new();
    operands(pair, &mut row);
    if row.len() > MAX_PHRASE_WORDS {
        return None;
    }
    let [earlier @ .., before, last] = row.as_slice() else {
        return None;
    };
    let word = Element::Word(format!("{}{}", bare(before)?, bare(last)?));
    let mut shorter: Vec<Expr> = earlier.iter().map(|&operand| operand.clone()).collect();
    shorter.push(Expr {
        at: before.at.start..last.at.end,
        kind: ExprKind::Phrase(vec![word]),
    });
    Some(shorter)
}

fn operands<'a>(expr: &'a Expr, row: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::Pair {
            op: PairOp::OrderedNear,
            limit: LIMIT,
            left,
            right,
        } => {
            operands(left, row);
            row.push(right);
        }
        _ => row.push(expr),
    }
}

fn bare(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Phrase(elements) => match elements.as_slice() {
            [Element::Word(word)] => Some(word),
            _ => None,
        },
        _ => None,
    }
}
