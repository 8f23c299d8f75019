//! One head's attention over a whole window, in bytes. In: rows of queries, keys and values. Out: rows of mixed values.
//! Cannot fail. Products of f32 would be half of the encoder's time; bytes take a quarter of that. Keys lose their mean
//! first, which shifts all scores of a query alike and so changes no probability, and leaves the bytes to what differs.
//! Probabilities are written as two bytes, since most of a spread-out row lies below a 255th of its highest.

use super::kernels::{self, HEAD};
use super::q8::{PANEL, Q8Matrix, Q8Rows, SplitRows};

/// Queries that are scored together: a multiple of what shares registers, and their scores over a window stay in the
/// second level of cache.
const QUERIES: usize = 48;
/// The values of a head are one panel.
const _: () = assert!(HEAD == PANEL);

#[derive(Debug, Default)]
pub(super) struct Attention {
    queries: Q8Rows,
    keys: Q8Matrix,
    values: Q8Matrix,
    scores: Vec<f32>,
    weights: SplitRows,
}

/// One head's rows within rows that hold more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    values: &'a [f32],
    stride: usize,
    count: usize,
}

impl<'a> Rows<'a> {
    /// `count` rows, each `stride` after the one before; `values` begins with the first.
    pub(super) fn new(values: &'a [f32], stride: usize, count: usize) -> Self {
        Self {
            values,
            stride,
            count,
        }
    }

    fn range(self, first: usize, count: usize) -> impl Iterator<Item = &'a [f32]> + Clone {
        (first..first + count).map(move |number| &self.values[number * self.stride..][..HEAD])
    }
}

impl Attention {
    /// What query `n` draws goes to `out[n * stride..]`.
    pub(super) fn mix(
        &mut self,
        queries: Rows<'_>,
        keys: Rows<'_>,
        values: Rows<'_>,
        out: &mut [f32],
        stride: usize,
    ) {
        let positions = keys.count;
        self.take_keys(keys);
        self.values
            .fill_columns(values.range(0, positions), positions);
        for first in (0..queries.count).step_by(QUERIES) {
            let count = QUERIES.min(queries.count - first);
            self.queries.fill_from(queries.range(first, count), HEAD);
            self.scores.resize(count * positions, 0.0);
            self.keys.multiply(&self.queries, &mut self.scores);
            self.weights
                .fill(&self.scores, positions, self.values.inputs());
            self.values
                .mix(&self.weights, &mut out[first * stride..], stride);
        }
    }

    fn take_keys(&mut self, keys: Rows<'_>) {
        let mut mean = [0.0; HEAD];
        for key in keys.range(0, keys.count) {
            kernels::add(&mut mean, key);
        }
        let negative = mean.map(|sum| -sum / keys.count as f32);
        self.keys.start(HEAD, keys.count);
        for (number, key) in keys.range(0, keys.count).enumerate() {
            let mut row = negative;
            kernels::add(&mut row, key);
            self.keys.set_row(number, &row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(rows: usize, stride: usize, pace: f32) -> Vec<f32> {
        (0..rows * stride)
            .map(|i| (i as f32 * pace).sin() + (i as f32 * pace / 7.0).cos())
            .collect()
    }

    #[test]
    fn bytes_draw_what_numbers_draw() {
        // Strides and counts that fill neither registers nor panels.
        for (positions, stride) in [(1, HEAD), (67, 70), (130, 3 * HEAD)] {
            let (q, k, v) = (
                wave(positions, stride, 0.37),
                wave(positions, stride, 0.11),
                wave(positions, stride, 0.53),
            );
            let mut out = vec![0.0; positions * HEAD];
            let rows = |values| Rows::new(values, stride, positions);
            Attention::default().mix(rows(&q), rows(&k), rows(&v), &mut out, HEAD);
            for query in 0..positions {
                let row = |values: &[f32], at: usize| values[at * stride..][..HEAD].to_vec();
                let dot = |at| {
                    row(&q, query)
                        .iter()
                        .zip(row(&k, at))
                        .map(|(a, b)| a * b)
                        .sum()
                };
                let mut weights: Vec<f32> = (0..positions).map(dot).collect();
                kernels::softmax(&mut weights);
                for d in 0..HEAD {
                    let exact: f32 = (0..positions)
                        .map(|at| weights[at] * v[at * stride + d])
                        .sum();
                    let found = out[query * HEAD + d];
                    assert!(
                        (found - exact).abs() < 0.15,
                        "{found} for {exact} of {positions}"
                    );
                }
            }
        }
    }
}
