//! Short-term synthesis and deemphasis (5.3.3 to 5.3.5). In: the residual of a frame and its coded log area ratios. Out: speech.
//! Cannot fail: every operation saturates.

use super::FRAME_SAMPLES;
use super::arithmetic::{add, mult_r, sub};

/// Of each log area ratio: its least code, its offset, and the inverse of its step (tables 4.1 and 4.2).
const RATIO_CODING: [(i16, i16, i16); 8] = [
    (-32, 0, 13_107),
    (-32, 0, 13_107),
    (-16, 2_048, 13_107),
    (-16, -2_560, 13_107),
    (-8, 94, 19_223),
    (-8, -1_792, 17_476),
    (-4, -341, 31_454),
    (-4, -1_144, 29_708),
];
/// A frame glides from the last one's ratios to its own: up to these samples at a quarter, a half, three quarters, all.
const GLIDE_ENDS: [usize; 4] = [13, 27, 40, FRAME_SAMPLES];
const DEEMPHASIS: i16 = 28_180;

type Ratios = [i16; 8];

#[derive(Debug, Default)]
pub(super) struct ShortTerm {
    last: Ratios,
    /// The lattice's memory.
    memory: [i16; 9],
}

impl ShortTerm {
    pub(super) fn synthesize(
        &mut self,
        coded: &[u8; 8],
        residual: &[i16; FRAME_SAMPLES],
    ) -> [i16; FRAME_SAMPLES] {
        let ratios = decoded(coded);
        let mut out = [0; FRAME_SAMPLES];
        let mut start = 0;
        for (stage, end) in GLIDE_ENDS.into_iter().enumerate() {
            let reflections = glide(stage, &self.last, &ratios).map(reflection);
            for (sample, &excitation) in out[start..end].iter_mut().zip(&residual[start..end]) {
                *sample = self.lattice(&reflections, excitation);
            }
            start = end;
        }
        self.last = ratios;
        out
    }

    fn lattice(&mut self, reflections: &Ratios, excitation: i16) -> i16 {
        let mut sample = excitation;
        for (i, &reflection) in reflections.iter().enumerate().rev() {
            sample = sub(sample, mult_r(reflection, self.memory[i]));
            self.memory[i + 1] = add(self.memory[i], mult_r(reflection, sample));
        }
        self.memory[0] = sample;
        sample
    }
}

fn decoded(coded: &[u8; 8]) -> Ratios {
    let mut ratios = [0; 8];
    for ((ratio, &code), (least, offset, inverse_step)) in
        ratios.iter_mut().zip(coded).zip(RATIO_CODING)
    {
        let value = (i16::from(code) + least) << 10;
        let scaled = mult_r(inverse_step, sub(value, offset << 1));
        *ratio = add(scaled, scaled);
    }
    ratios
}

fn glide(stage: usize, last: &Ratios, own: &Ratios) -> Ratios {
    let mut ratios = [0; 8];
    for ((ratio, &a), &b) in ratios.iter_mut().zip(last).zip(own) {
        *ratio = match stage {
            0 => add(add(a >> 2, b >> 2), a >> 1),
            1 => add(a >> 1, b >> 1),
            2 => add(add(a >> 2, b >> 2), b >> 1),
            _ => b,
        };
    }
    ratios
}

/// The logarithm undone in three straight pieces.
fn reflection(ratio: i16) -> i16 {
    let size = ratio.saturating_abs();
    let size = if size < 11_059 {
        size << 1
    } else if size < 20_070 {
        size + 11_059
    } else {
        add(size >> 2, 26_112)
    };
    if ratio < 0 { -size } else { size }
}

#[derive(Debug, Default)]
pub(super) struct Deemphasis {
    last: i16,
}

impl Deemphasis {
    /// The result is rounded down to 13 bits, which is what the codec promises.
    pub(super) fn next(&mut self, sample: i16) -> i16 {
        self.last = add(sample, mult_r(self.last, DEEMPHASIS));
        add(self.last, self.last) & !7
    }
}
