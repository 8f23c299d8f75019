//! Exit statuses, the same for every command and listed in `--help`.

use std::process::ExitCode;

use crate::broker::BrokerError;

pub const OK: u8 = 0;
/// Some items failed; the others are done.
pub const SOME_FAILED: u8 = 1;
/// A server that is needed cannot be reached.
pub const UNREACHABLE: u8 = 69;
/// The model file is missing, unknown, truncated or corrupt.
pub const BAD_MODEL: u8 = 66;
/// Try again later.
pub const TRY_LATER: u8 = 75;
/// The kernel gives less of a sandbox than is asked for.
pub const SANDBOX: u8 = 77;
/// The configuration cannot be used.
pub const CONFIG: u8 = 78;

pub const HELP: &str = "\
Exit status:
  0    done
  1    it failed, or some items did; or a difference was found
  2    usage
  66   the model is missing, unknown or damaged
  69   broker, store or a model's home cannot be reached
  75   not yet: try again later
  77   the kernel gives less of a sandbox than engine.require_sandbox asks for
  78   the configuration cannot be used
  130  a second signal ended a worker at once";

/// An error with the exit status it stands for.
#[derive(Debug)]
pub struct Exit {
    pub status: u8,
    pub error: anyhow::Error,
}

impl Exit {
    pub fn new(status: u8, error: impl Into<anyhow::Error>) -> Self {
        Self {
            status,
            error: error.into(),
        }
    }

    /// Says what happened, and ends.
    pub fn report(&self) -> ExitCode {
        eprintln!("earwitness: {}", self.told());
        ExitCode::from(self.status)
    }

    /// The error and its causes. Some errors tell of their cause themselves: it is not said twice.
    pub fn told(&self) -> String {
        let mut text = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if text.is_empty() {
                text = cause;
            } else if !text.ends_with(&cause) {
                text = format!("{text}: {cause}");
            }
        }
        text
    }
}

impl From<BrokerError> for Exit {
    fn from(error: BrokerError) -> Self {
        let status = match error {
            BrokerError::Settings(_) => CONFIG,
            _ => UNREACHABLE,
        };
        Self::new(status, error)
    }
}

impl From<anyhow::Error> for Exit {
    fn from(error: anyhow::Error) -> Self {
        Self {
            status: SOME_FAILED,
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let read = std::io::Error::other("no such file");
        let settings = crate::config::ConfigError::Read {
            path: "x.toml".into(),
            source: read,
        };
        for (error, told) in [
            (settings.into(), "read settings x.toml: no such file"),
            (
                anyhow!("cause").context("list").context("read"),
                "read: list: cause",
            ),
            (anyhow!("alone"), "alone"),
        ] {
            assert_eq!(Exit::new(1, error).told(), told);
        }
        let twice: anyhow::Result<()> = Err(anyhow!("gone")).context("read: gone");
        assert_eq!(Exit::from(twice.unwrap_err()).told(), "read: gone");
    }
}
