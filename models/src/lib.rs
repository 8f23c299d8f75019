//! The models: which exist, where they come from, whether a file is a whole one, and the recogniser over whisper.cpp.
//! In: names, files, and spans of 16 kHz mono f32. Out: checked model files and words with times. Fails: [`ModelError`]
//! and the pipeline's `RecognizeError`. whisper-rs is used in `whisper` only, and `unsafe` in `whisper::callbacks` only.

pub mod error;
pub mod ggml;
pub mod whisper;

pub use error::ModelError;
pub use whisper::{WhisperModel, WhisperRecognizer};
