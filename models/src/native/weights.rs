//! The network's weights, in the form in which they are multiplied. In: a [`ModelFile`]. Out: [`Weights`]. Cannot fail.
//! Names are OpenAI's. Queries are scaled by 1/8 here, the root of a head's size: a power of two, so nothing is lost.

use super::file::ModelFile;
use super::kernels;
use super::q8::Q8Matrix;
use crate::ggml::ModelFacts;

/// Scores are divided by the root of the head's size; each side of it would get the fourth root.
const QUERY_SCALE: f32 = 0.125;
const _: () = assert!(kernels::HEAD == 64);

#[derive(Debug)]
pub(super) struct Weights {
    pub(super) state: usize,
    pub(super) heads: usize,
    pub(super) mel_bands: usize,
    pub(super) encoder: Encoder,
    pub(super) decoder: Decoder,
}

#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) conv1: Convolution,
    pub(super) conv2: Convolution,
    /// One row for each position.
    pub(super) positions: Vec<f32>,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Norm,
}

#[derive(Debug)]
pub(super) struct Decoder {
    /// One row for each token: read to embed it, multiplied by to score it.
    pub(super) tokens: Q8Matrix,
    pub(super) positions: Vec<f32>,
    pub(super) blocks: Vec<DecoderBlock>,
    pub(super) norm: Norm,
}

#[derive(Debug)]
pub(super) struct Block {
    pub(super) attention_norm: Norm,
    /// Queries, keys and values of one row, one after the other.
    pub(super) query_key_value: Q8Matrix,
    pub(super) attention_out: Q8Matrix,
    pub(super) mlp_norm: Norm,
    pub(super) mlp_up: Q8Matrix,
    pub(super) mlp_down: Q8Matrix,
}

#[derive(Debug)]
pub(super) struct DecoderBlock {
    pub(super) own: Block,
    pub(super) cross_norm: Norm,
    pub(super) cross_query: Q8Matrix,
    pub(super) cross_key_value: Q8Matrix,
    pub(super) cross_out: Q8Matrix,
}

#[derive(Debug)]
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Three taps: for each output the inputs of the first, the second and the third.
#[derive(Debug)]
pub(super) struct Convolution {
    pub(super) weights: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Norm {
    pub(super) fn apply(&self, rows: &[f32], out: &mut [f32]) {
        let width = self.weight.len();
        for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            kernels::layer_norm(row, &self.weight, &self.bias, out);
        }
    }
}

impl Weights {
    pub(super) fn new(file: &ModelFile, facts: &ModelFacts) -> Self {
        let (state, heads, layers) = facts.family.dimensions();
        let state = size(state);
        let read = Reader { file, state };
        let mel_bands = size(facts.mel_bands);
        Self {
            state,
            heads: size(heads),
            mel_bands,
            encoder: Encoder {
                conv1: read.convolution("encoder.conv1", mel_bands),
                conv2: read.convolution("encoder.conv2", state),
                positions: file.tensor("encoder.positional_embedding"),
                blocks: (0..layers)
                    .map(|l| read.block(&format!("encoder.blocks.{l}")))
                    .collect(),
                norm: read.norm("encoder.ln_post"),
            },
            decoder: Decoder {
                tokens: Q8Matrix::new(&file.tensor("decoder.token_embedding.weight"), state, &[]),
                positions: file.tensor("decoder.positional_embedding"),
                blocks: (0..facts.text_layers)
                    .map(|l| read.decoder_block(&format!("decoder.blocks.{l}")))
                    .collect(),
                norm: read.norm("decoder.ln"),
            },
        }
    }
}

struct Reader<'a> {
    file: &'a ModelFile,
    state: usize,
}

impl Reader<'_> {
    fn block(&self, name: &str) -> Block {
        Block {
            attention_norm: self.norm(&format!("{name}.attn_ln")),
            query_key_value: self.stacked(&format!("{name}.attn"), &["query", "key", "value"]),
            attention_out: self.linear(&format!("{name}.attn.out"), self.state),
            mlp_norm: self.norm(&format!("{name}.mlp_ln")),
            mlp_up: self.linear(&format!("{name}.mlp.0"), self.state),
            mlp_down: self.linear(&format!("{name}.mlp.2"), 4 * self.state),
        }
    }

    fn decoder_block(&self, name: &str) -> DecoderBlock {
        let cross = format!("{name}.cross_attn");
        DecoderBlock {
            own: self.block(name),
            cross_norm: self.norm(&format!("{name}.cross_attn_ln")),
            cross_query: self.stacked(&cross, &["query"]),
            cross_key_value: self.stacked(&cross, &["key", "value"]),
            cross_out: self.linear(&format!("{cross}.out"), self.state),
        }
    }

    /// Several projections of the same input as one matrix.
    fn stacked(&self, name: &str, parts: &[&str]) -> Q8Matrix {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for part in parts {
            let scale = if *part == "query" { QUERY_SCALE } else { 1.0 };
            let scaled = |values: Vec<f32>| values.into_iter().map(move |v| v * scale);
            weights.extend(scaled(self.file.tensor(&format!("{name}.{part}.weight"))));
            match *part {
                // Keys have no bias in Whisper.
                "key" => bias.extend(std::iter::repeat_n(0.0, self.state)),
                _ => bias.extend(scaled(self.file.tensor(&format!("{name}.{part}.bias")))),
            }
        }
        Q8Matrix::new(&weights, self.state, &bias)
    }

    fn linear(&self, name: &str, inputs: usize) -> Q8Matrix {
        let weights = self.file.tensor(&format!("{name}.weight"));
        Q8Matrix::new(&weights, inputs, &self.file.tensor(&format!("{name}.bias")))
    }

    fn norm(&self, name: &str) -> Norm {
        Norm {
            weight: self.file.tensor(&format!("{name}.weight")),
            bias: self.file.tensor(&format!("{name}.bias")),
        }
    }

    /// The file has the taps of one input side by side.
    fn convolution(&self, name: &str, inputs: usize) -> Convolution {
        const TAPS: usize = 3;
        let stored = self.file.tensor(&format!("{name}.weight"));
        let mut weights = vec![0.0; stored.len()];
        for (from, to) in stored
            .chunks_exact(TAPS * inputs)
            .zip(weights.chunks_exact_mut(TAPS * inputs))
        {
            for input in 0..inputs {
                for tap in 0..TAPS {
                    to[tap * inputs + input] = from[input * TAPS + tap];
                }
            }
        }
        Convolution {
            weights,
            bias: self.file.tensor(&format!("{name}.bias")),
        }
    }
}

/// Sizes of a checked file are small and positive.
pub(super) fn size(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}
