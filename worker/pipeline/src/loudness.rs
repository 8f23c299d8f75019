//! Where speech begins and ends, by its loudness. In: a span's samples at 16 kHz, and stretches or words inside it. Out: the
//! same, beginning and ending with their sound. Cannot fail. Voice activity lets go a third of a second late, and the edges
//! of a pause are the weakest part of an alignment: on constructed calls the last word of a turn ended 146 ms (tiny.en) and
//! 180 ms (base) off, half of the time by more, and ends 38 and 36 ms off with this.

use std::borrow::Cow;
use std::ops::Range;

use job_schema::transcript::{TimeSpan, Word};

use crate::mend::MIN_WORD_MS;
use crate::recognizer::SAMPLE_RATE_HZ;

const FRAME_MS: u64 = 10;
const FRAME_SAMPLES: usize = (SAMPLE_RATE_HZ as u64 * FRAME_MS / 1_000) as usize;
/// Speech is louder than this below the loudest sound around it. Of 25, 30, 33, 35 and 40 the best on both models.
const BELOW_PEAK_DB: f32 = 33.0;
/// And than this above what the line carries when nobody speaks.
const ABOVE_FLOOR_DB: f32 = 6.0;
/// What "around" means: about a sentence before, and no more than the tail after.
const AROUND_BEFORE_FRAMES: usize = 200;
const AROUND_AFTER_FRAMES: usize = 30;
/// The closure of a plosive is shorter, a pause is longer.
const PAUSE_FRAMES: usize = 12;
/// Of so many frames at least [`SOUNDING_FRAMES`] are loud where somebody speaks: fewer are a click.
const SOUNDING_WINDOW: usize = 5;
const SOUNDING_FRAMES: usize = 3;
/// A word ends no later than this after the time that it came with, and begins no earlier than that before it.
const LATER_FRAMES: usize = 25;
const EARLIER_FRAMES: usize = 40;
/// A word with less room after it is followed by the next: where one ends and the other begins, loudness cannot tell.
const GAP_FRAMES: usize = 10;

/// The loudness of a span, frame by frame.
#[derive(Debug)]
pub(crate) struct Loudness {
    start_ms: u64,
    frames_db: Vec<f32>,
    floor_db: f32,
}

impl Loudness {
    pub(crate) fn of(pcm: &[f32], start_ms: u64) -> Self {
        let frames_db = levels_db(&without_constant(pcm), FRAME_SAMPLES);
        Self {
            start_ms,
            floor_db: percentile(&frames_db, 10),
            frames_db,
        }
    }

    /// The stretch without the silence at its end.
    pub(crate) fn trimmed(&self, stretch: TimeSpan) -> TimeSpan {
        let frames = self.frame(stretch.start_ms)..self.frame(stretch.end_ms);
        let threshold = self.threshold(frames.end);
        let end = frames.clone().rev().find(|f| self.sounds(*f, threshold));
        let end_ms = end.map_or(stretch.end_ms, |f| self.ms(f + 1));
        TimeSpan {
            end_ms: end_ms.clamp(
                stretch.start_ms + MIN_WORD_MS.min(stretch.duration_ms()),
                stretch.end_ms,
            ),
            ..stretch
        }
    }

    /// Lets words that a pause follows end with their sound, inside the speech that they lie in.
    pub(crate) fn settle_ends(&self, words: &mut [Word], speech: &[TimeSpan]) {
        for at in 0..words.len() {
            let next_ms = words.get(at + 1).map_or(u64::MAX, |next| next.start_ms);
            let word = &mut words[at];
            let within = speech.iter().find(|s| s.end_ms >= word.end_ms);
            let latest = self.frame(next_ms.min(within.map_or(word.end_ms, |s| s.end_ms)));
            let end = self.frame(word.end_ms);
            let earliest = self.frame(word.start_ms + MIN_WORD_MS);
            if self.frame(next_ms) < end + GAP_FRAMES || earliest >= latest {
                continue;
            }
            let threshold = self.threshold(end);
            let settled = if self.is_loud(end.saturating_sub(SOUNDING_WINDOW)..end + 1, threshold) {
                self.sound_end(end, latest.min(end + LATER_FRAMES), threshold)
            } else {
                let last = (earliest..end)
                    .rev()
                    .find(|f| self.frames_db[*f] > threshold);
                last.map_or(end, |f| f + 1)
            };
            word.end_ms = self.ms(settled).clamp(
                word.start_ms + MIN_WORD_MS,
                self.ms(latest).max(word.start_ms + MIN_WORD_MS),
            );
        }
    }

