//! Recordings made from a sample call: spoken, so that voice activity finds spans in it, and as long or loud as a test
//! wants. In: how often the call is repeated and its gain. Out: a WAV file, 8 kHz, mono, 16 bit. Fails when the sample is
//! not the file that is expected here.

pub mod wav;

use std::path::PathBuf;

use anyhow::Context;

/// Some 30 s of mono speech with a peak at 0.39 of full scale, and two spans.
const SAMPLE: &str = "data/calls/gutter-quote.wav";
pub const SAMPLE_PEAK: f32 = 0.39;

/// The sample call, `repeats` times on end, at `gain` times its loudness.
///
/// # Errors
/// The sample call cannot be read.
pub fn spoken(repeats: usize, gain: f32) -> anyhow::Result<Vec<u8>> {
    let once: Vec<i16> = samples()?.iter().map(|s| scaled(*s, gain)).collect();
    wav::written(&once.repeat(repeats), wav::Coding::S16)
}

/// A fifth of a second of a square wave: a recording that costs nothing to transcribe.
pub fn tone() -> anyhow::Result<Vec<u8>> {
    let samples: Vec<i16> = (0..1_600)
        .map(|n| if (n / 10) % 2 == 0 { 3_000 } else { -3_000 })
        .collect();
    wav::written(&samples, wav::Coding::S16)
}

/// A short piece of the sample call.
///
/// # Errors
/// The sample call cannot be read, or ends before that.
pub fn excerpt(from_ms: usize, length_ms: usize) -> anyhow::Result<Vec<u8>> {
    const SAMPLES_PER_MS: usize = 8;
    let samples = samples()?;
    let range = from_ms * SAMPLES_PER_MS..(from_ms + length_ms) * SAMPLES_PER_MS;
    let piece = samples.get(range);
    wav::written(
        piece.context("the sample call is shorter than that")?,
        wav::Coding::S16,
    )
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float becomes the nearest i16 there is"
)]
fn scaled(sample: i16, gain: f32) -> i16 {
    (f32::from(sample) * gain).round() as i16
}

/// What the sample call sounds like.
pub fn samples() -> anyhow::Result<Vec<i16>> {
    let path = crate::package_dir().join(SAMPLE);
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    let found = bytes.windows(4).position(|chunk| chunk == b"data");
    let start = found.context("the sample call has no data chunk")? + 8;
    let pairs = bytes[start..].chunks_exact(2);
    Ok(pairs.map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
}

/// A sample call as it lies in the repository.
pub fn sample_path(name: &str) -> PathBuf {
    crate::package_dir().join("data/calls").join(name)
}
