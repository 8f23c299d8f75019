//! Keys and values of one attention, as bf16. In: rows of f32, position by position. Out: what a query draws from them.
//! Cannot fail. bf16 halves what a token has to read; whisper.cpp keeps f16 here, which needs an instruction to widen.

use super::kernels::{self, HEAD, KEY_BLOCK};

#[derive(Debug)]
pub(super) struct Cache {
    heads: usize,
    /// Positions that there is room for, a multiple of [`KEY_BLOCK`].
    room: usize,
    filled: usize,
    /// For each head blocks of positions; in each block one row of positions for each dimension.
    keys: Vec<u16>,
    /// For each head one row of dimensions for each position.
    values: Vec<u16>,
}

impl Cache {
    pub(super) fn new(heads: usize, positions: usize) -> Self {
        let room = positions.next_multiple_of(KEY_BLOCK);
        Self {
            heads,
            room,
            filled: 0,
            keys: vec![0; heads * room * HEAD],
            values: vec![0; heads * room * HEAD],
        }
    }

    /// Adds the next position: the keys and the values of all heads.
    pub(super) fn push(&mut self, keys: &[f32], values: &[f32]) {
        let position = self.filled;
        self.filled += 1;
        let mut narrow = [0; HEAD];
        for head in 0..self.heads {
            let part = head * HEAD..(head + 1) * HEAD;
            kernels::narrow(&keys[part.clone()], &mut narrow);
            let block = (head * self.room + position / KEY_BLOCK * KEY_BLOCK) * HEAD;
            for (d, key) in narrow.iter().enumerate() {
                self.keys[block + d * KEY_BLOCK + position % KEY_BLOCK] = *key;
            }
            let row = (head * self.room + position) * HEAD;
            kernels::narrow(&values[part], &mut self.values[row..row + HEAD]);
        }
    }

    /// Becomes a copy of `other`, which has the same room. Only what is filled is copied.
    pub(super) fn copy_from(&mut self, other: &Self) {
        debug_assert_eq!(self.room, other.room, "caches of one span");
        self.filled = other.filled;
        let blocks = self.filled.next_multiple_of(KEY_BLOCK);
        for head in 0..self.heads {
            let first = head * self.room * HEAD;
            let keys = first..first + blocks * HEAD;
            self.keys[keys.clone()].copy_from_slice(&other.keys[keys]);
            let values = first..first + self.filled * HEAD;
            self.values[values.clone()].copy_from_slice(&other.values[values]);
        }
    }

    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// One head's attention over the first `visible` positions, for each query. Leaves the probabilities in `scores`, and
    /// returns how far apart there the queries' are.
    pub(super) fn attend(
        &self,
        head: usize,
        queries: &[[f32; HEAD]],
        visible: usize,
        scores: &mut Vec<f32>,
        outs: &mut [[f32; HEAD]],
    ) -> usize {
        let width = visible.next_multiple_of(KEY_BLOCK);
        scores.resize(queries.len() * width, 0.0);
        let first = head * self.room * HEAD;
        kernels::score_keys(queries, &self.keys[first..first + width * HEAD], scores);
        for scores in scores.chunks_exact_mut(width) {
            kernels::softmax(&mut scores[..visible]);
        }
        let values = &self.values[first..first + visible * HEAD];
        kernels::mix_values(scores, width, values, outs);
        width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_draws_the_value_whose_key_it_matches_and_none_that_is_not_visible() {
        let (heads, positions) = (2, 70);
        let mut cache = Cache::new(heads, positions);
        for position in 0..positions {
            let mut key = vec![0.0; heads * HEAD];
            // Head 0 tells positions apart, head 1 does not.
            key[position % HEAD] = if position < HEAD { 50.0 } else { 100.0 };
            cache.push(&key, &vec![position as f32; heads * HEAD]);
        }
        let mut query = [0.0; HEAD];
        query[3] = 1.0;
        let ask = |head, visible| {
            let (mut scores, mut outs) = (Vec::new(), [[0.0; HEAD]; 7]);
            let width = cache.attend(head, &[query; 7], visible, &mut scores, &mut outs);
            for (scores, out) in scores.chunks(width).zip(outs) {
                assert_eq!((scores[..visible].iter().sum::<f32>() * 1e3).round(), 1e3);
                assert_eq!(out, outs[0], "each query by itself");
            }
            outs[0][0]
        };
        assert_eq!(ask(0, 64), 3.0);
        assert_eq!(ask(0, 70), 67.0);
        assert_eq!(ask(1, 5), 2.0);
    }
}
