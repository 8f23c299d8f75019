use job_schema::analysis::Outcome;
use job_schema::job::Role;
use job_schema::transcript::{Transcript, Word};

use crate::call::{Say, call, outcome, result, score, span};

pub(crate) fn greeted() -> Transcript {
    call(&[Role::Agent, Role::Customer])
        .say(
            0,
            1_000,
            "Thank you for calling Northgate Plumbing. How can I help?",
        )
        .say(1, 8_000, "Hi, I'd like to cancel my follow-up visit.")
        .say(0, 50_000, "Thank you for calling, goodbye.")
}

#[test]
fn a_hit_carries_its_evidence() {
    let score = score(
        &greeted(),
        "[[rule]]\nname = \"leaving\"\nphrases = [\"to CANCEL my\"]\nspeaker = \"customer\"\nweight = -5",
    );
    let rule = &score.rules[0];
    assert_eq!(rule.id, "demo/leaving@2");
    assert_eq!(
        (rule.outcome, rule.points, score.points),
        (Outcome::True, -5.0, -5.0)
    );
    let [hit] = rule.hits.as_slice() else {
        panic!("one hit")
    };
    assert_eq!(hit.phrase, "to CANCEL my");
    assert_eq!(hit.words, ["to", "cancel", "my"]);
    assert_eq!(
        (hit.channel, hit.role, hit.first_word),
        (1, Role::Customer, 3)
    );
    assert_eq!(hit.span, span(9_200, 10_300));
    assert!((hit.confidence - 0.9).abs() < 1e-6);
    assert_eq!(rule.reason, None);
}

#[test]
fn phrases_match_words_as_people_write_them() {
    let table = [
        ("thank you for calling", true),
        ("NORTHGATE PLUMBING", true),
        ("plumbing how can", true),
        ("follow up visit", true),
        ("follow-up", true),
        ("I\u{2019}d like", true),
        ("id like", false),
        ("thank you for call", false),
        ("plumb", false),
        ("help hi", false),
        ("follow", true),
    ];
    for (phrase, said) in table {
        let expected = if said { Outcome::True } else { Outcome::False };
        let lines = format!("phrases = [\"{phrase}\"]");
        assert_eq!(outcome(&greeted(), &lines), expected, "{phrase}");
    }
}

#[test]
fn speaker_and_window_decide_where_a_phrase_counts() {
    // "Thank you for calling" starts at 1.0 s and at 50.0 s; its last word at 2.2 s and at 51.2 s.
    let table = [
        ("", 2),
        ("speaker = \"agent\"", 2),
        ("speaker = \"customer\"", 0),
        ("window = { first_s = 10 }", 1),
        ("window = { first_ms = 2201 }", 1),
        ("window = { first_ms = 2200 }", 0),
        ("window = { from_ms = 1000, to_ms = 2201 }", 1),
        ("window = { from_ms = 1001, to_ms = 9000 }", 0),
        ("window = { last_s = 10 }", 1),
        ("window = { last_ms = 9999 }", 0),
        ("window = { first_percent = 50 }", 1),
        ("window = { last_percent = 100 }", 2),
        ("min_confidence = 0.9", 2),
    ];
    for (line, hits_count) in table {
        let lines = format!("phrases = [\"thank you for calling\"]\n{line}");
        assert_eq!(result(&greeted(), &lines).hits.len(), hits_count, "{line}");
    }
}

#[test]
fn a_phrase_crosses_utterances_but_not_a_long_pause() {
    let two_parts = |second_ms| {
        call(&[Role::Agent])
            .say(0, 0, "this call")
            .say(0, second_ms, "is recorded")
    };
    let lines = "phrases = [\"this call is recorded\"]";
    // "call" ends at 700 ms.
    assert_eq!(outcome(&two_parts(2_700), lines), Outcome::True);
    assert_eq!(outcome(&two_parts(2_701), lines), Outcome::False);
}

