use job_schema::job::{Format, Role};
use job_schema::transcript::Transcript;
use pipeline::formats::render;

use crate::call::{speech, transcript};

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
