#![expect(clippy::cast_possible_truncation, reason = "small numbers made here")]

use std::io::{Seek, Write};

use job_schema::engine::Limits;
use job_schema::job::Role;
use job_schema::transcript::{ChannelStatus, WarningCode};

use super::*;
use crate::scripted::Script;
use crate::slots::ModelTraits;

const RATE_HZ: u32 = 8_000;

/// Speech-like for the detector: harmonics of a wandering pitch in syllables, with noise between.
fn babble(seed: u32, seconds: u32) -> Vec<f32> {
    let mut phase = 0.0f32;
    (0..seconds * RATE_HZ)
        .map(|i| {
            let t = i as f32 / RATE_HZ as f32 + seed as f32 * 3.7;
            phase += (120.0 + 30.0 * (t * 1.9).sin() + 12.0 * (t * 7.3).sin()) / RATE_HZ as f32;
            let syllable = (t * 11.0).sin().max(0.0) * (t * 2.3).sin().abs();
            let formant = |k: f32, at: f32| (-((k * 120.0 - at) / 300.0).powi(2)).exp();
            let (f1, f2) = (
                500.0 + 250.0 * (t * 5.1).sin(),
                1_500.0 + 600.0 * (t * 3.7).cos(),
            );
            let voice: f32 = (1..24u16)
                .map(f32::from)
                .map(|k| {
                    (std::f32::consts::TAU * phase * k).sin()
                        * (formant(k, f1) + 0.6 * formant(k, f2))
                })
                .sum();
            0.1 * syllable * voice
        })
        .collect()
}

fn silence(seconds: u32) -> Vec<f32> {
    vec![0.0; (seconds * RATE_HZ) as usize]
}

