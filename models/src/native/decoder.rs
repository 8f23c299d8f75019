//! The decoder, for several sequences at once. In: rows, each the next token of a sequence. Out: scores over the
//! vocabulary for the rows that ask for them. Cannot fail. The weights are read once for all rows, which is what decoding
//! costs. Source: `TextDecoder` in OpenAI's `model.py`.

use super::cache::Cache;
use super::encoder::{Scratch, transform};
use super::kernels::{self, HEAD};
use super::q8::Q8Rows;
use super::weights::{DecoderBlock, Weights};

/// What one span's decoding remembers.
#[derive(Debug)]
pub(super) struct Sequence {
    /// One for each block.
    own: Vec<Cache>,
    cross: Vec<Cache>,
    /// Positions of sound, without the padding: as many are kept of each aligned row.
    heard: usize,
    /// For each alignment head its attention over what was heard, one row for each token since `align_from`.
    pub(super) attention: Vec<Vec<f32>>,
    align_from: usize,
}

/// The next token of a sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) sequence: usize,
    pub(super) token: usize,
    pub(super) scored: bool,
}

/// (block, head) pairs whose attention follows the words.
pub(super) type AlignmentHeads = [(usize, usize)];

#[derive(Debug, Default)]
pub(super) struct Buffers {
    rows: Q8Rows,
    normed: Vec<f32>,
    wide: Vec<f32>,
    mixed: Vec<f32>,
    scores: Vec<f32>,
    scratch: Scratch,
}

impl Sequence {
    /// From the encoder's rows, with room for `tokens` tokens. Attention is kept from the token `align_from` on.
    pub(super) fn new(
        weights: &Weights,
        encoded: &[f32],
        heard: usize,
        tokens: usize,
        align_from: usize,
        heads: &AlignmentHeads,
    ) -> Self {
        let (state, blocks) = (weights.state, &weights.decoder.blocks);
        let positions = encoded.len() / state;
        let mut rows = Q8Rows::default();
        rows.fill(encoded, state);
        let mut pairs = vec![0.0; 2 * encoded.len()];
        let mut cross = Vec::new();
        for block in blocks {
            block.cross_key_value.multiply(&rows, &mut pairs);
            let mut cache = Cache::new(weights.heads, positions);
            for pair in pairs.chunks_exact(2 * state) {
                let (keys, values) = pair.split_at(state);
                cache.push(keys, values);
            }
            cross.push(cache);
        }
        Self {
            own: blocks
                .iter()
                .map(|_| Cache::new(weights.heads, tokens))
                .collect(),
            cross,
            heard: heard.min(positions),
            attention: vec![Vec::new(); heads.len()],
            align_from,
        }
    }

    /// Tokens so far.
    pub(super) fn length(&self) -> usize {
        self.own.first().map_or(0, Cache::filled)
    }

    pub(super) fn heard(&self) -> usize {
        self.heard
    }
}

/// Takes `rows` in order; several of one sequence follow each other in it. Returns a row of scores for each that is scored.
pub(super) fn step(
    weights: &Weights,
    heads: &AlignmentHeads,
    sequences: &mut [Sequence],
    rows: &[Row],
    buffers: &mut Buffers,
) -> Vec<f32> {
    let state = weights.state;
    let positions = positions(sequences, rows);
    let mut x = embed(weights, rows, &positions);
    for (number, block) in weights.decoder.blocks.iter().enumerate() {
        look_back(block, weights, number, sequences, rows, &mut x, buffers);
        look_at_sound(
            block, weights, number, heads, sequences, rows, &mut x, buffers,
        );
        transform(&block.own, &mut x, &mut buffers.scratch);
    }
    let mut scored = Vec::new();
    for (row, x) in rows.iter().zip(x.chunks_exact(state)) {
        if row.scored {
            scored.extend_from_slice(x);
        }
    }
    buffers.normed.resize(scored.len(), 0.0);
    weights.decoder.norm.apply(&scored, &mut buffers.normed);
    buffers.rows.fill(&buffers.normed, state);
    let tokens = &weights.decoder.tokens;
    let mut scores = vec![0.0; scored.len() / state * tokens.outputs()];
    tokens.multiply(&buffers.rows, &mut scores);
    scores
}

