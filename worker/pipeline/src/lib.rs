//! Pure audio and text stages: from a recording's bytes to words with times. No broker, no store, no clock, no environment.

pub mod assemble;
pub mod decode;
pub mod formats;
pub mod peaks;
pub mod recognizer;
pub mod resample;

pub use recognizer::Recognizer;
