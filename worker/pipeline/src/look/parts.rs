//! Spans in parts, where a model passed over speech. In: heard spans. Out: each with what was written of it, in parts where
//! a cut at pauses brings out more words. Fails: as the recogniser does. Models leap from one heading, number or greeting to
//! the next: base wrote nothing of 16 s of a reading between two chapters' headings, and
//! wrote them once they were heard apart. A span is cut in two rounds at most, so that its cost has a bound.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use job_schema::transcript::{SuppressReason, TimeSpan};

use super::{Fault, SpanToRead, look_at};
use crate::channel::HeardSpan;
use crate::evidence::{Evidence, sample};
use crate::judge::{Verdict, judge};
use crate::recognizer::{
    AbortFlag, Recognition, RecognizeError, RecognizedSegment, RecognizedWord, Recognizer,
};

/// So much speech between two words has words of its own: people who think aloud draw one out for a second or two.
const UNWRITTEN_MS: u64 = 3_000;
/// A word's time may be so far off where the speech beside it was passed over.
const OFF_MS: u64 = 1_000;
const MOST_ROUNDS: usize = 2;

/// A span, or a piece of one, and what was written of it.
pub(super) struct Part<'a> {
    pub(super) span: Cow<'a, SpanToRead>,
    evidence: Evidence,
    pub(super) answer: Recognition,
    /// A second look wrote nothing of what this answer says.
    is_withdrawn: bool,
}

/// A place without words that has speech.
struct Unwritten {
    /// Of the recording.
    place: TimeSpan,
    speech_ms: u64,
}

/// Writes down spans: to each its parts, in order. Pieces stand in for a span where they bring out more.
pub(super) fn hear<'a>(
    recognizer: &mut dyn Recognizer,
    spans: &'a [SpanToRead],
    abort: &AbortFlag,
) -> Result<Vec<Vec<Part<'a>>>, RecognizeError> {
    let whole = spans.iter().map(Cow::Borrowed).collect();
    hear_cut(recognizer, whole, MOST_ROUNDS, abort)
}

fn hear_cut<'a>(
    recognizer: &mut dyn Recognizer,
    spans: Vec<Cow<'a, SpanToRead>>,
    rounds_left: usize,
    abort: &AbortFlag,
) -> Result<Vec<Vec<Part<'a>>>, RecognizeError> {
    let heard = look_at(recognizer, spans, abort)?.into_iter();
    heard
        .map(|part| match part.pieces().filter(|_| rounds_left > 0) {
            Some(pieces) => {
                let pieces = pieces.into_iter().map(Cow::Owned).collect();
                let anew = hear_cut(recognizer, pieces, rounds_left - 1, abort)?;
                let anew: Vec<Part<'_>> = anew.into_iter().flatten().collect();
                Ok(if says_more(&anew, &part) {
                    anew
                } else {
                    vec![part]
                })
            }
            None => Ok(vec![part]),
        })
        .collect()
}

/// More words, and less speech without any.
fn says_more(pieces: &[Part<'_>], whole: &Part<'_>) -> bool {
    let of = |part: &Part<'_>| {
        let words = part.kept_words();
        let unwritten = part.unwritten(&words).map(|one| one.speech_ms);
        (words.len(), unwritten.sum::<u64>())
    };
    let (words_count, unwritten_ms) = pieces
        .iter()
        .map(of)
        .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let before = of(whole);
    words_count > before.0 && unwritten_ms < before.1
}

impl<'a> Part<'a> {
    pub(super) fn new(span: Cow<'a, SpanToRead>, evidence: Evidence, answer: Recognition) -> Self {
        Self {
            span,
            evidence,
            answer,
            is_withdrawn: false,
        }
    }

    /// Takes the answer of a second look where it is the better one. What is said twice in the whole window too was said twice.
    /// Where it writes nothing at all, the first answer was a guess, and is suppressed; but not if it only ran out of tokens.
    pub(super) fn hear_again(&mut self, fault: Fault, second: Recognition) {
        let is_cut = fault == Fault::CutShort;
        if second.segments.iter().all(|s| s.words.is_empty()) {
            self.is_withdrawn = !is_cut;
            return;
        }
        let is_shorter = self.kept_in(&second).count() < self.kept_words().len();
        let is_worse = self.faults_count(&second) > self.faults_count(&self.answer);
        if is_worse || is_cut && is_shorter {
            return;
        }
        self.answer = second;
    }

    pub(super) fn judge(&self, segment: &RecognizedSegment) -> Verdict {
        match judge(segment, self.evidence, self.span.writing()) {
            Verdict::Keep if self.is_withdrawn => Verdict::Suppress(SuppressReason::LowConfidence),
            verdict => verdict,
        }
    }

