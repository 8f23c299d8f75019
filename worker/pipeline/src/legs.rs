//! The legs of a call compared, on the sound alone. In: the same stretch of time on every channel, 16 kHz. Out: which
//! channel repeats another, and which is faintly heard in another. Cannot fail. Judged window by window, so that a leg that
//! is bridged half way is found.

use job_schema::transcript::{Warning, WarningCode};

use crate::voice::{HOP_MS, HOP_SAMPLES};

/// Two channels are the same when less than this share of the energy is left after subtracting one from the other at the
/// best gain: −30 dB, which a lossy codec's noise stays below.
const SAME_RESIDUAL: f64 = 0.001;
/// Mean square below which a window is silence, and equal to any other: −80 dB.
const SILENCE: f64 = 1e-8;
/// One leg counts as talking above this.
const TALKING_DBFS: f32 = -45.0;
/// And the other as only listening when it is at least so much softer.
const SOFTER_DB: f32 = 6.0;
/// Bleed follows the talker's envelope this closely; line noise and the other's own voice stay below 0.3.
const BLEED_CORRELATION: f32 = 0.7;
/// Less listening than this in a window proves nothing.
const MIN_LISTENING_HOPS: usize = (3_000 / HOP_MS) as usize;
/// Echo comes back within this: a local hybrid or a speakerphone, not a satellite.
const MAX_LAG_HOPS: usize = (128 / HOP_MS) as usize;
/// Keeps a logarithm finite: below any line's noise.
const FLOOR: f32 = 1e-10;

#[derive(Debug, Default)]
pub(crate) struct Legs {
    windows_count: u32,
    /// For each channel the windows that were no silence.
    sounding: Vec<u32>,
    bleeds: Vec<Bleed>,
    duplicates: Vec<Duplicate>,
}

#[derive(Debug)]
struct Bleed {
    from: usize,
    into: usize,
    windows_count: u32,
    level_db_sum: f32,
}

#[derive(Debug)]
struct Duplicate {
    of: usize,
    channel: usize,
    windows_count: u32,
}

impl Legs {
    /// For each channel the earlier one that it repeats in this window.
    pub(crate) fn compare(&mut self, window: &[&[f32]]) -> Vec<Option<usize>> {
        self.windows_count += 1;
        self.sounding.resize(window.len(), 0);
        for (count, pcm) in self.sounding.iter_mut().zip(window) {
            *count += u32::from(dot(pcm, pcm) > SILENCE * pcm.len() as f64);
        }
        let same: Vec<Option<usize>> = (0..window.len())
            .map(|j| (0..j).find(|&i| is_same(window[i], window[j])))
            .collect();
        for (channel, of) in same.iter().enumerate() {
            if let Some(of) = *of {
                self.count_duplicate(of, channel);
            }
        }
        let envelopes: Vec<Vec<f32>> = window.iter().map(|pcm| envelope_db(pcm)).collect();
        for from in 0..window.len() {
            for into in (0..window.len()).filter(|&into| into != from) {
                if same[from].is_some() || same[into].is_some() {
                    continue;
                }
                if let Some(level_db) = bleed_db(&envelopes[from], &envelopes[into]) {
                    self.count_bleed(from, into, level_db);
                }
            }
        }
        same
    }

    /// The channel repeated another wherever there was anything to hear.
    pub(crate) fn is_duplicate(&self, channel: usize) -> bool {
        let repeated = self.duplicates.iter().filter(|d| d.channel == channel);
        let sounding = self.sounding.get(channel).copied().unwrap_or(0);
        sounding > 0 && repeated.map(|d| d.windows_count).sum::<u32>() == sounding
    }

    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let total = self.windows_count;
        let duplicates = self.duplicates.iter().map(|d| Warning {
            code: WarningCode::DuplicateChannels,
            detail: format!(
                "same sound as channel {} in {} of {total} windows",
                d.of, d.windows_count
            ),
            channel: u16::try_from(d.channel).ok(),
        });
        let bleeds = self.bleeds.iter().map(|b| {
            let level_db = b.level_db_sum / b.windows_count as f32;
            let windows = b.windows_count;
            Warning {
                code: WarningCode::Bleed,
                detail: format!(
                    "channel {} is heard at {level_db:.0} dB in {windows} of {total} windows",
                    b.from
                ),
                channel: u16::try_from(b.into).ok(),
            }
        });
        duplicates.chain(bleeds).collect()
    }

    fn count_duplicate(&mut self, of: usize, channel: usize) {
        match self
            .duplicates
            .iter_mut()
            .find(|d| d.of == of && d.channel == channel)
        {
            Some(known) => known.windows_count += 1,
            None => self.duplicates.push(Duplicate {
                of,
                channel,
                windows_count: 1,
            }),
        }
    }

    fn count_bleed(&mut self, from: usize, into: usize, level_db: f32) {
        if let Some(known) = self
            .bleeds
            .iter_mut()
            .find(|b| b.from == from && b.into == into)
        {
            known.windows_count += 1;
            known.level_db_sum += level_db;
        } else {
            self.bleeds.push(Bleed {
                from,
                into,
                windows_count: 1,
                level_db_sum: level_db,
            });
        }
    }
}

fn is_same(a: &[f32], b: &[f32]) -> bool {
    let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
    let silence = SILENCE * a.len() as f64;
    aa > silence && bb > silence && 1.0 - ab * ab / (aa * bb) < SAME_RESIDUAL
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    std::iter::zip(a, b)
        .map(|(&x, &y)| f64::from(x) * f64::from(y))
        .sum()
}

fn envelope_db(pcm: &[f32]) -> Vec<f32> {
    let mean_square = |hop: &[f32]| hop.iter().map(|s| s * s).sum::<f32>() / hop.len() as f32;
    pcm.chunks(HOP_SAMPLES)
        .map(|hop| 10.0 * mean_square(hop).max(FLOOR).log10())
        .collect()
}

/// How far below the talker the listener's leg follows it, if it does.
fn bleed_db(talker: &[f32], listener: &[f32]) -> Option<f32> {
    (0..=MAX_LAG_HOPS).find_map(|lag| {
        let late = listener.get(lag..)?;
        let pairs: Vec<(f32, f32)> = std::iter::zip(talker.iter().copied(), late.iter().copied())
            .filter(|(t, l)| *t >= TALKING_DBFS && t - l >= SOFTER_DB)
            .collect();
        if pairs.len() < MIN_LISTENING_HOPS || correlation(&pairs) < BLEED_CORRELATION {
            return None;
        }
        Some(pairs.iter().map(|(t, l)| l - t).sum::<f32>() / pairs.len() as f32)
    })
}

/// Pearson's. 0 where one side does not vary.
fn correlation(pairs: &[(f32, f32)]) -> f32 {
    let count = pairs.len() as f32;
    let (sum_x, sum_y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut xx, mut yy, mut xy) = (0.0f32, 0.0f32, 0.0f32);
    for (x, y) in pairs {
        let (dx, dy) = (x - mean_x, y - mean_y);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    let scale = (xx * yy).sqrt();
    if scale > 0.0 { xy / scale } else { 0.0 }
}

#[cfg(test)]
mod tests;
