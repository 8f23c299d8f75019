//! The product itself, for each level of vector instructions. All give the same bits: sums of whole numbers, then one
//! multiplication by the row's step, one by the output's scale and one addition, in this order.

#![expect(
    unsafe_code,
    reason = "vector instructions and loads by pointer; each block states why it is sound"
)]

use super::{PANEL, Q8Matrix, Q8Rows, QUAD, SplitRows};
use crate::native::kernels::{self, Level, level};

/// Rows that share a panel's weights while these are in registers.
const TILE: usize = 6;

/// Sums of one tile: a row of sums for each row of activations.
type Sums = [[i32; PANEL]; TILE];

pub(super) fn multiply(matrix: &Q8Matrix, rows: &Q8Rows, out: &mut [f32]) {
    multiply_at(level(), matrix, rows, out);
}

pub(super) fn multiply_at(level: Level, matrix: &Q8Matrix, rows: &Q8Rows, out: &mut [f32]) {
    let (inputs, outputs) = (matrix.inputs, matrix.outputs);
    assert_eq!(
        rows.bytes.len(),
        rows.steps.len() * inputs,
        "rows of the matrix's width"
    );
    assert_eq!(
        out.len(),
        rows.steps.len() * outputs,
        "room for every output"
    );
    assert_eq!(inputs % QUAD, 0, "whole dot products");
    let mut sums: Sums = [[0; PANEL]; TILE];
    for (number, panel) in matrix.packed.chunks_exact(inputs * PANEL).enumerate() {
        let first = number * PANEL;
        let width = PANEL.min(outputs - first);
        for (tile, bytes) in rows.bytes.chunks(TILE * inputs).enumerate() {
            let count = bytes.len() / inputs;
            add_up(level, panel, bytes, inputs, count, &mut sums);
            for (row, sums) in sums.iter().enumerate().take(count) {
                let place = (tile * TILE + row) * outputs + first;
                let to = &mut out[place..place + width];
                let terms = first..first + width;
                kernels::scale_sums(
                    &sums[..width],
                    rows.steps[tile * TILE + row],
                    &matrix.scales[terms.clone()],
                    &matrix.offsets[terms.clone()],
                    &matrix.bias[terms],
                    to,
                );
            }
        }
    }
}

/// Of one panel: sums of weights of two bytes.
pub(super) fn mix(matrix: &Q8Matrix, rows: &SplitRows, out: &mut [f32], stride: usize) {
    let inputs = matrix.inputs;
    assert_eq!(
        rows.high.len(),
        rows.shares.len() * inputs,
        "rows of the matrix's width"
    );
    assert_eq!(
        (rows.low.len(), matrix.outputs),
        (rows.high.len(), PANEL),
        "one panel"
    );
    let (mut high, mut low): (Sums, Sums) = ([[0; PANEL]; TILE], [[0; PANEL]; TILE]);
    let tiles = rows
        .high
        .chunks(TILE * inputs)
        .zip(rows.low.chunks(TILE * inputs));
    for (tile, (high_bytes, low_bytes)) in tiles.enumerate() {
        let count = high_bytes.len() / inputs;
        add_up(
            level(),
            &matrix.packed,
            high_bytes,
            inputs,
            count,
            &mut high,
        );
        add_up(level(), &matrix.packed, low_bytes, inputs, count, &mut low);
        for row in 0..count {
            let number = tile * TILE + row;
            let to = &mut out[number * stride..][..PANEL];
            kernels::join_sums(
                &high[row],
                &low[row],
                rows.shares[number],
                &matrix.scales,
                to,
            );
        }
    }
}

fn add_up(level: Level, panel: &[i8], rows: &[u8], inputs: usize, count: usize, sums: &mut Sums) {
    match (level, count) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level says that the processor has the instructions; `panel` holds `inputs * PANEL` weights and `rows`
        // `count * inputs` activations, as the caller cut them.
        (Level::Vnni, _) => unsafe {
            match count {
                1 => x86::vnni::<1>(panel, rows, inputs, sums),
                2 => x86::vnni::<2>(panel, rows, inputs, sums),
                3 => x86::vnni::<3>(panel, rows, inputs, sums),
                4 => x86::vnni::<4>(panel, rows, inputs, sums),
                5 => x86::vnni::<5>(panel, rows, inputs, sums),
                _ => x86::vnni::<6>(panel, rows, inputs, sums),
            }
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        (Level::Avx2, _) => unsafe { x86::avx2(panel, rows, inputs, count, sums) },
        _ => portable(panel, rows, inputs, count, sums),
    }
}

