//! Text of a schema for people and for diffs. In: a JSON value. Out: indented JSON with a final newline, keywords in
//! reading order. Cannot fail. The order is set here because serde_json's own depends on a feature that any other crate
//! of the build may turn on.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// What a reader wants first.
const FIRST: &[&str] = &[
    "$schema",
    "$id",
    "asyncapi",
    "info",
    "title",
    "name",
    "description",
    "type",
    "const",
    "enum",
];
/// Long, and looked up rather than read.
const LAST: &[&str] = &["components", "$defs"];

pub fn render(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(&Ordered(value))
        .expect("a JSON value always serialises: its keys are strings");
    text.push('\n');
    text
}

struct Ordered<'a>(&'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let mut entries: Vec<(&String, &Value)> = map.iter().collect();
                entries.sort_by_key(|(key, _)| (rank(key), key.as_str()));
                let mut out = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    out.serialize_entry(key, &Ordered(value))?;
                }
                out.end()
            }
            Value::Array(items) => {
                let mut out = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    out.serialize_element(&Ordered(item))?;
                }
                out.end()
            }
            other => other.serialize(serializer),
        }
    }
}

fn rank(key: &str) -> usize {
    let first = FIRST.iter().position(|&k| k == key);
    let last = LAST.iter().position(|&k| k == key);
    match (first, last) {
        (Some(at), _) => at,
        (None, None) => FIRST.len(),
        (None, Some(at)) => FIRST.len() + 1 + at,
    }
}
