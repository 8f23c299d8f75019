//! Categories of Amazon Transcribe Call Analytics, in the service's own JSON.

use analysis::RuleSet;
use analysis::import::{ImportError, call_analytics};
use job_schema::analysis::Outcome;
use job_schema::job::Role;
use serde_json::{Value, json};

use crate::call::{Say, call, digest};

fn import(document: &Value) -> Result<String, ImportError> {
    let id = "imported".parse().unwrap();
    call_analytics(&document.to_string(), &id, std::num::NonZeroU32::MIN)
}

#[test]
fn a_sentiment_filter_asks_for_half_of_the_turns() {
    let filter = |more: &Value| {
        let rules = json!([{"SentimentFilter": more}]);
        import(&json!({"CategoryName": "test", "Rules": rules})).unwrap()
    };
    let table = [
        (
            json!({"Sentiments": ["NEGATIVE", "MIXED"], "ParticipantRole": "CUSTOMER", "RelativeTimeRange": {"Last": 25}}),
            "last(25%): @sentiment(negative|mixed, customer) >= 50%",
        ),
        (
            json!({"Sentiments": ["POSITIVE"], "AbsoluteTimeRange": {"First": 30000}, "Negate": true}),
            "NOT first(30000ms): @sentiment(positive, any) >= 50%",
        ),
    ];
    for (document, query) in table {
        assert!(filter(&document).contains(query), "{document}");
    }
    let half =
        call(&[Role::Customer])
            .say(0, 0, "this is terrible")
            .say(0, 10_000, "it is on the table");
    let outcome = |call: &job_schema::transcript::Transcript| {
        let rules = RuleSet::parse(&filter(&json!({"Sentiments": ["NEGATIVE"]}))).unwrap();
        let score = analysis::analyse(call, &digest(), Some(&rules)).score;
        score.unwrap().rules[0].outcome
    };
    assert_eq!(outcome(&half), Outcome::True);
    assert_eq!(outcome(&half.say(0, 20_000, "and then")), Outcome::False);
}

/// The customer breaks in on the agent from 3.5 to 3.9 s; silence from 7.4 to 60 s.
fn outcome(rules: &Value) -> Outcome {
    let ten = "one two three four five six seven eight nine ten";
    let call = call(&[Role::Agent, Role::Customer])
        .say(0, 0, ten)
        .say(1, 3_500, ten);
    let file = import(&json!({"CategoryName": "test", "InputType": "POST_CALL", "Rules": rules}));
    let file = file.unwrap_or_else(|error| panic!("{rules}: {error}"));
    let score = analysis::analyse(&call, &digest(), Some(&RuleSet::parse(&file).unwrap())).score;
    score.unwrap().rules[0].outcome
}

