#![expect(clippy::cast_possible_truncation, reason = "small numbers made here")]

use proptest::prelude::*;

use super::*;

/// A name, probabilities with how many hops they last, and the one stretch.
type Case = (&'static str, &'static [(f32, u64)], Option<Range<u64>>);

fn all(probabilities: &[f32]) -> Vec<Range<u64>> {
    let mut stretches = Stretches::default();
    let mut found: Vec<_> = probabilities
        .iter()
        .filter_map(|&p| stretches.push(p))
        .collect();
    found.extend(stretches.finish());
    found
}

fn runs(parts: &[(f32, u64)]) -> Vec<f32> {
    parts
        .iter()
        .flat_map(|&(p, hops)| std::iter::repeat_n(p, hops as usize))
        .collect()
}

#[test]
fn bursts_become_stretches_with_their_edges() {
    let cases: [Case; 6] = [
        ("silence", &[(0.1, 500)], None),
        (
            "a click",
            &[(0.1, 50), (0.9, MIN_STRETCH_HOPS - 1), (0.1, 50)],
            None,
        ),
        (
            "a word",
            &[(0.1, 50), (0.9, 20), (0.1, 50)],
            Some(50 - EDGE_HOPS..70 + EDGE_HOPS),
        ),
        (
            "a word with a valley",
            &[
                (0.1, 50),
                (0.9, 9),
                (0.1, HANGOVER_HOPS - 1),
                (0.9, 9),
                (0.1, 50),
            ],
            Some(50 - EDGE_HOPS..50 + 9 + HANGOVER_HOPS - 1 + 9 + EDGE_HOPS),
        ),
        (
            "speech from the first hop to the last",
            &[(0.9, 40)],
            Some(0..40),
        ),
        ("never loud enough to begin", &[(SPEECH_OFF, 200)], None),
    ];
    for (name, parts, expected) in cases {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(all(&runs(parts)), expected, "{name}");
    }
}

#[test]
fn speech_without_a_pause_is_cut_where_it_is_weakest() {
    let weak_at = MAX_STRETCH_HOPS * 4 / 5;
    let mut probabilities = runs(&[(0.9, MAX_STRETCH_HOPS + 400), (0.0, 100)]);
    for at in weak_at - 2..=weak_at + 2 {
        probabilities[at as usize] = 0.5;
    }
    let found = all(&probabilities);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], 0..weak_at);
    assert_eq!(found[1].start, weak_at);
}

proptest! {
    #[test]
    fn stretches_are_ordered_bounded_and_hold_every_burst(
        parts in prop::collection::vec((0.0f32..1.0, 1u64..400), 1..40),
    ) {
        let probabilities = runs(&parts);
        let total = probabilities.len() as u64;
        let found = all(&probabilities);
        let mut end = 0;
        for stretch in &found {
            prop_assert!(stretch.start >= end && stretch.start < stretch.end && stretch.end <= total);
            prop_assert!(stretch.end - stretch.start <= MAX_STRETCH_HOPS);
            end = stretch.end;
        }
        let mut at = 0;
        for (p, hops) in parts {
            if p >= SPEECH_ON && hops >= MIN_STRETCH_HOPS {
                let held = (at..at + hops).all(|hop| found.iter().any(|s| s.contains(&hop)));
                prop_assert!(held, "burst at {at} of {hops} hops is not held");
            }
            at += hops;
        }
    }

    #[test]
    fn no_stretch_begins_before_a_horizon_that_was_told(
        parts in prop::collection::vec((0.0f32..1.0, 1u64..100), 1..40),
    ) {
        let mut stretches = Stretches::default();
        let mut told = 0;
        for p in runs(&parts) {
            let closed = stretches.push(p);
            if let Some(stretch) = closed {
                prop_assert!(stretch.start >= told);
            }
            prop_assert!(stretches.horizon() >= told);
            told = stretches.horizon();
        }
    }
}
