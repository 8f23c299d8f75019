//! The encoder. In: mel rows for twice the positions. Out: one row of state for each position. Fails only by the caller's
//! stop. Source: `AudioEncoder` in OpenAI's `model.py`: two convolutions, position, blocks of attention and MLP.

use pipeline::recognizer::{AbortFlag, RecognizeError};

use super::attention::{Attention, Rows};
use super::kernels::{self, HEAD};
use super::matmul::{View, multiply};
use super::q8::Q8Rows;
use super::weights::{Block, Convolution, Weights};

const TAPS: usize = 3;

/// Buffers that are used again for each span.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    normed: Vec<f32>,
    wide: Vec<f32>,
    mixed: Vec<f32>,
    attention: Attention,
    rows: Q8Rows,
}

pub(super) fn encode(
    weights: &Weights,
    mel: &[f32],
    positions: usize,
    scratch: &mut Scratch,
    abort: &AbortFlag,
) -> Result<Vec<f32>, RecognizeError> {
    let (state, encoder) = (weights.state, &weights.encoder);
    let early = convolve(&encoder.conv1, mel, weights.mel_bands, 2 * positions, 1);
    let mut x = convolve(&encoder.conv2, &early, state, positions, 2);
    kernels::add(&mut x, &encoder.positions[..positions * state]);
    for block in &encoder.blocks {
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        attend(block, weights, &mut x, scratch);
        transform(block, &mut x, scratch);
    }
    let mut out = vec![0.0; x.len()];
    encoder.norm.apply(&x, &mut out);
    Ok(out)
}

/// Three taps around every `step`-th row, with silence on both sides. Rows lie one after the other, so the three that a tap
/// sees are one long row.
fn convolve(
    layer: &Convolution,
    rows: &[f32],
    width: usize,
    count: usize,
    step: usize,
) -> Vec<f32> {
    let mut padded = vec![0.0; rows.len() + 2 * width];
    padded[width..width + rows.len()].copy_from_slice(rows);
    let outputs = layer.bias.len();
    let mut out = vec![0.0; count * outputs];
    multiply(
        View::new(&padded, count, TAPS * width, step * width),
        View::new(&layer.weights, outputs, TAPS * width, TAPS * width).transposed(),
        &mut out,
        outputs,
    );
    for row in out.chunks_exact_mut(outputs) {
        kernels::add(row, &layer.bias);
        kernels::gelu(row);
    }
    out
}

fn attend(block: &Block, weights: &Weights, x: &mut [f32], scratch: &mut Scratch) {
    let state = weights.state;
    let positions = x.len() / state;
    scratch.normed.resize(x.len(), 0.0);
    block.attention_norm.apply(x, &mut scratch.normed);
    scratch.rows.fill(&scratch.normed, state);
    scratch.wide.resize(3 * x.len(), 0.0);
    block
        .query_key_value
        .multiply(&scratch.rows, &mut scratch.wide);
    scratch.mixed.resize(x.len(), 0.0);
    for head in 0..weights.heads {
        let part = |which: usize| {
            let from = which * state + head * HEAD;
            Rows::new(&scratch.wide[from..], 3 * state, positions)
        };
        let out = &mut scratch.mixed[head * HEAD..];
        scratch.attention.mix(part(0), part(1), part(2), out, state);
    }
    scratch.rows.fill(&scratch.mixed, state);
    block
        .attention_out
        .multiply(&scratch.rows, &mut scratch.normed);
    kernels::add(x, &scratch.normed);
}

/// The block's MLP. The decoder uses it too.
pub(super) fn transform(block: &Block, x: &mut [f32], scratch: &mut Scratch) {
    let state = block.mlp_norm.weight.len();
    scratch.normed.resize(x.len(), 0.0);
    block.mlp_norm.apply(x, &mut scratch.normed);
    scratch.rows.fill(&scratch.normed, state);
    scratch.wide.resize(4 * x.len(), 0.0);
    block.mlp_up.multiply(&scratch.rows, &mut scratch.wide);
    kernels::gelu(&mut scratch.wide);
    scratch.rows.fill(&scratch.wide, 4 * state);
    block.mlp_down.multiply(&scratch.rows, &mut scratch.normed);
    kernels::add(x, &scratch.normed);
}
