//! The sentiment of turns: what it comes to, how often it is right, and what is said where it is not known.

use job_schema::analysis::{MeasureUnit, Outcome};
use job_schema::job::Role;
use job_schema::sentiment::{CallSentiment, Sentiment, TurnSentiment};
use job_schema::transcript::{Speakers, Transcript};

use crate::call::{Say, call, digest, outcome, result, span};

/// Turns of call centres as somebody would label them, written before the word lists were tuned. Those marked `held` were never looked at
/// while that was done.
const TURNS: &str = include_str!("../data/sentiment_turns.tsv");

const PAGE: &str = include_str!("../../../../docs/sentiment.md");

fn of_call(call: &Transcript) -> Option<CallSentiment> {
    analysis::analyse(call, &digest(), None)
        .conversation
        .sentiment
}

fn of_turn(text: &str) -> TurnSentiment {
    let call = call(&[Role::Customer]).say(0, 1_000, text);
    of_call(&call).unwrap().turns.remove(0)
}

fn name(sentiment: Sentiment) -> &'static str {
    match sentiment {
        Sentiment::Positive => "positive",
        Sentiment::Negative => "negative",
        Sentiment::Neutral => "neutral",
        Sentiment::Mixed => "mixed",
    }
}

/// How many turns of a half there are, and how many of them get their label.
fn right(half: &str) -> (usize, usize) {
    let mut turns_count = 0;
    let mut right_count = 0;
    for line in TURNS.lines() {
        let mut parts = line.split('\t');
        let mut part = || parts.next().unwrap();
        let (of, label, text) = (part(), part(), part());
        if of == half {
            turns_count += 1;
            right_count += usize::from(name(of_turn(text).sentiment) == label);
        }
    }
    (turns_count, right_count)
}

#[test]
fn most_turns_get_the_sentiment_that_a_person_would_give_them() {
    for (half, row) in [("tuned", "tuned on"), ("held", "held out")] {
        let (turns_count, right_count) = right(half);
        let row = format!("| {row} | {right_count} of {turns_count} |");
        assert!(PAGE.contains(&row), "docs/sentiment.md does not say: {row}");
        assert!(right_count * 10 >= turns_count * 9, "{row}");
    }
}

/// The compound that vaderSentiment 3.3.2 gives.
#[test]
#[rustfmt::skip] // a table reads as one
fn plain_sentences_come_to_what_vader_says() {
    let table = [
        ("the book was good", 0.4404),
        ("the book was only kind of good", 0.3832),
        ("at least it was not a horrible book", 0.4310),
        ("i am very disappointed", -0.5256),
        ("it is not really a bad product", 0.4689),
        ("the plot was good but the characters are terrible and the dialog is not great", -0.8244),
        ("nothing about it is wonderful", 0.5719),
        ("they were extremely rude and the food was awful", -0.7425),
        ("i do not think that it is a good idea", 0.4404),
        ("he was somewhat helpful", 0.3626),
        ("we had a lovely time", 0.5859),
        ("the table is in the kitchen", 0.0),
        ("there is no excuse for it", -0.0572),
        ("it was an utterly hopeless mess", -0.7245),
        ("i wouldn't recommend it to a friend", 0.2709),
        ("the staff weren't friendly or polite", -0.3875),
    ];
    for (text, expected) in table {
        let found = of_turn(text).score;
        assert!((found - expected).abs() < 2e-4, "{text}: {found}, not {expected}");
    }
}

