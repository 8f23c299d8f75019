//! What operators do with places: each on a call of known words, whose outcome and hits are written down.

use job_schema::analysis::Outcome;
use job_schema::job::Role;
use job_schema::transcript::{Transcript, Word};

use crate::call::{Say, call, outcome, result, score, span};

/// Words of the agent start at 0.0, 0.4 … 4.0 s and at 20.0 s; those of the customer at 10.0 s.
fn both() -> Transcript {
    call(&[Role::Agent, Role::Customer])
        .say(0, 0, "what is your card number please it is not a problem")
        .say(1, 10_000, "my card is four one one and I have a problem")
        .say(0, 20_000, "thank you for that goodbye")
}

fn hits(call: &Transcript, query: &str) -> Vec<String> {
    let hits = result(call, &format!("query = '''{query}'''")).hits;
    hits.into_iter().map(|hit| hit.words.join(" ")).collect()
}

#[test]
fn operators_keep_the_places_that_stand_in_the_relation() {
    let table: [(&str, &[&str]); 38] = [
        ("card NEAR:0 your", &["your card"]),
        ("card ONEAR:0 your", &[]),
        ("your ONEAR:0 card", &["your card"]),
        ("what NEAR:1 card", &[]),
        ("what NEAR:2 card", &["what is your card"]),
        ("number NEAR:800ms your", &["your card number"]),
        ("number NEAR:400ms your", &[]),
        (
            "card NEAR:20 goodbye",
            &["card number please it is not a problem thank you for that goodbye"],
        ),
        ("my NEAR:100 what", &[]),
        ("card NOTNEAR:2 my", &["card"]),
        ("card NOTNEAR:2 (my OR what)", &[]),
        ("problem NOTIN \"not a problem\"", &["problem"]),
        ("problem NOTIN \"a problem\"", &[]),
        ("[num] AFTER \"card number\"", &["four one one"]),
        ("[num] AFTER:10s \"card number\"", &["four one one"]),
        ("[num] AFTER:9s \"card number\"", &[]),
        ("[num] AFTER:9 \"card number\"", &["four one one"]),
        ("[num] AFTER:8 \"card number\"", &[]),
        (
            "customer: [num] AFTER:10s agent: \"card number\"",
            &["four one one"],
        ),
        ("agent: [num] AFTER:10s \"card number\"", &[]),
        (
            "\"card number\" BEFORE:10s customer: [num]",
            &["card number"],
        ),
        ("\"card number\" BEFORE:9s customer: [num]", &[]),
        ("goodbye BEFORE problem", &[]),
        ("thank SAMETURN goodbye", &["thank you for that goodbye"]),
        ("goodbye SAMETURN thank", &["thank you for that goodbye"]),
        ("card SAMETURN goodbye", &[]),
        ("^thank", &["thank"]),
        ("^\"thank you\"", &["thank you"]),
        ("^you", &[]),
        ("first(1w): what", &["what"]),
        ("first(1w): is", &[]),
        ("customer: first(2w): card", &["card"]),
        ("last(1t): goodbye", &["goodbye"]),
        ("last(1t): problem", &[]),
        ("customer: last(1t): problem", &["problem"]),
        ("first(5s): card", &["card"]),
        ("between(5s,15s): (card | goodbye)", &["card"]),
        (
            "\"card number\" AND \"four one one\"",
            &["card number", "four one one"],
        ),
    ];
    for (query, expected) in table {
        assert_eq!(hits(&both(), query), expected, "{query}");
    }
}

#[test]
fn boolean_operators_follow_the_three_valued_tables() {
    // "yes" is true, "no" is false, "dunno" is said so doubtfully that it is neither.
    let doubtful = Word {
        text: "dunno".into(),
        start_ms: 5_000,
        end_ms: 5_300,
        confidence: 0.5,
    };
    let call = call(&[Role::Agent])
        .say(0, 0, "yes indeed of course")
        .say_words(0, vec![doubtful]);
    let value = |query: &str| outcome(&call, &format!("query = '{query}'\nmin_confidence = 0.6"));
    let terms = [
        ("yes", Outcome::True),
        ("no", Outcome::False),
        ("dunno", Outcome::Inconclusive),
    ];
    let least = |a: Outcome, b: Outcome| match (a, b) {
        (Outcome::False, _) | (_, Outcome::False) => Outcome::False,
        (Outcome::True, Outcome::True) => Outcome::True,
        _ => Outcome::Inconclusive,
    };
    let not = |a: Outcome| match a {
        Outcome::True => Outcome::False,
        Outcome::False => Outcome::True,
        Outcome::Inconclusive => Outcome::Inconclusive,
    };
    for (a, of_a) in terms {
        assert_eq!(value(a), of_a, "{a}");
        assert_eq!(value(&format!("NOT {a}")), not(of_a), "NOT {a}");
        for (b, of_b) in terms {
            let either = not(least(not(of_a), not(of_b)));
            assert_eq!(
                value(&format!("{a} AND {b}")),
                least(of_a, of_b),
                "{a} AND {b}"
            );
            assert_eq!(value(&format!("{a} OR {b}")), either, "{a} OR {b}");
        }
    }
}

