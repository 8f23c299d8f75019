//! Makes every sample a number in −1..1, and counts what it had to change. In and out: decoded blocks. Cannot fail.

use super::Block;

/// Decoders of lossy codecs overshoot full scale by a little and float recordings by more; beyond this it is not sound.
const GREATEST_PLAUSIBLE: f32 = 64.0;
/// The greatest µ-law value is 32124 of 32768; other codecs reach higher.
const FULL_SCALE: f32 = 0.98;
/// A peak touches full scale for one sample or two; a clipped one stays there.
const CLIPPED_RUN: u64 = 3;
/// Clipping is worth a warning from one sample in a thousand.
const CLIPPED_SHARE: u64 = 1000;

#[derive(Debug)]
pub(super) struct Sanitizer {
    channels: Vec<ChannelState>,
    invalid_count: u64,
    frames_count: u64,
}

#[derive(Debug, Clone, Default)]
struct ChannelState {
    run: u64,
    clipped_count: u64,
}

impl Sanitizer {
    pub(super) fn new(channels_count: usize) -> Self {
        Self {
            channels: vec![ChannelState::default(); channels_count],
            invalid_count: 0,
            frames_count: 0,
        }
    }

    pub(super) fn clean(&mut self, block: &mut Block) {
        self.frames_count += block.frames() as u64;
        for (samples, state) in block.channels.iter_mut().zip(&mut self.channels) {
            for sample in samples {
                if sample.is_nan() || sample.abs() > GREATEST_PLAUSIBLE {
                    *sample = 0.0;
                    self.invalid_count += 1;
                }
                *sample = sample.clamp(-1.0, 1.0);
                state.observe(sample.abs() >= FULL_SCALE);
            }
        }
    }

    pub(super) fn invalid_count(&self) -> u64 {
        self.invalid_count
    }

    /// Channel and number of clipped samples, where there are many.
    pub(super) fn clipped(&self) -> Vec<(u16, u64)> {
        (0u16..)
            .zip(&self.channels)
            .map(|(channel, state)| (channel, state.clipped_count))
            .filter(|&(_, count)| count > 0 && count >= self.frames_count / CLIPPED_SHARE)
            .collect()
    }
}

impl ChannelState {
    fn observe(&mut self, at_full_scale: bool) {
        if !at_full_scale {
            self.run = 0;
            return;
        }
        self.run += 1;
        match self.run.cmp(&CLIPPED_RUN) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => self.clipped_count += CLIPPED_RUN,
            std::cmp::Ordering::Greater => self.clipped_count += 1,
        }
    }
}
