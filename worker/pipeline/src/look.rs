//! Recognition of spans, on a slot. In: heard spans, their languages, the vocabulary. Out: their words with mended times,
//! and apart from them what was suppressed. Fails: as the recogniser does. A span that went wrong gets one second look
//! with another setting; no span gets more, so that a bad one costs at most three times its share.

use job_schema::engine::{SpanResult, SpanSegment};
use job_schema::transcript::{
    ConfidenceMapping, SuppressReason, Suppressed, TimeSpan, Warning, WarningCode, Word,
};

use crate::channel::HeardSpan;
use crate::confidence::confidence;
use crate::judge::{Verdict, figures, find_loop, folded, judge, says_twice};
use crate::loudness::Loudness;
use crate::mend::mend;
use crate::recognizer::{
    AbortFlag, MAX_SPAN_MS, Recognition, RecognizeError, RecognizedSegment, Recognizer, Request,
    SAMPLE_RATE_HZ,
};

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

/// A span and the language to write it in.
#[derive(Debug, Clone)]
pub struct SpanToRead {
    pub heard: HeardSpan,
    pub language: String,
}

/// Writes down several spans at once, in order.
///
/// # Errors
/// The recogniser's.
pub fn recognize_spans(
    recognizer: &mut dyn Recognizer,
    spans: &[SpanToRead],
    prompt: &str,
    mapping: Option<&ConfidenceMapping>,
    abort: &AbortFlag,
) -> Result<Vec<SpanResult>, RecognizeError> {
    let first_look = |span: &SpanToRead| Look {
        pcm: filled(span, MIN_SAMPLES),
        max_tokens: token_budget(span.heard.span),
    };
    let looks: Vec<Look> = spans.iter().map(first_look).collect();
    let numbers: Vec<usize> = (0..spans.len()).collect();
    let mut answers = read(recognizer, spans, &numbers, &looks, prompt, abort)?;

    let (failed, again): (Vec<usize>, Vec<Look>) = numbers
        .into_iter()
        .filter_map(|n| Some((n, second_look(&spans[n], &answers[n], looks[n].max_tokens)?)))
        .unzip();
    let seconds = read(recognizer, spans, &failed, &again, prompt, abort)?;
    for (number, second) in failed.into_iter().zip(seconds) {
        // What is said twice in the whole window too was said twice.
        if faults_count(&second) <= faults_count(&answers[number]) {
            answers[number] = second;
        }
    }
    let written = spans.iter().zip(answers);
    Ok(written
        .map(|(span, answer)| write_down(answer, &span.heard, mapping))
        .collect())
}

/// What a recogniser is asked to hear, and the most it may write.
struct Look {
    pcm: Vec<f32>,
    max_tokens: u32,
}

fn read(
    recognizer: &mut dyn Recognizer,
    spans: &[SpanToRead],
    numbers: &[usize],
    looks: &[Look],
    prompt: &str,
    abort: &AbortFlag,
) -> Result<Vec<Recognition>, RecognizeError> {
    let requests: Vec<Request<'_>> = numbers
        .iter()
        .zip(looks)
        .map(|(number, look)| Request {
            pcm: &look.pcm,
            language: &spans[*number].language,
            prompt,
            max_tokens: look.max_tokens,
            temperature: 0.0,
        })
        .collect();
    recognizer.recognize_all(&requests, abort)
}

/// With the whole window, where the first answer went wrong.
fn second_look(span: &SpanToRead, first: &Recognition, budget: u32) -> Option<Look> {
    let max_tokens = match fault(first)? {
        Fault::Repeats | Fault::Guesses => budget,
        Fault::CutShort => budget * SECOND_BUDGET_FACTOR,
    };
    Some(Look {
        pcm: filled(span, WINDOW_SAMPLES),
        max_tokens,
    })
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

fn fault(answer: &Recognition) -> Option<Fault> {
    let verdicts: Vec<Verdict> = answer.segments.iter().map(judge).collect();
    let is = |reason| verdicts.contains(&Verdict::Suppress(reason));
    if is(SuppressReason::Repetition) || answer.segments.iter().any(says_twice) {
        Some(Fault::Repeats)
    } else if is(SuppressReason::LowConfidence) {
        Some(Fault::Guesses)
    } else {
        answer.cut_short.then_some(Fault::CutShort)
    }
}

/// Words that will be suppressed or were never reached.
fn faults_count(recognition: &Recognition) -> usize {
    let suppressed = recognition
        .segments
        .iter()
        .filter(|s| judge(s) != Verdict::Keep);
    suppressed.map(|s| s.words.len()).sum::<usize>() + usize::from(recognition.cut_short)
}

fn write_down(
    recognition: Recognition,
    heard: &HeardSpan,
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
        file(&mut result, segment, words);
    }
    result
}

/// Puts a segment's words where its verdict says. Of a loop, what was said once is kept.
fn file(result: &mut SpanResult, segment: &RecognizedSegment, mut words: Vec<Word>) {
    match judge(segment) {
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
