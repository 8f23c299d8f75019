//! The arithmetic between the matrix products. In: rows of f32. Out: rows of f32, u8 or bf16. Cannot fail: lengths are the
//! caller's proof. Written once as plain loops over lanes and compiled for each level of vector instructions; the level in
//! use is found out once.

#![expect(
    unsafe_code,
    reason = "calls into code compiled for instructions that were detected"
)]

use std::sync::OnceLock;

pub(super) use cached::{mix_values, score_keys};
pub(super) use order::{MEDIAN, highest_places, medians};

/// Lanes of an AVX-512 register; narrower machines take a group in several.
const LANES: usize = 16;
/// 1.5 * 2^23: adding it leaves the nearest whole number in the low bits.
const ROUND: f32 = 12_582_912.0;
/// Every Whisper model has heads of this size.
pub(super) const HEAD: usize = 64;
/// Positions that are scored together, so that the sums need no reduction across lanes.
pub(super) const KEY_BLOCK: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// AVX-512 with its byte dot products.
    Vnni,
    Avx2,
    Portable,
}

pub(super) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vnni");
    let narrow = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    match (wide && narrow, narrow) {
        (true, _) => Level::Vnni,
        (_, true) => Level::Avx2,
        _ => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Portable
}

/// `a * b + c`, rounded once where the machine can do that fast.
#[inline(always)]
fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Compiles a function's body for each level and calls the one that this machine has.
macro_rules! vectorized {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        pub(in crate::native) fn $name($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn body<const FUSED: bool>($($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
                fn vnni($($arg: $type),*) $(-> $out)? {
                    body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) $(-> $out)? {
                    body::<true>($($arg),*)
                }
                match level() {
                    // SAFETY: `level` says so only where the processor has these instructions.
                    Level::Vnni => unsafe { vnni($($arg),*) },
                    // SAFETY: as above.
                    Level::Avx2 => unsafe { avx2($($arg),*) },
                    Level::Portable => body::<false>($($arg),*),
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            body::<true>($($arg),*)
        }
    };
}

vectorized! {
    /// Normalises one row to mean 0 and variance 1, then scales and shifts it.
    fn layer_norm(row: &[f32], weight: &[f32], bias: &[f32], out: &mut [f32]) {
        const EPSILON: f32 = 1e-5;
        let count = row.len() as f32;
        let mean = sum::<FUSED>(row, |x| x) / count;
        let variance = sum::<FUSED>(row, |x| (x - mean) * (x - mean)) / count;
        let scale = 1.0 / (variance + EPSILON).sqrt();
        for (((out, x), w), b) in out.iter_mut().zip(row).zip(weight).zip(bias) {
            *out = fma::<FUSED>((x - mean) * scale, *w, *b);
        }
    }
}

vectorized! {
    /// Gaussian error linear unit, with the error function after Abramowitz and Stegun 7.1.26 (error below 2e-7).
    fn gelu(values: &mut [f32]) {
        for x in values {
            let half = std::f32::consts::FRAC_1_SQRT_2 * *x;
            let size = half.abs();
            let t = 1.0 / fma::<FUSED>(0.327_591_1, size, 1.0);
            let mut p = 1.061_405_4;
            for term in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
                p = fma::<FUSED>(p, t, term);
            }
            let erf = (1.0 - p * t * exp::<FUSED>(-size * size)).copysign(half);
            *x = 0.5 * *x * (1.0 + erf);
        }
    }
}

vectorized! {
    /// Turns scores into probabilities, in place.
    fn softmax(scores: &mut [f32]) {
        let highest = highest(scores);
        for score in scores.iter_mut() {
            *score = exp::<FUSED>(*score - highest);
        }
        let scale = 1.0 / sum::<FUSED>(scores, |x| x);
        for score in scores.iter_mut() {
            *score *= scale;
        }
    }
}

vectorized! {
    /// Logarithm of the sum of exponentials.
    fn log_sum_exp(scores: &[f32]) -> f32 {
        let highest = highest(scores);
        highest + sum::<FUSED>(scores, |x| exp::<FUSED>(x - highest)).ln()
    }
}

vectorized! {
    fn add(values: &mut [f32], more: &[f32]) {
        for (value, more) in values.iter_mut().zip(more) {
            *value += more;
        }
    }
}

vectorized! {
    /// Writes a row as bytes around 128 and returns the step between them.
    fn quantize(row: &[f32], out: &mut [u8]) -> f32 {
        let mut largest = [0.0_f32; LANES];
        let (groups, rest) = row.as_chunks::<LANES>();
        for group in groups {
            for lane in 0..LANES {
                largest[lane] = largest[lane].max(group[lane].abs());
            }
        }
        let largest = rest.iter().chain(&largest).fold(0.0_f32, |a, x| a.max(x.abs()));
        let step = largest / 127.0;
        let scale = if step > 0.0 { 1.0 / step } else { 0.0 };
        for (out, x) in out.iter_mut().zip(row) {
            // Adding 1.5 * 2^23 leaves the nearest whole number in the low bits.
            *out = low_byte((x * scale + ROUND).to_bits()).wrapping_add(128);
        }
        step
    }
}

vectorized! {
    /// Turns whole sums over bytes back into numbers. Never fused, so that every machine rounds alike.
    fn scale_sums(
        sums: &[i32],
        step: f32,
        scales: &[f32],
        offsets: &[i32],
        bias: &[f32],
        out: &mut [f32],
    ) {
        let terms = scales.iter().zip(offsets).zip(bias);
        for ((out, sum), ((scale, offset), bias)) in out.iter_mut().zip(sums).zip(terms) {
            *out = (sum - offset) as f32 * step * scale + bias;
        }
    }
}

vectorized! {
    /// Sums over high and low bytes back into numbers.
    fn join_sums(high: &[i32], low: &[i32], share: f32, scales: &[f32], out: &mut [f32]) {
        for (((out, high), low), scale) in out.iter_mut().zip(high).zip(low).zip(scales) {
            *out = (*high as f32 * 256.0 + *low as f32) * (share * scale);
        }
    }
}

vectorized! {
    /// Writes a row as signed bytes, four apart.
    fn scatter(row: &[f32], scales: &[f32], out: &mut [i8]) {
        for ((x, scale), out) in row.iter().zip(scales).zip(out.chunks_mut(4)) {
            out[0] = low_byte((x * scale + ROUND).to_bits()).cast_signed();
        }
    }
}

vectorized! {
    /// Probabilities in steps of their row's highest over 65,535, as two bytes. Returns what one step is worth.
    fn split_softmax(scores: &[f32], high: &mut [u8], low: &mut [u8]) -> f32 {
        let highest = highest(scores);
        let mut sums = [0_u32; LANES];
        let (groups, rest) = scores.as_chunks::<LANES>();
        let (highs, high_rest) = high.as_chunks_mut::<LANES>();
        let (lows, low_rest) = low.as_chunks_mut::<LANES>();
        for ((group, high), low) in groups.iter().zip(highs.iter_mut()).zip(lows.iter_mut()) {
            for lane in 0..LANES {
                let steps = split::<FUSED>(group[lane] - highest);
                sums[lane] += steps;
                high[lane] = low_byte(steps >> 8);
                low[lane] = low_byte(steps);
            }
        }
        let full = groups.len() * LANES;
        let (high, low) = if highs.len() > groups.len() {
            (highs[groups.len()].as_mut_slice(), lows[groups.len()].as_mut_slice())
        } else {
            (high_rest, low_rest)
        };
        debug_assert_eq!(full + rest.len(), scores.len());
        let mut sum: u32 = sums.iter().sum();
        for ((score, high), low) in rest.iter().zip(high).zip(low) {
            let steps = split::<FUSED>(score - highest);
            sum += steps;
            *high = low_byte(steps >> 8);
            *low = low_byte(steps);
        }
        1.0 / sum as f32
    }
}

vectorized! {
    /// Rounds to bf16: the upper half of an f32.
    fn narrow(values: &[f32], out: &mut [u16]) {
        for (out, value) in out.iter_mut().zip(values) {
            let bits = value.to_bits();
            *out = ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
        }
    }
}

/// A probability relative to the highest, in steps of a 65,535th.
#[inline(always)]
fn split<const FUSED: bool>(below_highest: f32) -> u32 {
    let steps = exp::<FUSED>(below_highest) * 65_535.0;
    (steps + ROUND).to_bits() & 0xffff
}

#[inline(always)]
fn low_byte(word: u32) -> u8 {
    word.to_le_bytes()[0]
}

#[inline(always)]
fn widen(bf16: u16) -> f32 {
    f32::from_bits(u32::from(bf16) << 16)
}

#[inline(always)]
fn sum<const FUSED: bool>(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (groups, rest) = values.as_chunks::<LANES>();
    for group in groups {
        for lane in 0..LANES {
            sums[lane] += term(group[lane]);
        }
    }
    let rest: f32 = rest.iter().map(|x| term(*x)).sum();
    sums.iter().sum::<f32>() + rest
}

#[inline(always)]
fn highest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (groups, rest) = values.as_chunks::<LANES>();
    for group in groups {
        for lane in 0..LANES {
            lanes[lane] = if group[lane] > lanes[lane] {
                group[lane]
            } else {
                lanes[lane]
            };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, |a, x| a.max(*x))
}

/// Exponential for values up to 0 and a little above, after Cephes' `expf`: relative error below 2e-7; 0 below −87.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    let shifted = fma::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = fma::<FUSED>(whole, -0.693_359_4, x);
    let rest = fma::<FUSED>(whole, 2.121_944_4e-4, rest);
    let mut p = 1.987_569_1e-4;
    for term in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        0.166_666_65,
        0.5,
    ] {
        p = fma::<FUSED>(p, rest, term);
    }
    let p = fma::<FUSED>(p, rest * rest, rest + 1.0);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    if x < -87.0 { 0.0 } else { p * power }
}

// After the macro, which they use.
mod cached;
mod order;
#[cfg(test)]
mod tests;
