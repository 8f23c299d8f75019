//! Recognition of spans, on a slot. In: heard spans, their languages, the terms expected of their channels. Out: their words
//! with mended times, and apart from them what was suppressed. Fails: as the recogniser does. A span that went wrong gets one
//! second look with another setting, and one where something sounds like a term is heard once more with that in the prompt;
//! no span gets more, so that its cost has a bound.

use std::sync::Arc;

use job_schema::engine::{SpanResult, SpanSegment, SpanTerm};
use job_schema::transcript::{
    ConfidenceMapping, SuppressReason, Suppressed, TimeSpan, Warning, WarningCode, Word,
};

use crate::channel::HeardSpan;
use crate::confidence::confidence;
use crate::evidence::Evidence;
use crate::judge::{MIN_AVG_LOGPROB, Verdict, figures, find_loop, folded, judge, says_twice};
use crate::loudness::Loudness;
use crate::mend::mend;
use crate::recognizer::{
    AbortFlag, MAX_SPAN_MS, Recognition, RecognizeError, RecognizedSegment, Recognizer, Request,
    SAMPLE_RATE_HZ,
};
use crate::vocabulary::{Resembled, Terms, place};

/// Tokens to allow: what a fast speaker needs. Measured on calls, a loop costs its budget, so a loose one is slow.
pub const TOKENS_PER_SECOND: f32 = 5.0;
pub const TOKENS_AT_LEAST: u32 = 6;
/// For speech that was cut short without a loop: somebody who talks very fast, or digits.
const SECOND_BUDGET_FACTOR: u32 = 2;
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
    let first_look = |(number, span): (usize, &SpanToRead)| Look {
        number,
        pcm: filled(span, MIN_SAMPLES),
        max_tokens: token_budget(span.heard.span),
        prompt: String::new(),
    };
    let looks: Vec<Look> = spans.iter().enumerate().map(first_look).collect();
    let evidence: Vec<Evidence> = spans.iter().map(|s| Evidence::of(&s.heard)).collect();
    let mut answers = read(recognizer, spans, &looks, abort)?;

    let failed = looks.iter().zip(&answers);
    let again: Vec<Look> = failed
        .filter_map(|(look, answer)| {
            let fault = fault(answer, evidence[look.number])?;
            Some(second_look(look, &spans[look.number], &fault))
        })
        .collect();
    let seconds = read(recognizer, spans, &again, abort)?;
    for (look, second) in again.iter().zip(seconds) {
        // What is said twice in the whole window too was said twice.
        let (heard, first) = (evidence[look.number], &mut answers[look.number]);
        if faults_count(&second, heard) <= faults_count(first, heard) {
            *first = second;
        }
    }
    let told = look_for_terms(recognizer, spans, &evidence, &mut answers, abort)?;
    let written = spans.iter().zip(&evidence).zip(answers).zip(told);
    Ok(written
        .map(|(((span, evidence), answer), told)| SpanResult {
            vocabulary: told,
            ..write_down(answer, &span.heard, *evidence, mapping)
        })
        .collect())
}

