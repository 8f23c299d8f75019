//! What can be wrong with a rule file: where, what, and what to do about it.

use job_schema::job::{MAX_VOCABULARY_TERM_BYTES, MAX_VOCABULARY_TERMS};

use super::{
    MAX_FILE_BYTES, MAX_LIST_PHRASES, MAX_LISTS, MAX_PHRASE_CHARS, MAX_PHRASES_PER_RULE,
    MAX_RULE_NAME_CHARS, MAX_RULES, MAX_WEIGHT,
};
use crate::program::MAX_SEQUENCES;
use crate::query::QueryProblem;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}\nhint: {}", .problem.hint())]
pub struct RuleError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Not TOML, a key that no rule has, or a value of the wrong type; in the parser's own words.
    #[error("{0}")]
    Toml(String),
    #[error("the file has {0} bytes, the limit is {MAX_FILE_BYTES}")]
    FileTooLarge(usize),
    #[error("the file has no rule")]
    NoRules,
    #[error("the file has {0} rules, the limit is {MAX_RULES}")]
    TooManyRules(usize),
    #[error("`{0}` is not a rule name")]
    Name(String),
    #[error("the rule name `{name}` was used on line {first_line}")]
    NameTwice { name: String, first_line: usize },
    #[error("the rule has neither `phrases` nor `query`")]
    NoBody,
    #[error("the rule has both `phrases` and `query`")]
    TwoBodies,
    #[error("{0}")]
    Query(QueryProblem),
    #[error("the list of phrases is empty")]
    NoPhrases,
    #[error("the rule has {0} phrases, the limit is {MAX_PHRASES_PER_RULE}")]
    TooManyPhrases(usize),
    #[error("the phrase has {0} characters, the limit is {MAX_PHRASE_CHARS}")]
    PhraseTooLong(usize),
    #[error("the phrase has no letter and no digit")]
    PhraseEmpty,
    #[error("the phrase matches the same words as `{0}` of this rule")]
    PhraseTwice(String),
    #[error("the window has the keys {}", if .0.is_empty() { "of no form".to_owned() } else { .0.join(", ") })]
    WindowKeys(Vec<&'static str>),
    #[error("the window is empty")]
    WindowEmpty,
    #[error("{0} percent is not within 1 to 100")]
    Percent(u64),
    #[error("the weight {0} is not within plus or minus {MAX_WEIGHT}")]
    Weight(f64),
    #[error("the confidence {0} is not within 0 to 1")]
    Confidence(f32),
    #[error("the file has {0} lists, the limit is {MAX_LISTS}")]
    TooManyLists(usize),
    #[error("the list has {0} phrases, the limit is {MAX_LIST_PHRASES}")]
    ListTooLong(usize),
    #[error("the vocabulary has more than {MAX_VOCABULARY_TERMS} terms, phrases of rules included")]
    TooManyTerms,
    #[error("the term has {0} bytes, the limit is {MAX_VOCABULARY_TERM_BYTES}")]
    TermTooLong(usize),
    #[error("a rule with a query has no phrases to listen for")]
    VocabularyOfQuery,
    #[error("the rules up to here stand for more than {MAX_SEQUENCES} word sequences")]
    TooManySequences,
    #[error("compile rules: {0}")]
    Compile(String),
}

impl Problem {
    pub fn hint(&self) -> String {
        match self {
            Problem::Toml(_) => "a file has `id`, `version`, `vocabulary`, `[lists]` and `[[rule]]` tables; a rule has `name`, \
                                 `phrases` or `query`, `speaker`, `window`, `weight`, `negate`, `min_confidence` and `vocabulary`"
                .into(),
            Problem::FileTooLarge(_)
            | Problem::TooManyRules(_)
            | Problem::TooManyLists(_)
            | Problem::TooManySequences
            | Problem::Compile(_) => {
                "split the rules into several rule sets".into()
            }
            Problem::TooManyTerms => "keep the names that are misheard and matter: all others are heard without help".into(),
            Problem::TermTooLong(_) => "name what is said in a few words".into(),
            Problem::VocabularyOfQuery => {
                "list the names in the file's own `vocabulary = [\"…\"]`, above the rules".into()
            }
            Problem::NoRules => "add a `[[rule]]` table".into(),
            Problem::Name(_) => {
                format!("use 1 to {MAX_RULE_NAME_CHARS} of a-z, A-Z, 0-9, `.`, `_` and `-`, the first a letter or digit")
            }
            Problem::NameTwice { .. } => {
                "evidence refers to a rule by its name: give each its own".into()
            }
            Problem::NoBody => "write `phrases = [\"…\"]` or `query = '…'`".into(),
            Problem::TwoBodies => {
                "keep one: a phrase of `phrases` is written in a query as `\"…\"`".into()
            }
            Problem::Query(problem) => problem.hint(),
            Problem::ListTooLong(_) => "split the list: a list may name another as `list:name`".into(),
            Problem::NoPhrases => "write `phrases = [\"…\"]` with at least one phrase".into(),
            Problem::TooManyPhrases(_) => "split the rule into several".into(),
            Problem::PhraseTooLong(_) => {
                "keep the few words that matter: the longer a phrase, the likelier one word of it is misheard".into()
            }
            Problem::PhraseEmpty => "write words; punctuation alone is never spoken".into(),
            Problem::PhraseTwice(_) => {
                "remove one: case, punctuation and hyphens make no difference".into()
            }
            Problem::WindowKeys(_) => "give one of `first_s`, `last_s`, `first_ms`, `last_ms`, `first_percent`, `last_percent`, `first_words`, \
                                       `last_words`, `first_turns`, `last_turns`, or `from_ms` and `to_ms` together, or `from_percent` \
                                       and `to_percent`; leave `window` out for the whole call"
                .into(),
            Problem::WindowEmpty => {
                "give a length above 0, and a start below the end".into()
            }
            Problem::Percent(_) => "write a whole number from 1 to 100".into(),
            Problem::Weight(_) => "write a plain number such as 10 or -2.5".into(),
            Problem::Confidence(_) => "write a number such as 0.6; 0 accepts every word".into(),
        }
    }
}