#[test]
#[rustfmt::skip] // a table reads as one
fn a_turn_is_labelled_and_explained_by_its_words() {
    use Sentiment::{Mixed, Negative, Neutral, Positive};
    let table: [(&str, Sentiment, &[&str]); 10] = [
        ("You charged me twice.", Neutral, &[]),
        ("My order is in the kitchen.", Neutral, &[]),
        ("Yes, please, I would like to cancel.", Neutral, &[]),
        ("I am not very happy.", Negative, &["not very happy."]),
        ("That is great, you are so kind!", Positive, &["great,", "so kind!"]),
        ("Does it hurt? No. Good.", Mixed, &["hurt?", "Good."]),
        ("It does not work. Great.", Positive, &["does not work.", "Great."]),
        ("You were lovely, but the others were horrible.", Mixed, &["lovely,", "horrible."]),
        ("I love it, sorry, I only lost the box.", Positive, &["love", "lost"]),
        ("No problem, we don't mind.", Positive, &["No problem,"]),
    ];
    for (text, expected, words) in table {
        let turn = of_turn(text);
        let texts: Vec<&str> = turn.words.iter().map(|one| one.text.as_str()).collect();
        assert_eq!((turn.sentiment, texts.as_slice()), (expected, words), "{text}: {turn:?}");
    }
    let turn = of_turn("Well, this is not good.");
    assert_eq!((turn.words[0].first_word, turn.span.start_ms), (3, 1_000));
    assert!((turn.words[0].weight + 1.41).abs() < 1e-6 && turn.score < 0.0, "{turn:?}");
}

/// Customer: negative at 0 s, neutral at 20 s, positive at 40 s, negative at 50 s. Agent: positive at 10 s and 30 s.
fn moods() -> Transcript {
    call(&[Role::Agent, Role::Customer])
        .say(1, 0, "this is terrible")
        .say(0, 10_000, "that is great")
        .say(1, 20_000, "it is on the table")
        .say(0, 30_000, "wonderful")
        .say(1, 40_000, "oh that is perfect")
        .say(1, 50_000, "I hate waiting")
}

#[test]
fn the_share_of_turns_is_that_of_the_speaker_s_turns_that_start_in_the_window() {
    let table = [
        ("@sentiment(negative, customer) >= 50%", true),
        ("@sentiment(negative, customer) > 50%", false),
        ("@sentiment(negative|neutral, customer) = 75%", true),
        (
            "@sentiment( negative | neutral|mixed , customer ) = 75%",
            true,
        ),
        ("@sentiment(positive, agent) = 100%", true),
        ("@sentiment(positive, any) = 50%", true),
        ("@sentiment(mixed, any) > 0%", false),
        ("first(50%): @sentiment(negative, customer) = 50%", true),
        ("last(15s): @sentiment(negative, customer) = 100%", true),
        (
            "between(19s,41s): @sentiment(negative, customer) = 0%",
            true,
        ),
        (
            "customer: first(1t): @sentiment(negative, customer) = 100%",
            true,
        ),
        ("NOT @sentiment(negative, agent) > 0%", true),
    ];
    for (query, holds) in table {
        let expected = if holds { Outcome::True } else { Outcome::False };
        assert_eq!(
            outcome(&moods(), &format!("query = '{query}'")),
            expected,
            "{query}"
        );
    }
}

#[test]
fn the_turns_that_were_counted_are_the_evidence() {
    let rule = result(&moods(), "query = '@sentiment(negative, customer) >= 50%'");
    let measured = &rule.measures[0];
    assert_eq!(measured.term, "@sentiment(negative, customer) >= 50%");
    assert_eq!(
        (measured.unit, measured.value),
        (MeasureUnit::Percent, 50.0)
    );
    assert_eq!(measured.spans, [span(0, 1_100), span(50_000, 51_100)]);
    let turns = measured.turns.iter();
    let words: Vec<(u16, &str)> = turns
        .map(|turn| (turn.channel, turn.words[0].text.as_str()))
        .collect();
    assert_eq!(words, [(1, "terrible"), (1, "hate")]);
}

