//! Spans in parts, where a model passed over speech. In: heard spans. Out: each with what was written of it, in parts where
//! a cut at pauses brings out more words. Fails: as the recogniser does. Models leap from one heading, number or greeting to
//! the next: base wrote nothing of 16 s of a reading between two chapters' headings, and
//! wrote them once they were heard apart. A span is cut in two rounds at most, so that its cost has a bound.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use job_schema::transcript::TimeSpan;

use super::{SpanToRead, look_at};
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
    pub(super) evidence: Evidence,
    pub(super) answer: Recognition,
}

/// A place without words that has speech.
struct Unwritten {
    /// In milliseconds of the recording.
    place: Range<u64>,
    speech_ms: u64,
}

/// Writes down spans: to each its parts, in order.
pub(super) fn hear<'a>(
    recognizer: &mut dyn Recognizer,
    spans: &'a [SpanToRead],
    abort: &AbortFlag,
) -> Result<Vec<Vec<Part<'a>>>, RecognizeError> {
    let whole = spans.iter().map(Cow::Borrowed).collect();
    hear_cut(recognizer, whole, MOST_ROUNDS, abort)
}

/// With the pieces of those that have speech without words in place of them, where that brings out more.
fn hear_cut<'a>(
    recognizer: &mut dyn Recognizer,
    spans: Vec<Cow<'a, SpanToRead>>,
    rounds_left: usize,
    abort: &AbortFlag,
) -> Result<Vec<Vec<Part<'a>>>, RecognizeError> {
    let heard = look_at(recognizer, spans, abort)?;
    let pieces = |(number, part): (usize, &Part<'_>)| Some((number, part.pieces()?));
    let parts = heard.iter().enumerate();
    let cut: Vec<(usize, Vec<SpanToRead>)> = match rounds_left {
        0 => Vec::new(),
        _ => parts.filter_map(pieces).collect(),
    };
    let mut heard: Vec<Vec<Part<'_>>> = heard.into_iter().map(|part| vec![part]).collect();
    if cut.is_empty() {
        return Ok(heard);
    }
    let counts: Vec<(usize, usize)> = cut.iter().map(|(n, pieces)| (*n, pieces.len())).collect();
    let pieces = cut.into_iter().flat_map(|(_, pieces)| pieces);
    let pieces = pieces.map(Cow::Owned).collect();
    let mut anew = hear_cut(recognizer, pieces, rounds_left - 1, abort)?.into_iter();
    for (number, count) in counts {
        let pieces: Vec<Part<'_>> = anew.by_ref().take(count).flatten().collect();
        if says_more(&pieces, &heard[number]) {
            heard[number] = pieces;
        }
    }
    Ok(heard)
}

/// More words, and less speech without any.
fn says_more(new: &[Part<'_>], old: &[Part<'_>]) -> bool {
    let words_count =
        |parts: &[Part<'_>]| -> usize { parts.iter().map(|part| part.kept_words().count()).sum() };
    let unwritten_ms = |parts: &[Part<'_>]| -> u64 {
        let unwritten = parts.iter().flat_map(Part::unwritten);
        unwritten.map(|one| one.speech_ms).sum()
    };
    words_count(new) > words_count(old) && unwritten_ms(new) < unwritten_ms(old)
}

impl Part<'_> {
    /// What is suppressed counts as not written.
    fn kept_words(&self) -> impl Iterator<Item = &RecognizedWord> {
        let kept = |segment: &&RecognizedSegment| judge(segment, self.evidence) == Verdict::Keep;
        let segments = self.answer.segments.iter().filter(kept);
        segments.flat_map(|segment| &segment.words)
    }

    fn unwritten(&self) -> impl Iterator<Item = Unwritten> {
        let TimeSpan { start_ms, end_ms } = self.span.heard.span;
        let words = self.kept_words();
        let times = words.map(move |word| start_ms + word.start_ms..start_ms + word.end_ms);
        let mut since_ms = start_ms;
        let places = times
            .chain(iter::once(end_ms..end_ms))
            .map(move |word| std::mem::replace(&mut since_ms, word.end)..word.start);
        let unwritten = places.map(|place| Unwritten {
            speech_ms: speech_within(&self.span.heard.speech, &place),
            place,
        });
        unwritten.filter(|one| one.speech_ms >= UNWRITTEN_MS)
    }

    /// The place where most speech was passed over, and what lies before and after it, cut at the pauses nearest to the words
    /// around it. A span of which nothing was kept is no speech, or not understood: it is left alone.
    fn pieces(&self) -> Option<Vec<SpanToRead>> {
        self.kept_words().next()?;
        let most = self.unwritten().min_by_key(|one| Reverse(one.speech_ms))?;
        let (heard, Range { start, end }) = (&self.span.heard, most.place);
        let near = start.saturating_sub(OFF_MS)..end + OFF_MS;
        let pauses = heard.speech.windows(2);
        let pauses = pauses.map(|around| around[0].end_ms..around[1].start_ms);
        let pauses: Vec<(usize, Range<u64>)> = (1..)
            .zip(pauses)
            .filter(|(_, pause)| pause.start < near.end && near.start < pause.end)
            .collect();
        let before = pauses
            .iter()
            .min_by_key(|(_, pause)| pause.end.abs_diff(start));
        let after = pauses
            .iter()
            .min_by_key(|(_, pause)| pause.start.abs_diff(end));
        let before = before.filter(|_| start > heard.span.start_ms);
        let after = after.filter(|_| end < heard.span.end_ms);
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

fn speech_within(speech: &[TimeSpan], place: &Range<u64>) -> u64 {
    let shared = |stretch: &TimeSpan| {
        let end_ms = stretch.end_ms.min(place.end);
        end_ms.saturating_sub(stretch.start_ms.max(place.start))
    };
    speech.iter().map(shared).sum()
}
