//! Judgement of what a recogniser wrote. In: one segment's words and figures, and the speech it was heard in. Out: keep,
//! or suppress with a reason. Cannot fail. Source of the thresholds: Whisper's own decoding (compression ratio 2.4, mean
//! log probability −1, no-speech probability 0.6), and measurements on calls where a constant says so.

use std::io::Write;
use std::ops::Range;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use job_schema::transcript::{Figures, SuppressReason};

use crate::recognizer::RecognizedSegment;

/// Above this, and looping, there is no speech either: likelier than not.
pub const LOOP_NO_SPEECH_PROB: f32 = 0.5;
/// Above this a text repeats itself.
pub const MAX_COMPRESSION_RATIO: f32 = 2.4;
/// Below this the model guesses.
pub const MIN_AVG_LOGPROB: f32 = -1.0;
/// Above this, and unsure, there is no speech.
pub const MAX_NO_SPEECH_PROB: f32 = 0.6;
/// Below this the model is unsure. Where it doubts that anybody speaks, base writes "Woo!" at −0.87 on a second of music, and
/// right words of calls and prompts at −0.6 and better; Whisper's own −1 lets the music through.
pub const UNSURE_AVG_LOGPROB: f32 = -0.8;
/// A phrase said so often in a row is a loop of the decoder: people say "no no no", rarely more than that.
pub const LOOP_REPEATS: usize = 4;
/// Single words may be said a little more often.
pub const LOOP_WORD_REPEATS: usize = 6;
/// A phrase as long as this is seldom said twice.
pub const TWICE_WORDS: usize = 3;
/// Longer phrases do not loop in practice.
const LOOP_MAX_WORDS: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Suppress(SuppressReason),
}

/// The figures that go into the transcript.
pub fn figures(segment: &RecognizedSegment) -> Figures {
    Figures {
        avg_logprob: segment.avg_logprob,
        no_speech_prob: segment.no_speech_prob,
        compression_ratio: compression_ratio(&segment.text()),
        temperature: segment.temperature,
    }
}

pub fn judge(segment: &RecognizedSegment) -> Verdict {
    let figures = figures(segment);
    if !segment
        .words
        .iter()
        .any(|w| w.text.chars().any(char::is_alphanumeric))
        || describes_sound(&segment.text())
    {
        return Verdict::Suppress(SuppressReason::NoSpeech);
    }
    if figures.no_speech_prob > MAX_NO_SPEECH_PROB && figures.avg_logprob < UNSURE_AVG_LOGPROB {
        return Verdict::Suppress(SuppressReason::NoSpeech);
    }
    let words: Vec<String> = segment.words.iter().map(|w| folded(&w.text)).collect();
    if figures.compression_ratio > MAX_COMPRESSION_RATIO || find_loop(&words).is_some() {
        // What loops over tones was not said once either: base hears "I'm sorry, I'm sorry, …" in DTMF, at 0.59 and 0.63.
        if figures.no_speech_prob > LOOP_NO_SPEECH_PROB {
            return Verdict::Suppress(SuppressReason::NoSpeech);
        }
        return Verdict::Suppress(SuppressReason::Repetition);
    }
    if figures.avg_logprob < MIN_AVG_LOGPROB {
        return Verdict::Suppress(SuppressReason::LowConfidence);
    }
    Verdict::Keep
}

/// Bytes of the text over its bytes after deflate, as Whisper defines it. 0 for an empty text.
pub fn compression_ratio(text: &str) -> f32 {
    if text.is_empty() {
        return 0.0;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish());
    let packed = written.expect("writing into memory does not fail");
    text.len() as f32 / packed.len() as f32
}

/// The words of a loop after its first round: what was said once is kept.
pub fn find_loop(words: &[String]) -> Option<Range<usize>> {
    (0..words.len()).find_map(|start| {
        (1..=LOOP_MAX_WORDS).find_map(|length| {
            let phrase = words.get(start..start + length)?;
            let rounds = words[start..]
                .chunks(length)
                .take_while(|c| *c == phrase)
                .count();
            let needed = if length == 1 {
                LOOP_WORD_REPEATS
            } else {
                LOOP_REPEATS
            };
            (rounds >= needed).then(|| {
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

/// A phrase of several words is followed by itself. People do that, and so do decoders whose window ends too soon.
pub fn says_twice(segment: &RecognizedSegment) -> bool {
    let words: Vec<String> = segment.words.iter().map(|w| folded(&w.text)).collect();
    (TWICE_WORDS..=words.len() / 2).any(|length| {
        words
            .windows(2 * length)
            .any(|pair| pair[..length] == pair[length..])
    })
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
