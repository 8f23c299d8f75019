//! Steps in order: what became of each, told apart.

use job_schema::analysis::{Outcome, RuleResult, StepOutcome};
use job_schema::job::Role;
use job_schema::transcript::Transcript;

use crate::call::{Say, call, result, span};

const OPENING: &str = "query = '''first(10s): agent: \"good morning\"\n\
                       THEN:20s agent: \"call is recorded\"\n\
                       THEN:30s customer: \"my name is\"'''";

fn opening(lines: &[Line]) -> Transcript {
    let mut made = call(&[Role::Agent, Role::Customer]);
    for &(channel, start_ms, text) in lines {
        made = made.say(channel, start_ms, text);
    }
    made
}

fn steps(rule: &RuleResult) -> Vec<StepOutcome> {
    rule.steps.iter().map(|step| step.outcome).collect()
}

/// Channel, start, words.
type Line = (usize, u64, &'static str);

const HELLO: Line = (0, 0, "good morning");
const NOTICE: &str = "this call is recorded";
const NAME: &str = "my name is joe";

#[test]
#[rustfmt::skip] // a table reads as one
fn each_way_to_miss_a_step_has_its_own_outcome() {
    use StepOutcome::{Done, Late, Missing, OtherSide};
    let in_order = [HELLO, (0, 5_000, NOTICE), (1, 9_000, NAME)];
    let second_after_25_s = [HELLO, (0, 26_000, NOTICE), (1, 30_000, NAME)];
    let first_outside_its_window = [(0, 12_000, HELLO.2), (0, 15_000, NOTICE), (1, 20_000, NAME)];
    let customer_says_it = [HELLO, (1, 5_000, NOTICE), (1, 9_000, NAME)];
    let nobody_says_it = [HELLO, (1, 9_000, NAME)];
    let wrong_order = [(0, 0, NOTICE), (0, 5_000, HELLO.2), (1, 9_000, NAME)];
    let later_start = [HELLO, (0, 8_000, HELLO.2), (0, 27_000, NOTICE), (1, 40_000, NAME)];
    let table: [(&[Line], Outcome, [StepOutcome; 3]); 7] = [
        (&in_order, Outcome::True, [Done, Done, Done]),
        (&second_after_25_s, Outcome::False, [Done, Late, Done]),
        (&first_outside_its_window, Outcome::False, [Late, Done, Done]),
        (&customer_says_it, Outcome::False, [Done, OtherSide, Done]),
        (&nobody_says_it, Outcome::False, [Done, Missing, Done]),
        (&wrong_order, Outcome::False, [Done, Missing, Done]),
        (&later_start, Outcome::True, [Done, Done, Done]),
    ];
    for (lines, outcome, expected) in table {
        let rule = result(&opening(lines), OPENING);
        assert_eq!(rule.outcome, outcome, "{lines:?}");
        assert_eq!(steps(&rule), expected, "{lines:?}");
    }
}

#[test]
fn a_step_that_was_not_heard_is_not_said_to_be_missing() {
    let call = opening(&[(0, 0, "good morning"), (1, 9_000, "my name is joe")]);
    let call = call.suppress(0, span(4_000, 5_000));
    let rule = result(&call, OPENING);
    assert_eq!(rule.outcome, Outcome::Inconclusive);
    assert_eq!(steps(&rule)[1], StepOutcome::Inconclusive);
    assert!(rule.reason.is_some());
}

#[test]
fn steps_and_hits_point_to_the_words_of_the_chain() {
    let call = opening(&[
        (0, 0, "good morning"),
        (0, 5_000, "this call is recorded"),
        (1, 9_000, "my name is joe"),
    ]);
    let rule = result(&call, OPENING);
    let starts: Vec<u64> = rule.hits.iter().map(|hit| hit.span.start_ms).collect();
    assert_eq!(starts, [0, 5_400, 9_000]);
    assert_eq!(rule.steps[1].step, "\"call is recorded\"");
    assert_eq!(rule.steps[1].hit.as_ref(), Some(&rule.hits[1]));
}
