//! Any rate to 16 kHz. In: one channel's samples at the recording's rate, in pieces of any length. Out: the same sound at
//! 16 kHz, `len × 16000 / rate` samples rounded up, with the filter's delay removed, so that times refer to the recording.
//! Fails: on a rate of 0 only. Band-limited by rubato's FFT resampler; how the input is cut never changes a sample.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};

use crate::recognizer::SAMPLE_RATE_HZ;

/// The filter is as long as a block: shorter blocks cut more of the highest tones, longer ones take longer.
const MIN_BLOCK: usize = 512;

pub struct Resampler {
    /// `None` where the recording has the right rate already.
    filter: Option<Filter>,
}

struct Filter {
    from_hz: u64,
    fft: Fft<f32>,
    /// Samples that do not fill a block yet.
    pending: Vec<f32>,
    block_out: Vec<f32>,
    /// Of the filter's delay: the first samples that it gives are from before the recording's first.
    to_drop: usize,
    taken: u64,
    given: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    #[error("resample from {from_hz} Hz: {reason}")]
    Construct { from_hz: u32, reason: String },
    #[error("resample a block: {0}")]
    Process(String),
}

impl Resampler {
    /// # Errors
    /// [`ResampleError::Construct`] for a rate of 0.
    pub fn new(from_hz: u32) -> Result<Self, ResampleError> {
        if from_hz == SAMPLE_RATE_HZ {
            return Ok(Self { filter: None });
        }
        Filter::new(from_hz).map(|filter| Self {
            filter: Some(filter),
        })
    }

    /// Appends to `out` what can be told so far; the rest follows with later samples or with [`Resampler::finish`].
    ///
    /// # Errors
    /// None that is known for samples that are finite numbers.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        match &mut self.filter {
            None => {
                out.extend_from_slice(samples);
                Ok(())
            }
            Some(filter) => filter.push(samples, out),
        }
    }

    /// Appends the last samples. Nothing may be pushed after it.
    ///
    /// # Errors
    /// As [`Resampler::push`].
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        match &mut self.filter {
            None => Ok(()),
            Some(filter) => filter.finish(out),
        }
    }
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let from_hz = self
            .filter
            .as_ref()
            .map_or(u64::from(SAMPLE_RATE_HZ), |filter| filter.from_hz);
        f.debug_struct("Resampler")
            .field("from_hz", &from_hz)
            .finish_non_exhaustive()
    }
}

impl Filter {
    fn new(from_hz: u32) -> Result<Self, ResampleError> {
        let (from, to) = (from_hz as usize, SAMPLE_RATE_HZ as usize);
        let failed = |reason: String| ResampleError::Construct { from_hz, reason };
        if from == 0 {
            return Err(failed("the rate is 0".to_owned()));
        }
        let common = greatest_common_divisor(from, to);
        // An even number of the smallest blocks, so that the delay, half a block, is a whole number of samples on both sides.
        let smallest = from.min(to) / common;
        let blocks = MIN_BLOCK.div_ceil(smallest).next_multiple_of(2);
        let chunk = blocks * (from / common);
        let fft = Fft::<f32>::new(from, to, chunk, 1, FixedSync::Both)
            .map_err(|e| failed(e.to_string()))?;
        Ok(Self {
            from_hz: u64::from(from_hz),
            pending: Vec::with_capacity(2 * fft.input_frames_next()),
            block_out: vec![0.0; fft.output_frames_max()],
            to_drop: fft.output_delay(),
            fft,
            taken: 0,
            given: 0,
        })
    }

    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        self.taken += samples.len() as u64;
        self.pending.extend_from_slice(samples);
        let mut done = 0;
        while self.pending.len() - done >= self.fft.input_frames_next() {
            done += self.block(done, None, out)?;
        }
        self.pending.drain(..done);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let wanted = (self.taken * u64::from(SAMPLE_RATE_HZ)).div_ceil(self.from_hz);
        let mut left = self.pending.len();
        let block = self.fft.input_frames_next();
        self.pending.resize(left.max(block), 0.0);
        while self.given < wanted {
            let before = out.len();
            self.block(0, Some(left), out)?;
            left = 0;
            // The silence after the last sample is not part of the recording.
            let surplus = usize::try_from(self.given.saturating_sub(wanted)).unwrap_or(0);
            let keep = out.len().saturating_sub(surplus).max(before);
            out.truncate(keep);
        }
        self.pending.clear();
        Ok(())
    }

    /// Resamples one block of `pending` from `at` on, or `partial` samples of it and silence. Gives the samples it took.
    fn block(
        &mut self,
        at: usize,
        partial: Option<usize>,
        out: &mut Vec<f32>,
    ) -> Result<usize, ResampleError> {
        let failed = |e: &dyn std::fmt::Display| ResampleError::Process(e.to_string());
        let input = &self.pending[at..];
        let input = SequentialSlice::new(input, 1, input.len()).map_err(|e| failed(&e))?;
        let frames_out = self.block_out.len();
        let mut output =
            SequentialSlice::new_mut(&mut self.block_out, 1, frames_out).map_err(|e| failed(&e))?;
        let indexing = partial.map(|frames| Indexing::new().partial_len(frames));
        let (taken, given) = self
            .fft
            .process_into_buffer(&input, &mut output, indexing.as_ref())
            .map_err(|e| failed(&e))?;
        let skip = self.to_drop.min(given);
        self.to_drop -= skip;
        self.given += (given - skip) as u64;
        out.extend_from_slice(&self.block_out[skip..given]);
        Ok(taken)
    }
}

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests;
