//! From what was found to a transcript without it, and to the spans that the audio must lose. In: a transcript and its
//! redactions. Out: the same transcript with a mark such as `[card_number]` for each run of words, in words, segments, turns and
//! suppressed text; and spans by channel, padded. Nothing fails. A run that crosses a segment or a turn leaves a mark in each.

use std::collections::BTreeSet;
use std::ops::Range;

use job_schema::Writing;
use job_schema::redaction::Redacted;
use job_schema::transcript::{
    Channel, ChannelStatus, SuppressReason, TimeSpan, Transcript, WarningCode, Word, WordRange,
};

/// Speech without a written word may hold anything, so the audio loses it too. Shorter gaps are breath and word ends.
const UNWRITTEN_MS: u64 = 1_000;

pub(super) fn mark(kind: &str) -> String {
    format!("[{kind}]")
}

/// The transcript as others may read it.
pub fn apply(transcript: &Transcript, redactions: &[Redacted]) -> Transcript {
    let mut redacted = transcript.clone();
    for channel in &mut redacted.channels {
        let (index, writing) = (channel.facts.index, channel.facts.writing());
        // Names, as like as not.
        channel.facts.vocabulary = None;
        let own: Vec<&Redacted> = redactions
            .iter()
            .filter(|one| one.channel == index)
            .collect();
        let mut cuts: BTreeSet<usize> = BTreeSet::new();
        let turns = redacted
            .turns
            .iter_mut()
            .filter(|turn| turn.channel == index);
        let mut turns: Vec<_> = turns.collect();
        let ranges = turns.iter().map(|turn| turn.words);
        let ranges = ranges.chain(channel.segments.iter().map(|segment| segment.words));
        for range in ranges.chain(channel.utterances.iter().map(|utterance| utterance.words)) {
            cuts.extend([range.indexes().start, range.indexes().end]);
        }
        let (words, new_index) = without(&channel.words, &own, &cuts);
        channel.words = words;
        for turn in &mut turns {
            turn.words = moved(turn.words, &new_index);
            turn.text = writing.text_of(&channel.words[turn.words.indexes()]);
        }
        for segment in &mut channel.segments {
            segment.words = moved(segment.words, &new_index);
            segment.text = writing.text_of(&channel.words[segment.words.indexes()]);
        }
        for utterance in &mut channel.utterances {
            utterance.words = moved(utterance.words, &new_index);
        }
        // It has no times within, so it goes as a whole.
        for suppressed in &mut channel.suppressed {
            let gone = own
                .iter()
                .find(|one| one.words.is_none() && one.span == suppressed.span);
            if let Some(one) = gone {
                suppressed.text = mark(&one.kind);
            }
        }
    }
    redacted
}

/// The words with marks for those that go, and for each old index the new one.
fn without(words: &[Word], own: &[&Redacted], cuts: &BTreeSet<usize>) -> (Vec<Word>, Vec<usize>) {
    let mut owner: Vec<Option<usize>> = vec![None; words.len()];
    for (number, one) in own.iter().enumerate() {
        let range = one.words.map_or(0..0, WordRange::indexes);
        owner[range].fill(Some(number));
    }
    let mut kept: Vec<Word> = Vec::with_capacity(words.len());
    let mut new_index = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let goes_on =
            at > 0 && owner[at].is_some() && owner[at] == owner[at - 1] && !cuts.contains(&at);
        match (owner[at], kept.last_mut()) {
            (Some(_), Some(mark)) if goes_on => {
                mark.end_ms = mark.end_ms.max(word.end_ms);
                mark.confidence = mark.confidence.min(word.confidence);
            }
            (Some(number), _) => kept.push(Word {
                text: mark(&own[number].kind),
                ..word.clone()
            }),
            (None, _) => kept.push(word.clone()),
        }
        new_index.push(kept.len() - 1);
    }
    (kept, new_index)
}

