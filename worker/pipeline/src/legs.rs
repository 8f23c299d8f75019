//! The legs of a call compared, on the sound alone. In: the same stretch of time on every channel, 16 kHz. Out: which
//! channel repeats another, and what a channel has of its own beside what bleeds into it. Cannot fail. Judged window by
//! window, so that a leg that is bridged half way is found.

mod bleed;
mod copies;

use std::borrow::Cow;

use job_schema::transcript::{Warning, WarningCode};

use crate::echo::{EchoPath, HISTORY, Pair};
use crate::loudness::{levels_db, without_constant};
use crate::voice::HOP_SAMPLES;
use bleed::{Echo, Evidence, SOFTER_DB, evidence, mark_bleed, talking_dbfs};
use copies::{Leg, copies};

/// Two channels are the same when less than this share of the energy is left after subtracting one from the other at the
/// best gain: −30 dB, which a lossy codec's noise stays below.
const SAME_RESIDUAL: f64 = 0.001;
/// Mean square below which a window is silence: −80 dB.
const SILENCE: f64 = 1e-8;
/// A minute's music outweighs a soft word of one leg's own, so a window is also compared piece by piece: half a second.
const PIECE_HOPS: usize = 32;
/// In a piece more may be left than of the whole, as a codec's noise does not follow the sound as fast: −20 dB,
const PIECE_RESIDUAL: f64 = 0.01;
/// and at least a mean square of −60 dB, which is no voice.
const PIECE_SILENCE: f64 = 1e-6;

#[derive(Debug, Default)]
pub(crate) struct Legs {
    windows_count: u32,
    /// For each channel the windows that were no silence.
    sounding: Vec<u32>,
    bleeds: Vec<Bleed>,
    duplicates: Vec<Duplicate>,
    /// The end of each channel's last window.
    before: Vec<Vec<f32>>,
}

#[derive(Debug)]
struct Bleed {
    from: usize,
    into: usize,
    windows_count: u32,
    level_db_sum: f32,
    latest: Heard,
}

/// How one channel is heard on another: by its envelope, and by its waveform where that has survived the way.
#[derive(Debug, Clone)]
struct Heard {
    echo: Echo,
    path: Option<EchoPath>,
}

/// What to make of one channel's window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Hearing {
    Own,
    Beside(Beside),
    /// Nothing at all: an earlier channel has the same.
    Repeats(usize),
}

