//! A recording without what must not be heard. In: its file, and for each channel the spans to mute, in milliseconds from its
//! first sample, in time order. Out: WAV, PCM of 16 bits, of the same rate, channels and length, written as it is decoded.
//! Fails closed: a recording that is damaged, or of other channels than its spans were made for, gives an error, and what
//! was written until then is to be thrown away. Memory is one decoded block, whatever the length.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use job_schema::engine::Limits;
use job_schema::redaction::AudioStyle;
use job_schema::transcript::TimeSpan;

use crate::decode::{Block, DecodeError, Decoder, Hints, StreamFormat};

const HEADER_BYTES: u32 = 44;
const SAMPLE_BYTES: u32 = 2;
const TONE_HZ: f64 = 1_000.0;
/// Twenty decibels below full scale: as loud as quiet speech.
const TONE_AMPLITUDE: f64 = 0.1;

#[derive(Debug, thiserror::Error)]
pub enum RedactAudioError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Some of it could not be decoded, so what is missing may be missing from the words too.
    #[error("the recording is truncated or damaged")]
    Damaged,
    #[error("the recording has {found} channels, the transcript has {expected}")]
    Channels { found: usize, expected: usize },
    #[error("the recording lasts {found_ms} ms, the transcript {expected_ms} ms")]
    Duration { found_ms: u64, expected_ms: u64 },
    /// The sizes in a WAV header have 32 bits.
    #[error("the redacted recording would be larger than 4 GiB")]
    TooLarge,
    #[error("write redacted recording: {0}")]
    Write(#[from] io::Error),
}

/// What to remove, and what the transcript says of the recording: all of it must hold again.
#[derive(Debug)]
pub struct Muting<'a> {
    pub spans: &'a [Vec<TimeSpan>],
    pub style: AudioStyle,
    pub duration_ms: u64,
}

/// # Errors
/// Whatever keeps the result from being the recording without those spans.
pub fn redact(
    recording: File,
    hints: &Hints,
    limits: &Limits,
    muting: &Muting<'_>,
    out: &mut (impl Write + Seek),
) -> Result<(), RedactAudioError> {
    let mut decoder = Decoder::open(recording, hints, limits)?;
    let format = decoder.format().clone();
    let (found, expected) = (usize::from(format.channels_count), muting.spans.len());
    if found != expected {
        return Err(RedactAudioError::Channels { found, expected });
    }
    let mut mutes: Vec<Mute> = muting
        .spans
        .iter()
        .map(|spans| Mute::new(spans, muting.style, format.sample_rate_hz))
        .collect();
    out.write_all(&header(&format, 0))?;
    let mut frames_count = 0;
    let mut bytes = Vec::new();
    while let Some(mut block) = decoder.next_block()? {
        for (channel, mute) in block.channels.iter_mut().zip(&mut mutes) {
            mute.apply(frames_count, channel);
        }
        frames_count += block.frames() as u64;
        interleave(&block, &mut bytes);
        out.write_all(&bytes)?;
    }
    let damage = decoder.damage();
    if damage.truncated || damage.damaged_packets_count > 0 || damage.duration_mismatch() {
        return Err(RedactAudioError::Damaged);
    }
    let found_ms = frames_count * 1_000 / u64::from(format.sample_rate_hz);
    if found_ms != muting.duration_ms {
        return Err(RedactAudioError::Duration {
            found_ms,
            expected_ms: muting.duration_ms,
        });
    }
    let data_bytes = frames_count * u64::from(SAMPLE_BYTES) * u64::from(format.channels_count);
    let data_bytes = u32::try_from(data_bytes)
        .ok()
        .filter(|bytes| *bytes <= u32::MAX - HEADER_BYTES);
    out.seek(SeekFrom::Start(0))?;
    out.write_all(&header(
        &format,
        data_bytes.ok_or(RedactAudioError::TooLarge)?,
    ))?;
    out.flush()?;
    Ok(())
}

/// The spans of one channel in samples, and how far the recording has come in them.
struct Mute {
    ranges: Vec<std::ops::Range<u64>>,
    next: usize,
    style: AudioStyle,
    rate_hz: u32,
}

impl Mute {
    /// Starts are rounded down and ends up: no sample of a span is spared.
    fn new(spans: &[TimeSpan], style: AudioStyle, rate_hz: u32) -> Self {
        let rate = u64::from(rate_hz);
        let range =
            |span: &TimeSpan| span.start_ms * rate / 1_000..(span.end_ms * rate).div_ceil(1_000);
        Self {
            ranges: spans.iter().map(range).collect(),
            next: 0,
            style,
            rate_hz,
        }
    }

    fn apply(&mut self, first_frame: u64, samples: &mut [f32]) {
        for (frame, sample) in (first_frame..).zip(samples) {
            while self
                .ranges
                .get(self.next)
                .is_some_and(|range| frame >= range.end)
            {
                self.next += 1;
            }
            if self
                .ranges
                .get(self.next)
                .is_some_and(|range| range.contains(&frame))
            {
                *sample = self.filler(frame);
            }
        }
    }

    fn filler(&self, frame: u64) -> f32 {
        match self.style {
            AudioStyle::Silence => 0.0,
            AudioStyle::Tone => {
                // Counted within the second, so that the argument stays exact however long the recording is.
                let within = u32::try_from(frame % u64::from(self.rate_hz)).unwrap_or(0);
                let turns = f64::from(within) / f64::from(self.rate_hz) * TONE_HZ;
                let value = (turns * std::f64::consts::TAU).sin() * TONE_AMPLITUDE;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a sample needs no more digits"
                )]
                let sample = value as f32;
                sample
            }
        }
    }
}

fn interleave(block: &Block, bytes: &mut Vec<u8>) {
    bytes.clear();
    for frame in 0..block.frames() {
        for channel in &block.channels {
            let scaled = (f64::from(channel[frame]) * 32_768.0).round();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "clamped to what an i16 holds"
            )]
            let sample = scaled.clamp(-32_768.0, 32_767.0) as i16;
            bytes.extend_from_slice(&sample.to_le_bytes());
        }
    }
}

/// Source: Microsoft's and IBM's "Multimedia Programming Interface and Data Specifications 1.0", WAVE format.
fn header(format: &StreamFormat, data_bytes: u32) -> Vec<u8> {
    let frame_bytes = format.channels_count * 2;
    let mut header = Vec::with_capacity(HEADER_BYTES as usize);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(data_bytes + HEADER_BYTES - 8).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16_u32.to_le_bytes());
    header.extend_from_slice(&1_u16.to_le_bytes());
    header.extend_from_slice(&format.channels_count.to_le_bytes());
    header.extend_from_slice(&format.sample_rate_hz.to_le_bytes());
    header.extend_from_slice(&(format.sample_rate_hz * u32::from(frame_bytes)).to_le_bytes());
    header.extend_from_slice(&frame_bytes.to_le_bytes());
    header.extend_from_slice(&16_u16.to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data_bytes.to_le_bytes());
    header
}