fn wav(channels: &[Vec<f32>]) -> File {
    let frames = channels[0].len();
    let data_bytes = (frames * channels.len() * 2) as u32;
    let block_bytes = channels.len() as u16 * 2;
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + data_bytes).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend((channels.len() as u16).to_le_bytes());
    bytes.extend(RATE_HZ.to_le_bytes());
    bytes.extend((RATE_HZ * u32::from(block_bytes)).to_le_bytes());
    bytes.extend(block_bytes.to_le_bytes());
    bytes.extend(b"\x10\0data");
    bytes.extend(data_bytes.to_le_bytes());
    for i in 0..frames {
        for channel in channels {
            bytes.extend(((channel[i] * 32_000.0) as i16).to_le_bytes());
        }
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// Two talkers who take turns, over more than one window.
fn conversation() -> Vec<Vec<f32>> {
    let mut legs = [Vec::new(), Vec::new()];
    for turn in 0..10u32 {
        for (leg, samples) in legs.iter_mut().enumerate() {
            let talks = turn % 2 == leg as u32;
            samples.extend(if talks { babble(turn, 6) } else { silence(6) });
            samples.extend(silence(2));
        }
    }
    legs.into()
}

fn spec(skip_spans_count: u64) -> CallSpec {
    CallSpec {
        channel_roles: vec![Role::Agent, Role::Customer],
        language: None,
        languages: Vec::new(),
        vocabulary: Vec::new(),
        role_vocabulary: Vec::new(),
        raw_audio: None,
        extension: Some("wav".into()),
        limits: Limits::default(),
        skip_spans_count,
    }
}

fn pool(slots: usize, script: &str) -> SlotPool {
    let languages = vec!["en".to_owned(), "es".to_owned()];
    let script = Script {
        languages: languages.clone(),
        ..Script::from_json(script).unwrap()
    };
    let traits = ModelTraits {
        languages,
        confidence: None,
    };
    SlotPool::new(script.slots(slots), traits)
}

const PLAIN: &str =
    r#"{"words": ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf"]}"#;

struct Heard {
    ended: Result<Ended, Failure>,
    spans: Vec<SpanResult>,
    progress: Vec<Progress>,
    points_count: usize,
}

fn hear(channels: &[Vec<f32>], spec: &CallSpec, slots: &SlotPool, control: &Control) -> Heard {
    let (mut spans, mut progress, mut points_count) = (Vec::new(), Vec::new(), 0);
    let mut sink = |output| match output {
        Output::Span(span) => spans.push(span),
        Output::Progress(p) => progress.push(p),
        Output::Peaks(p) => points_count += p.channels[0].min_max.len() / 2,
    };
    let ended = run(wav(channels), spec, slots, control, &mut sink);
    Heard {
        ended,
        spans,
        progress,
        points_count,
    }
}

fn summary(heard: Heard) -> CallSummary {
    match heard.ended {
        Ok(Ended::Done(summary)) => CallSummary {
            timings: Timings::default(),
            ..*summary
        },
        other => panic!("not done: {other:?}"),
    }
}

#[test]
fn the_number_of_slots_changes_nothing() {
    let call = conversation();
    let one = hear(&call, &spec(0), &pool(1, PLAIN), &Control::default());
    assert!(one.spans.len() >= 8, "{} spans", one.spans.len());
    let starts: Vec<_> = one
        .spans
        .iter()
        .map(|s| (s.span.start_ms, s.channel))
        .collect();
    assert!(starts.is_sorted());
    let finished: Vec<_> = one.progress.iter().map(|p| p.finished_ms).collect();
    assert!(
        finished.is_sorted() && finished.last() == Some(&80_000),
        "{finished:?}"
    );
    assert_eq!(one.points_count, 80 * 50);
    let (spans, one) = (one.spans.clone(), summary(one));
    assert_eq!(one.spans_count, spans.len() as u64);
    assert_eq!(one.audio.duration_ms, 80_000);
    for slots in [2, 3] {
        let many = hear(&call, &spec(0), &pool(slots, PLAIN), &Control::default());
        assert_eq!(many.spans, spans, "{slots} slots");
        assert_eq!(summary(many), one, "{slots} slots");
    }
}

#[test]
fn a_run_resumed_after_any_span_gives_the_rest() {
    let call = conversation();
    let slots = pool(2, PLAIN);
    let whole = hear(&call, &spec(0), &slots, &Control::default());
    let (spans, whole) = (whole.spans.clone(), summary(whole));
    for skip in 0..=spans.len() {
        let rest = hear(&call, &spec(skip as u64), &slots, &Control::default());
        assert_eq!(rest.spans, spans[skip..], "after {skip}");
        assert_eq!(summary(rest), whole, "after {skip}");
    }
}

#[test]
fn a_stop_finishes_the_spans_in_hand_and_tells_where_to_go_on() {
    let call = conversation();
    let slots = pool(1, PLAIN);
    let whole = hear(&call, &spec(0), &slots, &Control::default());
    let control = Control::default();
    let stop = control.stop.clone();
    let mut spans = Vec::new();
    let mut sink = |output| {
        if let Output::Span(span) = output {
            spans.push(span);
            stop.raise();
        }
    };
    let ended = run(wav(&call), &spec(0), &slots, &control, &mut sink).unwrap();
    let Ended::Stopped { spans_count } = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(spans_count, spans.len() as u64);
    assert!(!spans.is_empty() && spans.len() < whole.spans.len());
    let rest = hear(&call, &spec(spans_count), &slots, &Control::default());
    assert_eq!([spans, rest.spans].concat(), whole.spans);
}

#[test]
fn a_stop_before_the_checkpoint_is_reached_loses_nothing_of_it() {
    let control = Control::default();
    control.stop.raise();
    let heard = hear(&conversation(), &spec(5), &pool(1, PLAIN), &control);
    assert!(
        matches!(heard.ended, Ok(Ended::Stopped { spans_count: 5 })),
        "{:?}",
        heard.ended
    );
}

#[test]
fn an_abort_ends_the_run_at_once() {
    let control = Control::default();
    let abort = control.abort.clone();
    let slots = pool(1, r#"{"delay_ms": 600000, "words": ["never"]}"#);
    let mut sink = |output| {
        if matches!(output, Output::Progress(_)) {
            abort.raise();
        }
    };
    let failure = run(wav(&conversation()), &spec(0), &slots, &control, &mut sink).unwrap_err();
    assert_eq!(failure.code, ErrorCode::Cancelled);
}

#[test]
fn a_failing_slot_fails_the_run_with_its_code() {
    for (kind, code) in [
        ("error", ErrorCode::RecognitionFailed),
        ("panic", ErrorCode::EngineCrashed),
    ] {
        let script = format!(r#"{{"words": ["a"], "fault": {{"kind": "{kind}", "at_span": 1}}}}"#);
        let slots = pool(1, &script);
        let heard = hear(&conversation(), &spec(0), &slots, &Control::default());
        assert_eq!(heard.ended.unwrap_err().code, code, "{kind}");
    }
}

#[test]
fn the_same_sound_on_both_legs_is_transcribed_once() {
    let one = babble(1, 8);
    let heard = hear(
        &[one.clone(), one],
        &spec(0),
        &pool(1, PLAIN),
        &Control::default(),
    );
    assert!(!heard.spans.is_empty() && heard.spans.iter().all(|s| s.channel == 0));
    let summary = summary(heard);
    assert_eq!(summary.channels[1].status, ChannelStatus::DuplicateOfOther);
    assert_eq!(summary.warnings[0].code, WarningCode::DuplicateChannels);
}

#[test]
fn an_empty_leg_and_a_missing_role_are_told() {
    let roles = CallSpec {
        channel_roles: vec![Role::Agent],
        ..spec(0)
    };
    let heard = hear(
        &[babble(1, 8), silence(8)],
        &roles,
        &pool(1, PLAIN),
        &Control::default(),
    );
    let summary = summary(heard);
    let statuses: Vec<_> = summary.channels.iter().map(|c| c.status).collect();
    assert_eq!(statuses, [ChannelStatus::Speech, ChannelStatus::Empty]);
    assert!(
        summary.channels[0]
            .speech_level_dbfs
            .is_some_and(|db| (-40.0..-5.0).contains(&db))
    );
    assert_eq!(summary.channels[0].language.as_ref().unwrap().code, "en");
    assert_eq!(summary.warnings[0].code, WarningCode::RolesMismatch);
}
