//! Rules of this repository that no compiler lint can check: who may import what, how long a file may be, that every
//! error code has its page and every script its help. In: the source tree. Each failure names the file, the line and what
//! to do instead. Source: docs/ARCHITECTURE.md.

mod comparison;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use job_schema::ErrorCode;

/// A crate that may be named only below certain paths: the places an upgrade of it has to touch.
struct Fence {
    /// The first path segment of an import; a trailing `*` matches any ending.
    crates: &'static [&'static str],
    only_in: &'static [&'static str],
}

#[rustfmt::skip] // a table reads as one
const FENCES: &[Fence] = &[
    Fence { crates: &["lapin"], only_in: &["worker/service/src/broker", "tests/src/rabbit.rs", "tests/cases/broker.rs"] },
    Fence { crates: &["aws_*"], only_in: &["worker/service/src/store/s3"] },
    Fence { crates: &["symphonia*", "audio_codec"], only_in: &["worker/pipeline/src/decode"] },
    Fence { crates: &["rubato"], only_in: &["worker/pipeline/src/resample.rs"] },
    Fence { crates: &["whisper_rs*", "ureq", "zip"], only_in: &["models/src"] },
    Fence { crates: &["landlock", "seccompiler"], only_in: &["worker/service/src/engine/sandbox", "worker/service/tests/sandbox.rs"] },
];

/// What a pure folder must not reach for, in its sources or in its manifest.
struct Purity {
    folder: &'static str,
    never: &'static [&'static str],
}

#[rustfmt::skip] // a table reads as one
const PURITY: &[Purity] = &[
    Purity { folder: "job-schema", never: &["tokio*", "lapin", "aws_*", "std::fs", "std::net", "whisper_rs*"] },
    Purity { folder: "worker/pipeline", never: &["tokio*", "lapin", "aws_*", "std::net", "whisper_rs*"] },
    Purity { folder: "worker/analysis", never: &["tokio*", "lapin", "aws_*", "std::fs", "std::net", "whisper_rs*"] },
    Purity { folder: "models", never: &["tokio*", "lapin", "aws_*"] },
];

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

/// Asked for when the test runs: a target directory may outlive the checkout it was built in.
fn root() -> PathBuf {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo and nextest set it for tests");
    Path::new(&package)
        .parent()
        .expect("this package lies in the workspace")
        .to_owned()
}

struct Source {
    /// From the root, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// Tests and benches may use any crate to look at the product from outside.
    fn is_shipped(&self) -> bool {
        self.path.contains("src/")
            && !self.is_test()
            && !self.path.starts_with("tests/")
            && !self.path.starts_with("benches/")
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Lines that compile, with their numbers; comments are free to name things.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(i, line)| (i + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Without the test module, which stands last.
    fn shipped_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["job-schema", "models", "worker", "tests", "benches"] {
        collect(&root().join(folder), "rs", &mut found);
    }
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).expect("a source file is UTF-8"),
        path: relative(&path),
    };
    // This file must name what it forbids.
    let sources: Vec<Source> = found
        .into_iter()
        .map(read)
        .filter(|s| s.path != "tests/cases/tidy.rs")
        .collect();
    assert!(
        sources.len() > 10,
        "found only {} source files below {}",
        sources.len(),
        root().display()
    );
    sources
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()));
    let entries = entries.expect("the checkout is complete");
    for path in entries.map(|entry| entry.expect("a directory entry can be read").path()) {
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .expect("found below the root")
        .to_string_lossy()
        .into_owned()
}

/// Whether a line of code names a crate or a module path: as the first segment, not as the end of another name.
fn names(line: &str, wanted: &str) -> bool {
    let (stem, any_ending) = wanted
        .strip_suffix('*')
        .map_or((wanted, false), |stem| (stem, true));
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(stem).any(|(at, _)| {
        let before = &line[..at];
        let rest = &line[at + stem.len()..];
        let rest = if any_ending {
            rest.trim_start_matches(is_name)
        } else {
            rest
        };
        let first_segment =
            !before.ends_with(is_name) && !before.ends_with("::") && !before.ends_with('"');
        let imported = before.trim_end().ends_with("use")
            && (rest.starts_with(';') || rest.starts_with(" as "));
        first_segment && (rest.starts_with("::") || imported)
    })
}

/// Fails with every violation at once.
fn check(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} violation(s):\n  {}\n",
        violations.len(),
        violations.join("\n  ")
    );
}

#[test]
fn a_vendor_crate_is_named_only_behind_its_fence() {
    let mut violations = Vec::new();
    for source in sources().iter().filter(|s| s.is_shipped()) {
        for fence in FENCES
            .iter()
            .filter(|f| !f.only_in.iter().any(|place| source.path.starts_with(place)))
        {
            for (number, line) in source.code() {
                if let Some(name) = fence.crates.iter().find(|name| names(line, name)) {
                    let place = fence.only_in.join(" or ");
                    violations.push(format!(
                        "{}:{number}: `{name}` belongs in {place}: call our own function there",
                        source.path
                    ));
                }
            }
        }
    }
    check(&violations);
}