#[test]
fn a_blocked_place_is_listed_with_what_blocked_it() {
    let rule = result(&both(), "query = 'problem NOTIN \"not a problem\"'");
    assert_eq!(rule.blocked.len(), 1);
    assert_eq!(rule.blocked[0].place.words, ["problem"]);
    assert_eq!(rule.blocked[0].by.words, ["not", "a", "problem"]);
    assert_eq!(rule.blocked[0].by.phrase, "\"not a problem\"");
    assert_eq!(rule.hits.len(), 1);
    assert_eq!(rule.hits[0].role, Role::Customer);
}

#[test]
fn absence_nearby_holds_only_where_the_neighbourhood_was_heard() {
    let query = "query = 'agent: (card NOTNEAR:1 lost)'";
    assert_eq!(outcome(&both(), query), Outcome::True);
    let far = both().suppress(0, span(30_000, 31_000));
    assert_eq!(outcome(&far, query), Outcome::True);
    let near = both().suppress(0, span(1_000, 1_100));
    let rule = result(&near, query);
    assert_eq!(rule.outcome, Outcome::Inconclusive);
    assert!(rule.reason.is_some());
}

#[test]
fn what_rests_on_an_unheard_side_is_inconclusive_both_ways() {
    let unheard = both().suppress(1, span(30_000, 31_000));
    let table = [
        ("customer: refund", Outcome::Inconclusive),
        ("NOT customer: refund", Outcome::Inconclusive),
        ("agent: refund", Outcome::False),
        ("agent: refund AND customer: refund", Outcome::False),
        ("agent: card OR customer: refund", Outcome::True),
        ("agent: card AFTER customer: refund", Outcome::Inconclusive),
        ("agent: refund AFTER customer: refund", Outcome::False),
        ("customer: (card NEAR refund)", Outcome::Inconclusive),
        ("customer: (problem NOTIN \"no problem\")", Outcome::True),
    ];
    for (query, expected) in table {
        assert_eq!(
            outcome(&unheard, &format!("query = '''{query}'''")),
            expected,
            "{query}"
        );
    }
}

#[test]
fn rules_are_used_inside_rules_whatever_their_order() {
    let rules = "[[rule]]\nname = \"risk\"\nquery = 'rule:complaint AND NOT rule:thanks'\nweight = -5\n\
                 [[rule]]\nname = \"complaint\"\nphrases = [\"a problem\"]\nspeaker = \"customer\"\n\
                 [[rule]]\nname = \"thanks\"\nphrases = [\"thanks\"]\n\
                 [[rule]]\nname = \"then\"\nquery = '\"thank you\" AFTER rule:complaint'";
    let score = score(&both(), rules);
    let outcomes: Vec<Outcome> = score.rules.iter().map(|rule| rule.outcome).collect();
    use Outcome::{False, True};
    assert_eq!(outcomes, [True, True, False, True]);
    assert_eq!(score.rules[0].hits[0].words, ["a", "problem"]);
    assert_eq!(score.rules[3].hits[0].words, ["thank", "you"]);
}

#[test]
fn negate_turns_a_query_round() {
    let rule = result(&both(), "query = 'refund OR money'\nnegate = true");
    assert_eq!(rule.outcome, Outcome::True);
    assert!(rule.negated);
    let said = result(&both(), "query = 'card'\nnegate = true");
    assert_eq!((said.outcome, said.hits.len()), (Outcome::False, 2));
}

#[test]
fn the_term_that_a_hit_names_does_not_hang_on_the_rules_beside_it() {
    let rule = "[[rule]]\nname = \"either\"\nquery = '\"card number\" OR (card NEAR:0 number)'\n";
    let beside = |query: &str| format!("[[rule]]\nname = \"beside\"\nquery = '{query}'\n");
    let alone = score(&both(), rule).rules.remove(0).hits;
    for query in ["\"card number\"", "(card NEAR:0 number) OR card"] {
        let first = score(&both(), &[&beside(query), rule].concat());
        let last = score(&both(), &[rule, &beside(query)].concat());
        assert_eq!(first.rules[1].hits, alone, "{query}");
        assert_eq!(last.rules[0].hits, alone, "{query}");
    }
}