/// Where each row's token stands in its sequence.
fn positions(sequences: &[Sequence], rows: &[Row]) -> Vec<usize> {
    let mut lengths: Vec<usize> = sequences.iter().map(Sequence::length).collect();
    let next = |row: &Row| {
        lengths[row.sequence] += 1;
        lengths[row.sequence] - 1
    };
    rows.iter().map(next).collect()
}

fn embed(weights: &Weights, rows: &[Row], positions: &[usize]) -> Vec<f32> {
    let state = weights.state;
    let mut x = vec![0.0; rows.len() * state];
    for ((row, position), x) in rows.iter().zip(positions).zip(x.chunks_exact_mut(state)) {
        weights.decoder.tokens.row(row.token, x);
        kernels::add(
            x,
            &weights.decoder.positions[position * state..(position + 1) * state],
        );
    }
    x
}

/// Attention over the tokens so far.
fn look_back(
    block: &DecoderBlock,
    weights: &Weights,
    number: usize,
    sequences: &mut [Sequence],
    rows: &[Row],
    x: &mut [f32],
    buffers: &mut Buffers,
) {
    let state = weights.state;
    buffers.normed.resize(x.len(), 0.0);
    block.own.attention_norm.apply(x, &mut buffers.normed);
    buffers.rows.fill(&buffers.normed, state);
    buffers.wide.resize(3 * x.len(), 0.0);
    block
        .own
        .query_key_value
        .multiply(&buffers.rows, &mut buffers.wide);
    buffers.mixed.resize(x.len(), 0.0);
    let parts = buffers
        .wide
        .chunks_exact(3 * state)
        .zip(buffers.mixed.chunks_exact_mut(state));
    for (row, (parts, mixed)) in rows.iter().zip(parts) {
        let cache = &mut sequences[row.sequence].own[number];
        cache.push(&parts[state..2 * state], &parts[2 * state..]);
        let visible = cache.filled();
        let (queries, _) = parts[..state].as_chunks::<HEAD>();
        let (outs, _) = mixed.as_chunks_mut::<HEAD>();
        for (head, (query, out)) in queries.iter().zip(outs).enumerate() {
            cache.attend(head, query, visible, &mut buffers.scores, out);
        }
    }
    buffers.rows.fill(&buffers.mixed, state);
    block
        .own
        .attention_out
        .multiply(&buffers.rows, &mut buffers.normed);
    kernels::add(x, &buffers.normed);
}

/// Attention over the encoded sound; the alignment heads' is kept.
#[expect(
    clippy::too_many_arguments,
    reason = "one layer's inputs, state and buffers"
)]
fn look_at_sound(
    block: &DecoderBlock,
    weights: &Weights,
    number: usize,
    heads: &AlignmentHeads,
    sequences: &mut [Sequence],
    rows: &[Row],
    x: &mut [f32],
    buffers: &mut Buffers,
) {
    let state = weights.state;
    block.cross_norm.apply(x, &mut buffers.normed);
    buffers.rows.fill(&buffers.normed, state);
    buffers.wide.resize(x.len(), 0.0);
    block.cross_query.multiply(&buffers.rows, &mut buffers.wide);
    let parts = buffers
        .wide
        .chunks_exact(state)
        .zip(buffers.mixed.chunks_exact_mut(state));
    for (row, (queries, mixed)) in rows.iter().zip(parts) {
        let Sequence {
            own,
            cross,
            heard,
            attention,
            align_from,
        } = &mut sequences[row.sequence];
        let (own, cache) = (&own[number], &cross[number]);
        let is_aligned = own.filled() > *align_from;
        let (queries, _) = queries.as_chunks::<HEAD>();
        let (outs, _) = mixed.as_chunks_mut::<HEAD>();
        for (head, (query, out)) in queries.iter().zip(outs).enumerate() {
            cache.attend(head, query, cache.filled(), &mut buffers.scores, out);
            let aligned = heads.iter().position(|h| *h == (number, head));
            if let Some(index) = aligned.filter(|_| is_aligned) {
                attention[index].extend_from_slice(&buffers.scores[..*heard]);
            }
        }
    }
    buffers.rows.fill(&buffers.mixed, state);
    block.cross_out.multiply(&buffers.rows, &mut buffers.normed);
    kernels::add(x, &buffers.normed);
}
