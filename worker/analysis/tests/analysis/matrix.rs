//! What query languages of call analysis can say, capability by capability, on one call: the rows of docs/comparison.md. Queries
//! marked with a product are that product's own documented example, said in this language.

use job_schema::analysis::Outcome;
use job_schema::job::Role;
use job_schema::transcript::Transcript;

use crate::call::{Say, call, result, score};

/// A minute. The customer's last turn begins at 28.0 s, and "lawyer" in it at 40.0 s.
fn made() -> Transcript {
    call(&[Role::Agent, Role::Customer, Role::Ivr, Role::Unknown])
        .say(2, 0, "press one for sales")
        .say(0, 5_000, "thank you for calling northgate how can I help you")
        .say(
            1,
            10_000,
            "hello I want to cancel my service plan it is not a problem for the neighbour",
        )
        .say(0, 18_000, "do you have the credit card with you")
        .say(
            1,
            22_000,
            "yes 4111 and the shipping costs are a problem I would like some credit",
        )
        .say(
            1,
            28_000,
            "if that cannot be done today then I am sorry to say that I will be talking to my brother and he knows about this and that brother is a lawyer",
        )
        .say(3, 50_000, "goodbye")
}

/// Each query with the words of its hits; a query that is true has some, and one that is false has none.
fn check(table: &[(&str, &[&str])]) {
    for (query, expected) in table {
        let rule = result(&made(), &format!("query = '''{query}'''"));
        let outcome = match expected.is_empty() {
            true => Outcome::False,
            false => Outcome::True,
        };
        assert_eq!(rule.outcome, outcome, "{query}: {:?}", rule.reason);
        let hits = rule.hits.iter().map(|hit| hit.words.join(" "));
        assert_eq!(hits.collect::<Vec<_>>(), *expected, "{query}");
    }
}

#[test]
fn boolean_operators_and_parentheses() {
    check(&[
        ("cancel AND plan", &["cancel", "plan"]),
        ("cancel & plan", &["cancel", "plan"]),
        ("refund OR cancel", &["cancel"]),
        ("refund | cancel", &["cancel"]),
        ("refund OR cancel AND refund", &[]),
        ("(refund OR cancel) AND plan", &["cancel", "plan"]),
        ("cancel AND NOT refund", &["cancel"]),
    ]);
}

#[test]
fn exact_phrases() {
    check(&[
        ("\"my service plan\"", &["my service plan"]),
        ("\"my plan\"", &[]),
    ]);
}

#[test]
fn wildcards() {
    check(&[
        ("ship*", &["shipping"]),     // MiaRec
        ("neighbo*", &["neighbour"]), // Contact Lens
        ("*gate", &["northgate"]),    // Verint: ends with
        ("sh?pp*", &["shipping"]),    // V-Spark: one letter
        ("\"serv* pl*\"", &["service plan"]),
        ("shipp?", &[]),
    ]);
}

#[test]
fn regular_expressions() {
    check(&[
        ("R\"[0-9]+\"", &["4111"]), // MiaRec
        ("R\"neighbou?r\"", &["neighbour"]),
        ("R\"neighb\"", &[]),
    ]);
}

#[test]
fn near_in_any_order() {
    check(&[
        ("plan NEAR:2 cancel", &["cancel my service plan"]),
        ("plan NEAR:1 cancel", &[]),
        ("plan NEAR:1s cancel", &["cancel my service plan"]),
        ("plan NEAR:800ms cancel", &[]),
    ]);
}

#[test]
fn near_in_order() {
    check(&[
        ("cancel plan", &["cancel my service plan"]), // MiaRec: bare words, five between
        ("plan cancel", &[]),
        ("cancel ONEAR:1 plan", &[]),
    ]);
}

#[test]
fn not_near() {
    check(&[
        ("credit* NOTNEAR:1 card*", &["credit"]), // Contact Lens: not within one word
        ("card NOTNEAR:1 credit", &[]),
        ("card NOTNEAR:5s refund", &["card"]),
    ]);
}

