//! From a recording's bytes to PCM. In: an open file and hints that nobody vouches for. Out: blocks of planar f32 in −1..1 at
//! the recording's own rate, every value finite, in bounded memory whatever a header claims. Fails: [`DecodeError`], each with
//! its code; damage that can be lived with is counted in [`Damage`].

mod aiff;
mod au;
mod bytes;
mod codec_names;
mod coding;
mod damage;
mod error;
mod foreign;
mod framing;
mod gsm;
mod laid_out;
mod library;
mod mp4;
mod raw;
mod sanitize;
mod sniff;
mod source;
mod stream;
mod wav;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use job_schema::engine::Limits;
use job_schema::job::RawAudio;

pub use damage::Damage;
pub use error::DecodeError;
use sanitize::Sanitizer;
use stream::{Layout, Stream};

/// What the job and the object's key say of the recording. Never trusted: a header that says otherwise wins.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// The key's name ending, without the dot.
    pub extension: Option<String>,
    /// Set for headerless recordings only.
    pub raw_audio: Option<RawAudio>,
}

/// What the first decoded samples turned out to be; only `declared_frames` is the container's word, and `likely_frames` where it
/// says nothing a guess from the stream's first frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFormat {
    /// `wav`, `ogg`, `mp4` …
    pub container: String,
    /// `pcm_mulaw`, `opus`, `aac` …
    pub codec: String,
    pub sample_rate_hz: u32,
    pub channels_count: u16,
    pub declared_frames: Option<u64>,
    pub likely_frames: Option<u64>,
}

/// Consecutive samples of every channel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// All of the same length, which is never 0 in a block that [`Decoder::next_block`] hands out.
    pub channels: Vec<Vec<f32>>,
}

impl Block {
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }
}

/// A recording that is being decoded.
#[derive(Debug)]
pub struct Decoder {
    format: StreamFormat,
    stream: Stream,
    sanitizer: Sanitizer,
    /// Decoded when the recording was opened, because a header alone does not tell the layout.
    first: Option<Block>,
    max_frames: u64,
    max_duration_ms: u64,
    frames_count: u64,
    ended: bool,
}

impl Decoder {
    /// Finds out what the recording is and decodes its first samples.
    ///
    /// # Errors
    /// Everything that [`DecodeError`] names but [`DecodeError::TooLong`].
    pub fn open(recording: File, hints: &Hints, limits: &Limits) -> Result<Decoder, DecodeError> {
        let size_bytes = recording.metadata().map_err(DecodeError::Read)?.len();
        if size_bytes == 0 {
            return Err(DecodeError::Empty);
        }
        if size_bytes > limits.max_recording_bytes {
            return Err(DecodeError::TooLarge {
                size_bytes,
                max_bytes: limits.max_recording_bytes,
            });
        }
        let (stream, first) = shielded(|| {
            let mut stream = sniff::open(recording, size_bytes, hints, limits)?;
            let first = stream.next_block()?;
            Ok((stream, first))
        })?;
        let (Some(first), Some(layout)) = (first, stream.layout()) else {
            return Err(DecodeError::NoAudio { size_bytes });
        };
        Ok(Decoder {
            format: described(&stream, layout),
            sanitizer: Sanitizer::new(usize::from(layout.channels_count)),
            stream,
            first: Some(first),
            max_frames: frames_within(limits.max_duration_ms, layout.sample_rate_hz),
            max_duration_ms: limits.max_duration_ms,
            frames_count: 0,
            ended: false,
        })
    }

    pub fn format(&self) -> &StreamFormat {
        &self.format
    }

    /// The next block, or `None` at the recording's end and ever after.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] at the budget of decoded time; [`DecodeError::LayoutChanged`], [`DecodeError::Corrupt`] and
    /// [`DecodeError::Read`] where they are met. After an error there are no more blocks.
    pub fn next_block(&mut self) -> Result<Option<Block>, DecodeError> {
        if self.ended {
            return Ok(None);
        }
        let next = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => shielded(|| self.stream.next_block()),
        };
        let block = next.inspect_err(|_| self.ended = true)?;
        let Some(mut block) = block else {
            self.ended = true;
            return Ok(None);
        };
        self.frames_count = self.frames_count.saturating_add(block.frames() as u64);
        if self.frames_count > self.max_frames {
            self.ended = true;
            return Err(DecodeError::TooLong {
                max_ms: self.max_duration_ms,
            });
        }
        self.sanitizer.clean(&mut block);
        Ok(Some(block))
    }

    /// What was wrong with the recording so far; complete once [`Decoder::next_block`] has given `None`.
    pub fn damage(&self) -> Damage {
        Damage {
            truncated: self.stream.truncated(),
            damaged_packets_count: self.stream.damaged_packets_count(),
            skipped_bytes: self.stream.skipped_bytes(),
            unread_tracks_count: self.stream.unread_tracks_count(),
            invalid_samples_count: self.sanitizer.invalid_count(),
            clipped: self.sanitizer.clipped(),
            sample_rate_hz: self.format.sample_rate_hz,
            decoded_frames: self.frames_count,
            declared_frames: self.format.declared_frames,
        }
    }
}

fn described(stream: &Stream, layout: Layout) -> StreamFormat {
    StreamFormat {
        container: stream.container().to_owned(),
        codec: stream.codec().to_owned(),
        sample_rate_hz: layout.sample_rate_hz,
        channels_count: layout.channels_count,
        declared_frames: stream.declared_frames(),
        likely_frames: stream.likely_frames(),
    }
}

fn frames_within(duration_ms: u64, sample_rate_hz: u32) -> u64 {
    duration_ms.saturating_mul(u64::from(sample_rate_hz)) / 1000
}

/// Symphonia's own README says that some streams may panic. Whatever state that leaves is dropped with the stream, or never
/// asked again because the decoder has ended; that is why the assertion is sound.
fn shielded<T>(decode: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    unless_it_panics(decode).unwrap_or(Err(DecodeError::Corrupt {
        reason: "the decoder panicked",
    }))
}

/// `None` after a panic; a decoder that was asked has to be made anew then.
fn unless_it_panics<T>(decode: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decode)).ok()
}
