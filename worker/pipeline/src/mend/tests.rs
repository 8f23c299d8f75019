#![expect(clippy::cast_possible_truncation, reason = "small numbers made here")]

use proptest::prelude::*;

use super::*;

fn word(start_ms: u64, end_ms: u64) -> RecognizedWord {
    RecognizedWord {
        text: "w".into(),
        start_ms,
        end_ms,
        probability: 0.5,
    }
}

fn span(start_ms: u64, end_ms: u64) -> TimeSpan {
    TimeSpan { start_ms, end_ms }
}

#[test]
fn rough_times_are_put_into_speech_and_order() {
    let speech = [span(1_000, 2_000), span(3_000, 4_000)];
    let cases = [
        (
            "good times are kept",
            vec![(100, 400), (500, 900), (2_100, 2_500)],
            vec![(1_100, 1_400), (1_500, 1_900), (3_100, 3_500)],
        ),
        (
            "a word in the gap goes to the nearer edge",
            vec![(1_100, 1_200), (1_800, 1_900)],
            vec![(1_960, 2_000), (3_000, 3_040)],
        ),
        (
            "a word across the gap keeps its longer side",
            vec![(900, 2_500)],
            vec![(3_000, 3_500)],
        ),
        (
            "an empty word gets a length",
            vec![(300, 300), (300, 300)],
            vec![(1_300, 1_340), (1_340, 1_380)],
        ),
        (
            "an overlap ends where the next begins",
            vec![(0, 800), (400, 900)],
            vec![(1_000, 1_400), (1_400, 1_900)],
        ),
        (
            "times beyond the end come back",
            vec![(9_000, 9_100)],
            vec![(3_960, 4_000)],
        ),
    ];
    for (name, rough, expected) in cases {
        let words: Vec<_> = rough.into_iter().map(|(s, e)| word(s, e)).collect();
        let mended: Vec<_> = mend(&words, 1_000, &speech)
            .iter()
            .map(|w| (w.start_ms, w.end_ms))
            .collect();
        assert_eq!(mended, expected, "{name}");
    }
}

proptest! {
    #[test]
    fn every_word_has_a_time_inside_speech_that_runs_forwards(
        rough in prop::collection::vec((0u64..40_000, 0u64..40_000), 0..120),
        parts in prop::collection::vec((0u64..3_000, 1u64..5_000), 1..8),
        start_ms in 0u64..100_000,
    ) {
        let mut at = start_ms;
        let speech: Vec<TimeSpan> = parts.into_iter().map(|(gap, length)| {
            let s = span(at + gap, at + gap + length);
            at = s.end_ms;
            s
        }).collect();
        let room: u64 = speech.iter().map(|s| s.duration_ms()).sum();
        let words: Vec<_> = rough.into_iter().map(|(s, e)| word(s, e)).collect();
        let mended = mend(&words, start_ms, &speech);
        prop_assert_eq!(mended.len(), words.len().min(room as usize));
        let mut end = 0;
        for word in &mended {
            prop_assert!(word.start_ms < word.end_ms && word.start_ms >= end);
            let inside = |s: &TimeSpan| s.start_ms <= word.start_ms && word.end_ms <= s.end_ms;
            prop_assert!(speech.iter().any(inside), "{word:?} outside {speech:?}");
            end = word.end_ms;
        }
    }
}
