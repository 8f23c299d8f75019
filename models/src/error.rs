//! What can be wrong with a model file, at the boundary of this crate. Every variant names the file or the number that
//! was wrong, never anything that was spoken.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("read model file `{path}`: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("check model file `{path}`: {fault}")]
    Fault { path: PathBuf, fault: FileFault },
    #[error("load model file `{path}`: the engine refused it: {reason}")]
    Load { path: PathBuf, reason: String },
    #[error(
        "load model file `{path}`: the native recogniser does not read {weights} weights: take a file with f16 or q8_0, or set the recogniser to whisper_cpp"
    )]
    Unreadable {
        path: PathBuf,
        weights: &'static str,
    },
    #[error("make a slot: the engine refused it: {reason}")]
    Slot { reason: String },
}

/// Why a file is no whisper model that the engine could be given. The engine itself trusts these numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    #[error("it starts with {found:#010x}, and a ggml whisper model with 0x67676d6c")]
    Magic { found: u32 },
    #[error("it ends at byte {at_byte}, inside its {part}")]
    Truncated { part: &'static str, at_byte: u64 },
    #[error("its `{field}` is {found}, which no known model has")]
    Hyperparameter { field: &'static str, found: i64 },
    #[error("vocabulary entry {index} says it is {length} bytes long")]
    VocabularyEntry { index: u32, length: i64 },
    #[error("its vocabulary lacks the blank token")]
    NoBlankToken,
    #[error(
        "tensor {index} has a header out of bounds: {dims} dimensions, a name of {name_length} bytes"
    )]
    TensorHeader {
        index: usize,
        dims: i64,
        name_length: i64,
    },
    #[error("tensor {index} has a name that this model does not have, or has it twice")]
    UnknownTensor { index: usize },
    #[error(
        "tensor `{name}` has the shape {found:?} and type {found_type}, not {expected:?} and {expected_type}"
    )]
    TensorShape {
        name: String,
        found: Vec<i64>,
        found_type: i64,
        expected: Vec<i64>,
        expected_type: i64,
    },
    #[error("it holds {found} of {expected} tensors")]
    MissingTensors { found: usize, expected: usize },
}
