//! The log-mel spectrogram that Whisper hears. In: 16 kHz mono f32. Out: one row of bands for each frame of 10 ms, as many
//! frames as asked for, silence after the sound. Cannot fail. Source: `log_mel_spectrogram` in OpenAI's `audio.py`: a Hann
//! window of 400 samples, centred, mirrored at the start; base-10 logarithm within 8 of the loudest; (x + 4) / 4.

use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

const WINDOW_SAMPLES: usize = 400;
const STEP_SAMPLES: usize = 160;
const BINS: usize = WINDOW_SAMPLES / 2 + 1;

pub(super) struct Spectrograph {
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// For each band its bins that are not zero, and their weights.
    bands: Vec<(Range<usize>, Vec<f32>)>,
}

impl std::fmt::Debug for Spectrograph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spectrograph")
            .field("bands", &self.bands.len())
            .finish_non_exhaustive()
    }
}

impl Spectrograph {
    /// `filters` holds one row of 201 bins for each band.
    pub(super) fn new(filters: &[f32]) -> Self {
        let bands = filters.chunks_exact(BINS).map(|row| {
            let first = row.iter().position(|w| *w != 0.0).unwrap_or(0);
            let last = row.iter().rposition(|w| *w != 0.0).map_or(first, |l| l + 1);
            (first..last, row[first..last].to_vec())
        });
        let phase = |n: usize| std::f64::consts::TAU * n as f64 / WINDOW_SAMPLES as f64;
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let window = (0..WINDOW_SAMPLES).map(|n| (0.5 - 0.5 * phase(n).cos()) as f32);
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(WINDOW_SAMPLES),
            window: window.collect(),
            bands: bands.collect(),
        }
    }

    pub(super) fn hear(&self, pcm: &[f32], frames: usize) -> Vec<f32> {
        let width = self.bands.len();
        let mut out = vec![0.0; frames * width];
        let mut input = self.transform.make_input_vec();
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        let mut loudest = f32::NEG_INFINITY;
        for (frame, row) in out.chunks_exact_mut(width).enumerate() {
            let from = frame * STEP_SAMPLES;
            if from >= pcm.len() + WINDOW_SAMPLES / 2 {
                row.fill(floor());
                loudest = loudest.max(floor());
                continue;
            }
            for ((n, x), w) in input.iter_mut().enumerate().zip(&self.window) {
                // The frame's middle lies at `from`; what is before the start is mirrored.
                let place = (from + n).abs_diff(WINDOW_SAMPLES / 2);
                *x = pcm.get(place).map_or(0.0, |s| s * w);
            }
            self.transform
                .process_with_scratch(&mut input, &mut spectrum, &mut scratch)
                .expect("the buffers were made for this transform");
            for ((bins, weights), out) in self.bands.iter().zip(row) {
                *out = band(&spectrum[bins.clone()], weights);
                loudest = loudest.max(*out);
            }
        }
        for value in &mut out {
            *value = (value.max(loudest - 8.0) + 4.0) / 4.0;
        }
        out
    }
}

fn band(bins: &[Complex<f32>], weights: &[f32]) -> f32 {
    let power: f32 = bins
        .iter()
        .zip(weights)
        .map(|(bin, w)| bin.norm_sqr() * w)
        .sum();
    power.max(1e-10).log10()
}

/// What silence is worth.
fn floor() -> f32 {
    -10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One band for each bin.
    fn bins() -> Spectrograph {
        let filters: Vec<f32> = (0..BINS * BINS)
            .map(|i| if i / BINS == i % BINS { 1.0 } else { 0.0 })
            .collect();
        Spectrograph::new(&filters)
    }

    #[test]
    fn a_tone_stands_in_its_bin_and_silence_eight_decades_below() {
        let tone: Vec<f32> = (0..16_000_u16)
            .map(|n| (std::f32::consts::TAU * 1_000.0 * f32::from(n) / 16_000.0).sin())
            .collect();
        let heard = bins().hear(&tone, 120);
        let frame = &heard[50 * BINS..51 * BINS];
        let loudest = (0..BINS)
            .max_by(|&a, &b| frame[a].total_cmp(&frame[b]))
            .unwrap();
        assert_eq!(loudest, 25, "1,000 Hz in steps of 40 Hz");
        // A windowed sine has a power of (400 / 4)^2 in its bin.
        assert!(
            (frame[25] - (4.0 + 4.0) / 4.0).abs() < 0.01,
            "{}",
            frame[25]
        );
        let after = &heard[115 * BINS..116 * BINS];
        assert!(
            after
                .iter()
                .all(|v| (*v - (4.0 - 8.0 + 4.0) / 4.0).abs() < 0.01)
        );
    }

    #[test]
    fn silence_alone_is_flat() {
        let heard = bins().hear(&[0.0; 1_600], 20);
        assert!(heard.iter().all(|v| (*v + 1.5).abs() < 1e-6));
    }
}
