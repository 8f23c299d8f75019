//! What must be documented. In: error codes, metrics and the pages under docs. Every code has its page and its row in the runbook,
//! and every metric its row; a page without a code is left over.

use std::fs;

use job_schema::ErrorCode;

use crate::check;
use crate::tree::{collect, root};

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
