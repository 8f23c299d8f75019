//! Recordings made from a sample call: spoken, so that voice activity finds spans in it, and as long or loud as a test
//! wants. In: how often the call is repeated and its gain. Out: a WAV file, 8 kHz, mono, 16 bit. Fails when the sample is
//! not the file that is expected here.

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
    let samples = sample()?;
    let all = samples.iter().map(|s| scaled(*s, gain));
    wav(&all.collect::<Vec<_>>().repeat(repeats))
}

/// A short piece of the sample call.
///
/// # Errors
/// The sample call cannot be read, or ends before that.
pub fn excerpt(from_ms: usize, length_ms: usize) -> anyhow::Result<Vec<u8>> {
    const SAMPLES_PER_MS: usize = 8;
    let samples = sample()?;
    let range = from_ms * SAMPLES_PER_MS..(from_ms + length_ms) * SAMPLES_PER_MS;
    let piece = samples.get(range);
    wav(piece.context("the sample call is shorter than that")?)
}

fn wav(samples: &[i16]) -> anyhow::Result<Vec<u8>> {
    let data_bytes = u32::try_from(samples.len() * 2).context("too long for a WAV file")?;
    let mut wav = header(data_bytes);
    wav.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    Ok(wav)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float becomes the nearest i16 there is"
)]
fn scaled(sample: i16, gain: f32) -> i16 {
    (f32::from(sample) * gain).round() as i16
}

fn sample() -> anyhow::Result<Vec<i16>> {
    let path = crate::package_dir().join(SAMPLE);
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    let found = bytes.windows(4).position(|chunk| chunk == b"data");
    let start = found.context("the sample call has no data chunk")? + 8;
    let pairs = bytes[start..].chunks_exact(2);
    Ok(pairs.map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
}

fn header(data_bytes: u32) -> Vec<u8> {
    const FORMAT: [u8; 20] = [
        16, 0, 0, 0, // the length of what follows
        1, 0, 1, 0, // PCM, one channel
        0x40, 0x1f, 0, 0, // 8,000 samples a second
        0x80, 0x3e, 0, 0, // 16,000 bytes a second
        2, 0, 16, 0, // 2 bytes and 16 bits a sample
    ];
    let mut wav = b"RIFF".to_vec();
    wav.extend((data_bytes + 36).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(FORMAT);
    wav.extend(b"data");
    wav.extend(data_bytes.to_le_bytes());
    wav
}

/// A sample call as it lies in the repository.
pub fn sample_path(name: &str) -> PathBuf {
    crate::package_dir().join("data/calls").join(name)
}
