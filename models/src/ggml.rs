//! The ggml whisper file format: what a file says about itself, checked before the engine sees it.
//! In: a readable, seekable file. Out: [`ModelFacts`]. Fails: `FileFault` with the number that was wrong.
//! Source: whisper.cpp's `convert-pt-to-ggml.py` and `whisper_model_load`, which trusts sizes and counts.

mod check;
mod layout;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use check::inspect;
pub(crate) use layout::{Tensor, tensors};

pub(crate) const MAGIC: u32 = 0x6767_6d6c;
/// Encoder positions in a 30 s window.
pub const AUDIO_POSITIONS: i32 = 1500;
pub(crate) const TEXT_POSITIONS: i32 = 448;
/// Bins of the mel filters: half of a 400 point transform, and one.
pub(crate) const FFT_BINS: i32 = 201;

/// Sizes of a published Whisper model; the decoder may have fewer layers in distilled ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Tiny,
    Base,
    Small,
    Medium,
    Large,
}

impl Family {
    pub(crate) const ALL: [Self; 5] = [
        Self::Tiny,
        Self::Base,
        Self::Small,
        Self::Medium,
        Self::Large,
    ];

    /// (state, heads, encoder layers), from OpenAI's `ModelDimensions`.
    pub(crate) fn dimensions(self) -> (i32, i32, i32) {
        match self {
            Self::Tiny => (384, 6, 4),
            Self::Base => (512, 8, 6),
            Self::Small => (768, 12, 12),
            Self::Medium => (1024, 16, 24),
            Self::Large => (1280, 20, 32),
        }
    }

    fn from_dimensions(state: i32, heads: i32, layers: i32) -> Option<Self> {
        let wanted = (state, heads, layers);
        Self::ALL.into_iter().find(|f| f.dimensions() == wanted)
    }
}

/// How the big matrices are stored. A file has one such type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightType {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
}

impl WeightType {
    const ALL: [Self; 8] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Q4_0 => "q4_0",
            Self::Q4_1 => "q4_1",
            Self::Q5_0 => "q5_0",
            Self::Q5_1 => "q5_1",
            Self::Q8_0 => "q8_0",
        }
    }

    /// The file's `ftype`, from ggml's `enum ggml_ftype`.
    fn file_type(self) -> i32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q8_0 => 7,
            Self::Q5_0 => 8,
            Self::Q5_1 => 9,
            Self::Bf16 => 24,
        }
    }

    /// A tensor's type, from ggml's `enum ggml_type`.
    pub(crate) fn tensor_type(self) -> i32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Bf16 => 30,
        }
    }

    /// (bytes, elements) of one block, from ggml's block structs.
    fn block(self) -> (u64, u64) {
        match self {
            Self::F32 => (4, 1),
            Self::F16 | Self::Bf16 => (2, 1),
            Self::Q4_0 => (18, 32),
            Self::Q4_1 => (20, 32),
            Self::Q5_0 => (22, 32),
            Self::Q5_1 => (24, 32),
            Self::Q8_0 => (34, 32),
        }
    }

    pub(crate) fn bytes_of(self, elements: u64) -> u64 {
        let (bytes, block) = self.block();
        elements / block * bytes
    }

    fn from_file_type(ftype: i32) -> Option<Self> {
        /// Quantised files carry the quantisation's version in the thousands (`GGML_QNT_VERSION_FACTOR`).
        const VERSION_FACTOR: i32 = 1000;
        let wanted = ftype.checked_rem(VERSION_FACTOR)?;
        Self::ALL.into_iter().find(|t| t.file_type() == wanted)
    }
}

/// What a checked model file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelFacts {
    pub family: Family,
    pub text_layers: i32,
    pub vocabulary: i32,
    pub mel_bands: i32,
    pub weights: WeightType,
    pub file_bytes: u64,
}

impl ModelFacts {
    /// One language or all: the vocabulary tells.
    pub fn is_multilingual(&self) -> bool {
        self.vocabulary >= MULTILINGUAL_VOCABULARY
    }

    /// What is left of the vocabulary without text tokens, start and end, the tasks and 1,501 timestamps.
    pub fn languages_count(&self) -> usize {
        const OTHERS: i32 = 51_766;
        if self.is_multilingual() {
            usize::try_from(self.vocabulary - OTHERS).unwrap_or_default()
        } else {
            1
        }
    }
}

pub(crate) const ENGLISH_VOCABULARY: i32 = 51_864;
pub(crate) const MULTILINGUAL_VOCABULARY: i32 = 51_865;
/// large-v3 added Cantonese.
pub(crate) const V3_VOCABULARY: i32 = 51_866;