/// A channel beside another one's speech.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Beside {
    /// The channel's sound without the other's, as far as that can be taken out.
    pub(crate) pcm: Vec<f32>,
    /// Of each of its hops.
    levels_db: Vec<f32>,
    /// The hops with nothing of its own.
    pub(crate) is_bleed: Vec<bool>,
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
        let window: Vec<Cow<'_, [f32]>> = window.iter().map(|pcm| without_constant(pcm)).collect();
        let window: Vec<&[f32]> = window.iter().map(AsRef::as_ref).collect();
        self.windows_count += 1;
        self.sounding.resize(window.len(), 0);
        let sounds: Vec<Sounding> = window.iter().map(|pcm| Sounding::of(pcm)).collect();
        for (count, sound) in self.sounding.iter_mut().zip(&sounds) {
            *count += u32::from(sound.is_audible());
        }
        let envelopes: Vec<Vec<f32>> = window.iter().map(|pcm| envelope_db(pcm)).collect();
        let legs = std::iter::zip(&window, &envelopes);
        let legs: Vec<Leg<'_>> = legs
            .map(|(pcm, levels_db)| Leg { pcm, levels_db })
            .collect();
        let mut hearings = Vec::with_capacity(window.len());
        for (channel, sound) in sounds.iter().enumerate() {
            let same = (0..channel).find(|&of| sounds[of].is_same(sound));
            hearings.push(match same {
                None => Hearing::Own,
                Some(of) => {
                    let is_bleed = sounds[of].same_hops(sound);
                    let hearing = repeats(of, legs[channel], is_bleed);
                    if sound.is_audible() && hearing == Hearing::Repeats(of) {
                        self.count_duplicate(of, channel);
                    }
                    hearing
                }
            });
        }
        let own: Vec<usize> = (0..window.len())
            .filter(|channel| hearings[*channel] == Hearing::Own)
            .collect();
        self.before.resize(window.len(), Vec::new());
        for &into in &own {
            let beside = self.beside(into, &own, &legs);
            if let Some(beside) = beside.filter(|own| own.is_bleed.contains(&true)) {
                hearings[into] = Hearing::Beside(beside);
            }
        }
        self.remember(&window);
        hearings
    }

    /// What a channel has of its own beside the others. `None` where nothing of them is heard there.
    fn beside(&mut self, into: usize, own: &[usize], legs: &[Leg<'_>]) -> Option<Beside> {
        let mut beside: Option<Beside> = None;
        for &from in own.iter().filter(|from| **from != into) {
            let (talker, listener) = (legs[from], legs[into]);
            let heard = self.heard(from, into, legs);
            let before = &self.before[from];
            if let Some(heard) = heard {
                let beside = beside.get_or_insert_with(|| Beside::all_of(listener));
                beside.take_out(&heard, before, talker, listener.levels_db);
            }
            let left = beside.as_ref().map_or(listener, Beside::leg);
            for hops in copies(before, talker, left) {
                let beside = beside.get_or_insert_with(|| Beside::all_of(listener));
                beside.is_bleed[hops].fill(true);
            }
        }
        beside
    }

    /// Keeps the end of each channel, in which what echoes in the next window may have been said.
    fn remember(&mut self, window: &[&[f32]]) {
        for (before, pcm) in self.before.iter_mut().zip(window) {
            let new = &pcm[pcm.len().saturating_sub(HISTORY)..];
            let stale = (before.len() + new.len()).saturating_sub(HISTORY);
            before.drain(..stale);
            before.extend_from_slice(new);
        }
    }

    /// How one channel is heard on another in this window, as far as it or an earlier window tells.
    fn heard(&mut self, from: usize, into: usize, legs: &[Leg<'_>]) -> Option<Heard> {
        let (talker, listener) = (legs[from], legs[into]);
        match evidence(talker.levels_db, listener.levels_db) {
            Evidence::Apart => None,
            Evidence::TooLittle => {
                let mut known = self.bleeds.iter();
                known
                    .find(|b| b.from == from && b.into == into)
                    .map(|b| b.latest.clone())
            }
            Evidence::Follows(echo) => {
                let path = EchoPath::measure(Pair {
                    talker: talker.pcm,
                    listener: listener.pcm,
                    talking_dbfs: talking_dbfs(talker.levels_db),
                    softer_db: SOFTER_DB,
                });
                let heard = Heard { echo, path };
                self.count_bleed(from, into, heard.clone());
                Some(heard)
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

    fn count_bleed(&mut self, from: usize, into: usize, heard: Heard) {
        if let Some(known) = self
            .bleeds
            .iter_mut()
            .find(|b| b.from == from && b.into == into)
        {
            known.windows_count += 1;
            known.level_db_sum += heard.echo.level_db;
            known.latest = heard;
        } else {
            self.bleeds.push(Bleed {
                from,
                into,
                windows_count: 1,
                level_db_sum: heard.echo.level_db,
                latest: heard,
            });
        }
    }
}

impl Beside {
    /// Nothing is another's, so far.
    fn all_of(listener: Leg<'_>) -> Self {
        Self {
            pcm: listener.pcm.to_vec(),
            levels_db: listener.levels_db.to_vec(),
            is_bleed: vec![false; listener.levels_db.len()],
        }
    }

    fn leg(&self) -> Leg<'_> {
        Leg {
            pcm: &self.pcm,
            levels_db: &self.levels_db,
        }
    }

    /// Takes out another channel's speech, as it is `heard` here.
    fn take_out(&mut self, heard: &Heard, before: &[f32], talker: Leg<'_>, levels_db: &[f32]) {
        let Some(path) = &heard.path else {
            return mark_bleed(talker.levels_db, levels_db, heard.echo, &mut self.is_bleed);
        };
        let echo = path.echo(before, talker.pcm);
        let rest: Vec<f32> = std::iter::zip(&self.pcm, &echo)
            .map(|(s, e)| s - e)
            .collect();
        if dot(&rest, &rest) > dot(&self.pcm, &self.pcm) {
            // The way has changed since it was measured.
            return mark_bleed(talker.levels_db, levels_db, heard.echo, &mut self.is_bleed);
        }
        let left = Echo {
            lag_hops: 0,
            level_db: -path.depth_db,
        };
        self.levels_db = envelope_db(&rest);
        mark_bleed(
            &envelope_db(&echo),
            &self.levels_db,
            left,
            &mut self.is_bleed,
        );
        self.pcm = rest;
    }
}

/// A channel that is another's on the whole, but may have something soft of its own.
fn repeats(of: usize, leg: Leg<'_>, is_bleed: Vec<bool>) -> Hearing {
    if !is_bleed.contains(&false) {
        return Hearing::Repeats(of);
    }
    Hearing::Beside(Beside {
        is_bleed,
        ..Beside::all_of(leg)
    })
}

/// A channel's window and its energy, which is asked for more than once.
struct Sounding<'a> {
    pcm: &'a [f32],
    energy: f64,
}

impl<'a> Sounding<'a> {
    fn of(pcm: &'a [f32]) -> Self {
        let energy = dot(pcm, pcm);
        Self { pcm, energy }
    }

    fn is_audible(&self) -> bool {
        self.energy > SILENCE * self.pcm.len() as f64
    }

    /// On the whole; of nothing at all nothing is the same.
    fn is_same(&self, other: &Self) -> bool {
        if self.energy == 0.0 || other.energy == 0.0 {
            return false;
        }
        let shared = dot(self.pcm, other.pcm);
        1.0 - shared * shared / (self.energy * other.energy) < SAME_RESIDUAL
    }

    /// For each hop of a channel that is the same on the whole, whether its piece is.
    fn same_hops(&self, other: &Self) -> Vec<bool> {
        let gain = dot(self.pcm, other.pcm) / self.energy;
        let piece = PIECE_HOPS * HOP_SAMPLES;
        std::iter::zip(self.pcm.chunks(piece), other.pcm.chunks(piece))
            .flat_map(|(ours, theirs)| {
                let rest = |(x, y): (&f32, &f32)| (f64::from(*y) - gain * f64::from(*x)).powi(2);
                let left: f64 = std::iter::zip(ours, theirs).map(rest).sum();
                let allowed = PIECE_RESIDUAL * dot(theirs, theirs);
                let is_same = left <= allowed.max(PIECE_SILENCE * theirs.len() as f64);
                std::iter::repeat_n(is_same, theirs.len() / HOP_SAMPLES)
            })
            .collect()
    }
}

/// In lanes: one sum would wait for itself at every sample.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let product = |x: f32, y: f32| f64::from(x) * f64::from(y);
    let mut sums = [0.0; LANES];
    for (a, b) in std::iter::zip(a, b) {
        for (sum, (x, y)) in sums.iter_mut().zip(std::iter::zip(a, b)) {
            *sum += product(*x, *y);
        }
    }
    let rest = std::iter::zip(rest_a, rest_b).map(|(x, y)| product(*x, *y));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

fn envelope_db(pcm: &[f32]) -> Vec<f32> {
    levels_db(pcm, HOP_SAMPLES)
}

#[cfg(test)]
pub(crate) mod tests;
