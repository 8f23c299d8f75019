//! docs/comparison.md and docs/faults.md are held to the tests they name. In: the pages and the source tree. Each row of their
//! tables names the tests that show it, or says "no"; a test that is named must be there. Failures name the row.

use std::fs;

use crate::check;
use crate::tree::root;

/// With the rows of the tables that each was made from; fewer means that one was dropped.
const PAGES: [(&str, usize); 2] = [
    ("docs/comparison.md", 15 + 21),
    ("docs/faults.md", 36 + 19 + 18),
];

struct Row<'a> {
    name: &'a str,
    ours: &'a str,
    tests: &'a str,
}

/// Of the tables that end with our cell and the tests behind it.
fn rows(page: &str) -> Vec<Row<'_>> {
    let tables = page.split("\n\n").filter(|part| part.starts_with('|'));
    let ours = tables.filter(|table| {
        let header = table.lines().next().unwrap_or_default();
        header.ends_with("| Earwitness | shown by |")
    });
    ours.flat_map(|table| table.lines().skip(2).map(row))
        .collect()
}

fn row(line: &str) -> Row<'_> {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).copied().unwrap_or_default();
    Row {
        name: cell(Some(0)),
        ours: cell(cells.len().checked_sub(2)),
        tests: cell(cells.len().checked_sub(1)),
    }
}

/// What is wrong with a row; nothing is right.
fn faults(row: &Row<'_>, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let named: Vec<&str> = row.tests.split('`').skip(1).step_by(2).collect();
    let name = row.name;
    match (row.ours, named.is_empty()) {
        ("", _) => return vec![format!("`{name}`: say what Earwitness does, or \"no\"")],
        ("no", true) => return Vec::new(),
        ("no", false) => return vec![format!("`{name}`: what is not there has no test")],
        (_, true) => return vec![format!("`{name}`: name a test, or say \"no\"")],
        (_, false) => {}
    }
    let missing = |place: &&str| {
        let there = place
            .split_once("::")
            .is_some_and(|(path, test)| read(path).is_some_and(|text| is_test(&text, test)));
        (!there).then(|| format!("`{name}`: there is no test {place}"))
    };
    named.iter().filter_map(missing).collect()
}

/// Whether a file has a function of this name that a test attribute stands above.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declares = |line: &str| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let rest = line.strip_prefix("fn ").and_then(|l| l.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('('))
    };
    let is_attribute = |line: &&&str| line.starts_with("#[");
    let at = lines.iter().position(|line| declares(line));
    let attributes = at.map(|at| lines[..at].iter().rev().take_while(is_attribute));
    attributes.into_iter().flatten().any(|line| {
        let inner = line.trim_start_matches("#[");
        ["test]", "tokio::test]", "tokio::test("]
            .iter()
            .any(|test| inner.starts_with(test))
    })
}

#[test]
fn every_cell_of_ours_has_a_test_behind_it() {
    for (page, least_rows) in PAGES {
        let text = fs::read_to_string(root().join(page));
        let text = text.expect("the page is in the checkout");
        let rows = rows(&text);
        assert!(rows.len() >= least_rows, "{page}: {} rows", rows.len());
        let read = |path: &str| fs::read_to_string(root().join(path)).ok();
        let faults: Vec<String> = rows.iter().flat_map(|row| faults(row, read)).collect();
        check(&faults);
    }
}

#[test]
fn a_row_is_held_to_what_it_names() {
    let source = "#[test]\nfn told() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn awaited() {}\n\nfn helper() {}\n";
    let read = |path: &str| (path == "a.rs").then(|| source.to_owned());
    let table = [
        ("| x | – | yes | `a.rs::told` |", 0),
        ("| x | – | yes | `a.rs::told` `a.rs::awaited` |", 0),
        ("| x | – | no | – |", 0),
        ("| x | – | yes | – |", 1),
        ("| x | – |  | `a.rs::told` |", 1),
        ("| x | – | no | `a.rs::told` |", 1),
        ("| x | – | yes | `a.rs::helper` |", 1),
        ("| x | – | yes | `a.rs::tol` |", 1),
        ("| x | – | yes | `b.rs::told` `told` |", 2),
    ];
    for (line, count) in table {
        assert_eq!(faults(&row(line), read).len(), count, "{line}");
    }
    let page = format!(
        "text\n\n| a | Earwitness | shown by |\n|---|---|---|\n{}\n\n| b | c |\n|---|---|\n| d | e |\n",
        table[0].0
    );
    assert_eq!(rows(&page).len(), 1);
}
