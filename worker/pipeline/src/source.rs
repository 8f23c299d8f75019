//! Windows of a recording. In: its file. Out: the same number of samples for each channel, about a minute at a time, and
//! the waveform's peaks beside them. Fails: as the decoder does, or with the caller's abort. Memory is bounded by the
//! window, whatever the rate.

use std::fs::File;

use job_schema::engine::{CallSpec, PeaksChunk};
use job_schema::{ErrorCode, Failure};

use crate::decode::{Block, Decoder, Hints, StreamFormat};
use crate::peaks::Peaks;
use crate::recognizer::AbortFlag;
use crate::timing::add_elapsed;

/// Long enough to tell bleed and a language, short enough to keep in memory.
const WINDOW_MS: u64 = 60_000;
/// Shortens the window at high rates and many channels: 64 MiB of samples.
const MAX_WINDOW_SAMPLES: u64 = 16 << 20;

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) decoder: Decoder,
    pub(crate) decode_us: u64,
    window_frames: usize,
    peaks: Peaks,
}

/// Samples of each channel and the waveform up to their end.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) block: Block,
    pub(crate) peaks: Option<PeaksChunk>,
}

impl Source {
    pub(crate) fn open(recording: File, spec: &CallSpec) -> Result<Self, Failure> {
        let hints = Hints {
            extension: spec.extension.clone(),
            raw_audio: spec.raw_audio,
        };
        let mut decode_us = 0;
        let decoder = add_elapsed(&mut decode_us, || {
            Decoder::open(recording, &hints, &spec.limits)
        })?;
        let format = decoder.format();
        let frames = WINDOW_MS * u64::from(format.sample_rate_hz) / 1_000;
        let frames = frames.min(MAX_WINDOW_SAMPLES / u64::from(format.channels_count));
        Ok(Self {
            window_frames: usize::try_from(frames).unwrap_or(usize::MAX),
            peaks: Peaks::new(format.sample_rate_hz, format.channels_count),
            decoder,
            decode_us,
        })
    }

    /// A window without samples is the recording's end.
    pub(crate) fn next_window(&mut self, abort: &AbortFlag) -> Result<Window, Failure> {
        let mut block = Block {
            channels: vec![Vec::new(); self.decoder.format().channels_count.into()],
        };
        while block.frames() < self.window_frames {
            if abort.is_raised() {
                return Err(Failure::new(
                    ErrorCode::Cancelled,
                    "decode recording: aborted",
                ));
            }
            let next = add_elapsed(&mut self.decode_us, || self.decoder.next_block())?;
            let Some(next) = next else { break };
            self.peaks.push(&next);
            for (channel, samples) in block.channels.iter_mut().zip(next.channels) {
                channel.extend(samples);
            }
        }
        let peaks = if block.frames() == 0 {
            self.peaks.finish()
        } else {
            self.peaks.take()
        };
        Ok(Window { block, peaks })
    }
}

pub(crate) fn declared_ms(format: &StreamFormat) -> Option<u64> {
    duration_ms(format.declared_frames?, format)
}

/// Good enough for a progress bar.
pub(crate) fn likely_ms(format: &StreamFormat) -> Option<u64> {
    duration_ms(format.likely_frames?, format)
}

fn duration_ms(frames: u64, format: &StreamFormat) -> Option<u64> {
    u64::try_from(u128::from(frames) * 1_000 / u128::from(format.sample_rate_hz)).ok()
}
