mod laws;

use std::collections::BTreeMap;

use job_schema::engine::{CallSummary, SpanResult, SpanSegment, Timings};
use job_schema::job::Role;
use job_schema::transcript::{
    ChannelFacts, ChannelStatus, DecodedAudio, EngineFacts, Figures, Speakers, SuppressReason,
    Suppressed, TimeSpan, Transcript, Warning, WarningCode, Word,
};

use super::{Header, transcript};

const FIGURES: Figures = Figures {
    avg_logprob: -0.25,
    no_speech_prob: 0.125,
    compression_ratio: 1.5,
    temperature: 0.0,
};

fn header() -> Header {
    let digest = "a".repeat(64);
    Header {
        tenant: "northgate".parse().unwrap(),
        call: "c-1".parse().unwrap(),
        spec_sha256: digest.parse().unwrap(),
        size_bytes: 9,
        sha256: digest.parse().unwrap(),
        engine: EngineFacts {
            model: "tiny.en".into(),
            model_sha256: digest.parse().unwrap(),
            recognizer: "scripted".into(),
            worker: "0.1.0".into(),
            parameters: BTreeMap::new(),
            confidence: None,
        },
    }
}

fn summary(roles: &[Role], duration_ms: u64) -> CallSummary {
    let facts = |(index, &role): (u16, &Role)| ChannelFacts::unmeasured(index, role);
    CallSummary {
        audio: DecodedAudio {
            container: "wav".into(),
            codec: "pcm_s16le".into(),
            sample_rate_hz: 8_000,
            channels_count: u16::try_from(roles.len()).unwrap(),
            duration_ms,
            declared_duration_ms: None,
        },
        channels: (0..).zip(roles).map(facts).collect(),
        warnings: Vec::new(),
        timings: Timings::default(),
        spans_count: 0,
    }
}

fn word(text: &str, start_ms: u64, end_ms: u64) -> Word {
    Word {
        text: text.into(),
        start_ms,
        end_ms,
        confidence: 0.9,
    }
}

fn span(channel: u16, start_ms: u64, end_ms: u64, words: Vec<Word>) -> SpanResult {
    let span = TimeSpan { start_ms, end_ms };
    SpanResult::of(
        channel,
        SpanSegment {
            span,
            words,
            figures: FIGURES,
        },
    )
}

/// Words of 300 ms, one every 400 ms.
fn speech(channel: u16, start_ms: u64, text: &str) -> SpanResult {
    let words: Vec<Word> = (0..)
        .zip(text.split(' '))
        .map(|(n, text)| word(text, start_ms + n * 400, start_ms + n * 400 + 300))
        .collect();
    let end_ms = words.last().map_or(start_ms, |last| last.end_ms);
    span(channel, start_ms, end_ms, words)
}

fn two_party(spans: Vec<SpanResult>) -> Transcript {
    transcript(
        header(),
        spans,
        summary(&[Role::Agent, Role::Customer], 60_000),
    )
}

fn turns(transcript: &Transcript) -> Vec<(u16, &str)> {
    transcript
        .turns
        .iter()
        .map(|t| (t.channel, t.text.as_str()))
        .collect()
}

#[test]
fn speakers_who_alternate_get_a_turn_each() {
    let call = two_party(vec![
        speech(0, 0, "Thank you for calling."),
        speech(1, 2_000, "Hi there."),
        speech(0, 3_000, "How can"),
        speech(0, 6_000, "I help?"),
    ]);
    assert_eq!(
        turns(&call),
        [
            (0, "Thank you for calling."),
            (1, "Hi there."),
            (0, "How can I help?")
        ]
    );
    assert_eq!(call.channels[0].utterances.len(), 3);
    assert_eq!(call.turns[2].start_ms, 3_000);
    assert_eq!(call.turns[2].end_ms, 6_700);
    assert_eq!(call.speakers, Speakers::ByChannel);
}

#[test]
fn roles_look_swapped_where_only_the_customer_opens_as_an_agent() {
    let late = 31_000;
    let cases = [
        (
            "Thank you for calling!",
            500,
            "Hi, it's about my bill.",
            true,
        ),
        ("Thanks, how may I help you?", 500, "Hello?", true),
        ("Guten Tag, was kann ich für Sie tun?", 500, "Hallo.", true),
        ("Merci d'avoir appelé.", 500, "Bonjour.", true),
        (
            "Hi, it's about my bill.",
            500,
            "Thank you for calling!",
            false,
        ),
        (
            "Thank you for calling.",
            500,
            "Thank you for calling.",
            false,
        ),
        ("Thank you for calling back.", late, "Bye.", false),
        ("How can I", 500, "help?", false),
    ];
    for (customer, start_ms, agent, expected) in cases {
        let call = two_party(vec![speech(0, 0, agent), speech(1, start_ms, customer)]);
        let hints = call.warnings.iter();
        let found = hints.filter(|w| w.code == WarningCode::RolesLookSwapped);
        let channels: Vec<_> = found.map(|w| w.channel).collect();
        let wanted = if expected { vec![Some(1)] } else { vec![] };
        assert_eq!(channels, wanted, "{customer}");
    }
}

