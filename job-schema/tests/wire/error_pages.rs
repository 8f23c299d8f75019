//! Every error code has a page in docs/errors that says its class, and no page is left without a code.

use std::collections::BTreeSet;
use std::path::PathBuf;

use job_schema::ErrorCode;

const SECTIONS: [&str; 4] = [
    "## What happened",
    "## How it is settled",
    "## What to check",
    "## Replay",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/errors")
}

fn class_name(code: ErrorCode) -> String {
    let class = serde_json::to_value(code.class()).unwrap();
    class.as_str().unwrap().to_owned()
}

#[test]
fn every_code_has_a_page_with_its_class() {
    for &code in ErrorCode::ALL {
        let path = folder().join(format!("{code}.md"));
        let page = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("`{code}` has no page at {}: {e}", path.display()));
        let head = format!("# `{code}`\n\nClass: {}\n\n", class_name(code));
        assert!(
            page.starts_with(&head),
            "{code}.md must begin with {head:?}"
        );
        for section in SECTIONS {
            let body = page.split_once(&format!("\n{section}\n\n"));
            let written = body.is_some_and(|(_, rest)| !rest.trim_start().starts_with('#'));
            assert!(written, "{code}.md says nothing under `{section}`");
        }
    }
}

#[test]
fn no_page_is_left_without_a_code() {
    let codes: BTreeSet<String> = ErrorCode::ALL.iter().map(ToString::to_string).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            name == "README" || codes.contains(&name),
            "{} is no code",
            path.display()
        );
    }
}

#[test]
fn the_index_lists_every_code_under_its_class() {
    let index = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for &code in ErrorCode::ALL {
        let link = format!("[`{code}`]({code}.md)");
        let at = index
            .find(&link)
            .unwrap_or_else(|| panic!("the index lacks {link}"));
        let heading = index[..at]
            .rfind("\n## ")
            .map(|at| &index[at + 4..])
            .unwrap();
        let class = class_name(code);
        assert!(
            heading.to_lowercase().starts_with(&class),
            "{code} stands under another class"
        );
    }
}

#[test]
fn a_code_is_written_as_it_is_spelled_on_the_wire() {
    for &code in ErrorCode::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}
