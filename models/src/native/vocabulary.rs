//! Whisper's tokens. In: the vocabulary of a model file. Out: bytes of tokens, tokens of a prompt, the numbers of special
//! tokens, and which tokens may be written. Cannot fail. Source: `tokenizer.py` of OpenAI's whisper for the special tokens'
//! order and for what is suppressed as no speech.

use std::collections::HashMap;

use crate::ggml::ModelFacts;

/// Signs that nobody says; written, they describe sound or open a quotation that nobody reads aloud.
const NOT_SPOKEN: [&str; 48] = [
    "\"",
    "#",
    "(",
    ")",
    "*",
    "+",
    "/",
    ":",
    ";",
    "<",
    "=",
    ">",
    "@",
    "[",
    "\\",
    "]",
    "^",
    "_",
    "`",
    "{",
    "|",
    "}",
    "~",
    "「",
    "」",
    "『",
    "』",
    "<<",
    ">>",
    "<<<",
    ">>>",
    "--",
    "---",
    "-(",
    "-[",
    "('",
    "(\"",
    "((",
    "))",
    "(((",
    ")))",
    "[[",
    "]]",
    "{{",
    "}}",
    "♪♪",
    "♪♪♪",
    "♪",
];
/// These share their first token with the signs above only in part, so they are looked up whole or not at all.
const NOTES: [&str; 6] = ["♩", "♫", "♬", "♭", "♮", "♯"];
/// Fine within a word, never at its start.
const NOT_FIRST: [&str; 2] = [" -", " '"];

#[derive(Debug)]
pub(super) struct Vocabulary {
    tokens: Vec<Vec<u8>>,
    numbers: HashMap<Vec<u8>, usize>,
    pub(super) special: Special,
    /// Text tokens that are never written.
    pub(super) suppressed: Vec<usize>,
    /// What a text does not begin with.
    pub(super) blank: usize,
    is_multilingual: bool,
}

/// Numbers of the special tokens; text tokens lie below all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Special {
    pub(super) end: usize,
    pub(super) start: usize,
    pub(super) languages_count: usize,
    transcribe: usize,
    previous: usize,
    pub(super) no_speech: usize,
    no_timestamps: usize,
}

impl Special {
    fn new(facts: &ModelFacts) -> Self {
        /// Of a model for English alone, which keeps places for the languages of its time.
        const OLD_LANGUAGES: usize = 99;
        let (end, languages_count) = if facts.is_multilingual() {
            (50_257, facts.languages_count())
        } else {
            (50_256, OLD_LANGUAGES)
        };
        let after_languages = end + 2 + languages_count;
        Self {
            end,
            start: end + 1,
            languages_count,
            // First comes `translate`, between these `startoflm`.
            transcribe: after_languages + 1,
            previous: after_languages + 3,
            no_speech: after_languages + 4,
            no_timestamps: after_languages + 5,
        }
    }
}

impl Vocabulary {
    pub(super) fn new(tokens: Vec<Vec<u8>>, facts: &ModelFacts) -> Self {
        let special = Special::new(facts);
        let texts = tokens.iter().take(special.end).cloned().enumerate();
        let numbers: HashMap<Vec<u8>, usize> =
            texts.map(|(number, bytes)| (bytes, number)).collect();
        let find = |text: &str| numbers.get(text.as_bytes()).copied();
        let spaced = |sign: &&str| [(*sign).to_owned(), format!(" {sign}")];
        let signs = NOT_SPOKEN.iter().chain(&NOTES).flat_map(spaced);
        let mut suppressed: Vec<usize> = signs.filter_map(|sign| find(&sign)).collect();
        suppressed.extend(NOT_FIRST.iter().filter_map(|sign| find(sign)));
        let blank = find(" ").expect("a checked vocabulary has the blank");
        Self {
            tokens,
            suppressed,
            blank,
            numbers,
            special,
            is_multilingual: facts.is_multilingual(),
        }
    }

    pub(super) fn bytes(&self, token: usize) -> &[u8] {
        self.tokens.get(token).map_or(&[], Vec::as_slice)
    }

    pub(super) fn language(&self, number: usize) -> usize {
        self.special.start + 1 + number
    }

    /// What comes before the text: the prompt if there is one, then the start. Returns the tokens and where the start is.
    pub(super) fn lead(&self, prompt: &str, language: usize, most: usize) -> (Vec<usize>, usize) {
        let mut lead = Vec::new();
        let prompt = self.encode(prompt);
        if !prompt.is_empty() {
            lead.push(self.special.previous);
            lead.extend_from_slice(&prompt[prompt.len().saturating_sub(most)..]);
        }
        let start = lead.len();
        lead.push(self.special.start);
        if self.is_multilingual {
            lead.push(self.language(language));
            lead.push(self.special.transcribe);
        }
        lead.push(self.special.no_timestamps);
        (lead, start)
    }

    /// The longest token that fits, again and again, word by word. OpenAI merges pairs instead; for words that the
    /// vocabulary knows, which prompts are made of, both find the same tokens.
    fn encode(&self, text: &str) -> Vec<usize> {
        let mut tokens = Vec::new();
        for word in text.split_whitespace() {
            let word = format!(" {word}");
            let mut rest = word.as_bytes();
            while !rest.is_empty() {
                let known = |length: &usize| self.numbers.contains_key(&rest[..*length]);
                let length = (1..=rest.len()).rev().find(known).unwrap_or(1);
                tokens.extend(self.numbers.get(&rest[..length]));
                rest = &rest[length..];
            }
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ggml::{Family, WeightType};

    fn facts(vocabulary: i32) -> ModelFacts {
        ModelFacts {
            family: Family::Tiny,
            text_layers: 4,
            vocabulary,
            mel_bands: 80,
            weights: WeightType::F16,
            file_bytes: 0,
        }
    }

    #[test]
    fn special_tokens_have_the_numbers_that_openai_gave_them() {
        for (vocabulary, end, transcribe, previous, no_speech, no_timestamps) in [
            (51_864, 50_256, 50_358, 50_360, 50_361, 50_362),
            (51_865, 50_257, 50_359, 50_361, 50_362, 50_363),
            (51_866, 50_257, 50_360, 50_362, 50_363, 50_364),
        ] {
            let special = Special::new(&facts(vocabulary));
            let found = (
                special.end,
                special.transcribe,
                special.previous,
                special.no_speech,
                special.no_timestamps,
            );
            assert_eq!(found, (end, transcribe, previous, no_speech, no_timestamps));
        }
    }

    #[test]
    fn a_prompt_is_cut_to_its_last_tokens_and_stands_before_the_start() {
        let words = ["a", "b", " ", " ab", "("];
        let vocabulary = Vocabulary::new(
            words.map(|w| w.as_bytes().to_vec()).to_vec(),
            &facts(51_865),
        );
        assert_eq!(vocabulary.encode("ab  abab b"), [3, 3, 0, 1, 2, 1]);
        assert_eq!(vocabulary.suppressed, [4]);
        let (lead, start) = vocabulary.lead("ab ab", 2, 1);
        assert_eq!(
            (lead, start),
            (vec![50_361, 3, 50_258, 50_261, 50_359, 50_363], 2)
        );
        assert_eq!(vocabulary.lead("", 0, 9).1, 0);
    }
}
