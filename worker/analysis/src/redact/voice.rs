//! What one speaker said, cut into the parts that redaction looks at. In: a channel's words, or a suppressed text. Out: a
//! [`Voice`]: tokens without accents, and parts that are numbers, spelled letters, codes (`DE89`), fillers or words, each with
//! the words it came from and its time. Nothing fails.

use std::ops::Range;

use job_schema::transcript::{Channel, Suppressed, TimeSpan, Word};

use super::numbers::{self, Language};
use crate::words;

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
        let words = suppressed.text.split_whitespace().map(|text| Word {
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

fn kind_of(text: &str) -> Kind {
    if CORRECTIONS.contains(&text) {
        return Kind::Correction;
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

#[rustfmt::skip] // a list reads as one
const CORRECTIONS: &[&str] = &[
    "no", "sorry", "wait", "correction", "rather", "scratch", "actually", "oops",
    "perdon", "digo", "espera", "espere", "mejor", "disculpe", "perdone",
    "nein", "falsch", "quatsch", "entschuldigung", "moment", "halt", "verzeihung", "stimmt",
    "non", "pardon", "desole", "attendez", "plutot", "erreur", "rectification",
];

#[rustfmt::skip] // a list reads as one
const FILLERS: &[&str] = &[
    // What a recogniser writes for two, four, eight and one amid digits.
    "to", "too", "for", "ate", "won",
    // The other side on the same channel.
    "go", "ahead", "please", "thanks", "got", "it", "digame", "aja", "diga", "gracias", "bitte", "danke", "allez", "d'accord", "merci",
    "uh", "um", "er", "erm", "eh", "ah", "hm", "hmm", "mm", "mhm", "huh", "ok", "okay", "yes", "yeah", "yep", "right", "so", "and", "then", "now",
    "the", "dash", "hyphen", "space", "slash", "point", "dot", "comma", "stroke", "that", "that's", "is", "it's", "i", "mean", "well", "let", "me", "see", "next",
    "pues", "este", "bueno", "si", "vale", "y", "luego", "guion", "espacio", "punto", "coma", "el", "la", "a", "ver", "ahora", "despues",
    "ah", "ahm", "also", "ja", "genau", "und", "dann", "strich", "punkt", "komma", "leerzeichen", "so", "jetzt", "ich", "meine", "gut", "die", "der",
    "euh", "heu", "alors", "oui", "et", "puis", "ensuite", "tiret", "espace", "virgule", "le", "la", "bon", "voila", "donc", "je", "veux", "dire",
];

/// The international spelling alphabet; sorted by word.
#[rustfmt::skip] // a table reads as one
const SPELLING: &[(&str, char)] = &[
    ("alfa", 'A'), ("alpha", 'A'), ("bravo", 'B'), ("charlie", 'C'), ("delta", 'D'), ("echo", 'E'), ("foxtrot", 'F'),
    ("golf", 'G'), ("hotel", 'H'), ("india", 'I'), ("juliet", 'J'), ("juliett", 'J'), ("kilo", 'K'), ("lima", 'L'),
    ("mike", 'M'), ("november", 'N'), ("oscar", 'O'), ("papa", 'P'), ("quebec", 'Q'), ("romeo", 'R'), ("sierra", 'S'),
    ("tango", 'T'), ("uniform", 'U'), ("victor", 'V'), ("whiskey", 'W'), ("whisky", 'W'), ("yankee", 'Y'), ("zulu", 'Z'),
];

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
