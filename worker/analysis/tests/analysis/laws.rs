//! What holds of all queries and all calls.

use job_schema::analysis::RuleResult;
use job_schema::transcript::{Transcript, Word};
use proptest::prelude::*;

use crate::call::{Say, result, score};
use crate::slow_query::{LEAST, Query, any_call, any_places, any_query, any_query_of_words, lines};

fn shifted(call: &Transcript, by_ms: u64) -> Transcript {
    let mut call = call.clone();
    call.audio.decoded.duration_ms += by_ms;
    for channel in &mut call.channels {
        for word in &mut channel.words {
            word.start_ms += by_ms;
            word.end_ms += by_ms;
        }
    }
    for turn in &mut call.turns {
        turn.start_ms += by_ms;
        turn.end_ms += by_ms;
    }
    call
}

fn rules(queries: &[Query]) -> Vec<String> {
    let rule = |(n, query)| format!("[[rule]]\nname = \"r{n}\"\n{}\n", lines(query));
    queries.iter().enumerate().map(rule).collect()
}

fn by_name(mut results: Vec<RuleResult>) -> Vec<RuleResult> {
    results.sort_by(|a, b| a.rule.cmp(&b.rule));
    results
}

proptest! {
    #[test]
    fn de_morgan_holds_in_three_values(call in any_call(), a in any_query(), b in any_query()) {
        let not = |query: &Query| Query::Not(Box::new(query.clone()));
        let both = Query::Not(Box::new(Query::And(vec![a.clone(), b.clone()])));
        let either = Query::Or(vec![not(&a), not(&b)]);
        prop_assert_eq!(result(&call, &lines(&both)).outcome, result(&call, &lines(&either)).outcome);
        let twice = not(&not(&a));
        prop_assert_eq!(result(&call, &lines(&twice)).outcome, result(&call, &lines(&a)).outcome);
    }

    #[test]
    fn a_window_moves_with_the_call(
        call in any_call(), query in any_places(), from_ms in 0_u64..3_000, length_ms in 1_u64..5_000, by_ms in 0_u64..50_000,
    ) {
        let within = |from_ms: u64| {
            let to_ms = from_ms + length_ms;
            format!("{}\nwindow = {{ from_ms = {from_ms}, to_ms = {to_ms} }}", lines(&query))
        };
        let here = result(&call, &within(from_ms));
        let there = result(&shifted(&call, by_ms), &within(from_ms + by_ms));
        prop_assert_eq!(here.outcome, there.outcome);
        let starts = |rule: &RuleResult| -> Vec<u64> { rule.hits.iter().map(|hit| hit.span.start_ms).collect() };
        let moved: Vec<u64> = starts(&here).iter().map(|ms| ms + by_ms).collect();
        prop_assert_eq!(moved, starts(&there));
    }

    #[test]
    fn the_order_of_rules_and_of_operands_makes_no_difference(
        call in any_call(), queries in proptest::collection::vec(any_query(), 2..5),
    ) {
        let mut files = rules(&queries);
        let forwards = score(&call, &files.concat());
        files.reverse();
        let backwards = score(&call, &files.concat());
        prop_assert_eq!(forwards.points, backwards.points);
        prop_assert_eq!(by_name(forwards.rules), by_name(backwards.rules));
        let mut turned = queries.clone();
        turned.reverse();
        for join in [Query::And, Query::Or] {
            let (one, other) = (join(queries.clone()), join(turned.clone()));
            prop_assert_eq!(result(&call, &lines(&one)).outcome, result(&call, &lines(&other)).outcome);
        }
    }

    #[test]
    fn unrelated_words_after_the_rest_change_nothing(call in any_call(), query in any_query_of_words(), count in 1_usize..5) {
        let before = result(&call, &lines(&query));
        let words = (0..).take(count).map(|n| Word {
            text: format!("other{n}"),
            start_ms: 40_000 + n * 400,
            end_ms: 40_300 + n * 400,
            confidence: LEAST + 0.1,
        });
        let after = result(&call.say_words(1, words.collect()), &lines(&query));
        prop_assert_eq!(before.outcome, after.outcome);
        prop_assert_eq!(before.hits, after.hits);
    }
}
