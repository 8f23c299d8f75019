//! Who may name which crate. In: source lines and manifests. A vendor crate stays behind its fence, so that an upgrade touches
//! one place, and pure folders do no IO. Failures say where the call belongs.

use crate::check;
use crate::tree::{manifest, sources};

/// A crate that may be named only below certain paths: the places an upgrade of it has to touch.
struct Fence {
    /// The first path segment of an import; a trailing `*` matches any ending.
    crates: &'static [&'static str],
    only_in: &'static [&'static str],
}

#[rustfmt::skip] // a table reads as one
const FENCES: &[Fence] = &[
    Fence { crates: &["lapin"], only_in: &["worker/service/src/broker", "tests/src/rabbit.rs", "tests/cases/broker"] },
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

#[test]
fn what_is_done_for_a_job_goes_through_its_tenants_store() {
    let places = ["worker/service/src/job/", "worker/service/src/worker/slot"];
    let mut violations = Vec::new();
    for source in sources() {
        if !places.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        for (number, line) in source.shipped_code() {
            if line.contains("own_store") {
                violations.push(format!("{}:{number}: ask `Fleet::store_of`", source.path));
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
