use analysis::RuleSet;
use job_schema::job::{Format, Role};
use job_schema::transcript::Transcript;
use pipeline::formats::{self, Content, Made, Material};

use crate::call::{render, scored, speech, transcript};

/// Turns, a back-channel, an interruption, a long utterance, and characters that each format has to tame.
fn call() -> Transcript {
    transcript(
        &[Role::Agent, Role::Customer],
        360_000_000 + 60_000,
        vec![
            speech(
                0,
                300,
                "Thank you for calling Northgate Plumbing. How can I help?",
            ),
            speech(
                1,
                5_000,
                "I was told R&D <staff> --> \u{202E}you would send somebody out to the house last Tuesday, and nobody ever came.",
            ),
            speech(0, 6_100, "Mm-hm."),
            speech(0, 12_000, "I am sorry about that."),
            speech(1, 360_000_000, "Goodbye."),
        ],
    )
}

#[test]
fn webvtt() {
    insta::assert_snapshot!(render(Format::Vtt, &call()));
}

#[test]
fn subrip() {
    insta::assert_snapshot!(render(Format::Srt, &call()));
}

#[test]
fn turn_text() {
    insta::assert_snapshot!(render(Format::Txt, &call()));
}

#[test]
fn verbose_json() {
    insta::assert_snapshot!(render(Format::VerboseJson, &call()));
}

/// A rule of each way to be true, and two that are not.
const CATEGORIES: &str = r#"
id = "demo"
version = 1
[[rule]]
name = "greeting"
query = 'agent: first(10s): "thank you for calling"'
[[rule]]
name = "complaint"
query = 'customer: (nobody | sorry)'
[[rule]]
name = "long-silence"
query = '@silence >= 5s'
[[rule]]
name = "no-refund"
query = 'NOT refund'
[[rule]]
name = "refund"
query = 'refund'
"#;

/// Half a minute in which the customer interrupts, and nobody speaks from 14.5 to 25 s.
fn short_call() -> Transcript {
    transcript(
        &[Role::Agent, Role::Customer],
        30_000,
        vec![
            speech(
                0,
                300,
                "Thank you for calling Northgate Plumbing, how can I help?",
            ),
            speech(
                1,
                3_800,
                "You said somebody would come... and nobody ever came!",
            ),
            speech(0, 8_000, "I am sorry about that. --"),
            speech(1, 12_000, "\u{202E}Awful,"),
            speech(0, 14_000, "Hm"),
            speech(1, 25_000, "Thank you, goodbye."),
        ],
    )
}

#[test]
fn call_analytics() {
    let rules = RuleSet::parse(CATEGORIES).unwrap();
    let whole = scored(
        Format::CallAnalytics,
        &short_call(),
        Some(&rules),
        Content::Whole,
    );
    insta::assert_snapshot!(whole);
    let redacted = scored(
        Format::CallAnalytics,
        &short_call(),
        Some(&rules),
        Content::Redacted,
    );
    let of = |document: &str| -> serde_json::Value { serde_json::from_str(document).unwrap() };
    let (whole, mut redacted) = (of(&whole), of(&redacted));
    let metadata = redacted["ContentMetadata"].take();
    assert_eq!(metadata["Output"], "Redacted");
    redacted["ContentMetadata"] = whole["ContentMetadata"].clone();
    assert_eq!(whole, redacted);
}

#[test]
fn a_call_whose_sentiment_is_not_known_has_none_in_the_shape_of_call_analytics() {
    let mut call = short_call();
    let sentiments = |call: &Transcript| {
        render(Format::CallAnalytics, call)
            .matches("\"Sentiment\"")
            .count()
    };
    assert_eq!(sentiments(&call), 1 + call.turns.len());
    for channel in &mut call.channels {
        channel.facts.language.as_mut().unwrap().code = "de".into();
    }
    assert_eq!(sentiments(&call), 0);
}

const MADE: Made<'_> = Made {
    call_started_at: "2026-11-24T09:30:00Z",
    at: "2026-11-24T10:00:07Z",
};

fn as_vcon(content: Content) -> String {
    let call = short_call();
    let rules = RuleSet::parse(CATEGORIES).unwrap();
    let analysis = analysis::analyse(&call, &call.audio.sha256, Some(&rules));
    let material = Material {
        transcript: &call,
        analysis: &analysis,
        content,
    };
    formats::vcon(&material, &MADE)
}

#[test]
fn vcon() {
    insta::assert_snapshot!(as_vcon(Content::Whole));
}

