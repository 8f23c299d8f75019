//! Makes words with times from the engine's tokens. In: tokens as bytes, each with the time at which the alignment left
//! it. Out: whole UTF-8 words, punctuation attached, times in order and inside the span. Cannot fail: bytes that are no
//! text are dropped. Grouping and punctuation follow OpenAI's `timing.py`; so does the bound on a word's length.

use pipeline::recognizer::{RecognizedWord, Writing, ends_latin};

/// The alignment's step is 20 ms, so nothing shorter is told apart.
const MIN_WORD_MS: u64 = 20;
/// A typical word is not taken to be longer than this when judging others (OpenAI's `median_duration`).
const MAX_MEDIAN_MS: u64 = 700;
/// A word of many letters may be long: slow speech has about ten letters a second.
const MS_PER_LETTER: u64 = 100;

/// One text token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) bytes: Vec<u8>,
    pub(crate) probability: f32,
    /// From the span's first sample.
    pub(crate) end_ms: Option<u64>,
}

pub(crate) fn from_tokens(tokens: &[Token], span_ms: u64, writing: Writing) -> Vec<RecognizedWord> {
    let mut groups = group(tokens, span_ms, writing);
    attach_punctuation(&mut groups);
    shorten(&mut groups);
    put_in_order(&mut groups, span_ms);
    groups.into_iter().map(Group::into_word).collect()
}

#[derive(Debug)]
struct Group {
    bytes: Vec<u8>,
    probability_sum: f32,
    tokens_count: u16,
    start_ms: u64,
    end_ms: u64,
}

impl Group {
    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let text: String = text
            .chars()
            .filter(|c| !c.is_control() && *c != '\u{fffd}')
            .collect();
        text.trim().to_owned()
    }

    fn letters_count(&self) -> u64 {
        self.text().chars().filter(|c| is_spoken(*c)).count() as u64
    }

    fn length_ms(&self) -> u64 {
        self.end_ms - self.start_ms
    }

    fn add(&mut self, token: &Token, end_ms: u64) {
        self.bytes.extend(&token.bytes);
        self.probability_sum += token.probability;
        self.tokens_count += 1;
        // A pause is written as punctuation: it must not lengthen the word before it.
        if may_be_spoken(&token.bytes) {
            self.end_ms = end_ms;
        }
    }

    fn into_word(self) -> RecognizedWord {
        RecognizedWord {
            text: self.text(),
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            probability: self.probability_sum / f32::from(self.tokens_count.max(1)),
        }
    }
}

fn group(tokens: &[Token], span_ms: u64, writing: Writing) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut now_ms = 0;
    for token in tokens {
        let end_ms = token
            .end_ms
            .unwrap_or(now_ms)
            .clamp(now_ms, span_ms.max(now_ms));
        match groups.last_mut() {
            Some(open) if continues(&open.bytes, &token.bytes, writing) => open.add(token, end_ms),
            _ => {
                let mut fresh = Group {
                    bytes: Vec::new(),
                    probability_sum: 0.0,
                    tokens_count: 0,
                    start_ms: now_ms,
                    end_ms: now_ms,
                };
                fresh.add(token, end_ms);
                groups.push(fresh);
            }
        }
        now_ms = end_ms;
    }
    groups
}

/// Whether a token belongs to the word that is open.
fn continues(open: &[u8], token: &[u8], writing: Writing) -> bool {
    if std::str::from_utf8(open).is_err_and(|e| e.error_len().is_none()) {
        // The open word ends inside a character.
        return true;
    }
    if token.first() == Some(&b' ') {
        return false;
    }
    match writing {
        Writing::Spaced => true,
        // Every token is a word, but for numbers and words in Latin letters, of which two have a blank between them.
        Writing::Unspaced => {
            ends_latin(&String::from_utf8_lossy(open)) && token.first().is_some_and(starts_latin)
        }
    }
}

/// By a character's first byte: the others may be in the next token.
fn starts_latin(byte: &u8) -> bool {
    byte.is_ascii_graphic() || (0xc3..=0xc9).contains(byte)
}

/// Groups in which nothing is spoken go to the word before, or the first word after; alone they are no speech.
fn attach_punctuation(groups: &mut Vec<Group>) {
    let mut kept: Vec<Group> = Vec::new();
    let mut opening: Vec<u8> = Vec::new();
    for mut group in groups.drain(..) {
        let text = group.text();
        if !text.chars().any(is_spoken) {
            match kept.last_mut() {
                Some(word) => word.bytes.extend(text.as_bytes()),
                None => opening.extend(text.as_bytes()),
            }
            continue;
        }
        if !opening.is_empty() {
            opening.extend(text.as_bytes());
            group.bytes = std::mem::take(&mut opening);
        }
        kept.push(group);
    }
    *groups = kept;
}

/// Letters and digits, and the signs that are read aloud.
fn is_spoken(c: char) -> bool {
    c.is_alphanumeric() || "&%+=@#$€£¥°".contains(c)
}

fn may_be_spoken(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().any(is_spoken),
        // Part of a character: no punctuation that matters here is split.
        Err(_) => true,
    }
}

/// A pause before a word is part of it in the alignment. A word much longer than the others starts later.
fn shorten(groups: &mut [Group]) {
    let mut lengths: Vec<u64> = groups
        .iter()
        .map(Group::length_ms)
        .filter(|l| *l > 0)
        .collect();
    lengths.sort_unstable();
    let Some(&median) = lengths.get(lengths.len() / 2) else {
        return;
    };
    let typical = 2 * median.min(MAX_MEDIAN_MS);
    for group in groups {
        let longest = typical.max(MS_PER_LETTER * group.letters_count());
        group.start_ms = group.start_ms.max(group.end_ms.saturating_sub(longest));
    }
}

/// Gives each word a length, in order, inside the span.
fn put_in_order(groups: &mut [Group], span_ms: u64) {
    let count = groups.len().max(1) as u64;
    let min_ms = (span_ms / count).clamp(1, MIN_WORD_MS);
    let mut earliest = 0;
    for group in groups.iter_mut() {
        group.start_ms = group.start_ms.max(earliest);
        group.end_ms = group.end_ms.max(group.start_ms + min_ms);
        earliest = group.end_ms;
    }
    let mut latest = span_ms;
    for group in groups.iter_mut().rev() {
        group.end_ms = group.end_ms.min(latest);
        group.start_ms = group.start_ms.min(group.end_ms.saturating_sub(min_ms));
        latest = group.start_ms;
    }
}

#[cfg(test)]
mod tests;
