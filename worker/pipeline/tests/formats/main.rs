//! The written formats: golden files of one call, and laws that hold for any transcript, checked with small strict
//! readers of our own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail the test"
)]

mod call;
mod golden;
mod laws;
mod readers;
mod unspaced;
