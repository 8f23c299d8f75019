//! Messages of version 1: each parses, is written again as the same JSON, and fits its schema, for ever.

use std::collections::BTreeMap;
use std::path::PathBuf;

use job_schema::analysis::Analysis;
use job_schema::checkpoint::Checkpoint;
use job_schema::engine::{Reply, Request};
use job_schema::event::Event;
use job_schema::manifest::Manifest;
use job_schema::redaction::RedactionReport;
use job_schema::review::Review;
use job_schema::status::Status;
use job_schema::transcript::Transcript;
use job_schema::{parse, schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::validator;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/v1")
}

/// Text of every fixture by its name without `.json`.
pub(crate) fn all() -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            out.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    out
}

/// The fixture as JSON, to be damaged.
pub(crate) fn value(name: &str) -> Value {
    serde_json::from_str(&all()[name]).unwrap()
}

/// The document whose name the fixture's begins with.
pub(crate) fn document_of(fixture: &str) -> &'static str {
    let named = schema::documents().into_iter().map(|d| d.name);
    named
        .filter(|name| fixture.starts_with(name))
        .max_by_key(|name| name.len())
        .unwrap_or_else(|| panic!("`{fixture}` begins with no document's name"))
}

/// Reads a document and writes it again, as a worker does.
pub(crate) fn rewrite(document: &str, text: &str) -> Result<Value, String> {
    match document {
        "job" => parse::job(text.as_bytes())
            .map(|job| written(&job))
            .map_err(|failure| failure.to_string()),
        "engine-request" => typed::<Request>(text),
        "engine-reply" => typed::<Reply>(text),
        "checkpoint" => typed::<Checkpoint>(text),
        "status" => typed::<Status>(text),
        "transcript" => typed::<Transcript>(text),
        "analysis" => typed::<Analysis>(text),
        "redaction" => typed::<RedactionReport>(text),
        "review" => typed::<Review>(text),
        "manifest" => typed::<Manifest>(text),
        "event" => typed::<Event>(text),
        other => panic!("no type is known for the document `{other}`"),
    }
}

fn typed<T: DeserializeOwned + Serialize>(text: &str) -> Result<Value, String> {
    let value: T = serde_json::from_str(text).map_err(|e| e.to_string())?;
    Ok(written(&value))
}

/// By way of the text: only there has a 32-bit float the digits that it is written with.
fn written<T: Serialize>(value: &T) -> Value {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

#[test]
fn every_document_has_a_fixture() {
    let fixtures = all();
    for document in schema::documents() {
        let covered = fixtures
            .keys()
            .any(|name| document_of(name) == document.name);
        assert!(covered, "no fixture of `{}`", document.name);
    }
}

#[test]
fn each_fixture_is_read_and_written_again_as_it_was() {
    for (name, text) in all() {
        let again = rewrite(document_of(&name), &text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = match name.as_str() {
            "job-cloudevent" => with_defaults(value(&name)["data"].take()),
            "job-minimal" => with_defaults(value(&name)),
            _ => value(&name),
        };
        assert_eq!(again, expected, "{name}");
    }
}

/// A worker writes a job's defaults out, so that a later default does not change what was asked for.
fn with_defaults(mut job: Value) -> Value {
    job["lane"] = json!("standard");
    job["options"] = json!({});
    job
}

#[test]
fn each_fixture_fits_its_schema() {
    for name in all().keys() {
        let mut document = value(name);
        if name == "job-cloudevent" {
            document = document["data"].take();
        }
        let complaints = validator::complaints(&validator::of(document_of(name)), &document);
        assert!(complaints.is_empty(), "{name}: {complaints:?}");
    }
}

#[test]
fn no_fixture_was_edited() {
    let pinned: BTreeMap<String, String> = std::fs::read_to_string(folder().join("SHA256SUMS"))
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, file)| (file.trim_end_matches(".json").to_owned(), sum.to_owned()))
        .collect();
    let found: BTreeMap<String, String> = all()
        .into_iter()
        .map(|(name, text)| (name, hex::encode(Sha256::digest(text))))
        .collect();
    assert_eq!(
        found, pinned,
        "a fixture is never edited; a new one gets a line in SHA256SUMS"
    );
}
