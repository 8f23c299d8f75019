//! Voice activity. In: hops of 16 ms of 16 kHz mono f32 in −1..1. Out: the probability that each holds speech. Cannot
//! fail. Source: the network inside the `earshot` crate, chosen by measurement on 8 kHz calls: 1 ms of one core for a
//! second of audio, and 0.5 separates loud speech from the rest of a call (1 % of speech below, 5 % of non-speech above).

use crate::recognizer::SAMPLE_RATE_HZ;

/// The detector's step, and the grid that every later stage counts in.
pub const HOP_SAMPLES: usize = 256;
pub const HOP_MS: u64 = HOP_SAMPLES as u64 * 1_000 / SAMPLE_RATE_HZ as u64;

/// The listening state of one channel.
#[derive(Default)]
pub struct VoiceActivity {
    detector: Box<earshot::Detector>,
}

impl std::fmt::Debug for VoiceActivity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VoiceActivity").finish_non_exhaustive()
    }
}

impl VoiceActivity {
    pub fn probability(&mut self, hop: &[f32; HOP_SAMPLES]) -> f32 {
        // The resampler may overshoot full scale a little; the detector wants it kept to.
        let bounded = hop.map(|s| {
            if s.is_finite() {
                s.clamp(-1.0, 1.0)
            } else {
                0.0
            }
        });
        self.detector.predict_f32(&bounded)
    }
}
