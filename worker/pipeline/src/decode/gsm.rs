//! GSM 06.10 full-rate speech, as PBX systems store it. In: packed frames, of 33 bytes or in pairs of 65 as WAV has them. Out:
//! 160 samples a frame at 8 kHz, bit-exact to the recommendation's fixed-point arithmetic. Fails: on bytes that are no whole
//! frame, or a frame of 33 without its signature. Source: ETSI EN 300 961 (GSM 06.10), section 5.3.

mod arithmetic;
mod filter;
mod unpack;

use arithmetic::{add, mult_r, sub};
use filter::{Deemphasis, ShortTerm};
use unpack::{Frame, Subframe};

pub(super) const FRAME_SAMPLES: usize = 160;
const SUBFRAME_SAMPLES: usize = 40;
/// The long-term predictor looks back this far at most.
const MAX_LAG: usize = 120;
const MIN_LAG: usize = 40;

/// Gains of the long-term predictor (table 4.3b).
const LTP_GAIN: [i16; 4] = [3_277, 11_469, 21_299, 32_767];
/// Normalised inverse of the residual's block maximum (table 4.5, FAC).
const RPE_STEP: [i16; 8] = [
    18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Frames33,
    Pairs65,
}

#[derive(Debug)]
pub(super) struct Decoder {
    packing: Packing,
    /// Reconstructed short-term residual: the last 120 samples, then the subframe in hand.
    residual: [i16; MAX_LAG + SUBFRAME_SAMPLES],
    last_lag: usize,
    short_term: ShortTerm,
    deemphasis: Deemphasis,
}

impl Decoder {
    pub(super) fn new(packing: Packing) -> Self {
        Self {
            packing,
            residual: [0; MAX_LAG + SUBFRAME_SAMPLES],
            last_lag: MIN_LAG,
            short_term: ShortTerm::default(),
            deemphasis: Deemphasis::default(),
        }
    }

    /// `None` if the bytes are no whole frames.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Option<Vec<i16>> {
        let frames: Vec<Frame> = match self.packing {
            Packing::Frames33 => bytes
                .chunks(33)
                .map(unpack::frame_of_33)
                .collect::<Option<_>>()?,
            Packing::Pairs65 => bytes
                .chunks(65)
                .map(unpack::pair_of_65)
                .collect::<Option<Vec<_>>>()?
                .concat(),
        };
        let mut samples = Vec::with_capacity(frames.len() * FRAME_SAMPLES);
        for frame in &frames {
            samples.extend(self.frame(frame));
        }
        Some(samples)
    }

    fn frame(&mut self, frame: &Frame) -> [i16; FRAME_SAMPLES] {
        let mut residual = [0; FRAME_SAMPLES];
        for (subframe, out) in frame
            .subframes
            .iter()
            .zip(residual.chunks_exact_mut(SUBFRAME_SAMPLES))
        {
            self.predict(subframe);
            out.copy_from_slice(&self.residual[MAX_LAG..]);
            self.residual.copy_within(SUBFRAME_SAMPLES.., 0);
        }
        let mut samples = self.short_term.synthesize(&frame.area_ratios, &residual);
        for sample in &mut samples {
            *sample = self.deemphasis.next(*sample);
        }
        samples
    }

    /// Long-term synthesis (5.3.2): the excitation plus what was heard a pitch period ago.
    fn predict(&mut self, subframe: &Subframe) {
        let excitation = excitation(subframe);
        // A lag outside the allowed range is a transmission error: the last good one stands in.
        let lag = usize::from(subframe.lag);
        if (MIN_LAG..=MAX_LAG).contains(&lag) {
            self.last_lag = lag;
        }
        let gain = LTP_GAIN[usize::from(subframe.gain & 3)];
        for (i, &pulse) in excitation.iter().enumerate() {
            let at = MAX_LAG + i;
            let past = mult_r(gain, self.residual[at - self.last_lag]);
            self.residual[at] = add(pulse, past);
        }
    }
}

/// Inverse adaptive PCM and placing on the grid (5.3.1): thirteen pulses, three samples apart.
fn excitation(subframe: &Subframe) -> [i16; SUBFRAME_SAMPLES] {
    let (exponent, mantissa) = exponent_and_mantissa(subframe.block_maximum);
    let step = RPE_STEP[mantissa];
    let shift = sub(6, exponent);
    let rounding = if shift > 0 { 1 << (shift - 1) } else { 0 };
    let mut samples = [0; SUBFRAME_SAMPLES];
    let grid = samples.iter_mut().skip(usize::from(subframe.grid & 3));
    for (sample, &pulse) in grid.step_by(3).zip(&subframe.pulses) {
        // Three bits, an odd number from −7 to 7, scaled up to the top of a word.
        let signed = (i16::from(pulse) * 2 - 7) << 12;
        let value = add(mult_r(step, signed), rounding);
        *sample = value >> shift.clamp(0, 15);
    }
    samples
}

/// The block maximum is a small float of its own (4.2.15).
fn exponent_and_mantissa(coded: u8) -> (i16, usize) {
    let coded = i16::from(coded & 0x3f);
    let mut exponent = if coded > 15 { (coded >> 3) - 1 } else { 0 };
    let mut mantissa = coded - (exponent << 3);
    if mantissa == 0 {
        return (-4, 7);
    }
    while mantissa <= 7 {
        mantissa = mantissa << 1 | 1;
        exponent -= 1;
    }
    // 8 to 15 by now: the leading one goes without saying.
    (exponent, usize::from(mantissa.unsigned_abs() & 7))
}

#[cfg(test)]
mod tests;
