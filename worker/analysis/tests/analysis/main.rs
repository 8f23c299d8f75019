//! The crate from outside: case tables, laws against a slow evaluator, and the examples of `docs/rules.md`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail the test"
)]

mod call;
#[path = "../calls/mod.rs"]
mod calls;
mod cases;
mod conversation;
mod documented;
mod heard;
mod import;
mod laws;
mod matrix;
mod measures;
mod operators;
mod scoring;
mod sentiment;
mod sequences;
mod slow;
mod slow_query;
mod terms;
