//! Scorecards from outside: the example of `docs/scorecards.md`, and its arithmetic.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use analysis::RuleSet;
use analysis::scorecard::{CardError, ReviewError, Scorecard};
use job_schema::analysis::{
    ChannelTalk, Conversation, Hit, NonTalk, Outcome, Overlap, RuleResult, Score,
};
use job_schema::job::Role;
use job_schema::review::{HumanAnswer, Review};
use job_schema::scorecard::{Answer, QuestionResult, ScorecardResult};
use job_schema::sentiment::{CallSentiment, RoleSentiment};
use job_schema::transcript::TimeSpan;

/// The form in the documentation.
fn documented() -> String {
    let page = include_str!("../../../docs/scorecards.md");
    let (_, rest) = page.split_once("```toml scorecard\n").unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

fn conversation(agent_words: u32) -> Conversation {
    let talk = |channel, role, talk_ms, words_count| ChannelTalk {
        channel,
        role,
        talk_ms,
        words_count,
        turns_count: 1,
        words_per_minute: None,
    };
    Conversation {
        duration_ms: 120_000,
        talk_ms: 90_000,
        non_talk: NonTalk {
            total_ms: 30_000,
            threshold_ms: 3_000,
            gaps: vec![TimeSpan {
                start_ms: 0,
                end_ms: 12_000,
            }],
        },
        overlap: Overlap {
            total_ms: 0,
            spans: Vec::new(),
        },
        channels: vec![
            talk(0, Role::Agent, 60_000, agent_words),
            talk(1, Role::Customer, 30_000, 50),
        ],
        interruptions: Vec::new(),
        sentiment: None,
    }
}

fn hit(start_ms: u64) -> Hit {
    Hit {
        phrase: "x".into(),
        words: vec!["x".into()],
        channel: 0,
        role: Role::Agent,
        first_word: 0,
        span: TimeSpan {
            start_ms,
            end_ms: start_ms + 300,
        },
        confidence: 0.9,
        inexact: None,
    }
}

/// Rules by name and outcome, each true one with `hits` hits.
fn score(rules: &[(&str, Outcome)], hits: u64) -> Score {
    let rule = |(name, outcome): &(&str, Outcome)| RuleResult {
        id: format!("call-quality/{name}@1"),
        rule: (*name).into(),
        outcome: *outcome,
        negated: false,
        weight: 1.0,
        points: 0.0,
        window: TimeSpan {
            start_ms: 0,
            end_ms: 120_000,
        },
        hits: if *outcome == Outcome::True {
            (0..hits).map(|n| hit(n * 1_000)).collect()
        } else {
            Vec::new()
        },
        reason: (*outcome == Outcome::Inconclusive).then(|| "not heard".into()),
        blocked: Vec::new(),
        measures: Vec::new(),
        steps: Vec::new(),
    };
    Score {
        rule_set: "call-quality".parse().unwrap(),
        version: 1.try_into().unwrap(),
        rules_sha256: "a".repeat(64).parse().unwrap(),
        points: 0.0,
        rules: rules.iter().map(rule).collect(),
        inconclusive_count: 0,
    }
}

fn question<'a>(result: &'a ScorecardResult, name: &str) -> &'a QuestionResult {
    let all = result
        .sections
        .iter()
        .flat_map(|section| &section.questions);
    all.into_iter()
        .find(|question| question.question == name)
        .unwrap()
}

fn answer(result: &ScorecardResult, name: &str) -> String {
    match &question(result, name).answer {
        Answer::Answered { answer, .. } => answer.clone(),
        Answer::NotApplicable => "n/a".into(),
        Answer::Inconclusive => "?".into(),
    }
}

use Outcome::{False, Inconclusive, True};

/// Rules, words of the agent, then greeting, disclosure, pace, way-out, and the percentage.
type Case = (
    &'static [(&'static str, Outcome)],
    u32,
    [&'static str; 4],
    Option<f64>,
);

#[rustfmt::skip] // a table reads as one
const CASES: &[Case] = &[
    (&[("greeting", True), ("disclosure", True), ("solved", True), ("transferred", False)], 150, ["yes", "yes", "good", "solved"], Some(100.0)),
    // Opening: 1 of 3; conversation: 3/10 and 6/10.
    (&[("greeting", False), ("disclosure", True), ("solved", False), ("callback", True)], 200, ["no", "yes", "fast", "callback"], Some(40.3)),
    // Not applicable and inconclusive leave the denominator: opening 1 of 1, conversation 5 of 10.
    (&[("greeting", Inconclusive), ("disclosure", True), ("transferred", True)], 90, ["?", "yes", "slow", "n/a"], Some(70.0)),
    // What must be proved and is not fails the form.
    (&[("greeting", True), ("disclosure", Inconclusive), ("solved", True)], 150, ["yes", "no", "good", "solved"], Some(0.0)),
    // A later answer does not hold while an earlier one is open.
    (&[("greeting", True), ("disclosure", True), ("solved", Inconclusive), ("callback", True)], 150, ["yes", "yes", "good", "?"], Some(100.0)),
    (&[("greeting", True), ("disclosure", True), ("solved", False), ("callback", False)], 150, ["yes", "yes", "good", "nothing"], Some(70.0)),
];

