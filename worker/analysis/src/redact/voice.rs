//! What one speaker said, cut into the parts that redaction looks at. In: a channel's words, or a suppressed text. Out: a
//! [`Voice`]: tokens without accents, and parts that are numbers, spelled letters, codes (`DE89`), fillers or words, each with
//! the words it came from and its time. Nothing fails.

mod lists;

use std::ops::Range;

use job_schema::transcript::{Channel, Suppressed, TimeSpan, Word};

use super::numbers::{self, Language};
use crate::words;
use lists::{CORRECTIONS, FILLERS, FROM, MONTHS, POINTING, SPELLING, TO, UNITS};

/// A token of one of the transcript's words.
#[derive(Debug)]
pub(super) struct Token {
    /// Lower case, without accents.
    pub(super) text: String,
    /// Index into the channel's words.
    pub(super) word: usize,
    pub(super) span: TimeSpan,
    /// The written word ended a sentence after this token.
    pub(super) ends_sentence: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its digits.
    Number(String),
    /// A spelled letter, or letters and digits in one word; upper case.
    Code(String),
    /// Says nothing of its own between two numbers.
    Filler,
    /// Takes back what was said before it.
    Correction,
    Word,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) tokens: Range<usize>,
    pub(super) span: TimeSpan,
}

impl Part {
    pub(super) fn digits(&self) -> impl Iterator<Item = char> + '_ {
        let text = match &self.kind {
            Kind::Number(text) | Kind::Code(text) => text.as_str(),
            Kind::Filler | Kind::Correction | Kind::Word => "",
        };
        text.chars().filter(char::is_ascii_digit)
    }
}

/// Where a voice's tokens lie in the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Channel(usize),
    Suppressed { channel: usize, index: usize },
}

#[derive(Debug)]
pub(super) struct Voice {
    pub(super) source: Source,
    pub(super) tokens: Vec<Token>,
    pub(super) parts: Vec<Part>,
}

impl Voice {
    pub(super) fn of_channel(position: usize, channel: &Channel) -> Self {
        let tokens = channel.words.iter().enumerate();
        let tokens = tokens.flat_map(|(index, word)| tokens_of(word, index));
        Self::new(Source::Channel(position), tokens.collect(), channel)
    }

    /// All of it happened somewhere in its span.
    pub(super) fn of_suppressed(
        position: usize,
        channel: &Channel,
        index: usize,
        suppressed: &Suppressed,
    ) -> Self {
        let texts = channel.facts.writing().pieces(&suppressed.text);
        let words = texts.into_iter().map(|text| Word {
            text: text.to_owned(),
            start_ms: suppressed.span.start_ms,
            end_ms: suppressed.span.end_ms,
            confidence: 0.0,
        });
        let tokens = words
            .enumerate()
            .flat_map(|(index, word)| tokens_of(&word, index).collect::<Vec<_>>());
        let source = Source::Suppressed {
            channel: position,
            index,
        };
        Self::new(source, tokens.collect(), channel)
    }

    fn new(source: Source, tokens: Vec<Token>, channel: &Channel) -> Self {
        let known = channel.facts.language.as_ref();
        let languages = match known.and_then(|known| Language::from_code(&known.code)) {
            Some(language) => vec![language],
            None => Language::ALL.to_vec(),
        };
        let parts = parts(&tokens, &languages);
        Self {
            source,
            tokens,
            parts,
        }
    }

    /// Widened to words and numbers that it would cut: half of a number may tell the rest, or read as another one.
    pub(super) fn whole_numbers(&self, mut tokens: Range<usize>) -> Range<usize> {
        let same_word = |a: usize, b: usize| self.tokens[a].word == self.tokens[b].word;
        loop {
            let before = tokens.clone();
            while tokens.start > 0 && same_word(tokens.start - 1, tokens.start) {
                tokens.start -= 1;
            }
            while tokens.end < self.tokens.len() && same_word(tokens.end - 1, tokens.end) {
                tokens.end += 1;
            }
            let numbers = self
                .parts
                .iter()
                .filter(|part| matches!(part.kind, Kind::Number(_)));
            for Range { start, end } in numbers.map(|part| part.tokens.clone()) {
                if start < tokens.end && tokens.start < end {
                    tokens = tokens.start.min(start)..tokens.end.max(end);
                }
            }
            if tokens == before {
                return tokens;
            }
        }
    }

    /// Whether the number counts something or is a date: a unit follows it, at most one word later ("five working days"), or
    /// it is one end of a range ("from nine to six").
    pub(super) fn counts(&self, number: usize) -> bool {
        let text = |at: usize| self.parts.get(at).map_or("", |part| self.first_text(part));
        let is_word = |at: usize| {
            let part = self.parts.get(at);
            part.is_some_and(|part| part.kind == Kind::Word)
        };
        // "14. Mai" ends no sentence.
        if MONTHS.contains(&text(number + 1)) {
            return true;
        }
        let goes_on = |at: usize| !self.ends_sentence(&self.parts[at]);
        let next = goes_on(number) && is_word(number + 1);
        if next && UNITS.contains(&text(number + 1)) {
            return true;
        }
        let second = next && goes_on(number + 1) && is_word(number + 2);
        second && UNITS.contains(&text(number + 2)) || self.is_of_range(number)
    }

