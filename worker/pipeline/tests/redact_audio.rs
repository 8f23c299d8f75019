//! Muted recordings: what goes is gone to the sample, all else stays, and what is not whole is refused.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::path::Path;

use job_schema::engine::Limits;
use job_schema::redaction::AudioStyle;
use job_schema::transcript::TimeSpan;
use pipeline::decode::{Decoder, Hints};
use pipeline::redact_audio::{Muting, RedactAudioError, redact};

fn fixture(name: &str) -> File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    File::open(path).unwrap()
}

fn hints(name: &str) -> Hints {
    Hints {
        extension: name.rsplit('.').next().map(str::to_owned),
        raw_audio: None,
    }
}

/// Rate, and the samples of each channel.
fn decode(recording: File, hints: &Hints) -> (u32, Vec<Vec<f32>>) {
    let mut decoder = Decoder::open(recording, hints, &Limits::default()).unwrap();
    let mut channels = vec![Vec::new(); decoder.format().channels_count.into()];
    while let Some(block) = decoder.next_block().unwrap() {
        for (all, samples) in channels.iter_mut().zip(block.channels) {
            all.extend(samples);
        }
    }
    (decoder.format().sample_rate_hz, channels)
}

fn as_file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn muted(
    name: &str,
    spans: &[Vec<TimeSpan>],
    style: AudioStyle,
    duration_ms: u64,
) -> Result<Vec<u8>, RedactAudioError> {
    let mut out = Cursor::new(Vec::new());
    let muting = Muting {
        spans,
        style,
        duration_ms,
    };
    redact(
        fixture(name),
        &hints(name),
        &Limits::default(),
        &muting,
        &mut out,
    )?;
    Ok(out.into_inner())
}

fn span(start_ms: u64, end_ms: u64) -> TimeSpan {
    TimeSpan { start_ms, end_ms }
}

const NAMES: [&str; 6] = [
    "flac.flac",
    "mulaw.au",
    "opus.ogg",
    "ima.wav",
    "mp3_44k.mp3",
    "aac.m4a",
];

#[test]
fn only_the_spans_are_silent_and_the_layout_stays() {
    for name in NAMES {
        let (rate, before) = decode(fixture(name), &hints(name));
        let duration_ms = before[0].len() as u64 * 1_000 / u64::from(rate);
        let mut spans = vec![Vec::new(); before.len()];
        spans[0] = vec![span(210, 230), span(250, 270)];
        let bytes = muted(name, &spans, AudioStyle::Silence, duration_ms).unwrap();
        let (new_rate, after) = decode(as_file(&bytes), &Hints::default());
        assert_eq!((new_rate, after.len()), (rate, before.len()), "{name}");
        for (channel, (before, after)) in before.iter().zip(&after).enumerate() {
            assert_eq!(before.len(), after.len(), "{name}");
            for (frame, (before, after)) in before.iter().zip(after).enumerate() {
                let ms = frame as u64 * 1_000 / u64::from(rate);
                let gone = channel == 0 && ((210..230).contains(&ms) || (250..270).contains(&ms));
                if gone {
                    assert_eq!(*after, 0.0, "{name}: channel {channel} at {ms} ms");
                } else if before.abs() < 0.99 {
                    assert!(
                        (before - after).abs() <= 1.0 / 32_768.0,
                        "{name}: channel {channel} at {ms} ms"
                    );
                }
            }
        }
        assert!(
            before[0][(rate as usize * 255) / 1_000..(rate as usize * 265) / 1_000]
                .iter()
                .any(|s| s.abs() > 0.1),
            "{name}: there was something to remove"
        );
    }
}

#[test]
fn a_tone_takes_the_place_of_what_went() {
    let bytes = muted(
        "flac.flac",
        &[vec![span(0, 600)], vec![]],
        AudioStyle::Tone,
        600,
    )
    .unwrap();
    let (_, channels) = decode(as_file(&bytes), &Hints::default());
    let power: f32 = channels[0].iter().map(|s| s * s).sum::<f32>() / channels[0].len() as f32;
    assert!((power.sqrt() - 0.1 / 2_f32.sqrt()).abs() < 0.001, "{power}");
    // 1 kHz crosses zero 2,000 times a second.
    let crossings = channels[0]
        .windows(2)
        .filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0))
        .count();
    assert!(crossings.abs_diff(1_200) <= 2, "{crossings}");
}

#[test]
fn what_does_not_fit_the_transcript_is_refused() {
    let wrong_channels = muted("flac.flac", &[vec![]], AudioStyle::Silence, 600);
    assert!(matches!(
        wrong_channels,
        Err(RedactAudioError::Channels {
            found: 2,
            expected: 1
        })
    ));
    let wrong_length = muted("flac.flac", &[vec![], vec![]], AudioStyle::Silence, 900);
    assert!(matches!(
        wrong_length,
        Err(RedactAudioError::Duration {
            found_ms: 600,
            expected_ms: 900
        })
    ));
}

#[test]
fn a_recording_that_is_cut_off_is_refused() {
    let whole = muted("flac.flac", &[vec![], vec![]], AudioStyle::Silence, 600).unwrap();
    let cut = as_file(&whole[..whole.len() / 2]);
    let muting = Muting {
        spans: &[vec![], vec![]],
        style: AudioStyle::Silence,
        duration_ms: 300,
    };
    let mut out = Cursor::new(Vec::new());
    let result = redact(
        cut,
        &Hints::default(),
        &Limits::default(),
        &muting,
        &mut out,
    );
    assert!(
        matches!(result, Err(RedactAudioError::Damaged)),
        "{result:?}"
    );
    let not_audio = redact(
        as_file(b"%PDF-1.7 no sound"),
        &Hints::default(),
        &Limits::default(),
        &muting,
        &mut out,
    );
    assert!(
        matches!(not_audio, Err(RedactAudioError::Decode(_))),
        "{not_audio:?}"
    );
}
