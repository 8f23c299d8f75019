//! Finding every phrase of every rule in one pass over a channel. In: phrases, then words. Out: for each phrase, each run
//! of tokens that equals it, overlapping ones too. The haystack is the channel's tokens with a separator around each, and
//! a phrase brings its separators along: a match cannot begin or end within a token.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use job_schema::transcript::Word;

use crate::words::tokens;

/// Cannot stand within a token, since tokens hold no white space.
const SEPARATOR: char = '\n';

/// Phrases on their way into a [`Matcher`]; those with the same tokens are one.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    texts: Vec<String>,
    index_of: HashMap<String, usize>,
}

impl Patterns {
    /// The phrase's index; none if it has no token.
    pub(crate) fn add(&mut self, phrase: &str) -> Option<usize> {
        let mut text = String::from(SEPARATOR);
        for token in tokens(phrase) {
            text.push_str(&token);
            text.push(SEPARATOR);
        }
        if text.len() == SEPARATOR.len_utf8() {
            return None;
        }
        if let Some(&index) = self.index_of.get(&text) {
            return Some(index);
        }
        let index = self.texts.len();
        self.texts.push(text.clone());
        self.index_of.insert(text, index);
        Some(index)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    automaton: AhoCorasick,
}

/// One place where a phrase stands in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occurrence {
    /// Position in the transcript's channels.
    pub(crate) channel: usize,
    pub(crate) first_token: usize,
    /// One past its last token.
    pub(crate) end_token: usize,
    pub(crate) first_word: usize,
    pub(crate) last_word: usize,
}

impl Matcher {
    pub(crate) fn new(patterns: &Patterns) -> Result<Self, BuildError> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard) // The only kind that reports overlapping matches.
            .build(&patterns.texts)?;
        Ok(Self { automaton })
    }

    /// Adds the channel's occurrences to `found`, which has a list for each pattern.
    pub(crate) fn find(&self, channel: usize, words: &[Word], found: &mut [Vec<Occurrence>]) {
        let haystack = Haystack::new(words);
        for hit in self.automaton.find_overlapping_iter(&haystack.text) {
            let first_token = haystack.token_at(hit.start());
            let end_token = haystack.token_at(hit.end() - SEPARATOR.len_utf8());
            found[hit.pattern().as_usize()].push(Occurrence {
                channel,
                first_token,
                end_token,
                first_word: haystack.word_of[first_token],
                last_word: haystack.word_of[end_token - 1],
            });
        }
    }

    pub(crate) fn patterns_count(&self) -> usize {
        self.automaton.patterns_len()
    }
}

struct Haystack {
    text: String,
    /// Where the separator before each token stands.
    token_starts: Vec<usize>,
    /// The word that each token comes from.
    word_of: Vec<usize>,
}

impl Haystack {
    fn new(words: &[Word]) -> Self {
        let mut haystack = Self {
            text: String::new(),
            token_starts: Vec::with_capacity(words.len()),
            word_of: Vec::with_capacity(words.len()),
        };
        for (index, word) in words.iter().enumerate() {
            for token in tokens(&word.text) {
                haystack.token_starts.push(haystack.text.len());
                haystack.word_of.push(index);
                haystack.text.push(SEPARATOR);
                haystack.text.push_str(&token);
            }
        }
        haystack.text.push(SEPARATOR);
        haystack
    }

    /// The token behind the separator at `offset`; the count of tokens for the last separator.
    fn token_at(&self, offset: usize) -> usize {
        self.token_starts.partition_point(|&start| start < offset)
    }
}
