//! Strict parsing of what comes off the wire. In: bytes. Out: a [`Job`], or a [`Failure`] that names the JSON pointer
//! and the reason, without repeating the value. Fails: `bad_job`, `unsupported_schema_version`, `tenant_mismatch`.
//! Whatever is accepted here is accepted by `schemas/job.schema.json` too; a test holds the two together.

mod meaning;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use crate::SCHEMA_VERSION;
use crate::error::{ErrorCode, Failure};
use crate::job::{Job, MAX_JOB_BYTES};

/// Longest part of a field's name that a pointer repeats.
const MAX_POINTER_NAME_CHARS: usize = 64;

/// Reads a job from a message body: plain JSON, or the `data` of a structured CloudEvent.
pub fn job(body: &[u8]) -> Result<Job, Failure> {
    if body.len() > MAX_JOB_BYTES {
        let detail = format!("body is {} bytes, the limit is {MAX_JOB_BYTES}", body.len());
        return Err(bad("", detail));
    }
    let text = std::str::from_utf8(body).map_err(|e| {
        let detail = format!("body is not UTF-8 at byte {}", e.valid_up_to());
        bad("", detail)
    })?;
    let (text, root) = unwrap_event(text)?;
    check_version(text, root)?;
    let job: Job = strict(text, root).map_err(name_wanted)?;
    meaning::check_shape(&strict(text, root)?, root)?;
    meaning::check(&job, root)?;
    Ok(job)
}

/// What tells a CloudEvent from a plain job. Everything else is looked at later.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow)]
    specversion: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The job's own text and the pointer to it.
fn unwrap_event(text: &str) -> Result<(&str, &'static str), Failure> {
    expect_object(text, "")?;
    let probe: Probe<'_> = strict(text, "")?;
    let Some(version) = probe.specversion else {
        return Ok((text, ""));
    };
    if version.get() != "\"1.0\"" {
        return Err(bad(
            "/specversion",
            "expected the CloudEvents version `1.0`",
        ));
    }
    let Some(data) = probe.data else {
        return Err(bad("/data", "missing field `data`"));
    };
    expect_object(data.get(), "/data")?;
    Ok((data.get(), "/data"))
}

/// serde would also take an array of the fields' values.
fn expect_object(text: &str, root: &str) -> Result<(), Failure> {
    if text.trim_start().starts_with('{') {
        Ok(())
    } else {
        Err(bad(root, "expected a JSON object"))
    }
}

#[derive(Deserialize)]
struct Version {
    schema_version: Option<u64>,
}

/// Looked at before the rest, so that a newer job is told apart from a broken one.
fn check_version(text: &str, root: &str) -> Result<(), Failure> {
    let pointer = format!("{root}/schema_version");
    match strict::<Version>(text, root)?.schema_version {
        None => Err(bad(pointer, "missing field `schema_version`")),
        Some(v) if v == u64::from(SCHEMA_VERSION) => Ok(()),
        Some(v) => {
            let detail = format!("schema version {v}, this worker knows {SCHEMA_VERSION}");
            let code = ErrorCode::UnsupportedSchemaVersion;
            Err(Failure::at(code, pointer, detail))
        }
    }
}

fn bad(pointer: impl Into<String>, detail: impl Into<String>) -> Failure {
    Failure::at(ErrorCode::BadJob, pointer, detail)
}

fn strict<'a, T: Deserialize<'a>>(text: &'a str, root: &str) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let mut pointer = format!("{root}{}", pointer(e.path()));
        if let Some(field) = missing_field(&e.inner().to_string()) {
            pointer.push('/');
            pointer.push_str(field);
        }
        bad(pointer, reason(e.inner()))
    })?;
    json.end().map_err(|e| bad(root, reason(&e)))?;
    Ok(value)
}

/// serde_json's way of refusing a number for a lane or a role. The syntax itself has been read once by now, and is sound.
fn name_wanted(mut failure: Failure) -> Failure {
    if failure.detail.starts_with("expected value at line ") {
        failure.detail = "expected a string".to_owned();
    }
    failure
}

/// As far as the place is known: where a document breaks off, its last field is not.
fn pointer(path: &Path) -> String {
    let mut out = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => name(key),
            Segment::Enum { variant } => name(variant),
            Segment::Unknown => break,
        };
        out.push('/');
        out.push_str(&part);
    }
    out
}

/// A field's name comes from outside: shortened, without control characters, and escaped as RFC 6901 says.
fn name(field: &str) -> String {
    let printable: String = field
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(MAX_POINTER_NAME_CHARS)
        .collect();
    printable.replace('~', "~0").replace('/', "~1")
}

/// Names in such a message are those of our own types.
fn missing_field(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("missing field `")?;
    rest.split_once('`').map(|(field, _)| field)
}

/// Says what was expected. serde's own message would also repeat the value, which may be anything.
fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if !error.is_data() {
        return message; // about the syntax: a place and a token, never content
    }
    // serde_json adds the place of the reader, which says less than the pointer.
    let message = message
        .rfind(" at line ")
        .map_or(message.as_str(), |at| &message[..at]);
    if message.starts_with("missing field ") || message.starts_with("duplicate field ") {
        return message.to_owned();
    }
    // The value stands before the last `, expected `: it may hold these words itself.
    let expected = message
        .rfind(", expected ")
        .map(|at| plain(&message[at + ", expected ".len()..]));
    match expected {
        Some(expected) if message.starts_with("unknown field ") => {
            format!("unknown field; expected {expected}")
        }
        Some(expected) if message.starts_with("unknown ") || message.starts_with("invalid ") => {
            format!("expected {expected}")
        }
        // The words of `InvalidId`, which never holds the value.
        None if message.starts_with("is ") || message.starts_with("contains ") => {
            message.to_owned()
        }
        _ => "has the wrong form".to_owned(),
    }
}

/// serde speaks of Rust's types; the reader wrote JSON.
fn plain(expected: &str) -> &str {
    match expected {
        "a string" | "string or map" => "a string",
        "a sequence" => "an array",
        "u8" => "a whole number from 0 to 255",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number",
        "a nonzero u32" => "a whole number from 1 to 4294967295",
        "option" => "a value or null",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("enum ") => "a string",
        _ => expected,
    }
}

#[cfg(test)]
mod tests;