    /// Lets words that follow a pause begin with their sound, inside the speech that they lie in.
    pub(crate) fn settle_starts(&self, words: &mut [Word], speech: &[TimeSpan]) {
        let mut before_ms = 0;
        for word in words {
            let within = speech.iter().rev().find(|s| s.start_ms <= word.start_ms);
            let earliest =
                self.frame_from(before_ms.max(within.map_or(word.start_ms, |s| s.start_ms)));
            let start = self.frame(word.start_ms);
            let latest = self.frame(word.end_ms.saturating_sub(MIN_WORD_MS));
            let follows_pause = self.frame(before_ms) + GAP_FRAMES <= start;
            before_ms = word.end_ms;
            if !follows_pause || earliest >= latest {
                continue;
            }
            let threshold = self.threshold(self.frame(word.end_ms));
            let settled = if self.is_loud(start..start + SOUNDING_WINDOW, threshold) {
                self.sound_start(
                    start,
                    earliest.max(start.saturating_sub(EARLIER_FRAMES)),
                    threshold,
                )
            } else {
                let first = (start..latest).find(|f| self.frames_db[*f] > threshold);
                first.unwrap_or(start)
            };
            word.start_ms = self.ms(settled.clamp(earliest, latest));
        }
    }

    /// The start of the sound that goes on at `from`: the first loud frame after a pause.
    fn sound_start(&self, from: usize, earliest: usize, threshold: f32) -> usize {
        let mut first = from.max(earliest);
        for frame in (earliest..from).rev() {
            if self.frames_db[frame] > threshold {
                first = frame;
            } else if first - frame > PAUSE_FRAMES {
                break;
            }
        }
        first
    }

    /// The end of the sound that goes on at `from`: the last loud frame before a pause.
    fn sound_end(&self, from: usize, latest: usize, threshold: f32) -> usize {
        let mut last = from.min(latest);
        for frame in from..latest {
            if self.frames_db[frame] > threshold {
                last = frame + 1;
            } else if frame - last >= PAUSE_FRAMES {
                break;
            }
        }
        last
    }

    fn threshold(&self, end: usize) -> f32 {
        let around = end.saturating_sub(AROUND_BEFORE_FRAMES)
            ..(end + AROUND_AFTER_FRAMES).min(self.frames_db.len());
        let peak_db = percentile(&self.frames_db[around], 95);
        (peak_db - BELOW_PEAK_DB).max(self.floor_db + ABOVE_FLOOR_DB)
    }

    fn sounds(&self, frame: usize, threshold: f32) -> bool {
        let window = (frame + 1).saturating_sub(SOUNDING_WINDOW)..frame + 1;
        let loud = self.frames_db[window].iter().filter(|db| **db > threshold);
        self.frames_db[frame] > threshold && loud.count() >= SOUNDING_FRAMES
    }

    fn is_loud(&self, frames: Range<usize>, threshold: f32) -> bool {
        let end = frames.end.min(self.frames_db.len());
        self.frames_db[frames.start.min(end)..end]
            .iter()
            .any(|db| *db > threshold)
    }

    fn frame(&self, ms: u64) -> usize {
        let frame = ms.saturating_sub(self.start_ms) / FRAME_MS;
        usize::try_from(frame).map_or(self.frames_db.len(), |f| f.min(self.frames_db.len()))
    }

    /// The first frame that begins no earlier.
    fn frame_from(&self, ms: u64) -> usize {
        self.frame(ms + FRAME_MS - 1)
    }

    fn ms(&self, frame: usize) -> u64 {
        self.start_ms + frame as u64 * FRAME_MS
    }
}

/// Of each frame, in decibels below full scale. −100 for silence.
pub(crate) fn levels_db(pcm: &[f32], frame_samples: usize) -> Vec<f32> {
    /// Keeps the logarithm finite: below any line's noise.
    const FLOOR: f32 = 1e-10;
    let mean_square = |frame: &[f32]| frame.iter().map(|s| s * s).sum::<f32>() / frame.len() as f32;
    pcm.chunks(frame_samples)
        .map(|frame| 10.0 * mean_square(frame).max(FLOOR).log10())
        .collect()
}

/// What moves of a stretch of sound. Direct current, which a cheap tap of a line adds, is no sound: it would count as loudness,
/// and make any two legs alike.
pub(crate) fn without_constant(pcm: &[f32]) -> Cow<'_, [f32]> {
    /// −60 dB, below what matters.
    const NEGLIGIBLE: f32 = 1e-3;
    let constant = mean(pcm);
    if constant.abs() < NEGLIGIBLE {
        return Cow::Borrowed(pcm);
    }
    pcm.iter().map(|sample| sample - constant).collect()
}

/// 0 for nothing.
#[expect(clippy::cast_possible_truncation, reason = "a sample")]
pub(crate) fn mean(pcm: &[f32]) -> f32 {
    let sum: f64 = pcm.iter().map(|sample| f64::from(*sample)).sum();
    (sum / pcm.len().max(1) as f64) as f32
}

/// 0 for nothing.
pub(crate) fn percentile(values: &[f32], percent: usize) -> f32 {
    let mut values = values.to_vec();
    let at = values.len() * percent / 100;
    if at >= values.len() {
        return 0.0;
    }
    *values.select_nth_unstable_by(at, f32::total_cmp).1
}

#[cfg(test)]
mod tests;
