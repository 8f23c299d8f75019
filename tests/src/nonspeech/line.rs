//! The way through a telephone. In: samples and their rate. Out: the same, of the band from 300 to 3,400 Hz. Cannot fail.
//! Source: second-order filters of R. Bristow-Johnson's "Cookbook formulae for audio equalizer biquad filter coefficients".

use std::f32::consts::TAU;

const BAND_HZ: (f32, f32) = (300.0, 3_400.0);
/// Flat up to the edge (Butterworth).
const FLAT: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// A filter of second order and its state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Biquad {
    /// Of the input and the output, the latest first; divided by the first of the output's.
    into: [f32; 3],
    back: [f32; 2],
    state: [f32; 2],
}

impl Biquad {
    fn new(into: [f32; 3], back: [f32; 3]) -> Self {
        Self {
            into: into.map(|c| c / back[0]),
            back: [back[1] / back[0], back[2] / back[0]],
            state: [0.0; 2],
        }
    }

    pub(super) fn highpass(hz: f32, rate_hz: u32) -> Self {
        let (cos, alpha) = bend(hz, rate_hz, FLAT);
        let edge = (1.0 + cos) / 2.0;
        Self::new(
            [edge, -1.0 - cos, edge],
            [1.0 + alpha, -2.0 * cos, 1.0 - alpha],
        )
    }

    pub(super) fn lowpass(hz: f32, rate_hz: u32) -> Self {
        let (cos, alpha) = bend(hz, rate_hz, FLAT);
        let edge = (1.0 - cos) / 2.0;
        Self::new(
            [edge, 1.0 - cos, edge],
            [1.0 + alpha, -2.0 * cos, 1.0 - alpha],
        )
    }

    /// Rings at `hz` with a gain of 1 there: a formant.
    pub(super) fn resonance(hz: f32, width_hz: f32, rate_hz: u32) -> Self {
        let (cos, alpha) = bend(hz, rate_hz, hz / width_hz);
        Self::new([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Transposed direct form II.
    pub(super) fn pass(&mut self, sample: f32) -> f32 {
        let out = self.into[0] * sample + self.state[0];
        self.state[0] = self.into[1] * sample - self.back[0] * out + self.state[1];
        self.state[1] = self.into[2] * sample - self.back[1] * out;
        out
    }
}

fn bend(hz: f32, rate_hz: u32, sharpness: f32) -> (f32, f32) {
    // Just below half of the rate, a filter of this kind has no place left to bend.
    let turn = TAU * (hz / rate_hz as f32).min(0.45);
    (turn.cos(), turn.sin() / (2.0 * sharpness))
}

pub(super) fn through_telephone(heard: &mut [f32], rate_hz: u32) {
    for filter in [
        Biquad::highpass(BAND_HZ.0, rate_hz),
        Biquad::lowpass(BAND_HZ.1, rate_hz),
    ] {
        // Twice, so that it falls by 24 dB an octave.
        for mut filter in [filter, filter] {
            heard
                .iter_mut()
                .for_each(|sample| *sample = filter.pass(*sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_carries_its_band_and_little_else() {
        for rate_hz in [8_000, 16_000] {
            for (hz, least, most) in [(50.0, 0.0, 0.01), (1_000.0, 0.9, 1.1), (2_000.0, 0.8, 1.1)] {
                let sine = |n: u16| (TAU * hz * f32::from(n) / rate_hz as f32).sin();
                let mut heard: Vec<f32> = (0..16_000).map(sine).collect();
                through_telephone(&mut heard, rate_hz);
                let peak = heard[8_000..]
                    .iter()
                    .fold(0.0, |peak: f32, s| peak.max(s.abs()));
                assert!(
                    (least..=most).contains(&peak),
                    "{hz} Hz at {rate_hz}: {peak}"
                );
            }
        }
    }
}
