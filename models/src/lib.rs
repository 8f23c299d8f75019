//! The models: which exist, where they come from, whether a file is a whole one, and two recognisers, over whisper.cpp and
//! of our own. In: names, files, and spans of 16 kHz mono f32. Out: checked model files and words with times. Fails:
//! [`ModelError`] and the pipeline's `RecognizeError`. whisper-rs is used in `whisper` only, and `unsafe` in
//! `whisper::callbacks` and where `native` meets vector instructions (`kernels`, `matmul`, `q8::product`).

pub mod catalogue;
mod confidence;
pub mod convert;
mod digest;
pub mod error;
pub mod ggml;
pub mod native;
pub mod pull;
mod span;
mod steer;
pub mod store;
pub mod whisper;
mod words;

pub use catalogue::Catalogue;
pub use error::ModelError;
pub use native::{NativeModel, NativeRecognizer};
pub use pull::pull;
pub use store::{ModelInfo, ModelStore};
pub use whisper::{WhisperModel, WhisperRecognizer};
