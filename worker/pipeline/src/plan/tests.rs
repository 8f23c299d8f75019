use proptest::prelude::*;

use super::*;
use crate::recognizer::MAX_SPAN_MS;
use crate::stretches::MAX_STRETCH_HOPS;

fn plan(stretches: &[Range<u64>], total: u64) -> Vec<PlannedSpan> {
    let mut planner = Planner::default();
    let mut spans = Vec::new();
    for stretch in stretches {
        spans.extend(planner.quiet_until(stretch.start));
        spans.extend(planner.push(stretch.clone()));
    }
    spans.extend(planner.finish(total));
    spans
}

#[test]
fn near_stretches_are_joined_and_far_ones_are_not() {
    let (near, far) = (JOIN_GAP_HOPS, JOIN_GAP_HOPS + 1);
    let first = 100..200;
    for (gap, spans_count) in [(near, 1), (far, 2)] {
        let second = 200 + gap..300 + gap;
        let spans = plan(&[first.clone(), second], 1_000);
        assert_eq!(spans.len(), spans_count, "gap of {gap} hops");
        assert_eq!(spans[0].hops.start, 100 - PADDING_HOPS);
    }
}

#[test]
fn padding_stays_inside_the_recording_and_shares_a_short_gap() {
    let long = TARGET_SPAN_HOPS;
    let spans = plan(&[2..long, long + 5..long + 90], long + 93);
    let hops: Vec<_> = spans.iter().map(|s| s.hops.clone()).collect();
    assert_eq!(hops, [0..long + 2, long + 2..long + 93]);
}

/// Gap before and length of each stretch.
fn stretches() -> impl Strategy<Value = (Vec<Range<u64>>, u64)> {
    let parts = prop::collection::vec((0u64..200, 1..=MAX_STRETCH_HOPS), 0..60);
    (parts, 0u64..100).prop_map(|(parts, tail)| {
        let mut at = 0;
        let place = |(gap, length)| {
            let start = at + gap;
            at = start + length;
            start..at
        };
        let stretches = parts.into_iter().map(place).collect();
        (stretches, at + tail)
    })
}

proptest! {
    #[test]
    fn spans_cover_the_speech_in_order_and_fit_the_window((stretches, total) in stretches()) {
        let spans = plan(&stretches, total);
        let inside: Vec<_> = spans.iter().flat_map(|s| s.stretches.clone()).collect();
        prop_assert_eq!(&inside, &stretches);
        let mut end = 0;
        for span in &spans {
            prop_assert!(span.hops.start >= end && span.hops.end <= total);
            prop_assert!(span.hops.end - span.hops.start <= MAX_SPAN_MS / HOP_MS);
            prop_assert!(span.stretches.iter().all(|s| span.hops.start <= s.start && s.end <= span.hops.end));
            end = span.hops.end;
        }
    }

    #[test]
    fn no_span_begins_before_a_horizon_that_was_told((stretches, total) in stretches()) {
        let mut planner = Planner::default();
        let (mut told, mut spans) = (0, Vec::new());
        for stretch in &stretches {
            spans.extend(planner.quiet_until(stretch.start));
            spans.extend(planner.push(stretch.clone()));
            prop_assert!(spans.drain(..).all(|s| s.hops.start >= told));
            told = planner.horizon(stretch.end);
        }
        prop_assert!(planner.finish(total).is_none_or(|s| s.hops.start >= told));
    }
}
