//! Measures of the talk and facts of the call as terms.

use analysis::{Facts, RuleSet};
use job_schema::analysis::{MeasureUnit, Outcome};
use job_schema::job::Role;
use job_schema::transcript::{NonSpeech, NonSpeechKind, Transcript};

use crate::call::{Say, call, digest, outcome, result, span};

/// Agent 0.0 to 3.9 s (ten words); customer 3.6 to 7.5 s, who begins before the agent has stopped; agent 30.0 to 33.9 s.
/// Music plays from 8 to 25 s, key tones from 40 to 45 s.
fn talk() -> Transcript {
    let ten = "one two three four five six seven eight nine ten";
    let mut made = call(&[Role::Agent, Role::Customer])
        .say(0, 0, ten)
        .say(1, 3_500, ten)
        .say(0, 30_000, ten);
    made.channels[0].facts.non_speech = vec![
        NonSpeech {
            span: span(8_000, 25_000),
            kind: NonSpeechKind::Music,
        },
        NonSpeech {
            span: span(40_000, 45_000),
            kind: NonSpeechKind::Dtmf,
        },
    ];
    made.channels[0].facts.speech_level_dbfs = Some(-23.5);
    made
}

#[test]
fn measures_are_compared_within_their_window() {
    let table = [
        // Silences: 7.4 to 30.0 s and 33.9 to 60.0 s.
        ("@silence > 26s", true),
        ("@silence > 27s", false),
        ("first(31s): @silence > 22s", true),
        ("first(31s): @silence > 23s", false),
        ("@silence_total > 48s", true),
        ("@silence_total > 49s", false),
        // Without music and tones the longest is from 45 s to the end.
        ("@dead_air > 14s", true),
        ("@dead_air > 15s", false),
        ("@hold > 16s", true),
        ("@hold > 17s", false),
        ("first(20s): @hold_total <= 12s", true),
        // Both talk from 3.5 to 3.9 s, and the agent gives way.
        ("@overlap >= 400ms", true),
        ("@overlap > 400ms", false),
        ("@overlap_total = 400ms", true),
        ("@interruptions_by(customer) >= 1", true),
        ("@interruptions_of(agent) = 1", true),
        ("@interruptions_by(agent) >= 1", false),
        ("@interruption_time_by(customer) > 300ms", true),
        ("last(50s): @interruptions_by(customer) = 0", true),
        // 7.8 s and 3.9 s of talk.
        ("@talk(agent) > 7s", true),
        ("@talk(agent) > 8s", false),
        ("@talk_share(agent) > 66%", true),
        ("@talk_share(agent) > 67%", false),
        ("@wpm(agent) > 153", true),
        ("@wpm(agent) > 154", false),
        ("@loudness(agent) < -20dB", true),
        ("@loudness(agent) < -30dB", false),
        ("@silence > 5s AND \"one two\"", true),
    ];
    for (query, holds) in table {
        let expected = if holds { Outcome::True } else { Outcome::False };
        assert_eq!(
            outcome(&talk(), &format!("query = '{query}'")),
            expected,
            "{query}"
        );
    }
}

#[test]
fn a_measure_shows_its_figure_and_where_it_comes_from() {
    let rule = result(&talk(), "query = '@silence > 5s'");
    let [measured] = rule.measures.as_slice() else {
        panic!("one measure")
    };
    assert_eq!(
        (measured.term.as_str(), measured.unit),
        ("@silence > 5s", MeasureUnit::Ms)
    );
    assert!((measured.value - 26_100.0).abs() < 1e-9);
    assert_eq!(measured.spans, [span(33_900, 60_000)]);
}

#[test]
fn what_cannot_be_measured_is_inconclusive() {
    let unheard = talk().suppress(1, span(20_000, 21_000));
    let table = [
        ("@silence > 5s", Outcome::Inconclusive),
        ("first(10s): @silence > 5s", Outcome::False),
        ("@wpm(customer) > 100", Outcome::Inconclusive),
        ("@wpm(agent) > 100", Outcome::True),
        ("@hold > 16s", Outcome::True),
        ("@loudness(customer) < -20dB", Outcome::Inconclusive),
        ("between(40s,50s): @wpm(agent) > 1", Outcome::Inconclusive),
    ];
    for (query, expected) in table {
        assert_eq!(
            outcome(&unheard, &format!("query = '{query}'")),
            expected,
            "{query}"
        );
    }
}

#[test]
fn call_facts_are_compared_as_numbers_or_text() {
    let facts: Facts = [
        ("direction", "Inbound"),
        ("queue", "sales-2"),
        ("wait", "90s"),
        ("attr.score", "7.5"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let table = [
        ("$direction = inbound", Outcome::True),
        ("$direction != \"INBOUND\"", Outcome::False),
        ("$queue = \"sales-2\" AND $duration >= 1m", Outcome::True),
        ("$duration > 1m", Outcome::False),
        ("$duration > 59999ms", Outcome::True),
        ("$channels = 2", Outcome::True),
        ("$wait > 1m", Outcome::True),
        ("$attr.score > 7", Outcome::True),
        ("$queue > 7", Outcome::Inconclusive),
        ("$campaign = spring", Outcome::Inconclusive),
        ("NOT $campaign = spring", Outcome::Inconclusive),
    ];
    for (query, expected) in table {
        let file = format!("id = \"demo\"\nversion = 1\n[[rule]]\nname = \"r\"\nquery = '{query}'");
        let rules = RuleSet::parse(&file).unwrap_or_else(|error| panic!("{error}"));
        let analysis = analysis::analyse_with(&talk(), &digest(), Some(&rules), None, &facts);
        let score = analysis.score.unwrap();
        assert_eq!(score.rules[0].outcome, expected, "{query}");
    }
}
