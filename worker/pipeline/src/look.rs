//! Recognition of spans, on a slot. In: heard spans, their languages, the terms expected of their channels. Out: their words
//! with mended times, and apart from them what was suppressed. Fails: as the recogniser does. A span that went wrong gets one
//! second look with another setting, one with speech that was passed over is heard in parts, and where something sounds like
//! a term it is heard once more with that in the prompt; no span gets more, so that its cost has a bound.

use std::borrow::{Borrow, Cow};
use std::sync::Arc;

use job_schema::engine::{SpanResult, SpanTerm};
use job_schema::transcript::{ConfidenceMapping, SuppressReason, TimeSpan};

use crate::channel::HeardSpan;
use crate::evidence::Evidence;
use crate::judge::{MIN_AVG_LOGPROB, Verdict, judge, says_twice};
use crate::recognizer::{
    AbortFlag, MAX_SPAN_MS, Recognition, RecognizeError, RecognizedSegment, Recognizer, Request,
    SAMPLE_RATE_HZ, Writing,
};
use crate::vocabulary::{Resembled, Terms, place};
use parts::{Part, hear};
use write::write_down;

/// Tokens to allow: what a fast speaker needs. Measured on calls, a loop costs its budget, so a loose one is slow.
pub const TOKENS_PER_SECOND: f32 = 5.0;
pub const TOKENS_AT_LEAST: u32 = 6;
/// For speech that was cut short without a loop: somebody who talks very fast, or digits.
const SECOND_BUDGET_FACTOR: u32 = 2;
/// The same in a script whose letters have two bytes and more, and a token or two each: as many as the recogniser's window has. With
/// so many for all, base takes 4 % longer over English calls, and writes the same.
const NO_BUDGET: u32 = u32::MAX;
/// The second look sees the whole window that Whisper was trained on, filled up with silence. Fitted windows are what
/// makes it say a sentence twice.
#[expect(clippy::cast_possible_truncation, reason = "a constant of 30,000")]
pub(crate) const WINDOW_SAMPLES: usize = MAX_SPAN_MS as usize * SAMPLE_RATE_HZ as usize / 1_000;
/// Whisper makes words up on windows shorter than this.
const MIN_SAMPLES: usize = SAMPLE_RATE_HZ as usize;

/// Tokens beyond those of the first look: a name has more of them than the words that it was taken for.
const TERM_TOKENS: u32 = 10;

/// A span, the language to write it in, and the names to expect.
#[derive(Debug, Clone)]
pub struct SpanToRead {
    pub heard: HeardSpan,
    pub language: String,
    pub terms: Arc<Terms>,
}

impl SpanToRead {
    pub(crate) fn writing(&self) -> Writing {
        Writing::of(&self.language)
    }
}

/// Writes down several spans at once, in order.
///
/// # Errors
/// The recogniser's.
pub fn recognize_spans(
    recognizer: &mut dyn Recognizer,
    spans: &[SpanToRead],
    mapping: Option<&ConfidenceMapping>,
    abort: &AbortFlag,
) -> Result<Vec<SpanResult>, RecognizeError> {
    let heard = hear(recognizer, spans, abort)?;
    let counts: Vec<usize> = heard.iter().map(Vec::len).collect();
    let mut parts: Vec<Part<'_>> = heard.into_iter().flatten().collect();
    let told = look_for_terms(recognizer, &mut parts, abort)?;
    let mut written = parts.into_iter().zip(told).map(|(part, told)| SpanResult {
        vocabulary: told,
        ..write_down(&part, mapping)
    });
    let results = spans.iter().zip(counts).map(|(span, count)| {
        let nothing = SpanResult::new(span.heard.channel, span.heard.span);
        written.by_ref().take(count).fold(nothing, join)
    });
    Ok(results.collect())
}

/// What was written of a span so far, and of its next part.
fn join(mut so_far: SpanResult, next: SpanResult) -> SpanResult {
    so_far.segments.extend(next.segments);
    so_far.suppressed.extend(next.suppressed);
    so_far.warnings.extend(next.warnings);
    so_far.vocabulary.extend(next.vocabulary);
    so_far
}

/// A first look, and a second where it went wrong.
fn look_at<'a>(
    recognizer: &mut dyn Recognizer,
    spans: Vec<Cow<'a, SpanToRead>>,
    abort: &AbortFlag,
) -> Result<Vec<Part<'a>>, RecognizeError> {
    let first_look = |(number, span): (usize, &Cow<'_, SpanToRead>)| Look {
        number,
        pcm: filled(span, MIN_SAMPLES),
        max_tokens: token_budget(span.heard.span),
        prompt: String::new(),
    };
    let looks: Vec<Look> = spans.iter().enumerate().map(first_look).collect();
    let answers = read(recognizer, &spans, &looks, abort)?;
    let evidence: Vec<Evidence> = spans.iter().map(|span| Evidence::of(&span.heard)).collect();
    let failed = looks.iter().zip(&answers);
    let (again, faults): (Vec<Look>, Vec<Fault>) = failed
        .filter_map(|(look, answer)| {
            let span = &spans[look.number];
            let fault = fault(answer, evidence[look.number], span.writing())?;
            let max_tokens = match fault {
                Fault::Repeats | Fault::Guesses => look.max_tokens,
                Fault::CutShort => second_budget(look.max_tokens, answer),
            };
            Some((second_look(look.number, span, max_tokens), fault))
        })
        .unzip();
    let seconds = read(recognizer, &spans, &again, abort)?;
    let parts = spans.into_iter().zip(evidence).zip(answers);
    let mut parts: Vec<Part<'_>> = parts
        .map(|((span, evidence), answer)| Part::new(span, evidence, answer))
        .collect();
    for ((look, fault), second) in again.iter().zip(faults).zip(seconds) {
        parts[look.number].hear_again(fault, second);
    }
    Ok(parts)
}