#[test]
fn a_redacted_vcon_refers_to_the_whole_one_and_is_another() {
    let of = |content| -> serde_json::Value { serde_json::from_str(&as_vcon(content)).unwrap() };
    let (whole, redacted) = (of(Content::Whole), of(Content::Redacted));
    assert_ne!(whole["uuid"], redacted["uuid"]);
    assert_eq!(redacted["redacted"]["uuid"], whole["uuid"]);
    assert!(whole.get("redacted").is_none());
}

/// What readers of the format rely on: indexes that lead somewhere, and a UUID of version 8.
#[test]
fn the_parts_of_a_vcon_point_at_each_other() {
    let vcon: serde_json::Value = serde_json::from_str(&as_vcon(Content::Whole)).unwrap();
    let uuid = vcon["uuid"].as_str().unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
    assert_eq!(vcon["dialog"][0]["parties"], serde_json::json!([0, 1]));
    // Readers refuse a recording without it.
    assert_eq!(vcon["dialog"][0]["mediatype"], "audio/x-wav");
    assert_eq!(vcon["parties"][1]["role"], "customer");
    let body = &vcon["analysis"][0]["body"];
    let words = body["words"].as_array().unwrap();
    let segments = body["segments"].as_array().unwrap();
    let mut pointed_at = 0;
    for segment in segments {
        let ids = segment["words"].as_array().unwrap();
        let texts = ids.iter().map(|id| {
            let word = &words[usize::try_from(id.as_u64().unwrap()).unwrap()];
            assert_eq!((&word["id"], &word["speaker"]), (id, &segment["speaker"]));
            word["text"].as_str().unwrap()
        });
        assert_eq!(texts.collect::<Vec<_>>().join(" "), segment["text"]);
        pointed_at += ids.len();
        let speaker = &body["speakers"][segment["speaker"].to_string()];
        assert!(
            speaker["segments"]
                .as_array()
                .unwrap()
                .contains(&segment["id"])
        );
    }
    assert_eq!(pointed_at, words.len());
}

#[test]
fn call_analytics_adds_up_channels_of_one_role() {
    let call = transcript(
        &[Role::Customer, Role::Customer, Role::Unknown],
        9_000,
        vec![
            speech(0, 0, "one two three"),
            speech(1, 4_000, "four"),
            speech(2, 6_000, "five"),
        ],
    );
    let document = render(Format::CallAnalytics, &call);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let roles = [
        serde_json::json!({"ParticipantRole": "CUSTOMER"}),
        serde_json::json!({"ParticipantRole": "UNKNOWN"}),
    ];
    assert_eq!(document["Participants"].as_array().unwrap(), &roles);
    let talk = &document["ConversationCharacteristics"]["TalkTime"];
    assert_eq!(
        talk["DetailsByParticipant"]["CUSTOMER"]["TotalTimeMillis"],
        1_100 + 300
    );
    assert_eq!(talk["TotalTimeMillis"], 1_700);
}

#[test]
fn an_empty_call_is_a_valid_document_in_every_format() {
    let silence = transcript(&[Role::Agent, Role::Customer], 1_000, Vec::new());
    assert_eq!(render(Format::Vtt, &silence), "WEBVTT\n");
    assert_eq!(render(Format::Srt, &silence), "");
    assert_eq!(render(Format::Txt, &silence), "");
    let json: serde_json::Value =
        serde_json::from_str(&render(Format::VerboseJson, &silence)).unwrap();
    assert_eq!(json["text"], "");
    assert_eq!(json["duration"], 1.0);
    let json: serde_json::Value =
        serde_json::from_str(&render(Format::CallAnalytics, &silence)).unwrap();
    assert_eq!(json["Transcript"], serde_json::json!([]));
    assert_eq!(
        json["Categories"]["MatchedCategories"],
        serde_json::json!([])
    );
}

#[test]
fn a_speaker_is_named_only_as_far_as_known() {
    let first_line = |roles: &[Role]| {
        let call = transcript(roles, 9_000, vec![speech(0, 1_000, "Hello.")]);
        render(Format::Txt, &call).trim_end().to_owned()
    };
    let table = [
        (&[Role::Mixed][..], "[00:00:01.000] Hello."),
        (&[Role::Customer][..], "[00:00:01.000] Customer: Hello."),
        (
            &[Role::Ivr, Role::Customer][..],
            "[00:00:01.000] IVR: Hello.",
        ),
        (
            &[Role::Unknown, Role::Agent][..],
            "[00:00:01.000] Channel 1: Hello.",
        ),
        (
            &[Role::Agent, Role::Agent][..],
            "[00:00:01.000] Agent (channel 1): Hello.",
        ),
    ];
    for (roles, line) in table {
        assert_eq!(first_line(roles), line);
    }
}