fn portable(panel: &[i8], rows: &[u8], inputs: usize, count: usize, sums: &mut Sums) {
    for (row, sums) in rows.chunks_exact(inputs).zip(sums.iter_mut()).take(count) {
        *sums = [0; PANEL];
        for (activations, weights) in row.chunks_exact(QUAD).zip(panel.chunks_exact(PANEL * QUAD)) {
            for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(QUAD)) {
                for (a, w) in activations.iter().zip(weights) {
                    *sum += i32::from(*a) * i32::from(*w);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{PANEL, QUAD, Sums};

    /// Bytes of a panel's row: [`PANEL`] outputs, four inputs each.
    const STRIDE: usize = PANEL * QUAD;
    const REGISTERS: usize = 4;

    /// # Safety
    /// `panel` holds `inputs * PANEL` weights, `rows` at least `ROWS * inputs` activations.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn vnni<const ROWS: usize>(
        panel: &[i8],
        rows: &[u8],
        inputs: usize,
        sums: &mut Sums,
    ) {
        let mut registers = [[_mm512_setzero_si512(); REGISTERS]; ROWS];
        for quad in 0..inputs / QUAD {
            // SAFETY: `quad * STRIDE` and the 256 bytes after it lie within the panel.
            let weights = unsafe {
                let at = panel.as_ptr().add(quad * STRIDE);
                [
                    _mm512_loadu_si512(at.cast()),
                    _mm512_loadu_si512(at.add(64).cast()),
                    _mm512_loadu_si512(at.add(128).cast()),
                    _mm512_loadu_si512(at.add(192).cast()),
                ]
            };
            for (row, registers) in registers.iter_mut().enumerate() {
                // SAFETY: four bytes within the row.
                let four = unsafe {
                    rows.as_ptr()
                        .add(row * inputs + quad * QUAD)
                        .cast::<i32>()
                        .read_unaligned()
                };
                let activations = _mm512_set1_epi32(four);
                for (register, weights) in registers.iter_mut().zip(weights) {
                    *register = _mm512_dpbusd_epi32(*register, activations, weights);
                }
            }
        }
        for (row, sums) in registers.iter().zip(sums.iter_mut()) {
            for (register, out) in row.iter().zip(sums.chunks_exact_mut(16)) {
                // SAFETY: `out` holds sixteen sums.
                unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), *register) };
            }
        }
    }

    /// # Safety
    /// As [`vnni`], with `count` rows.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2(
        panel: &[i8],
        rows: &[u8],
        inputs: usize,
        count: usize,
        sums: &mut Sums,
    ) {
        /// Outputs of one register of weights.
        const OUTPUTS: usize = 8;
        for (row, sums) in sums.iter_mut().enumerate().take(count) {
            for group in 0..PANEL / OUTPUTS {
                let mut low = _mm256_setzero_si256();
                let mut high = _mm256_setzero_si256();
                for quad in 0..inputs / QUAD {
                    // SAFETY: four bytes within the row, 32 within the panel.
                    let (four, weights) = unsafe {
                        let four = rows.as_ptr().add(row * inputs + quad * QUAD).cast::<i32>();
                        let at = panel.as_ptr().add(quad * STRIDE + group * OUTPUTS * QUAD);
                        (four.read_unaligned(), _mm256_loadu_si256(at.cast()))
                    };
                    let activations = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
                    let first = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(weights));
                    let second = _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(weights));
                    low = _mm256_add_epi32(low, _mm256_madd_epi16(activations, first));
                    high = _mm256_add_epi32(high, _mm256_madd_epi16(activations, second));
                }
                // Pairs of sums, in the order 0 1 4 5 2 3 6 7.
                let paired = _mm256_hadd_epi32(low, high);
                let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(paired);
                // SAFETY: `sums` holds 64 sums.
                unsafe {
                    _mm256_storeu_si256(sums.as_mut_ptr().add(group * OUTPUTS).cast(), ordered);
                }
            }
        }
    }
}
