//! Pure audio and text stages: from a recording's bytes to words with times. No broker, no store, no clock, no environment.

pub mod assemble;
mod call;
pub mod channel;
pub mod confidence;
pub mod decode;
mod echo;
pub mod evidence;
pub mod formats;
pub mod judge;
mod language;
mod legs;
pub mod look;
mod loudness;
pub mod mend;
pub mod nonspeech;
pub mod peaks;
pub mod plan;
pub mod recognizer;
pub mod redact_audio;
pub mod resample;
mod run;
pub mod scripted;
mod slots;
pub mod sound;
mod source;
mod spans;
pub mod stretches;
mod timing;
mod vocabulary;
pub mod voice;

pub use recognizer::Recognizer;
pub use run::{Control, Ended, Output, run};
pub use slots::{ModelTraits, SlotLost, SlotPool};
