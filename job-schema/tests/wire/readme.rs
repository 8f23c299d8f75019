//! The examples in this crate's README are what they say.

use serde_json::Value;

use crate::{fixtures, validator};

const README: &str = include_str!("../../README.md");

/// Fenced blocks of JSON, with the document that each is an example of.
fn examples() -> Vec<(&'static str, &'static str)> {
    README
        .split("```json ")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```"))
        .filter_map(|(block, _)| block.split_once('\n'))
        .collect()
}

#[test]
fn each_example_parses_and_fits_its_schema() {
    let examples = examples();
    let documents: Vec<&str> = examples.iter().map(|(document, _)| *document).collect();
    assert_eq!(documents, ["job", "event"]);
    for (document, text) in examples {
        fixtures::rewrite(document, text).unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        let complaints = validator::complaints(&validator::of(document), &value);
        assert!(complaints.is_empty(), "{document}: {complaints:?}");
    }
}

#[test]
fn every_document_is_in_the_table() {
    for document in job_schema::schema::documents() {
        let listed = README
            .lines()
            .filter_map(|line| line.strip_prefix("| "))
            .filter_map(|row| row.split(" | ").next())
            .any(|names| names.split(", ").any(|name| name == document.name));
        assert!(listed, "the README's table lacks `{}`", document.name);
    }
}