    fn is_of_range(&self, number: usize) -> bool {
        let is_number = |part: &Part| matches!(part.kind, Kind::Number(_));
        let range = |at: usize| match self.parts.get(at..at + 4) {
            Some([from, first, to, last]) => {
                FROM.contains(&self.first_text(from))
                    && TO.contains(&self.first_text(to))
                    && is_number(first)
                    && is_number(last)
            }
            _ => false,
        };
        [1, 3]
            .iter()
            .any(|back| number.checked_sub(*back).is_some_and(range))
    }

    fn first_text(&self, part: &Part) -> &str {
        &self.tokens[part.tokens.start].text
    }

    pub(super) fn ends_sentence(&self, part: &Part) -> bool {
        self.tokens[part.tokens.end - 1].ends_sentence
    }

    pub(super) fn channel(&self) -> usize {
        match self.source {
            Source::Channel(channel) | Source::Suppressed { channel, .. } => channel,
        }
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        self.tokens
            .iter()
            .map(|token| token.text.as_str())
            .collect()
    }
}

fn tokens_of(word: &Word, index: usize) -> impl Iterator<Item = Token> + use<> {
    let span = TimeSpan {
        start_ms: word.start_ms,
        end_ms: word.end_ms,
    };
    let ends_sentence = word.text.ends_with(['.', '?', '!', ';']);
    let texts: Vec<String> = words::tokens(&word.text).map(|text| plain(&text)).collect();
    let last = texts.len().saturating_sub(1);
    texts.into_iter().enumerate().map(move |(at, text)| Token {
        text,
        word: index,
        span,
        ends_sentence: ends_sentence && at == last,
    })
}

/// Without the accents of the four languages, so that tables need one spelling.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ä' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'i',
            'ó' | 'ò' | 'ô' | 'ö' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ñ' => 'n',
            'ç' => 'c',
            other => other,
        })
        .collect()
}

fn parts(tokens: &[Token], languages: &[Language]) -> Vec<Part> {
    let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let mut parts: Vec<Part> = Vec::new();
    let mut at = 0;
    while at < texts.len() {
        let goes_on = matches!(
            parts.last(),
            Some(Part {
                kind: Kind::Number(_),
                ..
            })
        );
        let (kind, used) = match numbers::read(&texts[at..], languages, goes_on) {
            Some((_, 1)) if stands_for_something(&texts, at) => (Kind::Word, 1),
            Some((digits, used)) => (Kind::Number(digits), used),
            None => (kind_of(texts[at]), 1),
        };
        parts.push(Part {
            kind,
            tokens: at..at + used,
            span: TimeSpan {
                start_ms: tokens[at].span.start_ms,
                end_ms: tokens[at + used - 1].span.end_ms,
            },
        });
        at += used;
    }
    parts
}

/// "The one ending in", where no further number follows.
fn stands_for_something(texts: &[&str], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| texts[before]);
    let alone = |next: &&str| numbers::read(&[*next], &[Language::En], true).is_none();
    texts[at] == "one"
        && before.is_some_and(|text| POINTING.contains(&text))
        && texts.get(at + 1).is_none_or(alone)
}

/// `14th`: nobody dictates so.
fn is_ordinal(text: &str) -> bool {
    let ending = ["st", "nd", "rd", "th"].iter();
    let number = ending.filter_map(|ending| text.strip_suffix(ending)).next();
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn kind_of(text: &str) -> Kind {
    if CORRECTIONS.contains(&text) {
        return Kind::Correction;
    }
    if is_ordinal(text) {
        return Kind::Word;
    }
    let letters_and_digits =
        text.bytes().all(|b| b.is_ascii_alphanumeric()) && text.bytes().any(|b| b.is_ascii_digit());
    let one_letter = text.len() == 1 && text.bytes().all(|b| b.is_ascii_lowercase());
    if letters_and_digits || one_letter {
        return Kind::Code(text.to_ascii_uppercase());
    }
    if let Ok(at) = SPELLING.binary_search_by_key(&text, |(name, _)| name) {
        return Kind::Code(SPELLING[at].1.to_string());
    }
    if FILLERS.contains(&text) {
        return Kind::Filler;
    }
    Kind::Word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_alphabet_is_sorted_so_that_it_can_be_searched() {
        assert!(SPELLING.is_sorted_by_key(|(name, _)| *name));
        assert_eq!(kind_of("victor"), Kind::Code("V".into()));
        assert_eq!(kind_of("de89"), Kind::Code("DE89".into()));
        assert_eq!(kind_of("perdon"), Kind::Correction);
        assert_eq!(kind_of("card"), Kind::Word);
    }
}