#[test]
fn within_a_rule_the_leftmost_longest_counts_and_across_rules_all_do() {
    let call = call(&[Role::Customer]).say(0, 0, "cancel my plan cancel my");
    let rules = "[[rule]]\nname = \"a\"\nphrases = [\"cancel\", \"cancel my plan\", \"my plan cancel\"]\n\
                 [[rule]]\nname = \"b\"\nphrases = [\"my plan\"]";
    let score = score(&call, rules);
    let found = |rule: usize| -> Vec<(&str, u32)> {
        let hits = &score.rules[rule].hits;
        hits.iter()
            .map(|h| (h.phrase.as_str(), h.first_word))
            .collect()
    };
    assert_eq!(found(0), [("cancel my plan", 0), ("cancel", 3)]);
    assert_eq!(found(1), [("my plan", 1)]);
}

#[test]
fn what_the_window_cuts_off_does_not_hide_what_lies_within() {
    // "call is" would be leftmost, but starts before the window.
    let call = call(&[Role::Agent]).say(0, 0, "call is recorded");
    let lines =
        "phrases = [\"call is\", \"is recorded\"]\nwindow = { from_ms = 400, to_ms = 5000 }";
    let hits = result(&call, lines).hits;
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].phrase, "is recorded");
}

#[test]
fn absence_is_true_where_the_window_was_heard() {
    let rule = result(
        &greeted(),
        "phrases = [\"refund\"]\nnegate = true\nweight = 3",
    );
    assert_eq!((rule.outcome, rule.points), (Outcome::True, 3.0));
    assert_eq!(
        rule.reason.as_deref(),
        Some("not among the 23 words heard at a mean confidence of 0.90")
    );
    let said = result(&greeted(), "phrases = [\"cancel\"]\nnegate = true");
    assert_eq!(
        (said.outcome, said.points, said.hits.len()),
        (Outcome::False, 0.0, 1)
    );
}

#[test]
fn a_hit_counts_however_badly_the_rest_was_heard() {
    let call = greeted().suppress(1, span(0, 60_000));
    assert_eq!(outcome(&call, "phrases = [\"cancel\"]"), Outcome::True);
    assert_eq!(
        outcome(&call, "phrases = [\"cancel\"]\nnegate = true"),
        Outcome::False
    );
}

#[test]
fn a_doubtful_hit_proves_neither_presence_nor_absence() {
    let unsure = |confidence| Word {
        text: "refund".into(),
        start_ms: 12_000,
        end_ms: 12_300,
        confidence,
    };
    let call = |confidence| greeted().say_words(1, vec![unsure(confidence)]);
    let lines = "phrases = [\"refund\"]\nmin_confidence = 0.6";
    let negated = format!("{lines}\nnegate = true");
    assert_eq!(outcome(&call(0.59), lines), Outcome::Inconclusive);
    assert_eq!(outcome(&call(0.59), &negated), Outcome::Inconclusive);
    assert_eq!(outcome(&call(0.6), lines), Outcome::True);
    assert_eq!(outcome(&call(0.6), &negated), Outcome::False);
}

#[test]
fn points_add_up_and_inconclusive_rules_are_counted() {
    let call = greeted().suppress(1, span(30_000, 31_000));
    let rule = |name: &str, phrase: &str, weight: f64, speaker: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\nphrases = [\"{phrase}\"]\nweight = {weight}\nspeaker = \"{speaker}\"\n"
        )
    };
    let rules = rule("a", "thank you", 10.0, "agent")
        + &rule("b", "cancel", -2.5, "customer")
        + &rule("c", "refund", 4.0, "customer")
        + &rule("d", "refund", 4.0, "agent");
    let score = score(&call, &rules);
    assert!((score.points - 7.5).abs() < 1e-9);
    assert_eq!(score.inconclusive_count, 1);
    assert_eq!((score.rule_set.as_str(), score.version.get()), ("demo", 2));
    let names: Vec<&str> = score.rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
}

#[test]
fn hits_beyond_the_limit_are_counted_and_not_listed() {
    let mut long = call(&[Role::Agent]).say(0, 0, &"no ".repeat(1_005));
    long.audio.decoded.duration_ms = 10_000_000;
    let rule = result(&long, "phrases = [\"no\"]");
    assert_eq!(rule.hits.len(), analysis::MAX_HITS_PER_RULE);
    assert_eq!(
        rule.reason.as_deref(),
        Some("the first 1000 of 1005 hits are listed")
    );
}

#[test]
fn without_rules_there_is_no_score() {
    let analysis = analysis::analyse(&greeted(), &crate::call::digest(), None);
    assert_eq!(analysis.score, None);
    assert_eq!(analysis.conversation.channels.len(), 2);
}
