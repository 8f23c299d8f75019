//! Redaction from outside: case tables, made-up calls with read-out numbers, and the examples of `docs/redaction.md`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod applying;
mod call;
#[path = "../calls/mod.rs"]
mod calls;
mod cases;
mod dictation;
mod made_up;
mod recall;
mod verifying;