#[test]
fn the_documented_form_adds_up_as_documented() {
    let card = Scorecard::parse(&documented()).unwrap();
    for (rules, words, answers, percent) in CASES {
        let result = card.fill(Some(&score(rules, 1)), &conversation(*words));
        let found = ["greeting", "disclosure", "pace", "way-out"].map(|name| answer(&result, name));
        assert_eq!(found, *answers, "{rules:?}");
        assert_eq!(result.percent, *percent, "{rules:?}");
        let open = answers.iter().filter(|answer| **answer == "?").count();
        assert_eq!(result.inconclusive_count as usize, open);
    }
}

#[test]
fn every_answer_leads_to_its_evidence() {
    let card = Scorecard::parse(&documented()).unwrap();
    let rules = score(
        &[("greeting", True), ("disclosure", False), ("solved", True)],
        2,
    );
    let result = card.fill(Some(&rules), &conversation(150));
    let greeting = question(&result, "greeting");
    assert_eq!(greeting.id, "service-quality/opening/greeting@1");
    assert_eq!(greeting.evidence.len(), 2);
    assert_eq!(greeting.evidence[1].source, "call-quality/greeting@1");
    assert_eq!(greeting.evidence[1].span.unwrap().start_ms, 1_000);
    assert_eq!(
        question(&result, "disclosure").evidence[0]
            .span
            .unwrap()
            .end_ms,
        120_000,
        "where it was not said"
    );
    assert_eq!(question(&result, "pace").evidence[0].value, Some(150.0));
    assert_eq!(result.failed_by, ["service-quality/opening/disclosure@1"]);
}

#[test]
fn without_rules_nothing_that_needs_them_is_answered() {
    let card = Scorecard::parse(&documented()).unwrap();
    let result = card.fill(None, &conversation(150));
    assert_eq!(answer(&result, "greeting"), "?");
    assert_eq!(answer(&result, "pace"), "good");
}

#[test]
fn a_question_reads_the_sentiment_of_a_side_and_does_not_apply_where_it_is_not_known() {
    let question = |measure: &str| {
        format!(
            "[[section.question]]\nname = \"{measure}\"\nmeasure = \"{measure}\"\n\
             answers = [{{ answer = \"low\", to = 30, points = 0 }}, {{ answer = \"high\", from = 30, points = 1 }}]\n"
        )
    };
    let measures = [
        "sentiment.customer",
        "negative_percent.customer",
        "positive_percent.customer",
        "sentiment.agent",
    ];
    let head = "id = \"mood\"\nversion = 1\n[[section]]\nname = \"mood\"\n".to_owned();
    let card = Scorecard::parse(&(head + &measures.map(question).concat())).unwrap();
    let mut conversation = conversation(150);
    conversation.sentiment = Some(CallSentiment {
        roles: vec![RoleSentiment {
            role: Role::Customer,
            score: -1.3,
            turns_count: 8,
            positive_count: 1,
            negative_count: 3,
            mixed_count: 0,
            quarters: Vec::new(),
        }],
        turns: Vec::new(),
    });
    let result = card.fill(None, &conversation);
    let answers = measures.map(|measure| answer(&result, measure));
    assert_eq!(answers, ["low", "high", "low", "n/a"]);
    let values = measures.map(|measure| self::question(&result, measure).evidence.first()?.value);
    assert_eq!(values, [Some(-1.3), Some(37.5), Some(12.5), None]);
}

#[test]
fn keywords_count_hits_by_the_minute_and_are_clamped() {
    let card = Scorecard::parse(&documented()).unwrap();
    for (hits, points) in [(0, 0.0), (3, -3.0), (50, -10.0)] {
        let outcome = if hits > 0 { True } else { False };
        let result = card.fill(
            Some(&score(&[("profanity", outcome)], hits)),
            &conversation(150),
        );
        assert_eq!(
            result.keywords[0].points, points,
            "{hits} hits in two minutes"
        );
    }
}

