//! Turns: one speaker's words until another speaks. In: channels with mended words and their utterances. Out: turns by
//! start time, which together cover every word of every channel once. Turns of two channels may overlap: that is the call.
//!
//! An utterance that starts on one channel ends the turn of every other channel, with two exceptions:
//! - A **back-channel** ("mm-hm", "right") ends nothing. It is an utterance of at most [`BACKCHANNEL_MAX_WORDS`] words and
//!   [`BACKCHANNEL_MAX_MS`], said over the words of another who was speaking before and goes on after it. It is a turn of
//!   its own. The same words said into a pause are an answer, and end the turn.
//! - A speaker who is **finishing** is not cut: when their utterance ends before the new one does, all of it stays in
//!   the turn that it began in. A speaker who talks on past the new utterance is cut where that one started.

use std::collections::BTreeSet;

use job_schema::transcript::{Channel, Turn, Utterance};

use super::channel::{extent, range};

/// "Yeah, sure" is a signal of listening; three words start to say something.
pub const BACKCHANNEL_MAX_WORDS: u32 = 2;
/// Two slow words; a longer one holds the floor.
pub const BACKCHANNEL_MAX_MS: u64 = 1_000;

pub(super) fn across(channels: &[Channel]) -> Vec<Turn> {
    let mut cuts: Vec<BTreeSet<usize>> = channels
        .iter()
        .map(|channel| BTreeSet::from([0, channel.words.len()]))
        .collect();
    for (speaker, channel) in channels.iter().enumerate() {
        for utterance in &channel.utterances {
            let others = || (0..channels.len()).filter(|&other| other != speaker);
            if others().any(|other| is_backchannel(utterance, &channels[other])) {
                let own = utterance.words.indexes();
                cuts[speaker].extend([own.start, own.end]);
                continue;
            }
            for other in others() {
                cuts[other].insert(cut_by(utterance, &channels[other]));
            }
        }
    }
    let mut turns: Vec<Turn> = channels
        .iter()
        .zip(&cuts)
        .flat_map(|(channel, cuts)| between(channel, cuts))
        .collect();
    turns.sort_by_key(|turn| (turn.start_ms, turn.channel, turn.words.first_word));
    turns
}

fn is_backchannel(utterance: &Utterance, other: &Channel) -> bool {
    let short = utterance.words.words_count <= BACKCHANNEL_MAX_WORDS
        && utterance.end_ms - utterance.start_ms <= BACKCHANNEL_MAX_MS;
    short
        && speaking_at(utterance.start_ms, other).is_some_and(|talk| {
            let first_not_over = other.words[talk.words.indexes()]
                .partition_point(|w| w.end_ms <= utterance.start_ms);
            let over_words = other.words[talk.words.indexes()]
                .get(first_not_over)
                .is_some_and(|word| word.start_ms < utterance.end_ms);
            talk.end_ms > utterance.end_ms && over_words
        })
}

/// The first word of `other` that no longer belongs to the turn which `utterance` ends.
fn cut_by(utterance: &Utterance, other: &Channel) -> usize {
    match speaking_at(utterance.start_ms, other) {
        Some(finishing) if finishing.end_ms <= utterance.end_ms => finishing.words.indexes().end,
        _ => other
            .words
            .partition_point(|word| word.start_ms < utterance.start_ms),
    }
}

/// The utterance that began before `at_ms` and ends after it.
fn speaking_at(at_ms: u64, channel: &Channel) -> Option<&Utterance> {
    let begun = channel
        .utterances
        .partition_point(|utterance| utterance.start_ms < at_ms);
    let latest = channel.utterances[..begun].last()?;
    (latest.end_ms > at_ms).then_some(latest)
}

fn between(channel: &Channel, cuts: &BTreeSet<usize>) -> Vec<Turn> {
    cuts.iter()
        .zip(cuts.iter().skip(1))
        .map(|(&first, &end)| {
            let words = &channel.words[first..end];
            let (start_ms, end_ms) = extent(words);
            Turn {
                channel: channel.facts.index,
                role: channel.facts.role,
                start_ms,
                end_ms,
                words: range(first, words.len()),
                text: channel.facts.writing().text_of(words),
            }
        })
        .collect()
}
