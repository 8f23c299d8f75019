//! What can be wrong with a query, and what to do about it. The hint names the nearest thing that exists.

use super::{
    MAX_DISTANCE_MS, MAX_DISTANCE_WORDS, MAX_PHRASE_WORDS, MAX_QUERY_CHARS, MAX_QUERY_DEPTH,
    MAX_QUERY_NODES, MAX_REGEX_CHARS, MIN_FUZZY_CHARS, MIN_WILDCARD_CHARS,
};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryProblem {
    #[error("the query is empty")]
    Empty,
    #[error("the query has {0} characters, the limit is {MAX_QUERY_CHARS}")]
    TooLong(usize),
    #[error("the query is nested more than {MAX_QUERY_DEPTH} deep")]
    TooDeep,
    #[error("the query has more than {MAX_QUERY_NODES} terms and operators")]
    TooManyNodes,
    #[error("`{0}` is never closed")]
    NotClosed(char),
    #[error("`{0}` was not expected here")]
    Unexpected(String),
    #[error("a term is missing after `{0}`")]
    MissingTerm(String),
    #[error("there is no letter and no digit to match")]
    NoWord,
    #[error("the phrase has {0} words, the limit is {MAX_PHRASE_WORDS}")]
    PhraseTooLong(usize),
    #[error("`{word}:` is not known here")]
    Prefix {
        word: String,
        nearest: Option<&'static str>,
    },
    #[error("`[{0}]` is no class of words")]
    Class(String),
    #[error("`{0}` is not a distance")]
    Distance(String),
    #[error("`{0}` takes no distance")]
    NoDistance(&'static str),
    #[error("`{0}` needs a distance")]
    NeedsDistance(&'static str),
    #[error("`{0}` is not a part of a call")]
    Window(String),
    #[error("the wildcard `{0}` has fewer than {MIN_WILDCARD_CHARS} letters")]
    Wildcard(String),
    #[error("`{0}` is not a fuzzy word")]
    Fuzzy(String),
    #[error("`{0}` is not one plain word")]
    NotOneWord(String),
    #[error("the regex has {0} characters, the limit is {MAX_REGEX_CHARS}")]
    RegexTooLong(usize),
    #[error("the regex is not understood: {0}")]
    Regex(String),
    #[error("`@{name}` is no measure")]
    Measure {
        name: String,
        nearest: Option<&'static str>,
    },
    #[error("`@sentiment` needs what to count and a speaker")]
    Sentiment,
    #[error("`@{0}` needs a speaker")]
    MeasureSpeaker(&'static str),
    #[error("`@{0}` is about the whole call and takes no speaker")]
    MeasureNoSpeaker(&'static str),
    #[error("`{0}` is no speaker")]
    Speaker(String),
    #[error("a comparison is missing after `{0}`")]
    MissingComparison(String),
    #[error("`{value}` is not {wanted}")]
    Value { value: String, wanted: &'static str },
    #[error("`THEN` is within another operator")]
    InnerThen,
    #[error("there is no rule `{name}`")]
    NoRule {
        name: String,
        nearest: Option<String>,
    },
    #[error("there is no list `{name}`")]
    NoList {
        name: String,
        nearest: Option<String>,
    },
    #[error("the rule leads back to itself: {0}")]
    Cycle(String),
    #[error("{0} does not say where in the call")]
    NoPlace(&'static str),
    #[error("the term stands for {0} word sequences or more, the limit is {max}", max = crate::program::MAX_SEQUENCES_PER_TERM)]
    TooManySequences(usize),
    #[error("the list `{0}` leads back to itself")]
    ListCycle(String),
}

impl QueryProblem {
    pub fn hint(&self) -> String {
        if let Some(known) = self.nearest() {
            return format!("did you mean {known}?");
        }
        self.advice().to_owned()
    }

    fn nearest(&self) -> Option<String> {
        match self {
            Self::Prefix {
                nearest: Some(known),
                ..
            } => Some(format!("`{known}`")),
            Self::Measure {
                nearest: Some(known),
                ..
            } => Some(format!("`@{known}`")),
            Self::NoRule {
                nearest: Some(known),
                ..
            } => Some(format!("`rule:{known}`")),
            Self::NoList {
                nearest: Some(known),
                ..
            } => Some(format!("`list:{known}`")),
            _ => None,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Empty | Self::NoWord => "write words; punctuation alone is never spoken",
            Self::TooLong(_) | Self::TooDeep | Self::TooManyNodes => {
                "give parts a rule of their own and refer to them as `rule:name`"
            }
            Self::NotClosed('"') => "end the phrase with `\"`",
            Self::NotClosed('[') => "write `[num]`",
            Self::NotClosed(_) => "each `(` needs its `)`",
            Self::Unexpected(_) => "put words that contain it in quotes, or remove it",
            Self::MissingTerm(_) => "write a word or a phrase on each side of an operator",
            Self::PhraseTooLong(_) => {
                "keep the few words that matter: the longer a phrase, the likelier one word of it is misheard"
            }
            Self::Prefix { .. } => {
                "speakers are `agent:`, `customer:`, `ivr:`, `unknown:`, `any:`; words have `forms:`, `sounds:`, `list:`; \
                 other rules are `rule:name`; operators are written in capitals"
            }
            Self::Class(_) => {
                "write `[num]` for a number, `[num:4]` or `[num:3-4]` for one with so many digits"
            }
            Self::Distance(_) => {
                "write a count of words such as `5`, or seconds such as `10s`; at most 1000 words or 24 h"
            }
            Self::NoDistance(_) => "leave the number out",
            Self::NeedsDistance(_) => {
                "say within how many words or seconds: `NOTNEAR:5`, `NOTNEAR:10s`"
            }
            Self::Window(_) => {
                "write `first(20s):`, `last(10%):`, `first(50w):` for words, `first(2t):` for turns, or `between(10s,60s):`"
            }
            Self::Wildcard(_) => "write more of the word",
            Self::Fuzzy(_) => {
                "write `word~1` with at least 4 letters or `word~2` with at least 6, and no other mark"
            }
            Self::NotOneWord(_) => {
                "put the mark on one plain word, without spaces, hyphens or wildcards"
            }
            Self::RegexTooLong(_) => "list the words instead, with `list:`",
            Self::Regex(_) => {
                "a regex matches one whole word, in lower case; back references and look-around do not exist"
            }
            Self::Measure { .. } => {
                "measures are `@silence`, `@dead_air`, `@hold`, `@overlap`, `@talk(agent)`, `@talk_share(agent)`, `@wpm(agent)`, \
                 `@interruptions_by(agent)`, `@interruptions_of(customer)`, `@loudness(agent)`, `@sentiment(negative, customer)` and their sums, see docs/rules.md"
            }
            Self::Sentiment => {
                "write `@sentiment(negative, customer) >= 50%`; there are `positive`, `negative`, `neutral` and `mixed`, joined by `|`"
            }
            Self::MeasureSpeaker(_) => "write the speaker in parentheses: `@wpm(agent)`",
            Self::MeasureNoSpeaker(_) => "leave the parentheses out",
            Self::Speaker(_) => "write `agent`, `customer`, `ivr`, `unknown` or `any`",
            Self::MissingComparison(_) => {
                "write one of `>`, `>=`, `<`, `<=`, `=`, `!=` and a value"
            }
            Self::Value { .. } => "see docs/rules.md for the units: `ms`, `s`, `m`, `h`, `%`",
            Self::InnerThen => {
                "`THEN` joins whole steps: put a sequence into a rule of its own and refer to it as `rule:name`"
            }
            Self::NoRule { .. } => "a rule is referred to by the `name` it has in this file",
            Self::NoList { .. } => "add it to the table `[lists]`",
            Self::Cycle(_) | Self::ListCycle(_) => "take one of the references out",
            Self::NoPlace(_) => {
                "use it with AND, OR and NOT; for absence nearby there is `NOTNEAR`"
            }
            Self::TooManySequences(_) => "use fewer alternatives in one phrase, or split it",
        }
    }
}

/// The one of `known` that was most likely meant; none if all are too far away.
pub(crate) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(written, name), name))
        .filter(|&(distance, _)| distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

// The hints name these limits in words.
const _: () = assert!(MAX_DISTANCE_WORDS == 1_000 && MAX_DISTANCE_MS == 86_400_000);
const _: () = assert!(MIN_FUZZY_CHARS[0] == 4 && MIN_FUZZY_CHARS[1] == 6);
