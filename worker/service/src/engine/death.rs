//! Why an engine process ended. In: its exit status, what we did to it, and the last it said on stderr.
//! Out: an error code that decides whether the recording or the host is blamed.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use job_schema::{ErrorCode, Failure};

/// Exit status of an engine whose model could not be used; it has said why in a `refused` frame.
pub const EXIT_REFUSED: i32 = 78;

/// Exit status after a panic inside a recogniser.
pub(super) const EXIT_PANICKED: i32 = 70;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Death {
    pub code: ErrorCode,
    /// Signal name or exit code, for people.
    pub how: String,
}

impl Death {
    /// `allocation_failed`: the process said so on stderr before it ended.
    pub(super) fn classify(status: Option<ExitStatus>, allocation_failed: bool) -> Self {
        let Some(status) = status else {
            return Self {
                code: ErrorCode::EngineCrashed,
                how: "vanished".into(),
            };
        };
        let how = match (status.signal(), status.code()) {
            (Some(signal), _) => format!("killed by {}", signal_name(signal)),
            (None, Some(code)) => format!("exited with status {code}"),
            (None, None) => "ended".into(),
        };
        // The kernel's out-of-memory killer is the only one that sends SIGKILL here without our doing:
        // after a kill of ours the run has been settled as a timeout before this is asked.
        let out_of_memory =
            allocation_failed || status.signal() == Some(rustix::process::Signal::KILL.as_raw());
        let code = if out_of_memory {
            ErrorCode::EngineOutOfMemory
        } else {
            ErrorCode::EngineCrashed
        };
        Self { code, how }
    }

    pub(super) fn failure(&self) -> Failure {
        Failure::new(self.code, format!("the engine process {}", self.how))
    }
}

/// Whether a line on stderr says that memory ran out: Rust's, C++'s and ggml's words for it.
pub(super) fn says_out_of_memory(line: &str) -> bool {
    const PHRASES: [&str; 5] = [
        "memory allocation of",
        "std::bad_alloc",
        "failed to allocate",
        "not enough memory",
        "out of memory",
    ];
    PHRASES.iter().any(|phrase| line.contains(phrase))
}

fn signal_name(number: i32) -> String {
    let known = [
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
        (24, "SIGXCPU"),
        (25, "SIGXFSZ"),
        (31, "SIGSYS"),
    ];
    known.iter().find(|(n, _)| *n == number).map_or_else(
        || format!("signal {number}"),
        |(_, name)| (*name).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manner_of_death_decides_who_is_blamed() {
        let cases = [
            (6, false, ErrorCode::EngineCrashed, "killed by SIGABRT"),
            (6, true, ErrorCode::EngineOutOfMemory, "killed by SIGABRT"),
            (9, false, ErrorCode::EngineOutOfMemory, "killed by SIGKILL"),
            (11, false, ErrorCode::EngineCrashed, "killed by SIGSEGV"),
            (
                101 << 8,
                false,
                ErrorCode::EngineCrashed,
                "exited with status 101",
            ),
        ];
        for (raw, said, code, how) in cases {
            let death = Death::classify(Some(ExitStatus::from_raw(raw)), said);
            assert_eq!((death.code, death.how.as_str()), (code, how));
        }
    }
}