/// Hears those spans again in which something sounds like a term, and puts the terms in place that are written then.
/// Returns what the transcript is told of each span.
fn look_for_terms(
    recognizer: &mut dyn Recognizer,
    parts: &mut [Part<'_>],
    abort: &AbortFlag,
) -> Result<Vec<Vec<SpanTerm>>, RecognizeError> {
    let mut found: Vec<Resembled> = Vec::new();
    let mut looks: Vec<Look> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let Some(segment) = part.only_segment(&part.answer) else {
            continue;
        };
        let span = &part.span;
        let resembled = span.terms.resembled(&segment.words, span.writing());
        if resembled.fed.is_empty() {
            continue;
        }
        looks.push(Look {
            number,
            pcm: filled(span, MIN_SAMPLES),
            max_tokens: token_budget(span.heard.span) + TERM_TOKENS,
            prompt: span.terms.prompt(&resembled.fed),
        });
        found.push(resembled);
    }
    let spans: Vec<&SpanToRead> = parts.iter().map(|part| &*part.span).collect();
    let prompted = read(recognizer, &spans, &looks, abort)?;
    let mut told = vec![Vec::new(); parts.len()];
    for ((look, resembled), prompted) in looks.iter().zip(found).zip(prompted) {
        let part = &mut parts[look.number];
        let mut written = Vec::new();
        let plain = part.only_segment(&part.answer);
        if let (Some(plain), Some(prompted)) = (plain, part.only_segment(&prompted)) {
            let (span, heard) = (&part.span, &prompted.words);
            let (words, placed) =
                place(&span.terms, &resembled, &plain.words, heard, span.writing());
            (part.answer.segments[0].words, written) = (words, placed);
        }
        told[look.number] = part.span.terms.told(&resembled, &written);
    }
    Ok(told)
}

/// What a recogniser is asked to hear of a span, and the most it may write.
struct Look {
    /// Of the span.
    number: usize,
    pcm: Vec<f32>,
    max_tokens: u32,
    prompt: String,
}

fn read(
    recognizer: &mut dyn Recognizer,
    spans: &[impl Borrow<SpanToRead>],
    looks: &[Look],
    abort: &AbortFlag,
) -> Result<Vec<Recognition>, RecognizeError> {
    let requests: Vec<Request<'_>> = looks
        .iter()
        .map(|look| Request {
            pcm: &look.pcm,
            spoken: spans[look.number].borrow().heard.pcm.len(),
            language: &spans[look.number].borrow().language,
            prompt: &look.prompt,
            max_tokens: look.max_tokens,
        })
        .collect();
    recognizer.recognize_all(&requests, abort)
}

/// With the whole window, where the first answer went wrong.
fn second_look(number: usize, span: &SpanToRead, max_tokens: u32) -> Look {
    Look {
        number,
        pcm: filled(span, WINDOW_SAMPLES),
        max_tokens,
        prompt: String::new(),
    }
}

fn second_budget(first: u32, answer: &Recognition) -> u32 {
    let words = answer.segments.iter().flat_map(|segment| &segment.words);
    let letters = words.flat_map(|word| word.text.chars());
    let (long, short) =
        letters
            .filter(|c| c.is_alphabetic())
            .fold((0, 0), |(long, short), letter| match letter.is_ascii() {
                true => (long, short + 1),
                false => (long + 1, short),
            });
    if long <= short {
        first * SECOND_BUDGET_FACTOR
    } else {
        NO_BUDGET
    }
}

/// The span's sound with silence after it, up to `samples`.
fn filled(span: &SpanToRead, samples: usize) -> Vec<f32> {
    let mut pcm = span.heard.pcm.clone();
    pcm.resize(pcm.len().max(samples), 0.0);
    pcm
}

pub fn token_budget(span: TimeSpan) -> u32 {
    let seconds = span.duration_ms() as f32 / 1_000.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a span has at most 30 s"
    )]
    let spoken = (seconds * TOKENS_PER_SECOND).ceil() as u32;
    TOKENS_AT_LEAST + spoken
}

/// What asking again may mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Repeats,
    Guesses,
    CutShort,
}

fn fault(answer: &Recognition, evidence: Evidence, writing: Writing) -> Option<Fault> {
    let judged = answer.segments.iter();
    let judged: Vec<(Verdict, &RecognizedSegment)> =
        judged.map(|s| (judge(s, evidence, writing), s)).collect();
    let is = |reason| judged.iter().any(|(v, _)| *v == Verdict::Suppress(reason));
    let is_guess = |(verdict, segment): &(Verdict, &RecognizedSegment)| match verdict {
        Verdict::Keep => segment.avg_logprob < MIN_AVG_LOGPROB,
        Verdict::Suppress(reason) => *reason == SuppressReason::LowConfidence,
    };
    if is(SuppressReason::Repetition) || answer.segments.iter().any(|s| says_twice(s, writing)) {
        Some(Fault::Repeats)
    } else if judged.iter().any(is_guess) {
        Some(Fault::Guesses)
    } else {
        answer.cut_short.then_some(Fault::CutShort)
    }
}

mod parts;
#[cfg(test)]
mod tests;
mod write;
