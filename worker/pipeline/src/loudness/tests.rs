#![expect(clippy::cast_possible_truncation, reason = "small numbers made here")]

use proptest::prelude::*;

use super::*;

const SPAN_START_MS: u64 = 5_000;

/// A hum where it says so, and a faint line everywhere else.
fn sound(length_ms: u64, hums: &[(u64, u64)]) -> Vec<f32> {
    let at_ms = |sample: usize| sample as u64 * 1_000 / u64::from(SAMPLE_RATE_HZ);
    (0..(length_ms * 16) as usize)
        .map(|n| {
            let is_loud = hums
                .iter()
                .any(|(from, to)| (*from..*to).contains(&at_ms(n)));
            let level = if is_loud { 0.3 } else { 0.001 };
            level * (n as f32 * 0.1).sin()
        })
        .collect()
}

fn span(start_ms: u64, end_ms: u64) -> TimeSpan {
    TimeSpan {
        start_ms: SPAN_START_MS + start_ms,
        end_ms: SPAN_START_MS + end_ms,
    }
}

fn word((start_ms, end_ms): (u64, u64)) -> Word {
    let at = span(start_ms, end_ms);
    Word {
        text: "w".into(),
        start_ms: at.start_ms,
        end_ms: at.end_ms,
        confidence: 0.5,
    }
}

#[test]
fn a_stretch_ends_with_its_sound() {
    let cases = [
        (
            "a tail of silence",
            vec![(200, 1_000)],
            (150, 1_400),
            (150, 1_000),
        ),
        (
            "a pause inside",
            vec![(200, 600), (900, 1_200)],
            (150, 1_500),
            (150, 1_200),
        ),
        (
            "a click in the tail",
            vec![(200, 1_000), (1_300, 1_310)],
            (150, 1_400),
            (150, 1_000),
        ),
        ("no tail", vec![(200, 1_000)], (150, 1_000), (150, 1_000)),
        ("nothing to hear", vec![], (150, 1_400), (150, 1_400)),
    ];
    for (name, hums, stretch, expected) in cases {
        let loudness = Loudness::of(&sound(2_000, &hums), SPAN_START_MS);
        let trimmed = loudness.trimmed(span(stretch.0, stretch.1));
        assert_eq!(trimmed, span(expected.0, expected.1), "{name}");
    }
}

#[test]
fn words_beside_a_pause_take_the_edges_of_their_sound() {
    let cases = [
        (
            "ends too early and too late",
            vec![(200, 800), (1_200, 1_800)],
            vec![(200, 700), (1_200, 1_950)],
            vec![(200, 800), (1_200, 1_800)],
        ),
        (
            "begins too late and too early",
            vec![(200, 800), (1_200, 1_800)],
            vec![(320, 800), (1_080, 1_800)],
            vec![(200, 800), (1_200, 1_800)],
        ),
        (
            "words that touch keep their border",
            vec![(200, 1_800)],
            vec![(200, 700), (700, 1_800)],
            vec![(200, 700), (700, 1_800)],
        ),
        (
            "sound that goes on far beyond the word is not all its own",
            vec![(200, 1_800)],
            vec![(200, 700)],
            vec![(200, 950)],
        ),
        (
            "a closure in the word is no end",
            vec![(200, 500), (560, 800)],
            vec![(200, 490)],
            vec![(200, 740)],
        ),
    ];
    for (name, hums, rough, expected) in cases {
        let loudness = Loudness::of(&sound(2_500, &hums), SPAN_START_MS);
        let mut words: Vec<Word> = rough.into_iter().map(word).collect();
        let speech = [span(100, 2_000)];
        loudness.settle_ends(&mut words, &speech);
        loudness.settle_starts(&mut words, &speech);
        let expected: Vec<Word> = expected.into_iter().map(word).collect();
        assert_eq!(words, expected, "{name}");
    }
}

proptest! {
    #[test]
    fn settled_words_stay_in_order_inside_their_speech(
        hums in prop::collection::vec((0u64..3_000, 10u64..900), 0..6),
        lengths in prop::collection::vec((0u64..400, 40u64..500), 1..8),
    ) {
        let hums: Vec<_> = hums.into_iter().map(|(from, length)| (from, from + length)).collect();
        let loudness = Loudness::of(&sound(4_000, &hums), SPAN_START_MS);
        let mut at_ms = 0;
        let mut words = Vec::new();
        for (gap_ms, length_ms) in lengths {
            words.push(word((at_ms + gap_ms, at_ms + gap_ms + length_ms)));
            at_ms += gap_ms + length_ms;
        }
        let speech = [span(0, at_ms)];
        loudness.settle_ends(&mut words, &speech);
        loudness.settle_starts(&mut words, &speech);
        prop_assert!(words.iter().all(|w| w.end_ms >= w.start_ms + MIN_WORD_MS), "{words:?}");
        prop_assert!(words.windows(2).all(|w| w[0].end_ms <= w[1].start_ms), "{words:?}");
        prop_assert!(words.iter().all(|w| w.start_ms >= speech[0].start_ms && w.end_ms <= speech[0].end_ms), "{words:?}");
    }
}
