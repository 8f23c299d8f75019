//! What is written in source files, and how much. In: source lines and manifests. Every member has the workspace's lints, nothing
//! banned is written, and no file is too long to hold in mind. Failures say what to write instead.

use crate::check;
use crate::tree::{Source, manifest, sources};

/// Text that must not appear, and what to write instead.
struct Banned {
    text: &'static str,
    except: &'static [&'static str],
    instead: &'static str,
}

#[rustfmt::skip] // a table reads as one
const BANNED_EVERYWHERE: &[Banned] = &[
    Banned { text: "todo!(", except: &[], instead: "finish it or leave it out" },
    Banned { text: "unimplemented!(", except: &[], instead: "finish it or leave it out" },
    Banned { text: "#[ignore", except: &[], instead: "make the test fast, or skip it by name when its resource is missing" },
    Banned { text: "should_panic", except: &[], instead: "assert on the error that comes back" },
    Banned { text: "thread::sleep(", except: &["worker/service/src/engine", "worker/pipeline/src/scripted.rs", "models/src/whisper/tests.rs"], instead: "wait for a named signal" },
    Banned { text: "unsafe {", except: &["models/src"], instead: "use rustix, or move it to models" },
    Banned { text: "unsafe fn", except: &["models/src"], instead: "use rustix, or move it to models" },
    Banned { text: "unsafe impl", except: &["models/src"], instead: "use rustix, or move it to models" },
];

#[rustfmt::skip] // a table reads as one
const BANNED_IN_SHIPPED_CODE: &[Banned] = &[
    Banned { text: "std::env::var", except: &["worker/service/src", "models/src"], instead: "take it as an argument" },
];

/// Longer than this, blank lines not counted, a file holds two things.
const MAX_FILE_LINES: usize = 400;

#[test]
fn every_member_takes_the_workspace_lints() {
    let workspace = manifest("");
    let members = workspace["workspace"]["members"]
        .as_array()
        .expect("a workspace lists its members");
    let mut violations = Vec::new();
    for member in members.iter().filter_map(toml::Value::as_str) {
        // models speaks to C and sets its own level for `unsafe_code`, so it cannot inherit the table.
        let lints = manifest(member).get("lints").cloned();
        let inherits = lints
            .as_ref()
            .and_then(|l| l.get("workspace"))
            .and_then(toml::Value::as_bool)
            == Some(true);
        if !inherits && (member != "models" || lints.is_none()) {
            violations.push(format!(
                "{member}/Cargo.toml: add `[lints] workspace = true`"
            ));
        }
    }
    check(&violations);
}

#[test]
fn nothing_banned_is_written() {
    let mut violations = Vec::new();
    let mut look =
        |source: &Source, lines: &mut dyn Iterator<Item = (usize, &str)>, rules: &[Banned]| {
            for (number, line) in lines {
                for rule in rules.iter().filter(|r| line.contains(r.text)) {
                    if !rule
                        .except
                        .iter()
                        .any(|place| source.path.starts_with(place))
                    {
                        violations.push(format!(
                            "{}:{number}: `{}`: {}",
                            source.path, rule.text, rule.instead
                        ));
                    }
                }
            }
        };
    for source in &sources() {
        look(source, &mut source.code(), BANNED_EVERYWHERE);
        if source.is_shipped() {
            look(source, &mut source.shipped_code(), BANNED_IN_SHIPPED_CODE);
        }
    }
    check(&violations);
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long = |s: &Source| {
        let lines = s
            .text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        (s.is_shipped() && lines > MAX_FILE_LINES)
            .then(|| format!("{}: {lines} lines, at most {MAX_FILE_LINES}: split it, or move its tests to tests.rs", s.path))
    };
    check(&sources().iter().filter_map(long).collect::<Vec<_>>());
}
