//! How far people and the machine agree, against figures worked out by hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use analysis::Scorecard;
use analysis::scorecard::Agreement;
use job_schema::analysis::{Conversation, NonTalk, Overlap};
use job_schema::review::{HumanAnswer, Review};
use job_schema::scorecard::{Answer, ScorecardResult};

const FORM: &str = "id = \"form\"\nversion = 1\n[[section]]\nname = \"s\"\n[[section.question]]\nname = \"q\"\nrule = \"q\"\n";
const QUESTION: &str = "form/s/q@1";

/// The form with the machine's answer to its question.
fn machine(answer: Answer) -> ScorecardResult {
    let silence = Conversation {
        duration_ms: 0,
        talk_ms: 0,
        non_talk: NonTalk {
            total_ms: 0,
            threshold_ms: 0,
            gaps: Vec::new(),
        },
        overlap: Overlap {
            total_ms: 0,
            spans: Vec::new(),
        },
        channels: Vec::new(),
        interruptions: Vec::new(),
        sentiment: None,
    };
    let mut result = Scorecard::parse(FORM).unwrap().fill(None, &silence);
    result.sections[0].questions[0].answer = answer;
    result
}

fn answered(answer: &str) -> Answer {
    match answer {
        "?" => Answer::Inconclusive,
        "n/a" => Answer::NotApplicable,
        answer => Answer::Answered {
            answer: answer.into(),
            points: 1.0,
        },
    }
}

fn review(reviewer: &str, answer: &str) -> Review {
    Review {
        schema_version: 1,
        tenant: "acme".parse().unwrap(),
        call: "c".parse().unwrap(),
        scorecard: "form".parse().unwrap(),
        version: 1.try_into().unwrap(),
        scorecard_sha256: "a".repeat(64).parse().unwrap(),
        reviewer: reviewer.parse().unwrap(),
        reviewed_at: jiff::Timestamp::UNIX_EPOCH,
        answers: vec![HumanAnswer {
            id: QUESTION.into(),
            answer: (answer != "n/a").then(|| answer.into()),
        }],
        comment: None,
    }
}

#[test]
fn kappa_takes_off_what_chance_would_give() {
    type Pairs = &'static [(&'static str, &'static str, u32)];
    // What the machine and a person answered, and how often; then the share in per cent and kappa.
    let table: [(Pairs, Option<f64>, Option<f64>); 6] = [
        // 70 % agree and 50 % would by chance.
        (
            &[
                ("yes", "yes", 20),
                ("yes", "no", 5),
                ("no", "yes", 10),
                ("no", "no", 15),
            ],
            Some(70.0),
            Some(0.4),
        ),
        (
            &[("yes", "yes", 8), ("no", "no", 2)],
            Some(100.0),
            Some(1.0),
        ),
        (&[("yes", "no", 5), ("no", "yes", 5)], Some(0.0), Some(-1.0)),
        // Everybody always says yes: chance alone agrees.
        (&[("yes", "yes", 9)], Some(100.0), None),
        (
            &[("n/a", "n/a", 1), ("yes", "no", 1)],
            Some(50.0),
            Some(0.333),
        ),
        (&[("?", "yes", 3)], None, None),
    ];
    for (pairs, percent, kappa) in table {
        let mut agreement = Agreement::default();
        for &(ours, theirs, count) in pairs {
            for _ in 0..count {
                agreement.add(&machine(answered(ours)), &[review("r-1", theirs)]);
            }
        }
        let found = agreement.questions().remove(0);
        assert_eq!((found.percent, found.kappa), (percent, kappa), "{pairs:?}");
        let undecided = pairs.iter().filter(|(ours, ..)| *ours == "?");
        let undecided_count: u32 = undecided.map(|(.., count)| count).sum();
        assert_eq!(found.inconclusive_count, undecided_count, "{pairs:?}");
        let all_count: u32 = pairs.iter().map(|(.., count)| count).sum();
        assert_eq!(
            found.compared_count + undecided_count,
            all_count,
            "{pairs:?}"
        );
    }
}

#[test]
fn the_last_answer_of_each_reviewer_counts() {
    let mut agreement = Agreement::default();
    let reviews = [
        review("r-1", "no"),
        review("r-2", "no"),
        review("r-1", "yes"),
    ];
    agreement.add(&machine(answered("yes")), &reviews);
    agreement.add(&machine(answered("yes")), &[]);
    let found = agreement.questions().remove(0);
    assert_eq!((found.agreed_count, found.compared_count), (1, 2));
    assert_eq!(agreement.calls_count(), 1, "nobody reviewed the second");
}