#[test]
#[rustfmt::skip] // a table reads as one
fn filters_and_ranges_mean_what_they_mean_to_the_service() {
    let said = |more: Value| {
        let mut filter = json!({"TranscriptFilterType": "EXACT", "Targets": ["nine, ten!", "(never)"]});
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([{"TranscriptFilter": filter}])
    };
    let silence = |more: Value| json!([{"NonTalkTimeFilter": more}]);
    let mood = |more: Value| json!([{"SentimentFilter": more}]);
    let breaking_in = |more: Value| json!([{"InterruptionFilter": more}]);
    let table = [
        (said(json!({})), true),
        (said(json!({"Negate": true})), false),
        (said(json!({"ParticipantRole": "AGENT"})), true),
        (said(json!({"ParticipantRole": "AGENT", "AbsoluteTimeRange": {"First": 3000}})), false),
        (said(json!({"ParticipantRole": "AGENT", "AbsoluteTimeRange": {"StartTime": 3000, "EndTime": 4000}})), true),
        (said(json!({"AbsoluteTimeRange": {"StartTime": 8000}})), false),
        (said(json!({"AbsoluteTimeRange": {"EndTime": 8000}})), true),
        (said(json!({"RelativeTimeRange": {"Last": 50}})), false),
        (said(json!({"RelativeTimeRange": {"StartPercentage": 5, "EndPercentage": 20}})), true),
        (silence(json!({"Threshold": 52000})), true),
        (silence(json!({"Threshold": 53000})), false),
        (silence(json!({"Threshold": 1000, "RelativeTimeRange": {"First": 10}, "Negate": true})), true),
        (breaking_in(json!({"ParticipantRole": "CUSTOMER", "Threshold": 400})), true),
        (breaking_in(json!({"ParticipantRole": "CUSTOMER", "Threshold": 401})), false),
        (breaking_in(json!({"ParticipantRole": "AGENT"})), false),
        (breaking_in(json!({})), true),
        (mood(json!({"Sentiments": ["NEUTRAL"], "ParticipantRole": "CUSTOMER"})), true),
        (mood(json!({"Sentiments": ["NEGATIVE", "MIXED"], "ParticipantRole": "AGENT"})), false),
        (mood(json!({"Sentiments": ["NEGATIVE"], "ParticipantRole": "AGENT", "Negate": true})), true),
        (mood(json!({"Sentiments": ["NEUTRAL"], "RelativeTimeRange": {"First": 50}})), true),
        (mood(json!({"Sentiments": ["POSITIVE"], "AbsoluteTimeRange": {"StartTime": 0, "EndTime": 8000}})), false),
    ];
    for (rules, holds) in table {
        let expected = if holds { Outcome::True } else { Outcome::False };
        assert_eq!(outcome(&rules), expected, "{rules}");
    }
}

#[test]
fn all_rules_of_a_category_have_to_match_and_every_answer_of_the_service_is_read() {
    let category = json!({"CategoryName": "a.b_c-1", "Rules": [
        {"TranscriptFilter": {"TranscriptFilterType": "EXACT", "Targets": ["ten"]}},
        {"NonTalkTimeFilter": {"Threshold": 99_000, "Negate": true}},
    ]});
    for document in [
        category.clone(),
        json!([category]),
        json!({"Categories": [category], "NextToken": "x"}),
        json!({"CategoryProperties": category}),
    ] {
        let file = import(&document).unwrap();
        assert!(
            file.contains(
                "name = \"a.b_c-1\"\nquery = '''\n(\"ten\")\nAND NOT @silence >= 99000ms'''"
            ),
            "{file}"
        );
    }
    assert_eq!(outcome(&category["Rules"]), Outcome::True);
}

#[test]
fn what_has_no_counterpart_is_refused_by_name() {
    let one = |rule: Value| json!({"CategoryName": "test", "Rules": [rule]});
    let table = [
        (
            one(json!({"SentimentFilter": {"Sentiments": []}})),
            "Sentiments needs",
        ),
        (
            one(json!({"SentimentFilter": {"Sentiments": ["ANGRY"]}})),
            "Sentiments are",
        ),
        (one(json!({})), "exactly one filter"),
        (
            one(json!({"TranscriptFilter": {"TranscriptFilterType": "EXACT", "Targets": ["?"]}})),
            "Targets",
        ),
        (
            one(json!({"TranscriptFilter": {"Targets": ["a"]}})),
            "EXACT",
        ),
        (
            one(json!({"InterruptionFilter": {"ParticipantRole": "IVR"}})),
            "ParticipantRole",
        ),
        (
            one(json!({"NonTalkTimeFilter": {"AbsoluteTimeRange": {"First": 1, "Last": 1}}})),
            "time range",
        ),
        (
            one(json!({"NonTalkTimeFilter": {"AbsoluteTimeRange": {"First": 0}}})),
            "first(0ms)",
        ),
        (json!({"Rules": []}), "read categories"),
        (json!({"CategoryName": "test", "Rules": []}), "empty"),
    ];
    for (document, what) in table {
        let error = import(&document).unwrap_err().to_string();
        assert!(error.contains(what), "{document}: {error}");
    }
}
