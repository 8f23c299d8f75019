//! What is there where nobody speaks. In: a channel's sounds, step by step, and where speech is. Out: labelled spans of
//! the rest, and, before that, the part of a stretch that voice activity took for speech and that is not. Cannot fail.
//! Voice activity hears tones and music as voices: on hold music its probability is 0.9.

use std::ops::Range;

use job_schema::transcript::{NonSpeech, NonSpeechKind, TimeSpan};

use crate::sound::{HOPS_PER_STEP, Sound, Tone};
use crate::voice::HOP_MS;

const STEP_MS: u64 = HOPS_PER_STEP as u64 * HOP_MS;
/// Music is judged by pieces of this length: 2 s. Over less, speech now and then stands as still.
const PIECE_STEPS: usize = (1_984 / STEP_MS) as usize;
/// Hundredths of peaks that stand still. The stillest 2 s of speech measured had 42.
const MUSIC_STILL: u32 = 45;
/// A stretch is tones when this share of its sound is, in hundredths: the onset of each is no tone yet.
const TONE_PERCENT: usize = 60;
/// What is softer than the loudest of a stretch by more than this is the line between two rings, however loud the line is.
const BESIDE_TONES_DB: i16 = 25;
/// A piece is noise or hum when its level stays within this, but for one step in so many at either end. The steadiest speech of
/// half a second measured moves by 5.4 between its softest tenth and its loudest; steady noise by 0 to 2 in all.
const STEADY_DB: i16 = 3;
const STEADY_ONE_IN: usize = 31;
/// Nobody holds a vowel as long: 960 ms.
const STEADY_STEPS: usize = (960 / STEP_MS) as usize;
/// Shorter runs are taken into the run before: a blink in a long silence is no event.
const MIN_RUN_STEPS: usize = (320 / STEP_MS) as usize;
/// Keys are short.
const MIN_TONE_STEPS: usize = (64 / STEP_MS) as usize;

/// The part of a stretch of `sounds` that may hold speech, as steps. Music and steady noise are cut off at both ends, piece by
/// piece, and the piece next to speech is left alone.
pub fn speech_within(sounds: &[Sound]) -> Option<Range<usize>> {
    let loudest_db = sounds.iter().map(|s| i16::from(s.level_db)).max()?;
    let is_beside = |s: &&Sound| loudest_db - i16::from(s.level_db) <= BESIDE_TONES_DB;
    let heard = sounds.iter().filter(|s| s.is_audible()).filter(is_beside);
    let tones = heard.clone().filter(|s| s.tone.is_some()).count();
    if tones > 0 && 100 * tones >= TONE_PERCENT * heard.count() {
        return None;
    }
    if sounds.len() < PIECE_STEPS {
        return (!is_steady(sounds)).then_some(0..sounds.len());
    }
    // The last piece also takes what does not fill one.
    let pieces_count = sounds.len() / PIECE_STEPS;
    let end_of = |piece: usize| {
        if piece + 1 == pieces_count {
            sounds.len()
        } else {
            (piece + 1) * PIECE_STEPS
        }
    };
    let speech: Vec<usize> = (0..pieces_count)
        .map(|p| (p, &sounds[p * PIECE_STEPS..end_of(p)]))
        .filter(|(_, sounds)| !is_music(sounds) && !is_steady(sounds))
        .map(|(p, _)| p)
        .collect();
    let (first, last) = (
        speech.first()?.saturating_sub(1),
        (speech.last()? + 1).min(pieces_count - 1),
    );
    Some(first * PIECE_STEPS..end_of(last))
}

/// Labels everything outside of `speech`.
pub fn label(sounds: &[Sound], speech: &[TimeSpan], duration_ms: u64) -> Vec<NonSpeech> {
    let mut labels = Vec::new();
    let mut start_ms = 0;
    let end = TimeSpan {
        start_ms: duration_ms,
        end_ms: duration_ms,
    };
    for next in speech.iter().chain([&end]) {
        if next.start_ms > start_ms {
            label_gap(sounds, start_ms..next.start_ms, &mut labels);
        }
        start_ms = next.end_ms;
    }
    labels
}

fn label_gap(sounds: &[Sound], gap_ms: Range<u64>, labels: &mut Vec<NonSpeech>) {
    let step_at = |ms: u64| {
        usize::try_from(ms / STEP_MS)
            .unwrap_or(usize::MAX)
            .min(sounds.len())
    };
    let first = step_at(gap_ms.start);
    let gap = &sounds[first..step_at(gap_ms.end.next_multiple_of(STEP_MS)).max(first)];
    let mut runs: Vec<(NonSpeechKind, usize)> = Vec::new();
    for (kind, length) in kinds(gap) {
        match runs.last_mut() {
            Some((_, steps)) if length < least_steps(kind) => *steps += length,
            Some((last, steps)) if *last == kind => *steps += length,
            _ => runs.push((kind, length)),
        }
    }
    let mut at = first;
    for (kind, length) in runs {
        let span = TimeSpan {
            start_ms: (at as u64 * STEP_MS).max(gap_ms.start),
            end_ms: ((at + length) as u64 * STEP_MS).min(gap_ms.end),
        };
        at += length;
        if span.duration_ms() > 0 {
            labels.push(NonSpeech { span, kind });
        }
    }
}

/// Runs of one kind with their lengths.
fn kinds(gap: &[Sound]) -> Vec<(NonSpeechKind, usize)> {
    let mut runs: Vec<(NonSpeechKind, usize)> = Vec::new();
    for piece in gap.chunks(PIECE_STEPS) {
        let music = piece.len() * 2 >= PIECE_STEPS && is_music(piece);
        for sound in piece {
            let kind = match sound.tone {
                _ if !sound.is_audible() => NonSpeechKind::Silence,
                Some(Tone::Dtmf) => NonSpeechKind::Dtmf,
                Some(Tone::Steady) if !music => NonSpeechKind::Tone,
                _ if music => NonSpeechKind::Music,
                _ => NonSpeechKind::Noise,
            };
            match runs.last_mut() {
                Some((last, length)) if *last == kind => *length += 1,
                _ => runs.push((kind, 1)),
            }
        }
    }
    runs
}

fn least_steps(kind: NonSpeechKind) -> usize {
    match kind {
        NonSpeechKind::Dtmf | NonSpeechKind::Tone => MIN_TONE_STEPS,
        NonSpeechKind::Silence | NonSpeechKind::Noise | NonSpeechKind::Music => MIN_RUN_STEPS,
    }
}

/// Neither does it go up and down as syllables do, nor is a word in it that stands out from the rest.
fn is_steady(piece: &[Sound]) -> bool {
    if piece.len() < STEADY_STEPS {
        return false;
    }
    let mut levels: Vec<i16> = piece.iter().map(|s| i16::from(s.level_db)).collect();
    levels.sort_unstable();
    let odd = levels.len() / STEADY_ONE_IN;
    levels[levels.len() - 1 - odd] - levels[odd] <= STEADY_DB
}

/// By the mean over what is no silence. Too little sound is no music.
fn is_music(piece: &[Sound]) -> bool {
    let (mut count, mut still) = (0u32, 0u32);
    for sound in piece.iter().filter(|s| s.is_audible()) {
        count += 1;
        still += u32::from(sound.still);
    }
    count as usize * 2 >= piece.len() && still >= MUSIC_STILL * count
}

#[cfg(test)]
mod tests;
