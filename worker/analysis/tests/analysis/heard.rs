//! Absence holds only where the window was heard: a row for each side of each condition of `docs/rules.md`.

use job_schema::analysis::Outcome;
use job_schema::job::Role;
use job_schema::transcript::{ChannelStatus, Speakers, Transcript, Warning, WarningCode};

use crate::call::{Say, call, outcome, result, span};
use crate::scoring::greeted;

const AGENT: &str = "speaker = \"agent\"";
const CUSTOMER: &str = "speaker = \"customer\"";

/// Whether the absence of "refund" can be told from `call` by a rule with the further line given.
fn check(name: &str, call: &Transcript, line: &str, is_heard: bool) {
    let expected = |when_heard| {
        if is_heard {
            when_heard
        } else {
            Outcome::Inconclusive
        }
    };
    let lines = format!("phrases = [\"refund\"]\n{line}");
    let absent = result(call, &format!("{lines}\nnegate = true"));
    assert_eq!(
        absent.outcome,
        expected(Outcome::True),
        "{name}: {:?}",
        absent.reason
    );
    assert!(absent.reason.is_some(), "{name}");
    // "It was not said" is as bold a claim when a rule asks for presence.
    assert_eq!(outcome(call, &lines), expected(Outcome::False), "{name}");
}

fn with_status(status: ChannelStatus) -> Transcript {
    let mut call = greeted();
    call.channels[1].facts.status = status;
    call
}

fn warned(code: WarningCode, channel: Option<u16>) -> Transcript {
    let mut call = greeted();
    call.warnings.push(Warning {
        code,
        detail: String::new(),
        channel,
    });
    call
}

#[test]
fn every_searched_channel_carries_written_speech() {
    let mut not_separated = greeted();
    not_separated.speakers = Speakers::NotSeparated;
    let agent_alone = call(&[Role::Agent]).say(0, 0, "hi");
    let silent_agent = call(&[Role::Agent, Role::Customer]).say(1, 0, "hello there");

    check("heard", &greeted(), CUSTOMER, true);
    check("no such speaker", &agent_alone, CUSTOMER, false);
    check("one channel, any", &not_separated, "", true);
    check("one channel, agent", &not_separated, AGENT, false);
    check("empty", &with_status(ChannelStatus::Empty), CUSTOMER, false);
    check("empty, any", &with_status(ChannelStatus::Empty), "", false);
    check(
        "the other is empty",
        &with_status(ChannelStatus::Empty),
        AGENT,
        true,
    );
    check(
        "no speech",
        &with_status(ChannelStatus::NoSpeech),
        CUSTOMER,
        false,
    );
    let copy = with_status(ChannelStatus::DuplicateOfOther);
    check("copy of another", &copy, "", true);
    check("only as a copy", &copy, CUSTOMER, false);
    check("no word at all", &silent_agent, AGENT, false);
}

#[test]
fn no_text_of_the_window_was_suppressed() {
    let call = greeted().suppress(1, span(20_000, 22_000));
    check("on the channel", &call, CUSTOMER, false);
    check("on the other", &call, AGENT, true);
    check("later", &call, "window = { first_s = 20 }", true);
    check("at the edge", &call, "window = { first_ms = 20001 }", false);
    check(
        "earlier",
        &call,
        "window = { from_ms = 22000, to_ms = 60000 }",
        true,
    );
}

#[test]
fn speech_of_the_window_has_words() {
    let mut call = greeted();
    call.channels[1].facts.speech_spans = vec![span(8_000, 11_500), span(20_000, 21_000)];
    check("speech without words", &call, CUSTOMER, false);
    check("speech without words of the other", &call, AGENT, true);
    check(
        "under a second of it",
        &call,
        "window = { first_ms = 20999 }",
        true,
    );
    check(
        "a second of it",
        &call,
        "window = { first_ms = 21000 }",
        false,
    );
}

#[test]
fn the_words_of_the_window_are_confident() {
    let with_confidence = |confidence| {
        let mut call = greeted();
        for word in &mut call.channels[1].words {
            word.confidence = confidence;
        }
        call
    };
    check("below", &with_confidence(0.69), CUSTOMER, false);
    check("just above", &with_confidence(0.71), CUSTOMER, true);
    check(
        "below, in another window",
        &with_confidence(0.69),
        "window = { first_s = 8 }",
        true,
    );
    check("below, on the other", &with_confidence(0.69), AGENT, true);
    check(
        "below, hidden by a better channel",
        &with_confidence(0.69),
        "",
        false,
    );
}

#[test]
fn the_sound_of_the_window_is_whole() {
    let beyond = "window = { from_ms = 60000, to_ms = 70000 }";
    check("outside the call", &greeted(), beyond, false);
    let truncated = warned(WarningCode::Truncated, None);
    check("truncated", &truncated, "", false);
    check(
        "truncated later",
        &truncated,
        "window = { first_s = 59 }",
        true,
    );
    let damaged = warned(WarningCode::DamagedPackets, None);
    check(
        "damaged somewhere",
        &damaged,
        "window = { first_s = 5 }",
        false,
    );
    let cut_short = warned(WarningCode::SpanCutShort, Some(1));
    check("cut short", &cut_short, CUSTOMER, false);
    check("cut short on the other", &cut_short, AGENT, true);
    check("clipped", &warned(WarningCode::Clipped, Some(1)), "", true);
}
