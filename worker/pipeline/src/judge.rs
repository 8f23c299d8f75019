//! Judgement of what a recogniser wrote. In: one segment's words and figures, and what its sound says of a voice. Out: keep,
//! or suppress with a reason. Cannot fail. Source of the thresholds: Whisper's own decoding (compression ratio 2.4,
//! no-speech probability 0.6), and measurements where a constant says so: docs/recognition.md, "Nothing invented".

use std::io::Write;
use std::ops::Range;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use job_schema::transcript::{Figures, SuppressReason};

use crate::evidence::Evidence;
use crate::recognizer::{RecognizedSegment, RecognizedWord, Writing};

/// Above this the model doubts that anybody speaks: likelier not than so. Then the sound and the text have to make up for it.
pub const DOUBT_NO_SPEECH_PROB: f32 = 0.5;
/// Above this a text repeats itself.
pub const MAX_COMPRESSION_RATIO: f32 = 2.4;
/// Below this the model guesses, and a second look may help.
pub const MIN_AVG_LOGPROB: f32 = -1.0;
/// Above this what is suppressed for its probability was no speech; below it, speech that was not understood.
pub const MAX_NO_SPEECH_PROB: f32 = 0.6;
/// What the model needs of its words rises with its doubt that there are any: −1.5 where it has none, −0.6 where it is nearly
/// sure of silence. Whisper asks for −1 alone, or not at all. Words that were said lie above the line, the lowest at −1.50, and
/// those of noise, music and tones below, at −1.58 and less, with both models and recognisers.
pub const LEAST_LOGPROB_OVER_DOUBT: f32 = -1.55;
/// The same for few words in much sound: what a caller said in half a minute lay at −1.0 and above, base's "I'm sorry," in 20 s of
/// voices played backwards at −1.3.
pub const LEAST_LOGPROB_WHERE_SPARSE: f32 = -1.15;
/// In a text of so few words one that the model finds less likely than this is a guess, however likely it makes the others: base
/// writes "Thank you." over music, at 0.03 and 0.77, where a name that was said alone had 0.08 at the least.
pub const LEAST_WORD_PROBABILITY: f32 = 0.05;
pub const FEW_WORDS: usize = 2;
/// A phrase said so often in a row is a loop of the decoder: people say "no no no", rarely more than that.
pub const LOOP_REPEATS: usize = 4;
/// Single words may be said a little more often.
pub const LOOP_WORD_REPEATS: usize = 6;
/// A phrase as long as this is seldom said twice.
pub const TWICE_WORDS: usize = 3;
/// Where every token counts as a word, letters are counted: up to so many may be one word, and もしもし is もし twice.
const LETTERS_OF_A_WORD: usize = 4;
/// All digits of a phone number may be the same.
const LOOP_LETTER_REPEATS: usize = 12;
/// A phrase that is seldom said twice: a number is read in groups of fewer digits, such as 一三八 一三八.
const LETTERS_OF_A_PHRASE: usize = 10;
/// Few words of any language that has blanks between them are longer.
const LETTERS_OF_A_LONG_WORD: usize = 12;
/// Longer phrases do not loop in practice,
const LOOP_MAX_WORDS: usize = 12;
/// where every token counts as a word: a sentence.
const LOOP_MAX_TOKENS: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Suppress(SuppressReason),
}

/// The figures that go into the transcript.
pub fn figures(segment: &RecognizedSegment, writing: Writing) -> Figures {
    Figures {
        avg_logprob: segment.avg_logprob,
        no_speech_prob: segment.no_speech_prob,
        compression_ratio: compression_ratio(&segment.text(writing)),
        temperature: segment.temperature,
    }
}

pub fn judge(segment: &RecognizedSegment, evidence: Evidence, writing: Writing) -> Verdict {
    let figures = figures(segment, writing);
    if !segment
        .words
        .iter()
        .any(|w| w.text.chars().any(char::is_alphanumeric))
        || describes_sound(&segment.text(writing))
    {
        return Verdict::Suppress(SuppressReason::NoSpeech);
    }
    let words: Vec<String> = segment.words.iter().map(|w| folded(&w.text)).collect();
    let looped = find_loop(&words, writing);
    let said_count = words_said(&words, looped.as_ref());
    let is_doubted = figures.no_speech_prob > DOUBT_NO_SPEECH_PROB;
    let is_sparse = evidence.is_sparse(said_count);
    let is_no_voice = evidence.is_long_and_steady() || is_sparse && evidence.is_flat();
    if is_no_voice || is_doubted && (evidence.is_steady() || is_sparse) {
        return Verdict::Suppress(SuppressReason::NoSpeech);
    }
    let least = if is_sparse {
        LEAST_LOGPROB_WHERE_SPARSE
    } else {
        LEAST_LOGPROB_OVER_DOUBT
    };
    let is_unlikely =
        figures.avg_logprob < figures.no_speech_prob + least || holds_a_guess(segment);
    if is_unlikely && figures.no_speech_prob > MAX_NO_SPEECH_PROB {
        return Verdict::Suppress(SuppressReason::NoSpeech);
    }
    let is_repetitive = packing(&letters(&segment.text(writing))) > MAX_COMPRESSION_RATIO;
    // A sentence said twice is a loop where nobody may have said it once: of speech, none said so was doubted at all.
    let repeats = is_repetitive || looped.is_some() || is_doubted && says_twice(segment, writing);
    if repeats && is_doubted {
        // What loops over tones was not said once either: base hears "I'm sorry, I'm sorry, …" in DTMF, at 0.59 and 0.63.
        Verdict::Suppress(SuppressReason::NoSpeech)
    } else if is_unlikely {
        Verdict::Suppress(SuppressReason::LowConfidence)
    } else if repeats {
        Verdict::Suppress(SuppressReason::Repetition)
    } else {
        Verdict::Keep
    }
}

