//! From a recogniser's answer to a span's result. In: what was written of a span, and what its sound says. Out: words with
//! mended times and mapped confidences, and apart from them what was suppressed. Cannot fail.

use job_schema::engine::{SpanResult, SpanSegment};
use job_schema::transcript::{
    ConfidenceMapping, SuppressReason, Suppressed, TimeSpan, Warning, WarningCode, Word,
};

use super::parts::Part;
use crate::confidence::confidence;
use crate::judge::{Verdict, figures, find_loop, folded};
use crate::loudness::Loudness;
use crate::mend::mend;
use crate::recognizer::{RecognizedSegment, Writing};

pub(super) fn write_down(part: &Part<'_>, mapping: Option<&ConfidenceMapping>) -> SpanResult {
    let (recognition, heard) = (&part.answer, &part.span.heard);
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
        file(&mut result, part, segment, words);
    }
    result
}

/// Puts a segment's words where its verdict says. Of a loop, what was said once is kept.
fn file(
    result: &mut SpanResult,
    part: &Part<'_>,
    segment: &RecognizedSegment,
    mut words: Vec<Word>,
) {
    let writing = part.span.writing();
    match part.judge(segment) {
        Verdict::Keep => keep(result, segment, words, writing),
        Verdict::Suppress(reason @ SuppressReason::Repetition) => {
            let texts: Vec<String> = words.iter().map(|w| folded(&w.text)).collect();
            let Some(range) = find_loop(&texts, writing) else {
                return suppress(result, segment, &words, reason, writing);
            };
            let looped: Vec<Word> = words.drain(range).collect();
            suppress(result, segment, &looped, reason, writing);
            keep(result, segment, words, writing);
        }
        Verdict::Suppress(reason) => suppress(result, segment, &words, reason, writing),
    }
}

fn keep(result: &mut SpanResult, segment: &RecognizedSegment, words: Vec<Word>, writing: Writing) {
    if let Some(span) = extent(&words) {
        result.segments.push(SpanSegment {
            span,
            words,
            figures: figures(segment, writing),
        });
    }
}

fn suppress(
    result: &mut SpanResult,
    segment: &RecognizedSegment,
    words: &[Word],
    reason: SuppressReason,
    writing: Writing,
) {
    if let Some(span) = extent(words) {
        result.suppressed.push(Suppressed {
            span,
            text: writing.join(words.iter().map(|word| &word.text)),
            reason,
            figures: figures(segment, writing),
        });
    }
}

fn extent(words: &[Word]) -> Option<TimeSpan> {
    Some(TimeSpan {
        start_ms: words.first()?.start_ms,
        end_ms: words.last()?.end_ms,
    })
}