    /// The one segment of an answer that is kept. What is suppressed is no place to look for names, whoever wrote it.
    pub(super) fn only_segment<'s>(
        &self,
        answer: &'s Recognition,
    ) -> Option<&'s RecognizedSegment> {
        match answer.segments.as_slice() {
            [segment] if self.judge(segment) == Verdict::Keep => Some(segment),
            _ => None,
        }
    }

    /// Words that will be suppressed or were never reached.
    fn faults_count(&self, answer: &Recognition) -> usize {
        let words = answer.segments.iter().flat_map(|segment| &segment.words);
        words.count() - self.kept_in(answer).count() + usize::from(answer.cut_short)
    }

    /// What is suppressed counts as not written.
    fn kept_words(&self) -> Vec<&RecognizedWord> {
        self.kept_in(&self.answer).collect()
    }

    fn kept_in<'s>(&self, answer: &'s Recognition) -> impl Iterator<Item = &'s RecognizedWord> {
        let kept = |segment: &&RecognizedSegment| self.judge(segment) == Verdict::Keep;
        let segments = answer.segments.iter().filter(kept);
        segments.flat_map(|segment| &segment.words)
    }

    fn unwritten(&self, words: &[&RecognizedWord]) -> impl Iterator<Item = Unwritten> {
        let TimeSpan { start_ms, end_ms } = self.span.heard.span;
        let times = words
            .iter()
            .map(move |word| start_ms + word.start_ms..start_ms + word.end_ms);
        let mut since_ms = start_ms;
        let places = times
            .chain(iter::once(end_ms..end_ms))
            .map(move |word| TimeSpan {
                start_ms: std::mem::replace(&mut since_ms, word.end),
                end_ms: word.start,
            });
        let speech = self.span.heard.speech.iter();
        let unwritten = places.map(move |place| Unwritten {
            place,
            speech_ms: speech.clone().map(|stretch| stretch.shared_ms(place)).sum(),
        });
        unwritten.filter(|one| one.speech_ms >= UNWRITTEN_MS)
    }

    /// The place where most speech was passed over, and what lies before and after it, cut at the pauses nearest to the words
    /// around it. A span of which nothing was kept is no speech, or not understood: it is left alone.
    fn pieces(&self) -> Option<Vec<SpanToRead>> {
        let words = self.kept_words();
        words.first()?;
        let most = self
            .unwritten(&words)
            .min_by_key(|one| Reverse(one.speech_ms))?;
        let (heard, TimeSpan { start_ms, end_ms }) = (&self.span.heard, most.place);
        let near = start_ms.saturating_sub(OFF_MS)..end_ms + OFF_MS;
        let pauses = heard.speech.windows(2);
        let pauses = pauses.map(|around| around[0].end_ms..around[1].start_ms);
        let pauses: Vec<(usize, Range<u64>)> = (1..)
            .zip(pauses)
            .filter(|(_, pause)| pause.start < near.end && near.start < pause.end)
            .collect();
        let before = pauses
            .iter()
            .min_by_key(|(_, pause)| pause.end.abs_diff(start_ms));
        let after = pauses
            .iter()
            .min_by_key(|(_, pause)| pause.start.abs_diff(end_ms));
        let before = before.filter(|_| start_ms > heard.span.start_ms);
        let after = after.filter(|_| end_ms < heard.span.end_ms);
        let mut cuts: Vec<_> = before.into_iter().chain(after).collect();
        cuts.dedup();
        (!cuts.is_empty()).then(|| cut(&self.span, &cuts))
    }
}

/// The span in pieces. Each cut is the middle of a pause, and the number of the stretch after it.
fn cut(span: &SpanToRead, cuts: &[&(usize, Range<u64>)]) -> Vec<SpanToRead> {
    let heard = &span.heard;
    let middle = |pause: &Range<u64>| pause.start.midpoint(pause.end);
    let cuts = cuts
        .iter()
        .map(|(stretch, pause)| (*stretch, middle(pause)));
    let (mut from, mut start_ms) = (0, heard.span.start_ms);
    let pieces = cuts.chain(iter::once((heard.speech.len(), heard.span.end_ms)));
    let piece = |(until, end_ms): (usize, u64)| {
        let at = |ms: u64| sample(ms - heard.span.start_ms).min(heard.pcm.len());
        let piece = HeardSpan {
            channel: heard.channel,
            span: TimeSpan { start_ms, end_ms },
            speech: heard.speech[from..until].to_vec(),
            pcm: heard.pcm[at(start_ms)..at(end_ms)].to_vec(),
        };
        (from, start_ms) = (until, end_ms);
        SpanToRead {
            heard: piece,
            language: span.language.clone(),
            terms: Arc::clone(&span.terms),
        }
    };
    pieces.map(piece).collect()
}
