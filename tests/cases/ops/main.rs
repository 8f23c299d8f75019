//! The operators' commands, through the real binary and on a real broker.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod batch;
mod bench;
mod control;
mod dlq;
mod retention;
mod signing;
