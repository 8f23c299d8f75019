//! What a sound is like, apart from speech. In: 16 kHz mono f32, a step of 32 ms at a time. Out: level, tone and how long
//! its spectral peaks stand still. Cannot fail. Music holds its notes and tones never move, while the harmonics of a voice
//! glide: measured over 2 s on 8 kHz calls, 0.14 to 0.42 of the peaks of speech stood still for 96 ms, of hold music 0.35
//! to 0.68.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::loudness::mean;
use crate::recognizer::SAMPLE_RATE_HZ;
use crate::voice::HOP_SAMPLES;

pub const HOPS_PER_STEP: usize = 2;
pub const STEP_SAMPLES: usize = HOPS_PER_STEP * HOP_SAMPLES;

const WINDOW: usize = 1024;
const BIN_HZ: f32 = SAMPLE_RATE_HZ as f32 / WINDOW as f32;
/// 125 to 3,440 Hz: what every telephone line carries.
const BAND: std::ops::Range<usize> = 8..220;
/// A peak rises this far above the mean of its neighbourhood.
const PEAK_DB: f32 = 7.0;
/// And lies no further than this below the highest: below it there is only the noise of a codec.
const PEAK_RANGE_DB: f32 = 60.0;
const NEIGHBOURHOOD: usize = 8;
const PEAK_WORDS: usize = (BAND.end - BAND.start).div_ceil(64);
/// Peaks are looked for again after so many steps: 96 ms, longer than a phone, shorter than a note.
const STILL_STEPS: usize = 3;
/// The main lobe of the window, to one side.
const LOBE: usize = 3;
/// A tone, or two, hold at least this share of the power.
const TONE_SHARE: f32 = 0.9;
/// Each of two tones holds at least this share, or there is but one.
const SECOND_SHARE: f32 = 0.05;
/// ITU-T Q.23.
const DTMF_LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const DTMF_HIGH_HZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// Half of the smallest distance between two of these tones, less what the window blurs.
const DTMF_TOLERANCE_HZ: f32 = 25.0;

/// Softer than this is silence or the noise of a line, −66 dB on the calls measured.
const SILENCE_DB: i8 = -55;

/// One step of a channel. Small, since a call has a hundred thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sound {
    /// Below full scale, −127 at the least.
    pub level_db: i8,
    /// Never of silence.
    pub tone: Option<Tone>,
    /// Peaks that stood still, in hundredths; none of silence do.
    pub still: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// One or two steady frequencies.
    Steady,
    /// Two that make a key of a telephone.
    Dtmf,
}

impl Sound {
    pub fn is_audible(self) -> bool {
        self.level_db > SILENCE_DB
    }
}

/// The listening state of one channel.
pub struct SoundMeter {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    /// The last window of samples.
    recent: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    power: Vec<f32>,
    /// Where the last steps had their peaks, the latest last.
    peaks: [PeakBins; STILL_STEPS],
    last_pair: Option<[usize; 2]>,
}

impl std::fmt::Debug for SoundMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoundMeter").finish_non_exhaustive()
    }
}

impl Default for SoundMeter {
    fn default() -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
        let turn = |i: usize| std::f32::consts::TAU * i as f32 / WINDOW as f32;
        Self {
            hann: (0..WINDOW).map(|i| 0.5 - 0.5 * turn(i).cos()).collect(),
            recent: vec![0.0; WINDOW],
            spectrum: fft.make_output_vec(),
            power: vec![0.0; BAND.len()],
            fft,
            peaks: Default::default(),
            last_pair: None,
        }
    }
}

impl SoundMeter {
    pub fn hear(&mut self, step: &[f32; STEP_SAMPLES]) -> Sound {
        self.recent.drain(..STEP_SAMPLES);
        self.recent.extend_from_slice(step);
        let mut sound = Sound {
            level_db: level_db(step),
            tone: None,
            still: 0,
        };
        // Half of a call's leg is silence, where nobody asks for tones.
        if sound.is_audible() {
            self.measure_power();
            sound.tone = self.tone();
            sound.still = self.still(find_peaks(&self.power));
        } else {
            self.last_pair = None;
            self.still(PeakBins::default());
        }
        sound
    }

    fn measure_power(&mut self) {
        let mut windowed: Vec<f32> = std::iter::zip(&self.recent, &self.hann)
            .map(|(s, w)| s * w)
            .collect();
        self.fft
            .process(&mut windowed, &mut self.spectrum)
            .expect("the buffers were made by this transform");
        for (power, bin) in self.power.iter_mut().zip(&self.spectrum[BAND]) {
            *power = bin.norm_sqr();
        }
    }

