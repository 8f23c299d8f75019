//! Every file of the speech set (EARWITNESS_SPEECH), the hostile ones with the rest: each ends in samples or in a typed error,
//! within a deadline and without a panic, and only hostile ones in an error. What decodes without a warning is as long as ffmpeg's
//! decode of it, but for a few with a reason; where else the two disagree is printed. Skipped where the set is absent.

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

/// Decoded without a warning, and not to ffmpeg's length.
const OTHER_LENGTHS: [(&str, &str); 4] = [
    (
        "short/azure/whatstheweatherlike.mp3",
        "the manifest has the container's length, which counts the encoder's delay and padding",
    ),
    (
        "hostile/file_type/fixture-ffe3.mp3",
        "its last frame breaks off, and ffmpeg plays it all the same",
    ),
    (
        "hostile/music_metadata/mp4__pr-544.m4a",
        "its last packet counts for 128 samples, and ffmpeg plays all 1,024",
    ),
    (
        "hostile/lofty/fuzz__assets__wavfile_read_from__2_IDX_63_RAND_104275228651573584855676.wav",
        "ffmpeg decodes nothing of it",
    ),
];

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
    // One that is missing is a fault of the set, and no error of the decoder's.
    let name = path.to_string_lossy();
    let recording = File::open(path).expect(&name);
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
                assert!(
                    !warnings.is_empty() || !is_off(&entry, *seconds) || has_reason(&entry),
                    "{}: {seconds:.3} s, ffmpeg {:?} s",
                    entry.path,
                    entry.oracle_s
                );
                audio_s += seconds;
                "decoded".to_owned()
            }
            Outcome::Refused { code, detail } => {
                assert!(!detail.contains("panicked"), "{}: {detail}", entry.path);
                assert_eq!(entry.kind, "hostile", "{}: {detail}", entry.path);
                code.as_str().to_owned()
            }
        };
        *counts.entry(what).or_default() += 1;
        report(&entry, &outcome);
    }
    println!("{counts:?}; {audio_s:.0} s of audio in {spent:?}");
    assert!(counts["decoded"] > 500);
}

/// Another length than ffmpeg's, which was told to stop after ten minutes; not so where it has none.
fn is_off(entry: &Entry, seconds: f64) -> bool {
    entry.oracle_s.is_some_and(|oracle_s| {
        let off = (seconds - oracle_s).abs();
        off > 0.05 && off > oracle_s * 0.01 && (seconds < 599.0 || oracle_s < 599.0)
    })
}

fn has_reason(entry: &Entry) -> bool {
    OTHER_LENGTHS.iter().any(|(path, _)| *path == entry.path)
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
            if is_off(entry, *seconds) {
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