#[test]
fn not_inside() {
    check(&[
        ("problem NOTIN \"not a problem\"", &["problem"]), // MiaRec
        ("credit NOTIN \"credit card\"", &["credit"]),     // Verint
        ("card NOTIN \"credit card\"", &[]),
    ]);
    // V-Spark lets an excluded phrase cancel any other; here it takes away its own place, and is shown.
    let rule = result(&made(), "query = 'problem NOTIN \"not a problem\"'");
    assert_eq!(rule.blocked.len(), 1);
    assert_eq!(rule.blocked[0].by.words, ["not", "a", "problem"]);
}

#[test]
fn after_and_before_an_anchor() {
    check(&[
        ("R\"[0-9]+\" AFTER:20 \"credit card\"", &["4111"]), // MiaRec
        ("R\"[0-9]+\" AFTER:2 \"credit card\"", &[]),
        ("customer: [num] AFTER:5s agent: \"credit card\"", &["4111"]),
        (
            "\"credit card\" BEFORE:5s customer: [num]",
            &["credit card"],
        ),
        ("\"credit card\" AFTER [num]", &["credit card"]),
        ("\"credit card\" AFTER lawyer", &[]),
    ]);
}

#[test]
fn turns() {
    check(&[
        (
            "hello SAMETURN plan",
            &["hello I want to cancel my service plan"],
        ), // V-Spark: ~t
        ("cancel SAMETURN lawyer", &[]),
        ("^hello", &["hello"]), // V-Spark: ^
        ("^cancel", &[]),
    ]);
}

#[test]
fn positions_in_the_call() {
    check(&[
        ("first(5w): sales", &["sales"]), // MiaRec: POSBEFORE
        ("first(3w): sales", &[]),
        ("last(2w): lawyer", &["lawyer"]), // MiaRec: POSAFTER from the end
        ("first(30s): cancel", &["cancel"]), // V-Spark: ~s<30
        ("last(30s): goodbye", &["goodbye"]), // V-Spark: ~e<30
        ("between(30s,24h): goodbye", &["goodbye"]), // V-Spark: ~s>30
        ("last(20%): goodbye", &["goodbye"]), // AWS: relative range
        ("first(20%): goodbye", &[]),
        ("customer: first(1t): cancel", &["cancel"]),
        // Said at 40 s, in a turn that begins at 28 s: V-Spark counts the turn's start.
        ("first(30s): lawyer", &[]),
        ("between(40s,41s): lawyer", &["lawyer"]),
    ]);
}

#[test]
fn speakers() {
    check(&[
        ("agent: northgate", &["northgate"]),
        ("customer: northgate", &[]),
        ("ivr: sales", &["sales"]),
        ("agent: sales", &[]),
        ("unknown: goodbye", &["goodbye"]),
        ("any: goodbye", &["goodbye"]),
    ]);
}

#[test]
fn inexact_words_say_how_far_they_are_off() {
    let table = [
        ("lawyers~1", "lawyer", 1),
        ("shiping~2", "shipping", 1),
        ("sounds:layer", "lawyer", 1),
    ];
    for (query, word, distance) in table {
        let rule = result(&made(), &format!("query = '{query}'"));
        let hit = rule.hits.first().unwrap_or_else(|| panic!("{query}"));
        assert_eq!(hit.words, [word], "{query}");
        assert_eq!(hit.inexact.map(|i| i.distance), Some(distance), "{query}");
    }
    check(&[("lawyers", &[])]);
}

#[test]
fn five_thousand_rules_each_say_what_they_say_alone() {
    let queries = [
        ("cancel NEAR:2 plan", Outcome::True),
        ("agent: cancel", Outcome::False),
        ("first(30s): \"credit card\"", Outcome::True),
        ("problem NOTIN \"not a problem\"", Outcome::True),
        ("NOT lawyer", Outcome::False),
    ];
    let rule = |n: usize| {
        let (query, _) = queries[n % queries.len()];
        // A word of its own in each, so that no two rules are the same.
        format!("[[rule]]\nname = \"r{n}\"\nquery = '''({query}) AND NOT word{n}'''\n")
    };
    let rules: String = (0..5_000).map(rule).collect();
    let score = score(&made(), &rules);
    assert_eq!(score.rules.len(), 5_000);
    for (n, rule) in score.rules.iter().enumerate() {
        assert_eq!(rule.outcome, queries[n % queries.len()].1, "{}", rule.id);
    }
}