    /// One or two frequencies that hold nearly all of the power, and held it at the last step too, or are a key's.
    fn tone(&mut self) -> Option<Tone> {
        let total: f32 = self.power.iter().sum();
        let (first, first_power) = strongest(&self.power, None);
        let (second, second_power) = strongest(&self.power, Some(first));
        let is_tonal = total > 0.0 && first_power + second_power >= TONE_SHARE * total;
        let second = if second_power >= SECOND_SHARE * total {
            second
        } else {
            first
        };
        let pair = is_tonal.then(|| [first.min(second), first.max(second)]);
        let before = std::mem::replace(&mut self.last_pair, pair);
        let pair = pair?;
        let near = |bin: usize, wanted: &[f32]| {
            let hz = interpolated_hz(&self.power, bin);
            wanted.iter().any(|w| (w - hz).abs() <= DTMF_TOLERANCE_HZ)
        };
        // A key may be as short as a step, and no voice holds nearly all of its power in two such places, not even once.
        if near(pair[0], &DTMF_LOW_HZ) && near(pair[1], &DTMF_HIGH_HZ) {
            return Some(Tone::Dtmf);
        }
        let moved = std::iter::zip(pair, before?).any(|(now, then)| now.abs_diff(then) > 1);
        (!moved).then_some(Tone::Steady)
    }

    /// The share of the peaks that stood within one bin of here [`STILL_STEPS`] ago.
    fn still(&mut self, peaks: PeakBins) -> u8 {
        let share = 100 * peaks.count_near(&self.peaks[0]) / peaks.count().max(1);
        self.peaks.rotate_left(1);
        self.peaks[STILL_STEPS - 1] = peaks;
        u8::try_from(share).unwrap_or(100)
    }
}

/// The bins with a peak.
#[derive(Clone, Copy, Default)]
struct PeakBins([u64; PEAK_WORDS]);

impl PeakBins {
    fn insert(&mut self, bin: usize) {
        self.0[bin / 64] |= 1 << (bin % 64);
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// How many of these lie within one bin of one of those.
    fn count_near(&self, those: &Self) -> u32 {
        (0..PEAK_WORDS)
            .map(|at| {
                let word = those.0[at];
                let below = at.checked_sub(1).map_or(0, |at| those.0[at] >> 63);
                let above = those.0.get(at + 1).map_or(0, |word| word << 63);
                let near = word | (word << 1 | below) | (word >> 1 | above);
                (self.0[at] & near).count_ones()
            })
            .sum()
    }
}

fn find_peaks(power: &[f32]) -> PeakBins {
    let db: Vec<f32> = power.iter().map(|&power| decibels(power)).collect();
    let lowest = db.iter().copied().fold(f32::MIN, f32::max) - PEAK_RANGE_DB;
    let mut peaks = PeakBins::default();
    for bin in 0..db.len() {
        let left = bin == 0 || db[bin] > db[bin - 1];
        let right = bin + 1 == db.len() || db[bin] >= db[bin + 1];
        // Most bins are no summit, so that their neighbourhood need not be summed up.
        if left && right && db[bin] > lowest && db[bin] > around_db(&db, bin) + PEAK_DB {
            peaks.insert(bin);
        }
    }
    peaks
}

/// Within 0.01 dB: a number's exponent is most of its logarithm, and a cubic that fits at both ends stands in for the rest.
/// The logarithm itself took a fifth of what a step costs.
fn decibels(power: f32) -> f32 {
    const DECIBELS_PER_OCTAVE: f32 = 3.0103;
    let bits = power.max(1e-12).to_bits();
    let octave = (bits >> 23) as f32 - 127.0;
    let above = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000) - 1.0;
    let bend = above * (1.0 - above) * (0.4209 - 0.1564 * above);
    DECIBELS_PER_OCTAVE * (octave + above + bend)
}

fn around_db(db: &[f32], bin: usize) -> f32 {
    let around = &db[bin.saturating_sub(NEIGHBOURHOOD)..(bin + NEIGHBOURHOOD + 1).min(db.len())];
    around.iter().sum::<f32>() / around.len() as f32
}

/// The strongest bin, outside of the lobe of `except`, and the power in its lobe.
fn strongest(power: &[f32], except: Option<usize>) -> (usize, f32) {
    let free = |bin: &usize| except.is_none_or(|e| bin.abs_diff(e) > LOBE);
    let stronger = |best: usize, bin: usize| if power[bin] >= power[best] { bin } else { best };
    let bin = (0..power.len()).filter(free).reduce(stronger).unwrap_or(0);
    let lobe = bin.saturating_sub(LOBE)..(bin + LOBE + 1).min(power.len());
    (bin, lobe.filter(free).map(|b| power[b]).sum())
}

/// The peak of the parabola through the bin and its neighbours, in dB.
fn interpolated_hz(power: &[f32], bin: usize) -> f32 {
    let db = |bin: usize| power.get(bin).map_or(-90.0, |&power| decibels(power));
    let (left, middle, right) = (db(bin.wrapping_sub(1)), db(bin), db(bin + 1));
    let bend = left - 2.0 * middle + right;
    let offset = if bend < 0.0 {
        0.5 * (left - right) / bend
    } else {
        0.0
    };
    (BAND.start as f32 + bin as f32 + offset) * BIN_HZ
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "kept to the range of i8 just before"
)]
fn level_db(step: &[f32]) -> i8 {
    let constant = mean(step);
    let moved = |s: &f32| (s - constant).powi(2);
    let mean_square = step.iter().map(moved).sum::<f32>() / step.len() as f32;
    (10.0 * mean_square.max(1e-13).log10()).clamp(-127.0, 0.0) as i8
}

#[cfg(test)]
mod tests;
