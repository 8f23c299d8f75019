//! One leg's voice taken out of another leg that it bleeds into. In: the same stretch of both, 16 kHz. Out: an
//! [`EchoPath`], and the echo it predicts. None where the listener's leg does not follow the talker's as through a linear
//! line: a mobile codec on the way, or no echo at all. Measured by cross-spectra (Bendat and Piersol, "Random Data", 6.1)
//! over the frames in which only the talker is heard.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::loudness::levels_db;

/// 256 ms: twice the longest delay, so that an echo and its source share most of a frame.
const FRAME: usize = 4096;
const STEP: usize = FRAME / 4;
/// A local hybrid or a speakerphone, not a satellite: 128 ms.
pub(crate) const MAX_DELAY: usize = 2048;
/// The path before its strongest tap and after: resampling smears, and rooms ring on.
const TAPS_BEFORE: usize = 32;
const TAPS: usize = TAPS_BEFORE + 992;
/// What the talker said before a window is needed to predict the echo at its start.
pub(crate) const HISTORY: usize = MAX_DELAY + TAPS;
/// Fewer frames than this, 3 s, measure the listener's own sounds.
const MIN_FRAMES: usize = 48;
/// Of the talker's mean power: bands that a telephone line does not carry have no path.
const EMPTY_BAND: f32 = 1e-3;
/// A prediction that takes away less was none.
const MIN_DEPTH_DB: f32 = 6.0;

/// The two legs and the rule that says when only the talker is heard.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) talker: &'a [f32],
    pub(crate) listener: &'a [f32],
    pub(crate) talking_dbfs: f32,
    pub(crate) softer_db: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EchoPath {
    /// Of the first tap.
    delay: usize,
    taps: Vec<f32>,
    /// How far below the echo the rest of it was, in dB.
    pub(crate) depth_db: f32,
}

impl EchoPath {
    pub(crate) fn measure(pair: Pair) -> Option<Self> {
        let frames = pair.echo_frames();
        if frames.len() < MIN_FRAMES {
            return None;
        }
        let mut spectra = Spectra::new();
        let rough = spectra.response(pair, &frames, 0);
        let delay = strongest(&rough[..MAX_DELAY]);
        let response = spectra.response(pair, &frames, delay);
        let before = TAPS_BEFORE.min(delay);
        let taps = (0..TAPS).map(|tap| response[(tap + FRAME - before) % FRAME]);
        let mut path = Self {
            delay: delay - before,
            taps: taps.collect(),
            depth_db: 0.0,
        };
        let echo = path.echo(&[], pair.talker);
        path.depth_db = depth_db(pair.listener, &echo, &frames);
        (path.depth_db >= MIN_DEPTH_DB).then_some(path)
    }

    /// What of the talker is heard on the other leg. `before` is what the talker said up to then, as far as it is known.
    pub(crate) fn echo(&self, before: &[f32], talker: &[f32]) -> Vec<f32> {
        let source = with_history::<HISTORY>(before, talker);
        // Sample `t` of the window is `t + HISTORY` of the source.
        let first = HISTORY - self.delay - (TAPS - 1);
        convolve(&self.taps, &source[first..], talker.len())
    }
}

impl Pair<'_> {
    /// Where frames begin in which the talker is heard on both legs and nobody else.
    fn echo_frames(self) -> Vec<usize> {
        let last = self.talker.len().min(self.listener.len());
        (MAX_DELAY..(last + 1).saturating_sub(FRAME))
            .step_by(STEP)
            .filter(|&at| {
                let level = |leg: &[f32]| levels_db(&leg[at..at + FRAME], FRAME)[0];
                let talker_db = level(self.talker);
                talker_db >= self.talking_dbfs && talker_db - level(self.listener) >= self.softer_db
            })
            .collect()
    }
}

struct Spectra {
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    hann: Vec<f32>,
}