fn moved(range: WordRange, new_index: &[usize]) -> WordRange {
    let old = range.indexes();
    if old.is_empty() {
        return WordRange {
            first_word: 0,
            words_count: 0,
        };
    }
    let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let (first, last) = (new_index[old.start], new_index[old.end - 1]);
    WordRange {
        first_word: index(first),
        words_count: index(last + 1 - first),
    }
}

/// Whether a channel's segments say what their words say: only words have times.
pub(super) fn texts_are_words(channel: &Channel) -> bool {
    channel
        .segments
        .iter()
        .all(|segment| says(&segment.text, segment.words, channel))
}

pub(super) fn turns_are_words(transcript: &Transcript) -> bool {
    transcript.turns.iter().all(|turn| {
        let channel = transcript
            .channels
            .iter()
            .find(|c| c.facts.index == turn.channel);
        channel.is_some_and(|channel| says(&turn.text, turn.words, channel))
    })
}

fn says(text: &str, range: WordRange, channel: &Channel) -> bool {
    let own = channel.words.get(range.indexes()).unwrap_or_default();
    let own = own.iter().flat_map(|word| word.text.split_whitespace());
    let written = text.split_whitespace();
    match channel.facts.writing() {
        Writing::Spaced => own.eq(written),
        // Earlier builds wrote a blank between all words.
        Writing::Unspaced => own.flat_map(str::chars).eq(written.flat_map(str::chars)),
    }
}

/// What the audio must lose on each channel, in channel order: padded, in time order, never overlapping.
///
/// With two legs that carry the same sound, or one that is heard in the other, everything goes from both.
pub fn mute_spans(
    transcript: &Transcript,
    redactions: &[Redacted],
    padding_ms: u32,
) -> Vec<Vec<TimeSpan>> {
    let leaky = [WarningCode::DuplicateChannels, WarningCode::Bleed];
    let shared = transcript
        .warnings
        .iter()
        .any(|warning| leaky.contains(&warning.code))
        || transcript
            .channels
            .iter()
            .any(|c| c.facts.status == ChannelStatus::DuplicateOfOther);
    let duration_ms = transcript.audio.decoded.duration_ms;
    let padding_ms = u64::from(padding_ms);
    let padded = |span: TimeSpan| TimeSpan {
        start_ms: span.start_ms.saturating_sub(padding_ms),
        end_ms: (span.end_ms + padding_ms).min(duration_ms),
    };
    let of_channel = |channel: &Channel| {
        let own = redactions
            .iter()
            .filter(|one| shared || one.channel == channel.facts.index);
        let found = own.map(|one| padded(one.span));
        union(found.chain(unwritten(channel)).collect())
    };
    transcript.channels.iter().map(of_channel).collect()
}

/// Speech that nobody wrote down, or wrote down and did not believe.
fn unwritten(channel: &Channel) -> Vec<TimeSpan> {
    let mut silent = Vec::new();
    for speech in &channel.facts.speech_spans {
        let mut from_ms = speech.start_ms;
        let inside = channel
            .words
            .iter()
            .filter(|w| w.end_ms > speech.start_ms && w.start_ms < speech.end_ms);
        for word in inside {
            silent.push(from_ms..word.start_ms);
            from_ms = from_ms.max(word.end_ms);
        }
        silent.push(from_ms..speech.end_ms);
    }
    let long = |range: &Range<u64>| range.end.saturating_sub(range.start) > UNWRITTEN_MS;
    let silent = silent.into_iter().filter(long).map(|range| TimeSpan {
        start_ms: range.start,
        end_ms: range.end,
    });
    let doubted = channel
        .suppressed
        .iter()
        .filter(|s| s.reason != SuppressReason::NoSpeech);
    silent
        .chain(doubted.map(|suppressed| suppressed.span))
        .collect()
}

fn union(mut spans: Vec<TimeSpan>) -> Vec<TimeSpan> {
    spans.sort_by_key(|span| (span.start_ms, span.end_ms));
    let mut joined: Vec<TimeSpan> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start_ms <= last.end_ms => {
                last.end_ms = last.end_ms.max(span.end_ms)
            }
            _ => joined.push(span),
        }
    }
    joined
}