#[test]
fn pure_folders_do_no_io() {
    let mut violations = Vec::new();
    let sources = sources();
    for Purity { folder, never } in PURITY {
        for source in sources
            .iter()
            .filter(|s| s.is_shipped() && s.path.starts_with(&format!("{folder}/src/")))
        {
            for (number, line) in source.shipped_code() {
                if let Some(name) = never.iter().find(|name| names(line, name)) {
                    violations.push(format!(
                        "{}:{number}: {folder} never names `{name}`: do it in worker/service",
                        source.path
                    ));
                }
            }
        }
        for dependency in dependencies(folder) {
            let as_import = format!("{}::", dependency.replace('-', "_"));
            if never.iter().any(|name| names(&as_import, name)) {
                violations.push(format!(
                    "{folder}/Cargo.toml: {folder} never depends on `{dependency}`"
                ));
            }
        }
    }
    check(&violations);
}

/// What a package is built with when others use it.
fn dependencies(folder: &str) -> Vec<String> {
    let manifest = manifest(folder);
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table
        .map(|t| t.keys().cloned().collect())
        .unwrap_or_default()
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()));
    let text = text.expect("a member has a manifest");
    text.parse().expect("cargo has parsed it before us")
}

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

#[test]
fn every_error_code_has_its_page_and_every_page_its_code() {
    let folder = root().join("docs/errors");
    let mut violations = Vec::new();
    for code in ErrorCode::ALL {
        let page = folder.join(format!("{code}.md"));
        match fs::read_to_string(&page) {
            Ok(text)
                if text
                    .lines()
                    .next()
                    .is_some_and(|title| title.contains(code.as_str())) => {}
            Ok(_) => violations.push(format!(
                "docs/errors/{code}.md: begin with the title `# {code}`"
            )),
            Err(_) => violations.push(format!(
                "docs/errors/{code}.md is missing: write what happened and what to check"
            )),
        }
    }
    let mut pages = Vec::new();
    if folder.is_dir() {
        collect(&folder, "md", &mut pages);
    }
    for page in pages {
        let name = page
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name != "README" && !ErrorCode::ALL.iter().any(|code| code.as_str() == name) {
            violations.push(format!(
                "docs/errors/{name}.md: there is no such code: remove the page or correct its name"
            ));
        }
    }
    check(&violations);
}

#[test]
fn the_runbook_says_what_to_do_about_every_dead_letter_and_names_every_metric() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("it is in the checkout");
    let runbook = read("docs/RUNBOOK.md");
    let rows: Vec<&str> = runbook.lines().filter(|l| l.starts_with("| `")).collect();
    let has_row = |name: &str| rows.iter().any(|row| row.contains(&format!("`{name}`")));
    let mut violations = Vec::new();
    // What is only interrupted goes on elsewhere and never dies.
    let ends = |code: &&ErrorCode| code.class() != job_schema::Class::Interrupted;
    for code in ErrorCode::ALL.iter().filter(ends) {
        if !has_row(code.as_str()) {
            violations.push(format!(
                "docs/RUNBOOK.md: no row says what to do about `{code}`"
            ));
        }
    }
    let metrics = read("worker/service/src/metrics.rs");
    let shipped = metrics.split("#[cfg(test)]").next().unwrap_or_default();
    let mut count = 0;
    for call in shipped.split("r.register(").skip(1) {
        let name = call.split('"').nth(1).unwrap_or_default();
        count += 1;
        // Counters end in _total on the page.
        let name = format!("earwitness_{name}");
        if !has_row(&name) && !has_row(&format!("{name}_total")) {
            violations.push(format!(
                "docs/RUNBOOK.md: no row tells when to look at `{name}`"
            ));
        }
    }
    assert!(count > 10, "found only {count} metrics");
    check(&violations);
}

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

#[test]
fn a_crate_is_recognised_in_any_form_of_import() {
    for (line, wanted, expected) in [
        ("use lapin::Channel;", "lapin", true),
        ("    let c: lapin::Channel = open();", "lapin", true),
        ("use lapin;", "lapin", true),
        ("use aws_sdk_s3::Client;", "aws_*", true),
        ("let flapin::x = 1;", "lapin", false),
        ("use crate::lapin::Channel;", "lapin", false),
        ("let rubato = 1;", "rubato", false),
        (
            r#"const TARGETS: [&str; 1] = ["lapin::channel"];"#,
            "lapin",
            false,
        ),
        ("tokio_util::sync::CancellationToken", "tokio*", true),
    ] {
        assert_eq!(names(line, wanted), expected, "{wanted} in {line:?}");
    }
}
