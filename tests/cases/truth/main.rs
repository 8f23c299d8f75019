//! What a transcript may be trusted with, shown with a real model: nothing is in it that nobody said, and the same recording
//! gives the same bytes. In: `EARWITNESS_TEST_MODEL`, a ggml file.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod determinism;
mod nothing_spoken;

use std::path::PathBuf;

/// The model to try, unless there is none: then that is said aloud.
#[expect(
    clippy::print_stdout,
    reason = "scripts/test lists what was skipped from here"
)]
fn model(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("EARWITNESS_TEST_MODEL");
    if path.is_none() {
        println!("skipped: {test}: EARWITNESS_TEST_MODEL is unset");
    }
    path.map(PathBuf::from)
}
