//! What an expression comes to: places that are sure, places in doubt, whether there can be others, and an outcome. In:
//! the values of operands. Out: theirs together, by Kleene's three-valued tables (`docs/rules.md`). Nothing fails.

use job_schema::analysis::{Measured, Outcome, StepOutcome};

use crate::matching::Occurrence;
use crate::program::TermId;
use crate::vocabulary::How;

/// A stretch of one channel's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) channel: usize,
    pub(crate) first_token: usize,
    /// One past its last token.
    pub(crate) end_token: usize,
    pub(crate) first_word: usize,
    pub(crate) last_word: usize,
    /// The term that it is a place of.
    pub(crate) term: TermId,
    pub(crate) how: How,
    pub(crate) distance: u32,
}

impl Place {
    pub(super) fn new(at: &Occurrence, term: TermId) -> Self {
        Self {
            channel: at.channel,
            first_token: at.first_token,
            end_token: at.end_token,
            first_word: at.first_word,
            last_word: at.last_word,
            term,
            how: at.how,
            distance: at.distance,
        }
    }

    /// By channel and time; of those that start together the longest first, then the nearest match.
    pub(crate) fn key(&self) -> (usize, usize, std::cmp::Reverse<usize>, u32, TermId) {
        let longest_first = std::cmp::Reverse(self.end_token);
        (
            self.channel,
            self.first_token,
            longest_first,
            self.distance,
            self.term,
        )
    }
}

/// One step of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepFound {
    pub(crate) term: TermId,
    pub(crate) outcome: StepOutcome,
    pub(crate) place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) outcome: Outcome,
    /// What bears the outcome out.
    pub(crate) sure: Vec<Place>,
    /// Places that may count: a word is doubtful, or what would rule them out was not heard.
    pub(crate) maybe: Vec<Place>,
    /// There is no other place: everything was heard.
    pub(crate) whole: bool,
    /// Why the outcome is inconclusive.
    pub(crate) why: Option<String>,
    /// A place that did not count, and what blocked it.
    pub(crate) blocked: Vec<(Place, Place)>,
    pub(crate) measured: Vec<Measured>,
    pub(crate) steps: Vec<StepFound>,
}

impl Default for Value {
    fn default() -> Self {
        Self {
            outcome: Outcome::False,
            sure: Vec::new(),
            maybe: Vec::new(),
            whole: true,
            why: None,
            blocked: Vec::new(),
            measured: Vec::new(),
            steps: Vec::new(),
        }
    }
}

impl Value {
    pub(super) fn plain(holds: bool) -> Self {
        Self {
            outcome: if holds { Outcome::True } else { Outcome::False },
            ..Self::default()
        }
    }

    pub(super) fn inconclusive(why: String) -> Self {
        Self {
            outcome: Outcome::Inconclusive,
            whole: false,
            why: Some(why),
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sure.is_empty() && self.maybe.is_empty()
    }

    /// Sorts the places, each once, and derives the outcome from them.
    pub(super) fn settle(mut self) -> Self {
        for places in [&mut self.sure, &mut self.maybe] {
            if places.len() > 1 {
                places.sort_unstable_by_key(Place::key);
                places.dedup_by_key(|place| (place.channel, place.first_token, place.end_token));
            }
        }
        self.outcome = if !self.sure.is_empty() {
            Outcome::True
        } else if self.maybe.is_empty() && self.whole {
            Outcome::False
        } else {
            Outcome::Inconclusive
        };
        if self.outcome != Outcome::Inconclusive {
            self.why = None;
        }
        self
    }

    pub(super) fn negated(mut self) -> Self {
        self.outcome = negation(self.outcome);
        self
    }

    pub(super) fn any(operands: Vec<Self>) -> Self {
        let outcome = operands
            .iter()
            .map(|operand| operand.outcome)
            .fold(Outcome::False, or);
        Self::joined(operands, outcome)
    }

    pub(super) fn all(operands: Vec<Self>) -> Self {
        let outcome = operands
            .iter()
            .map(|operand| operand.outcome)
            .fold(Outcome::True, and);
        Self::joined(operands, outcome)
    }

    /// The operands that decide the outcome lend it their places.
    fn joined(operands: Vec<Self>, outcome: Outcome) -> Self {
        let mut joined = Self {
            outcome,
            ..Self::default()
        };
        for operand in operands {
            joined.whole &= operand.whole;
            joined.maybe.extend(operand.maybe);
            joined.blocked.extend(operand.blocked);
            joined.measured.extend(operand.measured);
            if operand.outcome == outcome {
                joined.sure.extend(operand.sure);
                joined.why = joined.why.or(operand.why);
            }
        }
        for places in [&mut joined.sure, &mut joined.maybe] {
            if places.len() > 1 {
                places.sort_unstable_by_key(Place::key);
                places.dedup_by_key(|place| (place.channel, place.first_token, place.end_token));
            }
        }
        joined
    }

    /// As another rule sees it: a rule that is not true has no places to give.
    pub(super) fn as_operand(&self) -> Self {
        let is_true = self.outcome == Outcome::True;
        let inconclusive = self.outcome == Outcome::Inconclusive;
        Self {
            outcome: self.outcome,
            sure: if is_true {
                self.sure.clone()
            } else {
                Vec::new()
            },
            whole: self.whole && !inconclusive,
            why: self.why.clone(),
            ..Self::default()
        }
    }
}

pub(crate) fn negation(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::True => Outcome::False,
        Outcome::False => Outcome::True,
        Outcome::Inconclusive => Outcome::Inconclusive,
    }
}

fn or(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::True, _) | (_, Outcome::True) => Outcome::True,
        (Outcome::False, Outcome::False) => Outcome::False,
        _ => Outcome::Inconclusive,
    }
}

fn and(a: Outcome, b: Outcome) -> Outcome {
    negation(or(negation(a), negation(b)))
}
