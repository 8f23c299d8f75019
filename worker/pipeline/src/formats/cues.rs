//! Cues: runs of a channel's words short enough to read as a subtitle. In: a transcript. Out: cues of all channels by
//! start time. A cue never crosses an utterance, and holds at most [`CUE_MAX_CHARS`] and [`CUE_MAX_MS`] unless one word
//! alone is more.

use job_schema::transcript::{Channel, Transcript, Word};

use super::printable;

/// Two lines of 42 characters, the usual limit of subtitle guides.
pub const CUE_MAX_CHARS: usize = 84;
/// Longer than this a subtitle seems stuck; the usual limit of subtitle guides.
pub const CUE_MAX_MS: u64 = 7_000;
/// From here on the end of a sentence ends the cue.
const SENTENCE_CUE_CHARS: usize = CUE_MAX_CHARS / 2;

#[derive(Debug)]
pub(super) struct Cue {
    pub(super) channel: u16,
    /// Index of its first word in the channel's words.
    pub(super) first_word: usize,
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    /// Printable, not yet escaped, never empty.
    pub(super) text: String,
}

pub(super) fn cues(transcript: &Transcript) -> Vec<Cue> {
    let mut cues: Vec<Cue> = transcript.channels.iter().flat_map(of_channel).collect();
    cues.sort_by_key(|cue| (cue.start_ms, cue.channel, cue.first_word));
    cues
}

fn of_channel(channel: &Channel) -> Vec<Cue> {
    let writing = channel.facts.writing();
    let mut cues = Vec::new();
    for utterance in &channel.utterances {
        let mut open: Option<Cue> = None;
        for index in utterance.words.indexes() {
            let word = &channel.words[index];
            let text = printable(&word.text);
            if text.is_empty() {
                continue;
            }
            match &mut open {
                Some(cue) if fits(cue, word, &text) => {
                    writing.append(&mut cue.text, &text);
                    cue.end_ms = word.end_ms;
                }
                _ => cues.extend(open.replace(Cue {
                    channel: channel.facts.index,
                    first_word: index,
                    start_ms: word.start_ms,
                    end_ms: word.end_ms,
                    text,
                })),
            }
        }
        cues.extend(open);
    }
    cues
}

fn fits(cue: &Cue, word: &Word, text: &str) -> bool {
    let chars = cue.text.chars().count();
    let sentence_ends = cue.text.ends_with(['.', '?', '!', '。', '؟', '।']);
    chars + 1 + text.chars().count() <= CUE_MAX_CHARS
        && word.end_ms - cue.start_ms <= CUE_MAX_MS
        && !(sentence_ends && chars >= SENTENCE_CUE_CHARS)
}
