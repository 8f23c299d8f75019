//! JSON Schemas (2020-12) of every document and the AsyncAPI 3.0 catalogue of the messages, made from the types.
//! No input. Out: documents and the committed files' text, the same bytes for the same types. Cannot fail.
//! The committed copies are `schemas/*.schema.json` and `asyncapi.json`; a test refuses a difference.

mod asyncapi;
mod render;
pub mod topology;

use std::path::PathBuf;

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::SCHEMA_VERSION;

pub use asyncapi::asyncapi;
pub use render::render;

/// One kind of document and its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `job`, `transcript` …
    pub name: &'static str,
    /// Within `schemas/`.
    pub file_name: String,
    pub schema: Value,
}

/// All documents, in the order in which a call meets them.
pub fn documents() -> Vec<Document> {
    use Contract::{Deserialize, Serialize};
    vec![
        document::<crate::job::Job>("job", Deserialize),
        document::<crate::engine::Request>("engine-request", Serialize),
        document::<crate::engine::Reply>("engine-reply", Serialize),
        document::<crate::checkpoint::Checkpoint>("checkpoint", Serialize),
        document::<crate::status::Status>("status", Serialize),
        document::<crate::transcript::Transcript>("transcript", Serialize),
        document::<crate::analysis::Analysis>("analysis", Serialize),
        document::<crate::redaction::RedactionReport>("redaction", Serialize),
        document::<crate::review::Review>("review", Serialize),
        document::<crate::manifest::Manifest>("manifest", Serialize),
        document::<crate::event::Event>("event", Serialize),
    ]
}

/// The document of that name.
pub fn named(name: &str) -> Option<Document> {
    documents().into_iter().find(|d| d.name == name)
}

/// The `$id` of a document's schema: a name, not a place to fetch from.
pub fn id(name: &str) -> String {
    format!("urn:earwitness:schema:v{SCHEMA_VERSION}:{name}")
}

/// Every committed file: its path within this crate's folder, and its text.
pub fn render_all() -> Vec<(PathBuf, String)> {
    let mut files: Vec<(PathBuf, String)> = documents()
        .into_iter()
        .map(|d| {
            let path = PathBuf::from("schemas").join(&d.file_name);
            (path, render(&d.schema))
        })
        .collect();
    files.push((PathBuf::from("asyncapi.json"), render(&asyncapi())));
    files
}

/// What we read is described as we accept it: unknown fields refused, defaults optional. What we write is described as we
/// write it: every field present, and room for fields that a later worker adds within the version.
fn document<T: JsonSchema>(name: &'static str, contract: Contract) -> Document {
    let settings = SchemaSettings::draft2020_12()
        .with(|s| s.contract = contract)
        .with_transform(RecursiveTransform(unlink));
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    let title = format!("Earwitness {}", name.replace('-', " "));
    schema["title"] = json!(title);
    schema["$id"] = json!(id(name));
    Document {
        name,
        file_name: format!("{name}.schema.json"),
        schema,
    }
}

/// Descriptions are doc comments; their links lead nowhere outside of Rust's documentation.
fn unlink(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace("[`", "`").replace("`]", "`");
    }
}
