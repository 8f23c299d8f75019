//! A shell that stops what a test started, however the test ends. In: a script that ends once its standard input does. Out: a
//! [`Keeper`], which ends the script when it is dropped, as does the end of this process. Fails where there is no bash.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// A signal that ends the tests ends nothing of the script. Ignored outright, signals would be so in all that it starts too.
const OUTLIVE: &str = "trap : HUP INT PIPE TERM\n";

#[derive(Debug)]
pub(crate) struct Keeper(Child);

impl Keeper {
    /// `dir` is `$1` in the script, which runs in the repository's root.
    pub(crate) fn start(script: &str, dir: &Path) -> anyhow::Result<Self> {
        let child = Command::new("bash")
            .args(["-c", &format!("{OUTLIVE}{script}"), "keeper"])
            .arg(dir)
            .current_dir(crate::package_dir().join(".."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Of its own: what is sent to the tests' group does not reach it.
            .process_group(0)
            .spawn()
            .context("run bash")?;
        Ok(Self(child))
    }

    /// What it says first; empty where it ends without a word.
    pub(crate) fn first_line(&mut self) -> anyhow::Result<String> {
        let output = self.0.stdout.as_mut().context("no output of the keeper")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Closes its input first. Whoever started it sees what is left.
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    const LEAVE_A_MARK: &str = "echo started; cat >/dev/null; echo done >\"$1/mark\"";

    #[test]
    fn a_keeper_does_its_last_part_when_it_is_dropped_and_whatever_signal_came_before() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("mark");
        let mut keeper = Keeper::start(LEAVE_A_MARK, dir.path()).unwrap();
        assert_eq!(keeper.first_line().unwrap(), "started");
        let pid = Pid::from_raw(i32::try_from(keeper.0.id()).unwrap()).unwrap();
        for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
            kill_process(pid, signal).unwrap();
        }
        assert!(!mark.exists(), "it did not wait");
        drop(keeper);
        assert!(mark.exists(), "it ended without its last part");
    }

    #[test]
    fn a_keeper_that_can_start_nothing_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::start("if false; then echo started; fi", dir.path()).unwrap();
        assert_eq!(keeper.first_line().unwrap(), "");
    }
}