impl Spectra {
    fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let turn = |i: usize| std::f32::consts::TAU * i as f32 / FRAME as f32;
        Self {
            forward: planner.plan_fft_forward(FRAME),
            backward: planner.plan_fft_inverse(FRAME),
            hann: (0..FRAME).map(|i| 0.5 - 0.5 * turn(i).cos()).collect(),
        }
    }

    /// The impulse response from talker to listener, for a talker who is `delay` late.
    fn response(&mut self, pair: Pair, frames: &[usize], delay: usize) -> Vec<f32> {
        let bins = FRAME / 2 + 1;
        let (mut power, mut cross) = (vec![0.0; bins], vec![Complex::default(); bins]);
        for &at in frames {
            let said = self.spectrum(&pair.talker[at - delay..at - delay + FRAME]);
            let heard = self.spectrum(&pair.listener[at..at + FRAME]);
            for (bin, (x, y)) in std::iter::zip(said, heard).enumerate() {
                power[bin] += x.norm_sqr();
                cross[bin] += x.conj() * y;
            }
        }
        let floor = EMPTY_BAND * power.iter().sum::<f32>() / bins as f32 + f32::MIN_POSITIVE;
        let mut response: Vec<Complex<f32>> = std::iter::zip(&cross, &power)
            .map(|(cross, power)| cross / (power + floor) / FRAME as f32)
            .collect();
        // The transform of a real signal: nothing imaginary at either end.
        response[0].im = 0.0;
        response[bins - 1].im = 0.0;
        let mut taps = vec![0.0; FRAME];
        self.backward
            .process(&mut response, &mut taps)
            .expect("the buffers have the transform's lengths");
        taps
    }

    fn spectrum(&self, frame: &[f32]) -> Vec<Complex<f32>> {
        let windowed = std::iter::zip(frame, &self.hann).map(|(s, w)| s * w);
        transformed(&self.forward, windowed.collect())
    }
}

/// The last `LENGTH` samples before a window, silence where they are not known, and the window.
pub(crate) fn with_history<const LENGTH: usize>(before: &[f32], window: &[f32]) -> Vec<f32> {
    let known = &before[before.len().saturating_sub(LENGTH)..];
    let mut all = vec![0.0; LENGTH - known.len()];
    all.extend(known);
    all.extend(window);
    all
}

/// `frame` has the transform's length.
pub(crate) fn transformed(
    fft: &Arc<dyn RealToComplex<f32>>,
    mut frame: Vec<f32>,
) -> Vec<Complex<f32>> {
    let mut spectrum = fft.make_output_vec();
    fft.process(&mut frame, &mut spectrum)
        .expect("the buffers have the transform's lengths");
    spectrum
}

fn strongest(taps: &[f32]) -> usize {
    let loudest = taps.iter().map(|tap| tap.abs()).enumerate();
    loudest
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(0, |(at, _)| at)
}

/// The median over the frames of how much softer the listener's leg is without the echo.
fn depth_db(listener: &[f32], echo: &[f32], frames: &[usize]) -> f32 {
    let rest: Vec<f32> = std::iter::zip(listener, echo).map(|(l, e)| l - e).collect();
    let level = |leg: &[f32], at: usize| levels_db(&leg[at..at + FRAME], FRAME)[0];
    let mut depths: Vec<f32> = frames
        .iter()
        .map(|&at| level(listener, at) - level(&rest, at))
        .collect();
    let middle = depths.len() / 2;
    *depths.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// `count` samples of `source` through `taps`, the first of which has a whole `taps.len() - 1` of source before it.
/// Overlap-save: a block at a time in the frequency domain.
fn convolve(taps: &[f32], source: &[f32], count: usize) -> Vec<f32> {
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, backward) = (
        planner.plan_fft_forward(FRAME),
        planner.plan_fft_inverse(FRAME),
    );
    let mut padded = taps.to_vec();
    padded.resize(FRAME, 0.0);
    let response = transformed(&forward, padded);
    let (overlap, mut out) = (taps.len() - 1, Vec::with_capacity(count));
    while out.len() < count {
        let rest = &source[out.len()..];
        let mut block = rest[..rest.len().min(FRAME)].to_vec();
        block.resize(FRAME, 0.0);
        let mut spectrum = transformed(&forward, block);
        for (bin, gain) in std::iter::zip(&mut spectrum, &response) {
            *bin *= gain / FRAME as f32;
        }
        let mut filtered = vec![0.0; FRAME];
        backward
            .process(&mut spectrum, &mut filtered)
            .expect("a product of spectra of real signals");
        out.extend(&filtered[overlap..]);
    }
    out.truncate(count);
    out
}

#[cfg(test)]
mod tests;
