//! The text form of a rule. In: a query of at most [`MAX_QUERY_CHARS`] characters. Out: an expression tree in which every
//! node knows the bytes it was written in. Fails with the bytes and the [`QueryProblem`] found there. Nothing is looked
//! up yet: names of rules and lists are resolved in `program`. The grammar is in `docs/rules.md`.

mod lex;
mod parse;
mod problem;
mod value;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::rules::{Speaker, Window};
pub(crate) use parse::parse;
pub use problem::QueryProblem;
pub(crate) use problem::nearest;
pub(crate) use value::{Comparison, Feelings, Measure, Unit, Value, fact_value};
pub(crate) use words::phrase;

pub const MAX_QUERY_CHARS: usize = 8_000;
/// Parentheses within parentheses, and operands within operands.
pub const MAX_QUERY_DEPTH: usize = 40;
/// Terms and operators of one query.
pub const MAX_QUERY_NODES: usize = 1_000;
pub const MAX_PHRASE_WORDS: usize = 30;
pub const MAX_REGEX_CHARS: usize = 500;
/// `NEAR:n` and the like.
pub const MAX_DISTANCE_WORDS: u32 = 1_000;
pub const MAX_DISTANCE_MS: u64 = 24 * 60 * 60 * 1_000;
/// Words side by side, and `NEAR` without a number: at most this many others between.
pub const DEFAULT_DISTANCE_WORDS: u32 = 5;
/// A shorter stem before or after `*` would match most of a language.
pub const MIN_WILDCARD_CHARS: usize = 2;
/// Shorter words have too many neighbours at this distance.
pub const MIN_FUZZY_CHARS: [usize; 2] = [4, 6];

/// Bytes of the query.
pub(crate) type At = Range<usize>;
/// A problem and the bytes it is about.
pub(crate) type Fault = (At, QueryProblem);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    pub(crate) at: At,
    pub(crate) kind: ExprKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExprKind {
    /// Words that stand side by side.
    Phrase(Vec<Element>),
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    Pair {
        op: PairOp,
        limit: Limit,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `^`: the place begins a turn.
    TurnStart(Box<Expr>),
    Speaker(Speaker, Box<Expr>),
    Window(Window, Box<Expr>),
    /// `rule:name`.
    Rule(String),
    Fact {
        name: String,
        comparison: Comparison,
        value: Value,
    },
    Measure {
        measure: Measure,
        /// For those that are about one speaker.
        of: Option<Speaker>,
        comparison: Comparison,
        value: f64,
    },
    /// `A THEN:30s B THEN C`, outermost only.
    Sequence(Vec<Step>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// From the end of the step before; none for the first.
    pub(crate) limit: Limit,
    pub(crate) expr: Expr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairOp {
    Near,
    OrderedNear,
    NotNear,
    NotIn,
    After,
    Before,
    SameTurn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    None,
    /// Other words between.
    Words(u32),
    /// From the end of the one to the start of the other.
    Ms(u64),
}

/// One position of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Element {
    /// A folded token as it is written.
    Word(String),
    /// Its inflected forms too.
    Forms(String),
    /// `ship*`, `*ship`, `s?ip`.
    Glob(String),
    /// At most this many edits away.
    Fuzzy(String, usize),
    /// Sounds like it.
    Sounds(String),
    /// `[num]`: a number, however spoken.
    Number,
    /// `[num:4]`, `[num:3-4]`: a number with this count of digits.
    Digits(usize, usize),
    Regex(String),
    AnyOf(Vec<Vec<Element>>),
    List(String),
}
