//! The scripts. In: those of the checkout. Each stops at its first error, explains itself with `--help`, and pleases shellcheck
//! where that is installed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::check;
use crate::tree::{relative, root};

/// Commands only: lib.sh is sourced.
fn scripts() -> Vec<PathBuf> {
    let entries =
        fs::read_dir(root().join("scripts")).expect("the scripts are part of the checkout");
    let mut scripts: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a directory entry can be read").path())
        .collect();
    scripts.retain(|path| path.is_file() && path.extension().is_none());
    scripts.push(root().join(".ci/run"));
    scripts.sort();
    assert!(scripts.len() > 4, "found only {scripts:?}");
    scripts
}

#[test]
fn every_script_stops_at_the_first_error_and_explains_itself() {
    let mut violations = Vec::new();
    for script in scripts() {
        let name = relative(&script);
        let text = fs::read_to_string(&script).expect("a script is UTF-8");
        if !text.starts_with("#!/usr/bin/env bash\n# ") {
            violations.push(format!(
                "{name}: begin with `#!/usr/bin/env bash` and a comment that says what it does"
            ));
        }
        if !text.contains("\nset -euo pipefail\n") {
            violations.push(format!("{name}: add `set -euo pipefail`"));
        }
        match Command::new(&script).arg("--help").output() {
            Err(e) => violations.push(format!("{name}: cannot be run ({e}): make it executable")),
            Ok(help) if !help.status.success() || !help.stdout.starts_with(b"usage: ") => {
                violations.push(format!(
                    "{name}: `--help` must print `usage: …` to standard output and exit 0"
                ));
            }
            Ok(_) => {}
        }
    }
    check(&violations);
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let run = Command::new("shellcheck")
        .arg("-x")
        .args(scripts())
        .current_dir(root())
        .output();
    let Ok(run) = run else {
        eprintln!("skipped: shellcheck_finds_nothing_in_the_scripts: shellcheck is not installed");
        return;
    };
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stdout)
    );
}