/// Without the rounds of a loop. Where blanks stand between phrases, as in Khmer, letters count.
fn words_said(words: &[String], looped: Option<&Range<usize>>) -> usize {
    let is_said = |at: &usize| !looped.is_some_and(|looped| looped.contains(at));
    let said = (0..words.len()).filter(is_said).map(|at| &words[at]);
    let letters: usize = said.clone().map(|word| word.chars().count()).sum();
    said.count().max(letters / LETTERS_OF_A_LONG_WORD)
}

/// Bytes of the text over its bytes after deflate, as Whisper defines it. 0 for an empty text.
pub fn compression_ratio(text: &str) -> f32 {
    packing(text.as_bytes())
}

/// The text with a byte for each letter, whatever its script: where a letter has three bytes, of which two hardly change, plain
/// speech packs as well as a loop does, and base's Tamil stood at 2.5. English is the same either way.
fn letters(text: &str) -> Vec<u8> {
    let mut known: Vec<char> = Vec::new();
    let number = |letter: char| {
        let at = known
            .iter()
            .position(|k| *k == letter)
            .unwrap_or(known.len());
        if at == known.len() {
            known.push(letter);
        }
        // No span has as many letters, and two that share a number do no harm.
        u8::try_from(at % 256).unwrap_or_default()
    };
    text.chars().map(number).collect()
}

fn packing(bytes: &[u8]) -> f32 {
    if bytes.is_empty() {
        return 0.0;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    let packed = written.expect("writing into memory does not fail");
    bytes.len() as f32 / packed.len() as f32
}

/// The words of a loop after its first round: what was said once is kept.
pub fn find_loop(words: &[String], writing: Writing) -> Option<Range<usize>> {
    let longest = match writing {
        Writing::Spaced => LOOP_MAX_WORDS,
        Writing::Unspaced => LOOP_MAX_TOKENS,
    };
    (0..words.len()).find_map(|start| {
        (1..=longest).find_map(|length| {
            let phrase = words.get(start..start + length)?;
            let rounds = words[start..]
                .chunks(length)
                .take_while(|c| *c == phrase)
                .count();
            (rounds >= rounds_of_a_loop(phrase, writing)).then(|| {
                let mut end = start + rounds * length;
                // The last round may have been cut off by the token limit.
                end += words[end..]
                    .iter()
                    .zip(phrase)
                    .take_while(|(a, b)| a == b)
                    .count();
                start + length..end
            })
        })
    })
}

fn rounds_of_a_loop(phrase: &[String], writing: Writing) -> usize {
    match (writing, letters_count(phrase)) {
        (Writing::Spaced, _) if phrase.len() == 1 => LOOP_WORD_REPEATS,
        (Writing::Unspaced, letters @ ..=LETTERS_OF_A_WORD) => {
            let rounds = LOOP_WORD_REPEATS * LETTERS_OF_A_WORD / letters.max(1);
            rounds.min(LOOP_LETTER_REPEATS)
        }
        _ => LOOP_REPEATS,
    }
}

/// A phrase of several words is followed by itself. People do that, and so do decoders whose window ends too soon.
pub fn says_twice(segment: &RecognizedSegment, writing: Writing) -> bool {
    let words: Vec<String> = segment.words.iter().map(|w| folded(&w.text)).collect();
    let is_phrase = |words: &[String]| match writing {
        Writing::Spaced => words.len() >= TWICE_WORDS,
        Writing::Unspaced => letters_count(words) >= LETTERS_OF_A_PHRASE,
    };
    (1..=words.len() / 2).any(|length| {
        words
            .windows(2 * length)
            .any(|pair| pair[..length] == pair[length..] && is_phrase(&pair[..length]))
    })
}

fn letters_count(folded: &[String]) -> usize {
    folded.iter().map(|word| word.chars().count()).sum()
}

fn holds_a_guess(segment: &RecognizedSegment) -> bool {
    let is_guess = |word: &RecognizedWord| word.probability < LEAST_WORD_PROBABILITY;
    segment.words.len() <= FEW_WORDS && segment.words.iter().any(is_guess)
}

/// A caption such as `[Music]` or `(phone ringing)`: about the sound, not in it.
fn describes_sound(text: &str) -> bool {
    let text = text.trim();
    let inside = |open, close| {
        text.strip_prefix(open)
            .and_then(|t: &str| t.strip_suffix(close))
    };
    [
        inside('[', ']'),
        inside('(', ')'),
        inside('*', '*'),
        inside('♪', '♪'),
    ]
    .into_iter()
    .flatten()
    .any(|inner| !inner.contains(['[', ']', '(', ')', '*']))
}

/// For comparing: without case and punctuation.
pub(crate) fn folded(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests;
