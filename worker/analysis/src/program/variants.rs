//! A step of a sequence as it might have gone wrong: said by the other side, or outside its window. In: the step's
//! expression. Out: the expression that finds it there.

use crate::query::{Expr, ExprKind};
use crate::rules::Speaker;

/// The step with agent and customer exchanged, and the speaker around it; none if neither is named.
pub(super) fn other_side(expr: &Expr, around: Speaker) -> Option<(Expr, Speaker)> {
    let mut exchanged = expr.clone();
    let mut named = false;
    each(&mut exchanged, &mut |kind| {
        if let ExprKind::Speaker(speaker, _) = kind
            && let Some(other) = speaker.other_side()
        {
            *speaker = other;
            named = true;
        }
    });
    match around.other_side() {
        Some(other) => Some((exchanged, other)),
        None => named.then_some((exchanged, around)),
    }
}

/// The step in the whole call, and whether it had a window.
pub(super) fn without_windows(expr: &Expr) -> (Expr, bool) {
    let mut widened = expr.clone();
    let mut had_window = false;
    each(&mut widened, &mut |kind| {
        while let ExprKind::Window(_, inner) = kind {
            had_window = true;
            let inner = std::mem::replace(&mut inner.kind, ExprKind::Or(Vec::new()));
            *kind = inner;
        }
    });
    (widened, had_window)
}

/// Applies `change` to each node, outermost first.
fn each(expr: &mut Expr, change: &mut impl FnMut(&mut ExprKind)) {
    change(&mut expr.kind);
    match &mut expr.kind {
        ExprKind::Or(operands) | ExprKind::And(operands) => {
            operands
                .iter_mut()
                .for_each(|operand| each(operand, change));
        }
        ExprKind::Not(inner)
        | ExprKind::TurnStart(inner)
        | ExprKind::Speaker(_, inner)
        | ExprKind::Window(_, inner) => each(inner, change),
        ExprKind::Pair { left, right, .. } => {
            each(left, change);
            each(right, change);
        }
        ExprKind::Sequence(steps) => {
            steps
                .iter_mut()
                .for_each(|step| each(&mut step.expr, change));
        }
        ExprKind::Phrase(_)
        | ExprKind::Rule(_)
        | ExprKind::Fact { .. }
        | ExprKind::Measure { .. } => {}
    }
}
