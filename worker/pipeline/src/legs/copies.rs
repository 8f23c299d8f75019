//! Moments at which a leg carries another one's voice and nothing else, by their waveforms. In: the same window of both legs,
//! 16 kHz. Out: which hops of the listener's are a copy. Cannot fail. For what the envelopes of a window do not show: a turn
//! that is the only one in its window, a codec of two channels that leaks for a syllable.

use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::bleed::{SOFTER_DB, talking_dbfs};
use super::dot;
use crate::echo::{MAX_DELAY, transformed, with_history};
use crate::loudness::percentile;
use crate::voice::HOP_SAMPLES;

/// 256 ms, more than a syllable: in less, two vowels may be alike.
const FRAME: usize = 4_096;
const FRAME_HOPS: usize = FRAME / HOP_SAMPLES;
const STEP_HOPS: usize = FRAME_HOPS / 4;
/// Holds a frame of the listener's and all of the talker's that it may be a copy of.
const LENGTH: usize = 2 * FRAME;
/// How alike two frames are, of 1, at the best delay. Copies have 0.98 and more, also through mu-law and Opus; two people who
/// talk at once have 0.1 to 0.4.
const COPY: f64 = 0.9;
/// The listener's line is quieter than this above its softest tenth.
const ABOVE_LINE_DB: f32 = 6.0;

/// One leg's window: its samples, and its level hop by hop.
#[derive(Clone, Copy)]
pub(super) struct Leg<'a> {
    pub(super) pcm: &'a [f32],
    pub(super) levels_db: &'a [f32],
}

/// Hops of the listener's, in order; some may overlap. `before` is what the talker said up to then, as far as it is known.
pub(super) fn copies(before: &[f32], talker: Leg<'_>, listener: Leg<'_>) -> Vec<Range<usize>> {
    let talking_dbfs = talking_dbfs(talker.levels_db);
    let line_db = percentile(listener.levels_db, 10) + ABOVE_LINE_DB;
    let last = talker.pcm.len().min(listener.pcm.len()) / HOP_SAMPLES;
    let frames = (0..(last + 1).saturating_sub(FRAME_HOPS)).step_by(STEP_HOPS);
    let frames = frames.map(|first| first..first + FRAME_HOPS);
    let may_be_copies = frames.filter(|hops| {
        let talker_db = level_db(&talker.levels_db[hops.clone()]);
        let listener_db = level_db(&listener.levels_db[hops.clone()]);
        talker_db >= talking_dbfs && listener_db >= line_db && talker_db - listener_db >= SOFTER_DB
    });
    // Most windows have none to look at.
    let mut likeness: Option<Likeness> = None;
    let is_copy = |hops: &Range<usize>| {
        let at = hops.start * HOP_SAMPLES;
        let likeness = likeness.get_or_insert_with(|| Likeness::to(before, talker.pcm));
        likeness.of(&listener.pcm[at..at + FRAME], at) >= COPY
    };
    may_be_copies.filter(is_copy).collect()
}

/// Of a frame, from those of its hops: cheaper than from its samples.
fn level_db(hops_db: &[f32]) -> f32 {
    let power: f32 = hops_db.iter().map(|db| 10f32.powf(db / 10.0)).sum();
    10.0 * (power / hops_db.len() as f32).log10()
}

/// Compares with a talker by cross-correlation, in the frequency domain.
struct Likeness {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    /// From [`MAX_DELAY`] before the window on.
    said: Vec<f32>,
}

impl Likeness {
    fn to(before: &[f32], talker: &[f32]) -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        Self {
            forward: planner.plan_fft_forward(LENGTH),
            backward: planner.plan_fft_inverse(LENGTH),
            said: with_history::<MAX_DELAY>(before, talker),
        }
    }

    /// The greatest correlation coefficient of the frame that begins at a sample with what was said, over all delays.
    fn of(&self, frame: &[f32], at: usize) -> f64 {
        let said = &self.said[at..at + MAX_DELAY + FRAME];
        let (heard, mut product) = (self.spectrum(frame), self.spectrum(said));
        for (bin, heard) in product.iter_mut().zip(heard) {
            *bin *= heard.conj() / LENGTH as f32;
        }
        let mut shared = vec![0.0; LENGTH];
        self.backward
            .process(&mut product, &mut shared)
            .expect("a product of spectra of real signals");
        let heard_energy = dot(frame, frame);
        let mut said_energy = dot(&said[..FRAME], &said[..FRAME]);
        let mut best: f64 = 0.0;
        for (from, shared) in shared[..=MAX_DELAY].iter().enumerate() {
            let scale = (heard_energy * said_energy).sqrt();
            if scale > 0.0 {
                best = best.max(f64::from(shared.abs()) / scale);
            }
            let next = said.get(from + FRAME).copied().unwrap_or_default();
            said_energy += f64::from(next).powi(2) - f64::from(said[from]).powi(2);
        }
        best
    }

    fn spectrum(&self, samples: &[f32]) -> Vec<Complex<f32>> {
        let mut padded = samples.to_vec();
        padded.resize(LENGTH, 0.0);
        transformed(&self.forward, padded)
    }
}
