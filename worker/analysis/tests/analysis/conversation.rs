use analysis::conversation::{NON_TALK_THRESHOLD_MS, measure};
use job_schema::analysis::Interruption;
use job_schema::job::Role;
use job_schema::transcript::Transcript;
use proptest::prelude::*;

use crate::call::{Say, call, span};

fn two_party() -> Transcript {
    call(&[Role::Agent, Role::Customer])
}

#[test]
fn talk_silence_and_overlap_are_measured() {
    // Five words last 1.9 s.
    let call = two_party()
        .say(0, 1_000, "one two three four five")
        .say(1, 2_000, "one two three four five")
        .say(0, 10_000, "one two three four five");
    let talk = measure(&call, NON_TALK_THRESHOLD_MS);
    assert_eq!(talk.duration_ms, 60_000);
    assert_eq!(talk.talk_ms, 2_900 + 1_900);
    assert_eq!(talk.overlap.total_ms, 900);
    assert_eq!(talk.overlap.spans, [span(2_000, 2_900)]);
    assert_eq!(talk.non_talk.total_ms, 60_000 - 4_800);
    assert_eq!(
        talk.non_talk.gaps,
        [span(3_900, 10_000), span(11_900, 60_000)]
    );
    let agent = &talk.channels[0];
    assert_eq!(
        (agent.talk_ms, agent.words_count, agent.turns_count),
        (3_800, 10, 2)
    );
    assert_eq!(agent.words_per_minute, Some(157.9));
}

#[test]
fn the_threshold_of_silence_is_the_callers() {
    let call = two_party().say(0, 1_000, "one two");
    assert_eq!(measure(&call, 1_000).non_talk.gaps[0], span(0, 1_000));
    assert_eq!(measure(&call, 1_001).non_talk.gaps.len(), 1);
    assert_eq!(measure(&call, 1_001).non_talk.threshold_ms, 1_001);
}

#[test]
fn an_empty_call_has_no_talk_and_no_pace() {
    let talk = measure(&two_party(), NON_TALK_THRESHOLD_MS);
    assert_eq!(
        (talk.talk_ms, talk.non_talk.gaps),
        (0, vec![span(0, 60_000)])
    );
    assert_eq!(talk.channels[1].words_per_minute, None);
}

#[test]
fn an_interruption_is_a_start_that_makes_the_other_stop() {
    let eight = "one two three four five six seven eight"; // 0 to 3.1 s
    let interrupted = |start_ms, text: &str| {
        let call = two_party().say(0, 0, eight).say(1, start_ms, text);
        measure(&call, NON_TALK_THRESHOLD_MS).interruptions
    };
    let expected = |start_ms| {
        vec![Interruption {
            interrupter_channel: 1,
            interrupted_channel: 0,
            span: span(start_ms, 3_100),
        }]
    };
    let four = "no wait a moment"; // 1.5 s
    assert_eq!(interrupted(2_000, four), expected(2_000));
    assert_eq!(interrupted(2_850, four), expected(2_850));
    assert_eq!(
        interrupted(2_851, four),
        [],
        "an overlap under 250 ms is a change of turns"
    );
    assert_eq!(
        interrupted(1_000, four),
        [],
        "who talks on was not interrupted"
    );
    let long = "no wait a moment please listen to me"; // 3.1 s
    assert_eq!(interrupted(1_100, long), expected(1_100));
    assert_eq!(
        interrupted(1_099, long),
        [],
        "who talks on for over two seconds did not give way"
    );
    assert_eq!(
        interrupted(2_700, "oh dear"),
        [],
        "two words are a sign of listening"
    );
    assert_eq!(interrupted(3_100, four), [], "the other had finished");
    assert_eq!(interrupted(0, long), [], "both began at once");
}

fn any_call() -> impl Strategy<Value = Transcript> {
    let said = proptest::collection::vec((0_u64..40, 1_usize..9), 0..6);
    proptest::collection::vec(said, 0..4).prop_map(|channels| {
        let roles = [Role::Agent, Role::Customer, Role::Ivr, Role::Unknown];
        let mut call = call(&roles[..channels.len()]);
        for (channel, said) in channels.into_iter().enumerate() {
            let mut free_from_ms = 0;
            for (gap, words_count) in said {
                let start_ms = free_from_ms + gap * 100;
                call = call.say(channel, start_ms, &"word ".repeat(words_count));
                free_from_ms = call.channels[channel].words.last().unwrap().end_ms;
            }
        }
        call
    })
}

proptest! {
    /// Every time in these calls is a multiple of 100 ms, so counting such steps is exact.
    #[test]
    fn talk_and_overlap_equal_a_count_of_steps(call in any_call()) {
        let talk = measure(&call, 0);
        let speaking = |step: u64| call.channels.iter()
            .filter(|c| c.utterances.iter().any(|u| u.start_ms <= step && step < u.end_ms)).count();
        let steps = || (0..60_000).step_by(100).map(speaking);
        let total = |least: usize| 100 * u64::try_from(steps().filter(|&n| n >= least).count()).unwrap();
        prop_assert_eq!(talk.talk_ms, total(1));
        prop_assert_eq!(talk.overlap.total_ms, total(2));
        prop_assert_eq!(talk.non_talk.total_ms, 60_000 - total(1));
        prop_assert_eq!(talk.non_talk.gaps.iter().map(|gap| gap.duration_ms()).sum::<u64>(), talk.non_talk.total_ms);
        for interruption in &talk.interruptions {
            let inside = |s: &&job_schema::transcript::TimeSpan|
                s.start_ms <= interruption.span.start_ms && interruption.span.end_ms <= s.end_ms;
            prop_assert!(talk.overlap.spans.iter().find(inside).is_some());
        }
    }
}
