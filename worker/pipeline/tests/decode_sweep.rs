//! Every file of the speech set (EARWITNESS_SPEECH), the hostile ones with the rest: each ends in samples or in a typed error,
//! within a deadline and without a panic, and what decodes is as long as ffmpeg's decode of it. Skipped where the set is absent.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use job_schema::ErrorCode;
use job_schema::engine::Limits;
use job_schema::job::{RawAudio, RawCodec};
use pipeline::decode::{DecodeError, Decoder, Hints};

/// Unoptimised and beside other work; the longest file takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(120);

struct Entry {
    path: String,
    kind: String,
    codec: String,
    /// Seconds that ffmpeg decodes, where it decodes any.
    oracle_s: Option<f64>,
}

#[derive(Debug)]
enum Outcome {
    Decoded { seconds: f64, warnings: String },
    Refused { code: ErrorCode, detail: String },
}

fn entries(set: &Path) -> Vec<Entry> {
    let manifest = std::fs::read_to_string(set.join("manifest.jsonl")).unwrap();
    manifest
        .lines()
        .map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            Entry {
                path: text("path"),
                kind: text("kind"),
                codec: text("codec"),
                oracle_s: entry["oracle"]["ffmpeg_decoded_s"]
                    .as_f64()
                    .or_else(|| entry["duration_s"].as_f64()),
            }
        })
        .filter(|entry| entry.kind != "sidecar")
        .collect()
}

fn hints(entry: &Entry) -> Hints {
    let raw = |codec, sample_rate_hz| RawAudio {
        codec,
        sample_rate_hz,
        channels: 1,
    };
    Hints {
        extension: Path::new(&entry.path)
            .extension()
            .map(|e| e.to_string_lossy().into_owned()),
        raw_audio: match entry.codec.as_str() {
            "pcm_alaw (headerless)" => Some(raw(RawCodec::Alaw, 8_000)),
            "pcm_s16le (headerless)" => Some(raw(RawCodec::PcmS16le, 16_000)),
            _ => None,
        },
    }
}

fn decode(path: &Path, hints: &Hints) -> Result<(f64, String), DecodeError> {
    let recording = File::open(path).map_err(DecodeError::Read)?;
    let mut decoder = Decoder::open(recording, hints, &Limits::default())?;
    let mut frames = 0;
    while let Some(block) = decoder.next_block()? {
        assert!(block.frames() > 0);
        for samples in &block.channels {
            assert_eq!(samples.len(), block.frames());
            assert!(samples.iter().all(|s| s.abs() <= 1.0), "{}", path.display());
        }
        frames += block.frames();
    }
    let warnings: Vec<String> = decoder
        .damage()
        .warnings()
        .iter()
        .map(|w| format!("{:?}", w.code))
        .collect();
    let rate_hz = f64::from(decoder.format().sample_rate_hz);
    Ok((frames as f64 / rate_hz, warnings.join(" ")))
}

fn outcome(set: &Path, entry: &Entry) -> (Outcome, Duration) {
    let start = Instant::now();
    let outcome = match decode(&set.join(&entry.path), &hints(entry)) {
        Ok((seconds, warnings)) => Outcome::Decoded { seconds, warnings },
        Err(error) => Outcome::Refused {
            code: error.code(),
            detail: error.to_string(),
        },
    };
    (outcome, start.elapsed())
}

#[test]
fn every_file_ends_in_samples_or_in_a_typed_error() {
    let Some(set) = std::env::var_os("EARWITNESS_SPEECH").map(PathBuf::from) else {
        println!("skipped: EARWITNESS_SPEECH is not set, so no speech set was decoded");
        return;
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut audio_s, mut spent) = (0.0, Duration::ZERO);
    for entry in entries(&set) {
        let (outcome, elapsed) = outcome(&set, &entry);
        assert!(elapsed < DEADLINE, "{}: {elapsed:?}", entry.path);
        spent += elapsed;
        let what = match &outcome {
            Outcome::Decoded { seconds, warnings } => {
                // Their demultiplexer drops every frame of the second layout without a word.
                let changes = entry.path.contains("_number_of_channels.flac");
                assert!(
                    !changes || warnings.contains("DamagedPackets"),
                    "{}",
                    entry.path
                );
                audio_s += seconds;
                "decoded".to_owned()
            }
            Outcome::Refused { code, detail } => {
                assert!(!detail.contains("panicked"), "{}: {detail}", entry.path);
                code.as_str().to_owned()
            }
        };
        *counts.entry(what).or_default() += 1;
        report(&entry, &outcome);
    }
    println!("{counts:?}; {audio_s:.0} s of audio in {spent:?}");
    assert!(counts["decoded"] > 500);
}

/// Lines for the reader of the output: where ffmpeg and we disagree.
#[expect(
    clippy::print_stdout,
    reason = "the table is for whoever runs the test"
)]
fn report(entry: &Entry, outcome: &Outcome) {
    let oracle_s = entry.oracle_s.unwrap_or(0.0);
    match outcome {
        Outcome::Decoded { seconds, warnings } => {
            let off = (seconds - oracle_s).abs();
            if off > 0.05 && off > oracle_s * 0.01 && (*seconds < 599.0 || oracle_s < 599.0) {
                println!(
                    "LENGTH {} {}: {seconds:.3} s, ffmpeg {oracle_s:.3} s {warnings}",
                    entry.path, entry.codec
                );
            }
        }
        Outcome::Refused { code, detail } if oracle_s > 0.0 => {
            println!(
                "REFUSED {} {}: {code}: {detail}; ffmpeg {oracle_s:.3} s",
                entry.path, entry.codec
            );
        }
        Outcome::Refused { code, detail } => {
            println!("BOTH {} {}: {code}: {detail}", entry.path, entry.codec);
        }
    }
}
