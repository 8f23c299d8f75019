//! Speech stretches. In: one probability of speech for each hop. Out: stretches of speech as ranges of hops, in order,
//! never touching, none longer than [`MAX_STRETCH_HOPS`]. Cannot fail. Hysteresis with a hangover; a stretch that grows
//! too long is cut at its weakest hop.

use std::collections::VecDeque;
use std::ops::Range;

use crate::voice::HOP_MS;

/// Speech begins at this probability. Measured on constructed 8 kHz calls: the 5th percentile of loud speech is 0.55 to
/// 0.8, the 99th of line noise 0.4 to 0.55.
pub const SPEECH_ON: f32 = 0.55;
/// And goes on down to this one: the valleys between syllables.
pub const SPEECH_OFF: f32 = 0.42;
/// Speech ends after so much without: longer than the closure of a plosive, shorter than a breath.
pub const HANGOVER_HOPS: u64 = 240 / HOP_MS;
/// Shorter bursts are clicks.
pub const MIN_STRETCH_HOPS: u64 = 96 / HOP_MS;
/// Soft onsets and tails that the detector hears late or not: added on both sides.
pub const EDGE_HOPS: u64 = 64 / HOP_MS;
/// Leaves room for padding inside the model's window.
pub const MAX_STRETCH_HOPS: u64 = 24_000 / HOP_MS;

/// The state of one channel.
#[derive(Debug, Default)]
pub struct Stretches {
    /// The next hop's number.
    next_hop: u64,
    /// Where the last stretch ended: no later one begins before.
    closed_until: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    start: u64,
    /// One past the last hop that counted as speech.
    end: u64,
    /// Goes on from a cut, so it is speech however short.
    is_rest: bool,
    /// From `start` on.
    probabilities: VecDeque<f32>,
}

impl Stretches {
    /// Takes the next hop; returns the stretch that it closed, if any.
    pub fn push(&mut self, probability: f32) -> Option<Range<u64>> {
        let hop = self.next_hop;
        self.next_hop += 1;
        let Some(open) = &mut self.open else {
            if probability >= SPEECH_ON {
                self.open = Some(Open {
                    start: hop,
                    end: hop + 1,
                    is_rest: false,
                    probabilities: VecDeque::from([probability]),
                });
            }
            return None;
        };
        open.probabilities.push_back(probability);
        if probability >= SPEECH_OFF {
            open.end = hop + 1;
        }
        if hop + 1 - open.end >= HANGOVER_HOPS {
            return self.close();
        }
        if hop + 1 - open.start >= MAX_STRETCH_HOPS - 2 * EDGE_HOPS {
            return Some(self.cut());
        }
        None
    }

    /// Closes what is open at the end of the recording.
    pub fn finish(&mut self) -> Option<Range<u64>> {
        self.close()
    }

    /// No stretch to come begins before this hop.
    pub fn horizon(&self) -> u64 {
        let open = self.open.as_ref().map_or(self.next_hop, |open| open.start);
        open.saturating_sub(EDGE_HOPS).max(self.closed_until)
    }

    fn close(&mut self) -> Option<Range<u64>> {
        let open = self.open.take()?;
        if open.end - open.start < MIN_STRETCH_HOPS && !open.is_rest {
            return None;
        }
        let start = open.start.saturating_sub(EDGE_HOPS).max(self.closed_until);
        let end = (open.end + EDGE_HOPS).min(self.next_hop);
        self.closed_until = end;
        Some(start..end)
    }

    /// Ends the open stretch at its weakest place in the last third and goes on from there.
    fn cut(&mut self) -> Range<u64> {
        let open = self.open.as_mut().expect("only an open stretch grows long");
        let length = open.probabilities.len();
        let at = weakest(&open.probabilities, length * 2 / 3);
        let start = open.start.saturating_sub(EDGE_HOPS).max(self.closed_until);
        open.probabilities.drain(..at);
        open.start += at as u64;
        open.is_rest = true;
        open.end = open.end.max(open.start + 1);
        self.closed_until = open.start;
        start..open.start
    }
}

/// The middle of the quietest five hops from `from` on: one weak hop alone may be inside a word.
fn weakest(probabilities: &VecDeque<f32>, from: usize) -> usize {
    const AROUND: usize = 2;
    let sum = |at: usize| -> f32 { probabilities.range(at - AROUND..=at + AROUND).sum() };
    (from.max(AROUND)..probabilities.len() - AROUND)
        .min_by(|&a, &b| sum(a).total_cmp(&sum(b)))
        .unwrap_or(from)
}

#[cfg(test)]
mod tests;
