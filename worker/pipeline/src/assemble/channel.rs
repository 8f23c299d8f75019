//! One channel: its spans' words in order with mended times, and the segments and utterances over them.
//! In: the channel's spans by start time. Out: a [`Channel`] that keeps the laws of [`crate::assemble`].

use job_schema::engine::{SpanResult, SpanSegment, SpanTerm};
use job_schema::transcript::{
    Channel, ChannelFacts, HeardTerm, Segment, SuppressReason, Suppressed, TimeSpan, Utterance,
    Vocabulary, Word, WordRange,
};

/// A pause at least this long ends an utterance: the default of Deepgram's `utt_split`, which users know.
pub const UTTERANCE_GAP_MS: u64 = 800;

pub(super) fn assemble(facts: ChannelFacts, spans: Vec<SpanResult>, duration_ms: u64) -> Channel {
    let mut channel = Channel {
        facts,
        words: Vec::new(),
        segments: Vec::new(),
        utterances: Vec::new(),
        suppressed: Vec::new(),
    };
    for result in spans {
        channel.suppressed.extend(result.suppressed);
        if let Some(vocabulary) = &mut channel.facts.vocabulary {
            result
                .vocabulary
                .iter()
                .for_each(|one| tell(vocabulary, one));
        }
        for segment in result.segments {
            add_segment(&mut channel, segment, result.span, duration_ms);
        }
    }
    if let Some(vocabulary) = &mut channel.facts.vocabulary {
        let place = |one: &HeardTerm| vocabulary.terms.iter().position(|term| *term == one.term);
        vocabulary.heard.sort_by_key(place);
    }
    mend_times(&mut channel.words, duration_ms);
    for segment in &mut channel.segments {
        (segment.start_ms, segment.end_ms) = extent(&channel.words[segment.words.indexes()]);
    }
    channel.utterances = utterances(&channel.words);
    channel
        .suppressed
        .sort_by_key(|suppressed| (suppressed.span.start_ms, suppressed.span.end_ms));
    channel
}

fn tell(vocabulary: &mut Vocabulary, of_span: &SpanTerm) {
    let heard = &mut vocabulary.heard;
    let known = heard.iter().position(|one| one.term == of_span.term);
    let index = known.unwrap_or_else(|| {
        heard.push(HeardTerm {
            term: of_span.term.clone(),
            fed_count: 0,
            crowded_out_count: 0,
            written_count: 0,
        });
        heard.len() - 1
    });
    let one = &mut heard[index];
    one.fed_count += u32::from(of_span.fed);
    one.crowded_out_count += u32::from(!of_span.fed);
    one.written_count += of_span.written_count;
}

/// Appends a segment's words, pulled into their span. A segment without words leaves nothing behind.
fn add_segment(channel: &mut Channel, segment: SpanSegment, span: TimeSpan, duration_ms: u64) {
    let words: Vec<Word> = segment
        .words
        .into_iter()
        .filter_map(|word| tidy(word, span))
        .collect();
    if words.is_empty() {
        return;
    }
    let text = channel.facts.writing().text_of(&words);
    // Each word lasts at least 1 ms, so a call has no room for more words than milliseconds.
    let room = usize::try_from(duration_ms)
        .unwrap_or(usize::MAX)
        .min(u32::MAX as usize);
    if channel.words.len() + words.len() > room {
        channel.suppressed.push(Suppressed {
            span: segment.span,
            text,
            reason: SuppressReason::LowConfidence,
            figures: segment.figures,
        });
        return;
    }
    channel.segments.push(Segment {
        start_ms: 0, // Both are set once the words' times are mended.
        end_ms: 0,
        words: range(channel.words.len(), words.len()),
        text,
        figures: segment.figures,
    });
    channel.words.extend(words);
}

fn tidy(word: Word, span: TimeSpan) -> Option<Word> {
    let text = word.text.trim();
    if text.is_empty() {
        return None;
    }
    let inside = |ms: u64| ms.max(span.start_ms).min(span.end_ms.max(span.start_ms));
    Some(Word {
        text: text.to_owned(),
        start_ms: inside(word.start_ms),
        end_ms: inside(word.end_ms),
        confidence: if word.confidence >= 0.0 {
            word.confidence.min(1.0)
        } else {
            0.0 // Below zero or not a number: no confidence.
        },
    })
}

/// Two passes. Starts: each at least 1 ms after the one before, and early enough that every later word still has its
/// millisecond. Ends: after their start, not after the next start. `words.len()` is at most `duration_ms`, so the
/// bounds of each clamp never cross.
fn mend_times(words: &mut [Word], duration_ms: u64) {
    let spare_ms = duration_ms.saturating_sub(words.len() as u64);
    let mut earliest_ms = 0;
    for (latest_ms, word) in (spare_ms..).zip(words.iter_mut()) {
        word.start_ms = word.start_ms.clamp(earliest_ms, latest_ms);
        earliest_ms = word.start_ms + 1;
    }
    let mut next_start_ms = duration_ms;
    for word in words.iter_mut().rev() {
        word.end_ms = word.end_ms.clamp(word.start_ms + 1, next_start_ms);
        next_start_ms = word.start_ms;
    }
}

fn utterances(words: &[Word]) -> Vec<Utterance> {
    let mut first = 0;
    let runs = words.chunk_by(|word, next| next.start_ms - word.end_ms < UTTERANCE_GAP_MS);
    runs.map(|run| {
        let words = range(first, run.len());
        first += run.len();
        let (start_ms, end_ms) = extent(run);
        Utterance {
            start_ms,
            end_ms,
            words,
        }
    })
    .collect()
}

/// First start and last end; both 0 without words.
pub(super) fn extent(words: &[Word]) -> (u64, u64) {
    match words {
        [] => (0, 0),
        [first, ..] => (first.start_ms, words[words.len() - 1].end_ms),
    }
}

pub(super) fn range(first: usize, count: usize) -> WordRange {
    let index = |n: usize| u32::try_from(n).expect("a channel holds at most u32::MAX words");
    WordRange {
        first_word: index(first),
        words_count: index(count),
    }
}
