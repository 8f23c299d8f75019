//! The decoder, for several sequences at once, of one span or of many. In: rows, each the next token of a sequence. Out: scores over the
//! vocabulary for the rows that ask for them. Cannot fail. The weights are read once for all rows, which is what decoding
//! costs. Source: `TextDecoder` in OpenAI's `model.py`.

use super::cache::Cache;
use super::encoder::{Scratch, transform};
use super::kernels::{self, HEAD};
use super::q8::Q8Rows;
use super::weights::{DecoderBlock, Weights};

/// The sound of one span, as the texts of it draw on it.
#[derive(Debug)]
pub(super) struct Sound {
    /// One for each block.
    cross: Vec<Cache>,
    /// Positions without the padding: as many are kept of each aligned row.
    heard: usize,
}

/// What the decoding of one text remembers.
#[derive(Debug)]
pub(super) struct Sequence {
    /// One for each block.
    own: Vec<Cache>,
}

/// The next token of a sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) sound: usize,
    pub(super) sequence: usize,
    pub(super) token: usize,
    pub(super) scored: bool,
    /// Whether to keep what the alignment heads look at.
    pub(super) aligned: bool,
}

/// What a step told.
#[derive(Debug)]
pub(super) struct Told {
    /// A score for each token of the vocabulary, for each row that is scored.
    pub(super) scores: Vec<f32>,
    /// For each row that is aligned, head by head, the attention over what was heard.
    pub(super) attention: Vec<Vec<f32>>,
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
    queries: Vec<[f32; HEAD]>,
    outs: Vec<[f32; HEAD]>,
    scratch: Scratch,
}

impl Sound {
    /// From the encoder's rows, of which `heard` are no padding.
    pub(super) fn new(weights: &Weights, encoded: &[f32], heard: usize) -> Self {
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
            cross,
            heard: heard.min(positions),
        }
    }

    pub(super) fn heard(&self) -> usize {
        self.heard
    }
}

impl Sequence {
    /// With room for `tokens` tokens.
    pub(super) fn new(weights: &Weights, tokens: usize) -> Self {
        let blocks = weights.decoder.blocks.iter();
        Self {
            own: blocks.map(|_| Cache::new(weights.heads, tokens)).collect(),
        }
    }

    /// Becomes a copy of `other`, which has the same room.
    pub(super) fn copy_from(&mut self, other: &Self) {
        for (own, other) in self.own.iter_mut().zip(&other.own) {
            own.copy_from(other);
        }
    }

    /// Tokens so far.
    fn length(&self) -> usize {
        self.own.first().map_or(0, Cache::filled)
    }
}

/// Takes `rows` in order; several of one sequence follow each other in it.
pub(super) fn step(
    weights: &Weights,
    heads: &AlignmentHeads,
    sounds: &[Sound],
    sequences: &mut [Sequence],
    rows: &[Row],
    buffers: &mut Buffers,
) -> Told {
    let state = weights.state;
    let positions = positions(sequences, rows);
    let mut x = embed(weights, rows, &positions);
    let aligned = rows.iter().filter(|row| row.aligned);
    let mut attention: Vec<Vec<f32>> = aligned
        .map(|row| vec![0.0; heads.len() * sounds[row.sound].heard])
        .collect();
    for (number, block) in weights.decoder.blocks.iter().enumerate() {
        look_back(block, weights, number, sequences, rows, &mut x, buffers);
        let kept = Kept {
            heads,
            number,
            attention: &mut attention,
        };
        look_at_sound(block, state, kept, sounds, rows, &mut x, buffers);
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
    Told { scores, attention }
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
            let (query, out) = (std::slice::from_ref(query), std::slice::from_mut(out));
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

/// What is kept of a block's attention over the sound.
struct Kept<'a> {
    heads: &'a AlignmentHeads,
    /// Of the block.
    number: usize,
    attention: &'a mut [Vec<f32>],
}

/// Attention over the encoded sound; the alignment heads' is kept.
fn look_at_sound(
    block: &DecoderBlock,
    state: usize,
    kept: Kept<'_>,
    sounds: &[Sound],
    rows: &[Row],
    x: &mut [f32],
    buffers: &mut Buffers,
) {
    block.cross_norm.apply(x, &mut buffers.normed);
    buffers.rows.fill(&buffers.normed, state);
    buffers.wide.resize(x.len(), 0.0);
    block.cross_query.multiply(&buffers.rows, &mut buffers.wide);
    let (queries, _) = buffers.wide.as_chunks::<HEAD>();
    let (mixed, _) = buffers.mixed.as_chunks_mut::<HEAD>();
    let heads = state / HEAD;
    let (mut first, mut kept_first) = (0, 0);
    // The texts of one span read its keys and values together.
    for rows in rows.chunk_by(|row, next| row.sound == next.sound) {
        let Sound { cross, heard } = &sounds[rows[0].sound];
        let cache = &cross[kept.number];
        let aligned = rows.iter().enumerate().filter(|(_, row)| row.aligned);
        let aligned: Vec<usize> = aligned.map(|(place, _)| place).collect();
        for head in 0..heads {
            let at = |place: usize| (first + place) * heads + head;
            buffers.queries.clear();
            buffers
                .queries
                .extend((0..rows.len()).map(|place| queries[at(place)]));
            buffers.outs.resize(rows.len(), [0.0; HEAD]);
            let (scores, outs) = (&mut buffers.scores, &mut buffers.outs);
            let width = cache.attend(head, &buffers.queries, cache.filled(), scores, outs);
            for (place, out) in outs.iter().enumerate() {
                mixed[at(place)] = *out;
            }
            if let Some(index) = kept.heads.iter().position(|h| *h == (kept.number, head)) {
                for (place, attention) in aligned.iter().zip(&mut kept.attention[kept_first..]) {
                    attention[index * heard..(index + 1) * heard]
                        .copy_from_slice(&scores[place * width..][..*heard]);
                }
            }
        }
        first += rows.len();
        kept_first += aligned.len();
    }
    buffers.rows.fill(&buffers.mixed, state);
    block.cross_out.multiply(&buffers.rows, &mut buffers.normed);
    kernels::add(x, &buffers.normed);
}