#[test]
fn a_person_answers_beside_the_machine() {
    let card = Scorecard::parse(&documented()).unwrap();
    let rules = score(
        &[("greeting", False), ("disclosure", True), ("solved", True)],
        1,
    );
    let machine = card.fill(Some(&rules), &conversation(150));
    let given = |question: &str, answer: Option<&str>| HumanAnswer {
        id: format!("service-quality/{question}@1"),
        answer: answer.map(str::to_owned),
    };
    let review = |answers: Vec<HumanAnswer>| Review {
        schema_version: 1,
        tenant: "acme".parse().unwrap(),
        call: "c-1".parse().unwrap(),
        scorecard: card.id.clone(),
        version: card.version,
        scorecard_sha256: card.sha256.clone(),
        reviewer: "r-17".parse().unwrap(),
        reviewed_at: jiff::Timestamp::UNIX_EPOCH,
        answers,
        comment: None,
    };
    let reviews = [
        review(vec![
            given("opening/greeting", Some("yes")),
            given("conversation/way-out", Some("nothing")),
        ]),
        review(vec![
            given("conversation/way-out", Some("solved")),
            given("conversation/pace", None),
        ]),
    ];
    let reviewed = card.review(&machine, &reviews).unwrap();
    assert_eq!(reviewed.machine, machine, "the machine's answers stay");
    assert_eq!((reviewed.agreed_count, reviewed.differed_count), (1, 2));
    assert!(machine.percent < reviewed.human.percent);
    assert_eq!(answer(&reviewed.human, "pace"), "n/a");

    let wrong = |answer| {
        let reviews = [review(vec![answer])];
        card.review(&machine, &reviews).unwrap_err().to_string()
    };
    assert_eq!(
        wrong(given("opening/colour", None)),
        "the form has no question `service-quality/opening/colour@1`"
    );
    assert_eq!(
        wrong(given("opening/greeting", Some("maybe"))),
        "the question `service-quality/opening/greeting@1` has no such answer: write yes, no, or leave it out as not applicable"
    );
    let other = Scorecard::parse(&documented().replace("weight = 40", "weight = 41")).unwrap();
    assert_eq!(
        other.review(&machine, &[]).unwrap_err(),
        ReviewError::OtherForm
    );
}

#[test]
fn a_form_that_means_nothing_is_refused_with_its_place() {
    let form = |question: &str| {
        format!(
            "id = \"x\"\nversion = 1\n[[section]]\nname = \"s\"\n[[section.question]]\nname = \"q\"\n{question}\n"
        )
    };
    let table = [
        ("", "s/q: give `rule`"),
        ("rule = \"a\"\nmeasure = \"duration_s\"", "s/q: give `rule`"),
        ("measure = \"colour\"\nanswers = []", "s/q: no measure"),
        ("rule = \"a\"\nyes = 0", "s/q: no answer gives points"),
        ("rule = \"a\"\nno = -1", "s/q: points are from 0"),
        ("rule = \"a\"\nfail_on = \"no\"", "s/q: `fail_on`"),
        ("rule = \"a\"\nweight = 0", "s/q: a weight"),
        (
            "measure = \"duration_s\"\nanswers = [{ answer = \"a\", from = 2, to = 1, points = 1 }]",
            "s/q/a: give a `rule`",
        ),
        (
            "answers = [{ answer = \"a\", points = 1 }, { answer = \"a\", points = 2 }]",
            "s/q/a: is there twice",
        ),
        ("rule = \"a\"\ncolour = 1", "TOML"),
    ];
    for (question, expected) in table {
        let error = Scorecard::parse(&form(question)).expect_err(question);
        assert!(
            error.to_string().starts_with(expected)
                || matches!(error, CardError::Toml(_)) && expected == "TOML",
            "{error}"
        );
    }
    assert!(Scorecard::parse("id = \"x\"\nversion = 1").is_err());
}

#[test]
fn the_example_forms_ask_for_rules_that_the_example_rules_have() {
    let pairs = [
        (
            include_str!("../../../rules/call-quality@1.toml"),
            include_str!("../../../rules/call-quality-form@1.scorecard.toml"),
        ),
        (
            include_str!("../../../rules/call-quality@2.toml"),
            include_str!("../../../rules/call-quality-form@2.scorecard.toml"),
        ),
    ];
    for (rules, card) in pairs {
        let rules = analysis::RuleSet::parse(rules).unwrap();
        let card = Scorecard::parse(card).unwrap();
        let all: Vec<(&str, Outcome)> = rules
            .rules()
            .iter()
            .map(|rule| (rule.name.as_str(), True))
            .collect();
        let result = card.fill(Some(&score(&all, 1)), &conversation(150));
        assert_eq!(result.inconclusive_count, 0, "{:?}", result.sections);
        assert_eq!(result.percent, Some(100.0));
    }
}

#[test]
fn the_rules_that_a_form_asks_for_and_that_are_missing_are_named() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}{name}")).unwrap();
    let rules = |version| RuleSet::parse(&read(&format!("call-quality@{version}.toml"))).unwrap();
    for version in [1, 2] {
        let form = read(&format!("call-quality-form@{version}.scorecard.toml"));
        let form = Scorecard::parse(&form).unwrap();
        let none: [&str; 0] = [];
        assert_eq!(form.missing_rules(Some(&rules(version))), none, "{version}");
    }
    let newer = Scorecard::parse(&read("call-quality-form@2.scorecard.toml")).unwrap();
    assert_eq!(
        newer.missing_rules(Some(&rules(1))),
        ["disclosure", "opening"]
    );
    let documented = Scorecard::parse(&documented()).unwrap();
    let asked = [
        "callback",
        "disclosure",
        "greeting",
        "profanity",
        "solved",
        "transferred",
    ];
    assert_eq!(documented.missing_rules(None), asked);
}
