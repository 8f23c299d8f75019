//! What holds of any transcript, whatever a recogniser answers: words in order and inside the call, each of them in one segment,
//! one utterance and one turn, and the same transcript in whatever order spans come.

use job_schema::engine::SpanResult;
use job_schema::job::Role;
use job_schema::transcript::{Word, WordRange};
use proptest::prelude::*;

use super::{header, span, summary};
use crate::assemble::transcript;

fn any_word() -> impl Strategy<Value = Word> {
    ("[a-z ]{0,4}", 0_u64..4_000, 0_u64..4_000, -1.0_f32..2.0).prop_map(
        |(text, start_ms, end_ms, confidence)| Word {
            text,
            start_ms,
            end_ms,
            confidence,
        },
    )
}

fn any_spans() -> impl Strategy<Value = Vec<SpanResult>> {
    let spans = (
        0_u16..3,
        proptest::collection::vec(any_word(), 0..8),
        0_u64..3_000,
    );
    proptest::collection::vec(spans, 0..8).prop_map(|spans| {
        (0..)
            .zip(spans)
            .map(|(n, (channel, words, length_ms))| {
                span(channel, n * 400, n * 400 + length_ms, words)
            })
            .collect()
    })
}

fn covers(ranges: impl Iterator<Item = WordRange>, words_count: usize) -> bool {
    let mut next = 0;
    for range in ranges {
        let indexes = range.indexes();
        if indexes.start != next || indexes.is_empty() {
            return false;
        }
        next = indexes.end;
    }
    next == words_count
}

proptest! {
    #[test]
    fn words_keep_order_and_bounds(spans in any_spans(), duration_ms in 0_u64..4_000) {
        let call = transcript(header(), spans.clone(), summary(&[Role::Agent, Role::Customer], duration_ms));
        for channel in &call.channels {
            let mut earliest_ms = 0;
            for word in &channel.words {
                prop_assert!(word.start_ms >= earliest_ms);
                prop_assert!(word.end_ms > word.start_ms);
                prop_assert!((0.0..=1.0).contains(&word.confidence));
                earliest_ms = word.end_ms;
            }
            prop_assert!(earliest_ms <= duration_ms);
        }
        let given = spans.iter().flat_map(|s| &s.segments).flat_map(|s| &s.words);
        let spoken = given.filter(|word| !word.text.trim().is_empty()).count();
        let written: usize = call.channels.iter().map(|c| c.words.len()).sum();
        let suppressed: usize = call.channels.iter().flat_map(|c| &c.suppressed)
            .map(|s| s.text.split_whitespace().count()).sum();
        prop_assert!(written + suppressed >= spoken);
    }

    #[test]
    fn segments_utterances_and_turns_cover_each_word_once(spans in any_spans()) {
        let call = transcript(header(), spans, summary(&[Role::Agent, Role::Customer], 9_000));
        for channel in &call.channels {
            let words_count = channel.words.len();
            prop_assert!(covers(channel.segments.iter().map(|s| s.words), words_count));
            prop_assert!(covers(channel.utterances.iter().map(|u| u.words), words_count));
            let own = call.turns.iter().filter(|turn| turn.channel == channel.facts.index);
            prop_assert!(covers(own.map(|turn| turn.words), words_count));
        }
        prop_assert!(call.turns.is_sorted_by_key(|turn| (turn.start_ms, turn.channel)));
    }

    #[test]
    fn the_order_of_spans_makes_no_difference(spans in any_spans()) {
        let roles = [Role::Agent, Role::Customer];
        let forward = transcript(header(), spans.clone(), summary(&roles, 9_000));
        let backward = spans.into_iter().rev().collect();
        prop_assert_eq!(forward, transcript(header(), backward, summary(&roles, 9_000)));
    }
}