#[test]
#[rustfmt::skip] // a table reads as one
fn where_sentiment_is_not_known_a_rule_is_inconclusive_unless_it_makes_no_difference() {
    let mut doubtful = moods();
    for word in &mut doubtful.channels[1].words[..3] {
        word.confidence = 0.5;
    }
    let mut german = moods();
    german.channels[1].facts.language.as_mut().unwrap().code = "de".into();
    let mut half = moods();
    half.channels[0].facts.language = None;
    let unheard = moods().suppress(1, span(15_000, 15_500));
    let mut together = call(&[Role::Mixed]).say(0, 0, "this is terrible");
    together.speakers = Speakers::NotSeparated;
    use Outcome::{False, Inconclusive, True};
    let table = [
        // One of four is negative, one may be.
        (&doubtful, "@sentiment(negative, customer) >= 50%", Inconclusive),
        (&doubtful, "@sentiment(negative, customer) >= 25%", True),
        (&doubtful, "@sentiment(negative, customer) > 50%", False),
        (&doubtful, "@sentiment(negative, customer) = 37%", False),
        (&doubtful, "@sentiment(negative, customer) != 25%", Inconclusive),
        (&doubtful, "last(45s): @sentiment(negative, customer) >= 33%", True),
        (&german, "@sentiment(negative, customer) >= 50%", Inconclusive),
        (&german, "NOT @sentiment(negative, customer) >= 50%", Inconclusive),
        (&german, "@sentiment(positive, agent) >= 50%", True),
        (&half, "@sentiment(positive, any) >= 10%", True),
        (&half, "@sentiment(positive, any) >= 50%", Inconclusive),
        (&unheard, "@sentiment(negative, customer) >= 50%", Inconclusive),
        (&unheard, "last(30s): @sentiment(negative, customer) >= 50%", True),
        (&moods(), "between(1s,9s): @sentiment(negative, any) >= 50%", Inconclusive),
        (&together, "@sentiment(negative, customer) >= 50%", Inconclusive),
        (&together, "@sentiment(negative, any) >= 50%", True),
    ];
    for (call, query, expected) in table {
        let rule = result(call, &format!("query = '{query}'"));
        assert_eq!(rule.outcome, expected, "{query}: {:?}", rule.reason);
        assert_eq!(rule.reason.is_some(), expected == Inconclusive, "{query}");
    }
}

#[test]
fn only_turns_whose_sentiment_is_known_are_listed() {
    let mut german = moods();
    german.channels[1].facts.language.as_mut().unwrap().code = "de".into();
    let turns = of_call(&german).unwrap().turns;
    assert_eq!(turns.len(), 2);
    assert!(turns.iter().all(|turn| turn.role == Role::Agent));
    assert_eq!(of_call(&call(&[Role::Agent])), None);
}

#[test]
fn a_role_s_sentiment_is_told_for_the_call_and_by_quarter() {
    let of_call = of_call(&moods()).unwrap();
    let [agent, customer] = of_call.roles.as_slice() else {
        panic!("two roles")
    };
    assert_eq!(
        (agent.role, agent.score, agent.turns_count),
        (Role::Agent, 5.0, 2)
    );
    let counts = (
        customer.positive_count,
        customer.negative_count,
        customer.mixed_count,
    );
    assert_eq!((customer.score, counts), (-1.3, (1, 2, 0)));
    let quarters: Vec<_> = customer
        .quarters
        .iter()
        .map(|quarter| (quarter.span, quarter.score))
        .collect();
    let expected = [
        (span(0, 15_000), -5.0),
        (span(15_000, 30_000), 0.0),
        (span(30_000, 45_000), 5.0),
        (span(45_000, 60_000), -5.0),
    ];
    assert_eq!(quarters, expected);
    assert_eq!(agent.quarters.len(), 2);
}

#[test]
fn what_is_no_share_of_turns_is_refused_with_a_hint() {
    for query in [
        "@sentiment >= 50%",
        "@sentiment(customer) >= 50%",
        "@sentiment(angry, customer) >= 50%",
        "@sentiment(negative|, customer) >= 50%",
        "@sentiment(negative, boss) >= 50%",
        "@sentiment(negative, customer) >= 5",
        "@sentiments(negative, customer) >= 50%",
    ] {
        let file = format!("id = \"demo\"\nversion = 1\n[[rule]]\nname = \"r\"\nquery = '{query}'");
        let error = analysis::RuleSet::parse(&file).unwrap_err();
        assert!(error.to_string().contains("hint"), "{query}: {error}");
    }
}
