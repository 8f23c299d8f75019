//! The checkout as these tests read it. In: the workspace's folders. Out: source files with their paths, and manifests. A checkout
//! that lacks what it must have fails the test that asks.

use std::fs;
use std::path::{Path, PathBuf};

/// Asked for when the test runs: a target directory may outlive the checkout it was built in.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo and nextest set it for tests");
    Path::new(&package)
        .parent()
        .expect("this package lies in the workspace")
        .to_owned()
}

pub(crate) struct Source {
    /// From the root, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Tests and benches may use any crate to look at the product from outside.
    pub(crate) fn is_shipped(&self) -> bool {
        self.path.contains("src/")
            && !self.is_test()
            && !self.path.starts_with("tests/")
            && !self.path.starts_with("benches/")
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Lines that compile, with their numbers; comments are free to name things.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(i, line)| (i + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Without the test module, which stands last.
    pub(crate) fn shipped_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code()
            .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }
}

pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["job-schema", "models", "worker", "tests", "benches"] {
        collect(&root().join(folder), "rs", &mut found);
    }
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).expect("a source file is UTF-8"),
        path: relative(&path),
    };
    // These tests must name what they forbid.
    let sources: Vec<Source> = found
        .into_iter()
        .map(read)
        .filter(|s| !s.path.starts_with("tests/cases/tidy/"))
        .collect();
    assert!(
        sources.len() > 10,
        "found only {} source files below {}",
        sources.len(),
        root().display()
    );
    sources
}

pub(crate) fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
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

pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .expect("found below the root")
        .to_string_lossy()
        .into_owned()
}

pub(crate) fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()));
    let text = text.expect("a member has a manifest");
    text.parse().expect("cargo has parsed it before us")
}
