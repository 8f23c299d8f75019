//! The tensors that a model of given sizes has: name, shape and type, in the order that our converter writes.
//! In: [`ModelFacts`]. Out: the list. Cannot fail. Source: `whisper_model_load` in whisper.cpp; names are OpenAI's.

use super::{AUDIO_POSITIONS, ModelFacts, TEXT_POSITIONS, WeightType};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    /// Fastest dimension first, as the file has it.
    pub(crate) shape: Vec<i64>,
    pub(crate) weights: WeightType,
}

impl Tensor {
    pub(crate) fn elements(&self) -> u64 {
        self.shape.iter().map(|d| d.unsigned_abs()).product()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.weights.bytes_of(self.elements())
    }
}

pub(crate) fn tensors(facts: &ModelFacts) -> Vec<Tensor> {
    let (state, _, encoder_layers) = facts.family.dimensions();
    let state = i64::from(state);
    let mut list = Layout {
        state,
        weights: facts.weights,
        tensors: Vec::new(),
    };
    list.plain(
        "decoder.positional_embedding",
        &[state, TEXT_POSITIONS.into()],
    );
    list.plain(
        "encoder.positional_embedding",
        &[state, AUDIO_POSITIONS.into()],
    );
    list.matrix(
        "decoder.token_embedding.weight",
        state,
        facts.vocabulary.into(),
    );
    for layer in 0..facts.text_layers {
        list.block(&format!("decoder.blocks.{layer}"), true);
    }
    list.norm("decoder.ln");
    list.convolution("encoder.conv1", facts.mel_bands.into());
    list.convolution("encoder.conv2", state);
    for layer in 0..encoder_layers {
        list.block(&format!("encoder.blocks.{layer}"), false);
    }
    list.norm("encoder.ln_post");
    list.tensors
}

struct Layout {
    state: i64,
    weights: WeightType,
    tensors: Vec<Tensor>,
}

impl Layout {
    fn block(&mut self, name: &str, cross: bool) {
        let wide = 4 * self.state;
        self.norm(&format!("{name}.mlp_ln"));
        self.linear(&format!("{name}.mlp.0"), self.state, wide);
        self.linear(&format!("{name}.mlp.2"), wide, self.state);
        self.norm(&format!("{name}.attn_ln"));
        self.attention(&format!("{name}.attn"));
        if cross {
            self.norm(&format!("{name}.cross_attn_ln"));
            self.attention(&format!("{name}.cross_attn"));
        }
    }

    fn attention(&mut self, name: &str) {
        self.linear(&format!("{name}.query"), self.state, self.state);
        // Keys have no bias in Whisper.
        self.matrix(&format!("{name}.key.weight"), self.state, self.state);
        self.linear(&format!("{name}.value"), self.state, self.state);
        self.linear(&format!("{name}.out"), self.state, self.state);
    }

    fn norm(&mut self, name: &str) {
        self.plain(&format!("{name}.weight"), &[self.state]);
        self.plain(&format!("{name}.bias"), &[self.state]);
    }

    fn linear(&mut self, name: &str, inputs: i64, outputs: i64) {
        self.matrix(&format!("{name}.weight"), inputs, outputs);
        self.plain(&format!("{name}.bias"), &[outputs]);
    }

    /// Convolutions are never quantised: three taps do not fill a block.
    fn convolution(&mut self, name: &str, inputs: i64) {
        let weights = match self.weights {
            WeightType::F32 => WeightType::F32,
            _ => WeightType::F16,
        };
        self.push(&format!("{name}.weight"), &[3, inputs, self.state], weights);
        self.plain(&format!("{name}.bias"), &[1, self.state]);
    }

    fn matrix(&mut self, name: &str, inputs: i64, outputs: i64) {
        self.push(name, &[inputs, outputs], self.weights);
    }

    fn plain(&mut self, name: &str, shape: &[i64]) {
        self.push(name, shape, WeightType::F32);
    }

    fn push(&mut self, name: &str, shape: &[i64], weights: WeightType) {
        self.tensors.push(Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            weights,
        });
    }
}
