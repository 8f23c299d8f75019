//! Attention over keys and values that are kept as bf16, for several queries at once. In: queries, keys, values, weights. Out: a
//! row for each query, the same whichever queries are beside it. Cannot fail: lengths are the caller's proof.

use super::{HEAD, KEY_BLOCK, Level, fma, level, widen};

/// Queries whose sums the registers hold at once.
const QUERIES: usize = 5;

vectorized! {
    /// Products of each query with every key, a row of them a query. `keys` holds blocks of [`KEY_BLOCK`] positions, in each one
    /// row a dimension. Keys are read and widened once for all queries.
    fn score_keys(queries: &[[f32; HEAD]], keys: &[u16], scores: &mut [f32]) {
        let width = keys.len() / HEAD;
        for (queries, scores) in queries.chunks(QUERIES).zip(scores.chunks_mut(QUERIES * width)) {
            match queries {
                [a, b, c, d, e] => score_block::<5, FUSED>([a, b, c, d, e], keys, scores),
                [a, b, c, d] => score_block::<4, FUSED>([a, b, c, d], keys, scores),
                [a, b, c] => score_block::<3, FUSED>([a, b, c], keys, scores),
                [a, b] => score_block::<2, FUSED>([a, b], keys, scores),
                [a] => score_block::<1, FUSED>([a], keys, scores),
                // Chunks have 1 to QUERIES.
                _ => {}
            }
        }
    }
}

#[inline(always)]
fn score_block<const COUNT: usize, const FUSED: bool>(
    queries: [&[f32; HEAD]; COUNT],
    keys: &[u16],
    scores: &mut [f32],
) {
    let width = keys.len() / HEAD;
    let (blocks, _) = keys.as_chunks::<{ HEAD * KEY_BLOCK }>();
    for (number, block) in blocks.iter().enumerate() {
        let mut sums = [[0.0_f32; KEY_BLOCK]; COUNT];
        let (rows, _) = block.as_chunks::<KEY_BLOCK>();
        for (dimension, row) in rows.iter().enumerate() {
            for (query, sums) in queries.iter().zip(&mut sums) {
                for lane in 0..KEY_BLOCK {
                    sums[lane] = fma::<FUSED>(query[dimension], widen(row[lane]), sums[lane]);
                }
            }
        }
        for (scores, sums) in scores.chunks_exact_mut(width).zip(&sums) {
            scores[number * KEY_BLOCK..(number + 1) * KEY_BLOCK].copy_from_slice(sums);
        }
    }
}

vectorized! {
    /// For each row of weights, `width` apart, the sum of the values' rows, each times its weight.
    fn mix_values(weights: &[f32], width: usize, values: &[u16], outs: &mut [[f32; HEAD]]) {
        let rows = weights.chunks(QUERIES * width).zip(outs.chunks_mut(QUERIES));
        for (weights, outs) in rows {
            match outs.len() {
                5 => mix_block::<5, FUSED>(weights, width, values, outs),
                4 => mix_block::<4, FUSED>(weights, width, values, outs),
                3 => mix_block::<3, FUSED>(weights, width, values, outs),
                2 => mix_block::<2, FUSED>(weights, width, values, outs),
                1 => mix_block::<1, FUSED>(weights, width, values, outs),
                _ => {}
            }
        }
    }
}

#[inline(always)]
fn mix_block<const COUNT: usize, const FUSED: bool>(
    weights: &[f32],
    width: usize,
    values: &[u16],
    outs: &mut [[f32; HEAD]],
) {
    let weights: [&[f32]; COUNT] = std::array::from_fn(|query| &weights[query * width..]);
    let mut sums = [[0.0_f32; HEAD]; COUNT];
    let (rows, _) = values.as_chunks::<HEAD>();
    for (position, row) in rows.iter().enumerate() {
        for (weights, sums) in weights.iter().zip(&mut sums) {
            for lane in 0..HEAD {
                sums[lane] = fma::<FUSED>(weights[position], widen(row[lane]), sums[lane]);
            }
        }
    }
    outs.copy_from_slice(&sums);
}
