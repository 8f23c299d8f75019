//! The legs of a call compared, on the sound alone. In: the same stretch of time on every channel, 16 kHz. Out: which
//! channel repeats another, and at which hops a channel carries only what bleeds over from another. Cannot fail. Judged
//! window by window, so that a leg that is bridged half way is found.

use job_schema::transcript::{Warning, WarningCode};

use crate::loudness::levels_db;
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
/// What is no louder than bleed by so much is bleed. Two people who talk at once differ by more, or one is not heard anyway.
const BLEED_SPREAD_DB: f32 = 6.0;
/// Sound so near is judged together: about a syllable.
const AROUND_HOPS: usize = (128 / HOP_MS) as usize;

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
    latest: Echo,
}

/// How a talker comes back on another leg.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Echo {
    lag_hops: usize,
    /// Relative to the talker.
    level_db: f32,
}

enum Evidence {
    /// The legs do not follow each other.
    Apart,
    /// Nobody listened for long enough to tell.
    TooLittle,
    Follows(Echo),
}

/// What to make of one channel's window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Hearing {
    Own,
    /// Of these hops nothing: they carry another channel's speech.
    Beside(Vec<bool>),
    /// Nothing at all: an earlier channel has the same.
    Repeats(usize),
}

#[derive(Debug)]
struct Duplicate {
    of: usize,
    channel: usize,
    windows_count: u32,
}

impl Legs {
    /// What to make of each channel in this window.
    pub(crate) fn compare(&mut self, window: &[&[f32]]) -> Vec<Hearing> {
        self.windows_count += 1;
        self.sounding.resize(window.len(), 0);
        for (count, pcm) in self.sounding.iter_mut().zip(window) {
            *count += u32::from(dot(pcm, pcm) > SILENCE * pcm.len() as f64);
        }
        let mut hearings = Vec::with_capacity(window.len());
        for (channel, pcm) in window.iter().enumerate() {
            let same = (0..channel).find(|&of| is_same(window[of], pcm));
            hearings.push(same.map_or(Hearing::Own, Hearing::Repeats));
            if let Some(of) = same {
                self.count_duplicate(of, channel);
            }
        }
        let own: Vec<usize> = (0..window.len())
            .filter(|channel| hearings[*channel] == Hearing::Own)
            .collect();
        let envelopes: Vec<Vec<f32>> = window.iter().map(|pcm| envelope_db(pcm)).collect();
        for &into in &own {
            let mut is_bleed = vec![false; envelopes[into].len()];
            for &from in own.iter().filter(|from| **from != into) {
                if let Some(echo) = self.echo(from, into, &envelopes) {
                    mark_bleed(&envelopes[from], &envelopes[into], echo, &mut is_bleed);
                }
            }
            if is_bleed.contains(&true) {
                hearings[into] = Hearing::Beside(is_bleed);
            }
        }
        hearings
    }

    /// How one channel is heard on another in this window, as far as it or an earlier window tells.
    fn echo(&mut self, from: usize, into: usize, envelopes: &[Vec<f32>]) -> Option<Echo> {
        match evidence(&envelopes[from], &envelopes[into]) {
            Evidence::Apart => None,
            Evidence::TooLittle => {
                let mut known = self.bleeds.iter();
                known
                    .find(|b| b.from == from && b.into == into)
                    .map(|b| b.latest)
            }
            Evidence::Follows(echo) => {
                self.count_bleed(from, into, echo);
                Some(echo)
            }
        }
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

    fn count_bleed(&mut self, from: usize, into: usize, echo: Echo) {
        if let Some(known) = self
            .bleeds
            .iter_mut()
            .find(|b| b.from == from && b.into == into)
        {
            known.windows_count += 1;
            known.level_db_sum += echo.level_db;
            known.latest = echo;
        } else {
            self.bleeds.push(Bleed {
                from,
                into,
                windows_count: 1,
                level_db_sum: echo.level_db,
                latest: echo,
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
    levels_db(pcm, HOP_SAMPLES)
}

/// Whether the listener's leg follows the talker, and how far below.
fn evidence(talker: &[f32], listener: &[f32]) -> Evidence {
    let mut listened = false;
    for lag_hops in 0..=MAX_LAG_HOPS.min(listener.len()) {
        let late = &listener[lag_hops..];
        let pairs: Vec<(f32, f32)> = std::iter::zip(talker.iter().copied(), late.iter().copied())
            .filter(|(t, l)| *t >= TALKING_DBFS && t - l >= SOFTER_DB)
            .collect();
        if pairs.len() < MIN_LISTENING_HOPS {
            continue;
        }
        listened = true;
        if correlation(&pairs) >= BLEED_CORRELATION {
            let level_db = pairs.iter().map(|(t, l)| l - t).sum::<f32>() / pairs.len() as f32;
            return Evidence::Follows(Echo { lag_hops, level_db });
        }
    }
    if listened {
        Evidence::Apart
    } else {
        Evidence::TooLittle
    }
}

/// Marks the listener's hops around which most of the sound is the talker's echo. Hop by hop echo leaks through between
/// syllables, and voice activity makes speech of the leaks.
fn mark_bleed(talker: &[f32], listener: &[f32], echo: Echo, is_bleed: &mut [bool]) {
    let powers: Vec<(f32, f32)> = (0..listener.len())
        .map(|hop| {
            // A hop on both sides: the lag is no whole number of hops.
            let first = hop.saturating_sub(echo.lag_hops + 1);
            let last = (hop + 1).saturating_sub(echo.lag_hops);
            let said = talker.get(first..=last.min(talker.len().saturating_sub(1)));
            let talker_db = said
                .unwrap_or_default()
                .iter()
                .copied()
                .fold(f32::MIN, f32::max);
            let power = 10f32.powf(listener[hop] / 10.0);
            if listener[hop] - talker_db <= echo.level_db + BLEED_SPREAD_DB {
                (power, 0.0)
            } else {
                (0.0, power)
            }
        })
        .collect();
    for (hop, is_bleed) in is_bleed.iter_mut().enumerate() {
        let around = hop.saturating_sub(AROUND_HOPS)..(hop + AROUND_HOPS + 1).min(powers.len());
        let (echoed, own) = powers[around]
            .iter()
            .fold((0.0, 0.0), |sum: (f32, f32), p| (sum.0 + p.0, sum.1 + p.1));
        *is_bleed |= echoed > own;
    }
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
