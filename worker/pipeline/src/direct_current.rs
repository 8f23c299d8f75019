//! Direct current taken out, which a cheap tap of a line adds: it is no sound, and would count as loudness. In: one channel's
//! samples at 16 kHz, in pieces of any length. Out: the same without what is slower than a voice. Cannot fail. How the input
//! is cut never changes a sample.

use std::f64::consts::TAU;

use crate::recognizer::SAMPLE_RATE_HZ;

/// Half of the power goes here. The lowest voices have 80 Hz, of which 0.3 dB go.
const CUTOFF_HZ: f64 = 20.0;

/// A high-pass of the first order.
#[derive(Debug, Default)]
pub(crate) struct DirectCurrent {
    /// The last sample, and what was made of it. None before the first: a recording that begins at an offset has no click.
    last: Option<(f64, f64)>,
}

impl DirectCurrent {
    pub(crate) fn take_out(&mut self, samples: &mut [f32]) {
        let feedback = (-TAU * CUTOFF_HZ / f64::from(SAMPLE_RATE_HZ)).exp();
        let gain = f64::midpoint(1.0, feedback);
        for sample in samples {
            let taken = f64::from(*sample);
            let (before, made_before) = self.last.unwrap_or((taken, 0.0));
            let made = gain * (taken - before) + feedback * made_before;
            self.last = Some((taken, made));
            #[expect(clippy::cast_possible_truncation, reason = "a sample")]
            let made = made as f32;
            *sample = made;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, offset: f64) -> Vec<f32> {
        let at = |n: u32| TAU * hz * f64::from(n) / f64::from(SAMPLE_RATE_HZ);
        #[expect(clippy::cast_possible_truncation, reason = "a sample")]
        let samples = (0..SAMPLE_RATE_HZ).map(|n| (offset + 0.1 * at(n).sin()) as f32);
        samples.collect()
    }

    fn without(mut samples: Vec<f32>) -> Vec<f32> {
        DirectCurrent::default().take_out(&mut samples);
        samples
    }

    #[test]
    fn an_offset_goes_and_a_voice_stays() {
        let constant = without(vec![0.3; 16_000]);
        assert!(constant.iter().all(|sample| *sample == 0.0));
        let energy = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>();
        for (hz, least, greatest) in [(5.0, -13.0, -12.0), (80.0, -0.3, -0.2), (300.0, -0.1, 0.1)] {
            let kept = energy(&without(tone(hz, 0.2))) / energy(&tone(hz, 0.0));
            let kept_db = 10.0 * kept.log10();
            assert!(
                (least..greatest).contains(&kept_db),
                "{hz} Hz: {kept_db} dB"
            );
        }
    }

    #[test]
    fn how_the_samples_are_cut_changes_none() {
        let whole = without(tone(300.0, 0.2));
        let (mut cut, mut blocker) = (tone(300.0, 0.2), DirectCurrent::default());
        for piece in cut.chunks_mut(77) {
            blocker.take_out(piece);
        }
        assert_eq!(cut, whole);
    }
}
