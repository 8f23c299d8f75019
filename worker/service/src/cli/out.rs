//! Standard output, which may be a pipe that was closed: `earwitness … | head` is no error.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use crate::exit;

/// One line of a command's output.
pub(super) fn line(text: impl Display) {
    write(format!("{text}\n").as_bytes());
}

/// Output as it is.
pub(super) fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(exit::OK.into()),
        Err(e) => {
            eprintln!("earwitness: write output: {e}");
            std::process::exit(exit::SOME_FAILED.into());
        }
    }
}