#[test]
fn a_backchannel_is_a_turn_that_ends_nothing() {
    let call = two_party(vec![
        speech(0, 0, "I will send somebody out to you tomorrow morning"),
        speech(1, 1_250, "Mm-hm."),
        speech(1, 5_000, "Lovely."),
    ]);
    assert_eq!(
        turns(&call),
        [
            (0, "I will send somebody out to you tomorrow morning"),
            (1, "Mm-hm."),
            (1, "Lovely."),
        ]
    );
}

#[test]
fn the_same_words_in_a_pause_are_an_answer() {
    let call = two_party(vec![
        speech(0, 0, "Is that right"),
        span(1, 1_150, 1_700, vec![word("Yes.", 1_150, 1_700)]),
        speech(0, 1_750, "Good then"),
    ]);
    assert_eq!(call.channels[0].utterances.len(), 1);
    assert_eq!(
        turns(&call),
        [(0, "Is that right"), (1, "Yes."), (0, "Good then")]
    );
}

#[test]
fn who_is_finishing_is_not_cut_and_who_talks_on_is() {
    let finishing = two_party(vec![
        speech(0, 0, "one two three four"),
        speech(1, 1_000, "five six seven eight"),
    ]);
    assert_eq!(
        turns(&finishing),
        [(0, "one two three four"), (1, "five six seven eight")]
    );
    let talking_on = two_party(vec![
        speech(0, 0, "one two three four five six seven"),
        speech(1, 500, "may I ask"),
    ]);
    assert_eq!(
        turns(&talking_on),
        [
            (0, "one two"),
            (1, "may I ask"),
            (0, "three four five six seven")
        ]
    );
}

#[test]
fn rough_times_are_mended_in_text_order() {
    let call = two_party(vec![span(
        0,
        1_000,
        3_000,
        vec![
            word(" a ", 1_000, 1_500),
            word("zero", 1_400, 1_400),
            word("back", 1_200, 1_300),
            word("  ", 1_600, 1_700),
            word("late", 9_000, 90_000),
        ],
    )]);
    let words: Vec<(&str, u64, u64)> = call.channels[0]
        .words
        .iter()
        .map(|w| (w.text.as_str(), w.start_ms, w.end_ms))
        .collect();
    assert_eq!(
        words,
        [
            ("a", 1_000, 1_400),
            ("zero", 1_400, 1_401),
            ("back", 1_401, 1_402),
            ("late", 3_000, 3_001)
        ]
    );
    assert_eq!(call.channels[0].segments[0].text, "a zero back late");
}

#[test]
fn one_channel_separates_nobody_unless_the_job_says_whose_it_is() {
    let table = [
        (vec![Role::Mixed], Speakers::NotSeparated),
        (vec![Role::Unknown], Speakers::NotSeparated),
        (vec![Role::Customer], Speakers::ByChannel),
        (vec![], Speakers::NotSeparated),
        (vec![Role::Unknown, Role::Unknown], Speakers::ByChannel),
    ];
    for (roles, speakers) in table {
        let call = transcript(header(), Vec::new(), summary(&roles, 1_000));
        assert_eq!(call.speakers, speakers, "{roles:?}");
    }
    let mut copied = summary(&[Role::Agent, Role::Customer], 1_000);
    copied.channels[1].status = ChannelStatus::DuplicateOfOther;
    let call = transcript(header(), Vec::new(), copied);
    assert_eq!(call.speakers, Speakers::NotSeparated);
}

#[test]
fn warnings_are_merged_and_suppressed_text_is_kept() {
    let warning = |detail: &str| Warning {
        code: WarningCode::SpanCutShort,
        detail: detail.into(),
        channel: Some(0),
    };
    let mut late = speech(0, 9_000, "late");
    late.warnings = vec![warning("b"), warning("a")];
    late.suppressed = vec![Suppressed {
        span: late.span,
        text: "Thanks for watching".into(),
        reason: SuppressReason::NoSpeech,
        figures: FIGURES,
    }];
    let mut of_call = summary(&[Role::Agent], 60_000);
    of_call.warnings = vec![warning("a")];
    let call = transcript(header(), vec![late], of_call);
    assert_eq!(call.warnings, [warning("a"), warning("b")]);
    assert_eq!(call.channels[0].suppressed[0].text, "Thanks for watching");
}

#[test]
fn words_that_the_call_has_no_room_for_are_kept_as_suppressed() {
    let crowd = (0..50).map(|n| word("uh", n, n + 1)).collect();
    let call = transcript(
        header(),
        vec![span(0, 0, 40, crowd)],
        summary(&[Role::Agent], 40),
    );
    assert!(call.channels[0].words.is_empty());
    assert_eq!(call.channels[0].suppressed.len(), 1);
}

#[test]
fn a_channel_that_the_summary_forgot_keeps_its_words() {
    let call = two_party(vec![speech(5, 100, "still here")]);
    assert_eq!(call.channels[2].facts.index, 5);
    assert_eq!(call.channels[2].facts.role, Role::Unknown);
    assert_eq!(turns(&call), [(5, "still here")]);
}
