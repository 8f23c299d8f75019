//! The waveform that a player draws. In: blocks of PCM at the recording's own rate. Out: for every fiftieth of a second and
//! channel the least and the greatest sample, −128 to 127. Cannot fail. Memory: one chunk.

use job_schema::engine::{ChannelPeaks, PeaksChunk};

use crate::decode::Block;

pub const POINTS_PER_SECOND: u32 = 50;

#[derive(Debug)]
pub struct Peaks {
    sample_rate_hz: u64,
    channels: Vec<ChannelState>,
}

#[derive(Debug, Clone, Default)]
struct ChannelState {
    /// Samples seen, and points finished: a point ends where the next one's time begins, so that points never drift from the
    /// clock at rates that 50 does not divide.
    samples_count: u64,
    points_count: u64,
    least: Option<f32>,
    greatest: Option<f32>,
    finished: ChannelPeaks,
}

impl Peaks {
    pub fn new(sample_rate_hz: u32, channels_count: u16) -> Self {
        Self {
            sample_rate_hz: u64::from(sample_rate_hz),
            channels: vec![ChannelState::default(); usize::from(channels_count)],
        }
    }

    pub fn push(&mut self, block: &Block) {
        for (state, samples) in self.channels.iter_mut().zip(&block.channels) {
            state.push(samples, self.sample_rate_hz);
        }
    }

    /// The points since the last call; `None` where there are none.
    pub fn take(&mut self) -> Option<PeaksChunk> {
        let channels: Vec<ChannelPeaks> = self
            .channels
            .iter_mut()
            .map(|state| std::mem::take(&mut state.finished))
            .collect();
        let any = channels.iter().any(|c| !c.min_max.is_empty());
        any.then_some(PeaksChunk {
            points_per_second: POINTS_PER_SECOND,
            channels,
        })
    }

    /// The last points, the one that the recording's end cut short among them.
    pub fn finish(&mut self) -> Option<PeaksChunk> {
        for state in &mut self.channels {
            state.end_point();
        }
        self.take()
    }
}

impl ChannelState {
    /// Point by point, so that the samples of one are gone through at a stretch.
    fn push(&mut self, mut samples: &[f32], sample_rate_hz: u64) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(self.missing(sample_rate_hz).min(samples.len()));
            let least = now.iter().copied().fold(f32::INFINITY, f32::min);
            let greatest = now.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            self.least = Some(self.least.map_or(least, |l| l.min(least)));
            self.greatest = Some(self.greatest.map_or(greatest, |g| g.max(greatest)));
            self.samples_count += now.len() as u64;
            if self.samples_count >= self.point_end(sample_rate_hz) {
                self.end_point();
            }
            samples = later;
        }
    }

    /// Samples up to the end of the current point, at least one.
    fn missing(&self, sample_rate_hz: u64) -> usize {
        let missing = self
            .point_end(sample_rate_hz)
            .saturating_sub(self.samples_count);
        usize::try_from(missing.max(1)).unwrap_or(usize::MAX)
    }

    /// The sample at which the current point ends.
    fn point_end(&self, sample_rate_hz: u64) -> u64 {
        ((self.points_count + 1) * sample_rate_hz).div_ceil(u64::from(POINTS_PER_SECOND))
    }

    fn end_point(&mut self) {
        if let (Some(least), Some(greatest)) = (self.least.take(), self.greatest.take()) {
            self.finished
                .min_max
                .extend([to_i8(least), to_i8(greatest)]);
            self.points_count += 1;
        }
    }
}

/// 1.0 is one step beyond the greatest i8.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float-to-integer cast saturates, which is what the waveform wants"
)]
fn to_i8(sample: f32) -> i8 {
    (sample * 128.0).round() as i8
}

#[cfg(test)]
mod tests {
    use super::{Block, Peaks};

    #[test]
    fn points_keep_to_the_clock_at_rates_that_fifty_does_not_divide() {
        for rate_hz in [8_000u32, 11_025, 22_050, 44_100, 7_999] {
            let mut peaks = Peaks::new(rate_hz, 2);
            let silence = vec![0.0; rate_hz as usize];
            let mut points = 0;
            for _ in 0..10 {
                peaks.push(&Block {
                    channels: vec![silence.clone(), silence.clone()],
                });
                let chunk = peaks.take().unwrap();
                assert_eq!(chunk.channels.len(), 2);
                points += chunk.channels[1].min_max.len() / 2;
            }
            assert_eq!(points, 500, "at {rate_hz} Hz");
            assert_eq!(peaks.finish(), None);
        }
    }

    #[test]
    fn each_channel_has_its_own_least_and_greatest_sample() {
        let mut peaks = Peaks::new(8_000, 2);
        peaks.push(&Block {
            channels: vec![vec![-1.0, 0.25, 1.0], vec![0.0, 0.5, 0.0]],
        });
        assert_eq!(peaks.take(), None);
        let chunk = peaks.finish().unwrap();
        assert_eq!(chunk.channels[0].min_max, [-128, 127]);
        assert_eq!(chunk.channels[1].min_max, [0, 64]);
    }
}
