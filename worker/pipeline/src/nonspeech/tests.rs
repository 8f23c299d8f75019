use proptest::prelude::*;

use super::*;

/// A name, sounds with their lengths, and what is left.
type Case = (&'static str, Vec<(Sound, usize)>, Option<Range<usize>>);

const SILENCE: Sound = Sound {
    level_db: -70,
    tone: None,
    still: 10,
};
const NOISE: Sound = Sound {
    level_db: -30,
    tone: None,
    still: 20,
};
/// As loud as the noise at first, and in syllables.
const VOICE: Sound = Sound {
    level_db: -29,
    tone: None,
    still: 20,
};
/// Of a line: still audible.
const HISS: Sound = Sound {
    level_db: -54,
    tone: None,
    still: 10,
};
const LOUDER: Sound = Sound {
    level_db: -26,
    tone: None,
    still: 20,
};
const MUSIC: Sound = Sound {
    level_db: -30,
    tone: None,
    still: 60,
};
const BUSY: Sound = Sound {
    level_db: -20,
    tone: Some(Tone::Steady),
    still: 99,
};
const KEY: Sound = Sound {
    level_db: -30,
    tone: Some(Tone::Dtmf),
    still: 99,
};

fn sounds(parts: &[(Sound, usize)]) -> Vec<Sound> {
    let of_part = |&(sound, steps): &(Sound, usize)| {
        (0..steps).map(move |step| {
            let is_valley = sound == VOICE && step % 8 > 5;
            let level_db = sound.level_db - if is_valley { 12 } else { 0 };
            Sound { level_db, ..sound }
        })
    };
    parts.iter().flat_map(of_part).collect()
}

fn labelled(parts: &[(Sound, usize)]) -> Vec<(NonSpeechKind, u64)> {
    let sounds = sounds(parts);
    let labels = label(&sounds, &[], sounds.len() as u64 * STEP_MS);
    labels
        .iter()
        .map(|l| (l.kind, l.span.duration_ms() / STEP_MS))
        .collect()
}

#[test]
fn what_is_not_speech_gets_its_name() {
    use NonSpeechKind::{Dtmf, Music, Noise, Silence, Tone};
    assert_eq!(
        labelled(&[(SILENCE, 40), (BUSY, 15), (SILENCE, 40)]),
        [(Silence, 40), (Tone, 15), (Silence, 40)]
    );
    assert_eq!(
        labelled(&[(SILENCE, 40), (KEY, 3), (SILENCE, 40)]),
        [(Silence, 40), (Dtmf, 3), (Silence, 40)]
    );
    assert_eq!(labelled(&[(MUSIC, 124)]), [(Music, 124)]);
    assert_eq!(
        labelled(&[(NOISE, 62), (SILENCE, 62)]),
        [(Noise, 62), (Silence, 62)]
    );
    assert_eq!(
        labelled(&[(SILENCE, 62), (NOISE, 2), (SILENCE, 62)]),
        [(Silence, 126)]
    );
}

#[test]
fn speech_is_freed_of_tones_and_noise_and_of_music_at_its_ends() {
    let piece = PIECE_STEPS;
    let cases: [Case; 12] = [
        ("a short word", vec![(VOICE, 10)], Some(0..10)),
        (
            "keys",
            vec![(KEY, 8), (SILENCE, 8), (VOICE, 1), (KEY, 8)],
            None,
        ),
        (
            "two rings on a noisy line",
            vec![(BUSY, 12), (HISS, 9), (BUSY, 12), (HISS, 15)],
            None,
        ),
        ("music", vec![(MUSIC, 3 * piece)], None),
        ("noise", vec![(NOISE, STEADY_STEPS)], None),
        (
            "a short hiss may be a consonant",
            vec![(NOISE, STEADY_STEPS - 1)],
            Some(0..STEADY_STEPS - 1),
        ),
        (
            "a word in noise",
            vec![(NOISE, 3 * piece), (LOUDER, 4), (NOISE, 3 * piece)],
            Some(2 * piece..5 * piece),
        ),
        (
            "a short note may be a vowel",
            vec![(MUSIC, STEADY_STEPS - 1)],
            Some(0..STEADY_STEPS - 1),
        ),
        (
            "speech",
            vec![(VOICE, 3 * piece + 7)],
            Some(0..3 * piece + 7),
        ),
        (
            "speech after music",
            vec![(MUSIC, 3 * piece), (VOICE, piece)],
            Some(2 * piece..4 * piece),
        ),
        (
            "speech before music",
            vec![(VOICE, piece), (MUSIC, 3 * piece)],
            Some(0..2 * piece),
        ),
        (
            "speech around music",
            vec![(VOICE, piece), (MUSIC, 3 * piece), (VOICE, piece)],
            Some(0..5 * piece),
        ),
    ];
    for (name, parts, expected) in cases {
        assert_eq!(speech_within(&sounds(&parts)), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn labels_fill_the_gaps_and_nothing_else(
        parts in prop::collection::vec((prop::sample::select(vec![SILENCE, NOISE, MUSIC, BUSY, KEY]), 1usize..90), 1..20),
        cuts in prop::collection::btree_set(0u64..40_000, 0..8),
        tail_ms in 0u64..STEP_MS,
    ) {
        let sounds = sounds(&parts);
        let duration_ms = (sounds.len() as u64 * STEP_MS).saturating_sub(tail_ms);
        let cuts: Vec<u64> = cuts.into_iter().filter(|c| *c <= duration_ms).collect();
        let speech: Vec<TimeSpan> = cuts.as_chunks::<2>().0.iter()
            .map(|&[start_ms, end_ms]| TimeSpan { start_ms, end_ms }).collect();
        let labels = label(&sounds, &speech, duration_ms);
        let mut all: Vec<TimeSpan> = labels.iter().map(|l| l.span).chain(speech).collect();
        all.sort_by_key(|s| s.start_ms);
        let mut end = 0;
        for span in all {
            prop_assert_eq!(span.start_ms, end);
            prop_assert!(span.end_ms > span.start_ms);
            end = span.end_ms;
        }
        prop_assert_eq!(end, duration_ms);
    }
}