/// Hears those spans again in which something sounds like a term, and puts the terms in place that are written then.
/// Returns what the transcript is told of each span.
fn look_for_terms(
    recognizer: &mut dyn Recognizer,
    spans: &[SpanToRead],
    evidence: &[Evidence],
    answers: &mut [Recognition],
    abort: &AbortFlag,
) -> Result<Vec<Vec<SpanTerm>>, RecognizeError> {
    let mut found: Vec<Resembled> = Vec::new();
    let mut looks: Vec<Look> = Vec::new();
    for (number, (span, answer)) in spans.iter().zip(answers.iter()).enumerate() {
        let Some(segment) = only_segment(answer, evidence[number]) else {
            continue;
        };
        let resembled = span.terms.resembled(&segment.words);
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
    let prompted = read(recognizer, spans, &looks, abort)?;
    let mut told = vec![Vec::new(); spans.len()];
    for ((look, resembled), prompted) in looks.iter().zip(found).zip(prompted) {
        let terms = &spans[look.number].terms;
        let mut written = Vec::new();
        if let (Some(plain), Some(prompted)) = (
            answers[look.number].segments.first_mut(),
            only_segment(&prompted, evidence[look.number]),
        ) {
            (plain.words, written) = place(terms, &resembled, &plain.words, &prompted.words);
        }
        told[look.number] = terms.told(&resembled, &written);
    }
    Ok(told)
}

/// The one segment of an answer that is kept. What is suppressed is no place to look for names, whoever wrote it.
fn only_segment(answer: &Recognition, evidence: Evidence) -> Option<&RecognizedSegment> {
    match answer.segments.as_slice() {
        [segment] if judge(segment, evidence) == Verdict::Keep => Some(segment),
        _ => None,
    }
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
    spans: &[SpanToRead],
    looks: &[Look],
    abort: &AbortFlag,
) -> Result<Vec<Recognition>, RecognizeError> {
    let requests: Vec<Request<'_>> = looks
        .iter()
        .map(|look| Request {
            pcm: &look.pcm,
            language: &spans[look.number].language,
            prompt: &look.prompt,
            max_tokens: look.max_tokens,
            temperature: 0.0,
        })
        .collect();
    recognizer.recognize_all(&requests, abort)
}

/// With the whole window, where the first answer went wrong.
fn second_look(first: &Look, span: &SpanToRead, fault: &Fault) -> Look {
    let max_tokens = match fault {
        Fault::Repeats | Fault::Guesses => first.max_tokens,
        Fault::CutShort => first.max_tokens * SECOND_BUDGET_FACTOR,
    };
    Look {
        number: first.number,
        pcm: filled(span, WINDOW_SAMPLES),
        max_tokens,
        prompt: String::new(),
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
enum Fault {
    Repeats,
    Guesses,
    CutShort,
}

fn fault(answer: &Recognition, evidence: Evidence) -> Option<Fault> {
    let judged = answer.segments.iter();
    let judged: Vec<(Verdict, &RecognizedSegment)> =
        judged.map(|s| (judge(s, evidence), s)).collect();
    let is = |reason| judged.iter().any(|(v, _)| *v == Verdict::Suppress(reason));
    let is_guess = |(verdict, segment): &(Verdict, &RecognizedSegment)| match verdict {
        Verdict::Keep => segment.avg_logprob < MIN_AVG_LOGPROB,
        Verdict::Suppress(reason) => *reason == SuppressReason::LowConfidence,
    };
    if is(SuppressReason::Repetition) || answer.segments.iter().any(says_twice) {
        Some(Fault::Repeats)
    } else if judged.iter().any(is_guess) {
        Some(Fault::Guesses)
    } else {
        answer.cut_short.then_some(Fault::CutShort)
    }
}

/// Words that will be suppressed or were never reached.
fn faults_count(recognition: &Recognition, evidence: Evidence) -> usize {
    let suppressed = recognition
        .segments
        .iter()
        .filter(|s| judge(s, evidence) != Verdict::Keep);
    suppressed.map(|s| s.words.len()).sum::<usize>() + usize::from(recognition.cut_short)
}

fn write_down(
    recognition: Recognition,
    heard: &HeardSpan,
    evidence: Evidence,
    mapping: Option<&ConfidenceMapping>,
) -> SpanResult {
    let mut result = SpanResult::new(heard.channel, heard.span);
    if recognition.cut_short {
        result.warnings.push(Warning {
            code: WarningCode::SpanCutShort,
            detail: format!(
                "span from {} to {} ms",
                heard.span.start_ms, heard.span.end_ms
            ),
            channel: Some(heard.channel),
        });
    }
    // All words at once, so that two segments cannot overlap.
    let said: Vec<_> = recognition
        .segments
        .iter()
        .flat_map(|s| s.words.iter().cloned())
        .collect();
    let mut words = mend(&said, heard.span.start_ms, &heard.speech);
    // Judged by what the model said of itself, shown as how likely it is right.
    for (word, said) in words.iter_mut().zip(&said) {
        word.confidence = confidence(said.probability, mapping);
    }
    let loudness = Loudness::of(&heard.pcm, heard.span.start_ms);
    loudness.settle_ends(&mut words, &heard.speech);
    loudness.settle_starts(&mut words, &heard.speech);
    let mut words = words.into_iter();
    for segment in &recognition.segments {
        let words: Vec<Word> = words.by_ref().take(segment.words.len()).collect();
        file(&mut result, segment, judge(segment, evidence), words);
    }
    result
}

/// Puts a segment's words where its verdict says. Of a loop, what was said once is kept.
fn file(
    result: &mut SpanResult,
    segment: &RecognizedSegment,
    verdict: Verdict,
    mut words: Vec<Word>,
) {
    match verdict {
        Verdict::Keep => keep(result, segment, words),
        Verdict::Suppress(SuppressReason::Repetition) => {
            let texts: Vec<String> = words.iter().map(|w| folded(&w.text)).collect();
            let Some(range) = find_loop(&texts) else {
                return suppress(result, segment, &words, SuppressReason::Repetition);
            };
            let looped: Vec<Word> = words.drain(range).collect();
            suppress(result, segment, &looped, SuppressReason::Repetition);
            keep(result, segment, words);
        }
        Verdict::Suppress(reason) => suppress(result, segment, &words, reason),
    }
}

fn keep(result: &mut SpanResult, segment: &RecognizedSegment, words: Vec<Word>) {
    if let Some(span) = extent(&words) {
        result.segments.push(SpanSegment {
            span,
            words,
            figures: figures(segment),
        });
    }
}

fn suppress(
    result: &mut SpanResult,
    segment: &RecognizedSegment,
    words: &[Word],
    reason: SuppressReason,
) {
    if let Some(span) = extent(words) {
        let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        result.suppressed.push(Suppressed {
            span,
            text: texts.join(" "),
            reason,
            figures: figures(segment),
        });
    }
}

fn extent(words: &[Word]) -> Option<TimeSpan> {
    Some(TimeSpan {
        start_ms: words.first()?.start_ms,
        end_ms: words.last()?.end_ms,
    })
}

#[cfg(test)]
mod tests;
