//! Everything that reads bytes from outside, as a function of bytes. In: any bytes. Out: whether they were accepted, so
//! that a corpus can be seen to go both ways. Panics when a promise is broken, which is how a fuzzer learns of it.
//! `targets/` wraps each for libFuzzer, `tests/` gives each its kept corpus.

pub mod checkpoint;
pub mod frames;
pub mod job;
pub mod model;
pub mod recording;
pub mod rules;
pub mod signature;
mod transcripts;

/// Reads bytes and tells whether they were accepted.
pub type Target = fn(&[u8]) -> bool;

/// By the names of their folders in `corpus/`.
pub const TARGETS: [(&str, Target); 7] = [
    ("checkpoint", checkpoint::read),
    ("frames", frames::read),
    ("job", job::read),
    ("model", model::read),
    ("recording", recording::read),
    ("rules", rules::read),
    ("signature", signature::read),
];
