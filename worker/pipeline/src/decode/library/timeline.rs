//! Holes in a recording whose container gives each packet a time: a participant who was muted or away, a page that was lost. In:
//! each packet's time and the block that it decoded to. Out: the blocks, with silence in the holes, so that later times stay
//! true. Nothing fails: times that go back or leap too far are not believed.

use symphonia::core::packet::Packet;
use symphonia::core::units::{TimeBase, Timestamp};

use super::Container;
use crate::decode::Block;
use crate::decode::stream::Layout;

/// Less is a clock that runs unevenly, and would put silence into words.
const LEAST_HOLE_MS: u64 = 100;
/// More is no call.
const GREATEST_HOLE_MS: u64 = 3_600_000;

#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// `None` where packets have no times of their own.
    base: Option<TimeBase>,
    last: Option<Place>,
    /// Frames of a hole that are still to be given as silence, and the block behind it.
    owed: u64,
    held: Option<Block>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Of the first packet.
    origin: Timestamp,
    /// Frames since then: by its time, where the last packet ended, and by what was given out.
    told_end: u64,
    given: u64,
}

impl Timeline {
    pub(super) fn of(container: Container, base: Option<TimeBase>) -> Self {
        let has_times = matches!(
            container,
            Container::Matroska | Container::Mp4 | Container::Ogg
        );
        Self {
            base: base.filter(|_| has_times),
            ..Self::default()
        }
    }

    /// Takes a packet's block, and gives what comes next.
    pub(super) fn place(&mut self, packet: &Packet, block: Block, layout: Layout) -> Option<Block> {
        self.owed = self.missing_before(packet.pts, block.frames(), layout.sample_rate_hz);
        self.held = Some(block);
        self.next(layout)
    }

    /// The next second of a hole, or the block behind it, where any is left.
    pub(super) fn next(&mut self, layout: Layout) -> Option<Block> {
        let second = self.owed.min(layout.sample_rate_hz.into());
        self.owed -= second;
        match usize::try_from(second) {
            Ok(frames) if frames > 0 => Some(layout.silence(frames)),
            _ => self.held.take(),
        }
    }

    /// Frames to put before the packet of `frames` that has this time.
    fn missing_before(&mut self, at: Timestamp, frames: usize, rate_hz: u32) -> u64 {
        let frames = frames as u64;
        let Some(last) = self.last else {
            self.last = Some(Place {
                origin: at,
                told_end: frames,
                given: frames,
            });
            return 0;
        };
        let Some(begins) = self.frames_since(last.origin, at, rate_hz) else {
            return 0;
        };
        let limits = [LEAST_HOLE_MS, GREATEST_HOLE_MS].map(|ms| ms * u64::from(rate_hz) / 1_000);
        let hole = begins.saturating_sub(last.told_end);
        let behind = begins.saturating_sub(last.given);
        let is_hole = |frames: u64| (limits[0]..=limits[1]).contains(&frames);
        let missing = match is_hole(hole) && is_hole(behind) {
            true => behind,
            false => 0,
        };
        self.last = Some(Place {
            told_end: begins.saturating_add(frames),
            given: last.given + missing + frames,
            ..last
        });
        missing
    }

    /// Silence was given in place of a packet that is lost.
    pub(super) fn give(&mut self, frames: usize) {
        if let Some(last) = &mut self.last {
            last.given += frames as u64;
            last.told_end = last.told_end.saturating_add(frames as u64);
        }
    }

    fn frames_since(&self, origin: Timestamp, at: Timestamp, rate_hz: u32) -> Option<u64> {
        let base = self.base?;
        let ticks = i128::from(at.get()) - i128::from(origin.get());
        let frames = ticks * i128::from(base.numer.get()) * i128::from(rate_hz);
        u64::try_from(frames / i128::from(base.denom.get())).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    /// Packets of 20 ms at 8 kHz, by their times in milliseconds; what is missing before each, in milliseconds.
    fn missing_ms(times_ms: &[i64]) -> Vec<u64> {
        let one = NonZeroU32::MIN;
        let base = TimeBase {
            numer: one,
            denom: one.saturating_add(999),
        };
        let mut timeline = Timeline::of(Container::Ogg, Some(base));
        let packets = times_ms.iter().map(|ms| Timestamp::from(*ms));
        packets
            .map(|at| timeline.missing_before(at, 160, 8_000) / 8)
            .collect()
    }

    #[test]
    fn a_hole_is_as_long_as_the_container_says_and_unevenness_is_none() {
        for (times_ms, expected) in [
            (vec![500, 520, 540], vec![0, 0, 0]),
            (vec![500, 520, 10_540, 10_560], vec![0, 0, 10_000, 0]),
            // A clock that is late now and then, and one that is slow.
            (vec![0, 20, 110, 110, 120, 130], vec![0; 6]),
            ((0..500).map(|n| n * 21).collect(), vec![0; 500]),
            // Back, and too far.
            (vec![500, 520, 0, 560], vec![0; 4]),
            (vec![0, 20, 9_000_000_000, 60], vec![0; 4]),
            (vec![0, i64::MAX, i64::MIN, 20], vec![0; 4]),
        ] {
            assert_eq!(missing_ms(&times_ms), expected, "{times_ms:?}");
        }
    }

    #[test]
    fn what_stands_for_a_lost_packet_leaves_no_hole() {
        let base = TimeBase::default();
        let mut timeline = Timeline::of(Container::Ogg, Some(base));
        assert_eq!(timeline.missing_before(Timestamp::from(0), 8_000, 8_000), 0);
        timeline.give(8_000);
        assert_eq!(timeline.missing_before(Timestamp::from(2), 8_000, 8_000), 0);
        let mut counted = Timeline::of(Container::Flac, Some(base));
        for at in [0, 9] {
            assert_eq!(counted.missing_before(Timestamp::from(at), 8_000, 8_000), 0);
        }
    }
}
