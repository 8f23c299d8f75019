//! Strict parsing of what comes off the wire. In: bytes. Out: a [`Job`], or a [`Failure`] that names the JSON pointer
//! and the reason, without repeating the value. Fails: `bad_job`, `unsupported_schema_version`, `tenant_mismatch`.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use crate::SCHEMA_VERSION;
use crate::error::{ErrorCode, Failure};
use crate::job::{
    Job, MAX_CHANNELS, MAX_JOB_BYTES, MAX_VOCABULARY_TERM_BYTES, MAX_VOCABULARY_TERMS,
};

/// Reads a job from a message body: plain JSON, or the `data` of a structured CloudEvent.
pub fn job(body: &[u8]) -> Result<Job, Failure> {
    if body.len() > MAX_JOB_BYTES {
        let detail = format!("body is {} bytes, the limit is {MAX_JOB_BYTES}", body.len());
        return Err(Failure::at(ErrorCode::BadJob, "", detail));
    }
    let text = std::str::from_utf8(body).map_err(|e| {
        Failure::at(
            ErrorCode::BadJob,
            "",
            format!("body is not UTF-8 at byte {}", e.valid_up_to()),
        )
    })?;
    let probe: Probe<'_> = strict(text, "")?;
    let (text, root) = match (probe.specversion, probe.data) {
        (Some(_), Some(data)) => (data.get(), "/data"),
        (Some(_), None) => {
            return Err(Failure::at(
                ErrorCode::BadJob,
                "/data",
                "CloudEvent without `data`",
            ));
        }
        (None, _) => (text, ""),
    };
    check_version(text, root)?;
    let job: Job = strict(text, root)?;
    check_meaning(&job, root)?;
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

#[derive(Deserialize)]
struct Version {
    schema_version: Option<u64>,
}

/// Looked at before the rest, so that a newer job is told apart from a broken one.
fn check_version(text: &str, root: &str) -> Result<(), Failure> {
    let pointer = format!("{root}/schema_version");
    match strict::<Version>(text, root)?.schema_version {
        None => Err(Failure::at(
            ErrorCode::BadJob,
            pointer,
            "missing field `schema_version`",
        )),
        Some(v) if v == u64::from(SCHEMA_VERSION) => Ok(()),
        Some(v) => {
            let detail = format!("schema version {v}, this worker knows {SCHEMA_VERSION}");
            Err(Failure::at(
                ErrorCode::UnsupportedSchemaVersion,
                pointer,
                detail,
            ))
        }
    }
}

/// What the types alone do not say.
fn check_meaning(job: &Job, root: &str) -> Result<(), Failure> {
    let bad = |pointer: &str, detail: String| {
        Err(Failure::at(
            ErrorCode::BadJob,
            format!("{root}{pointer}"),
            detail,
        ))
    };
    if !job.recording.key.belongs_to(&job.tenant) {
        let detail = "the key does not begin with the tenant's name and a slash";
        return Err(Failure::at(
            ErrorCode::TenantMismatch,
            format!("{root}/recording/key"),
            detail,
        ));
    }
    let options = &job.options;
    if options.channel_roles.len() > MAX_CHANNELS {
        return bad(
            "/options/channel_roles",
            format!(
                "{} roles, the limit is {MAX_CHANNELS}",
                options.channel_roles.len()
            ),
        );
    }
    if options.vocabulary.len() > MAX_VOCABULARY_TERMS {
        let terms = options.vocabulary.len();
        return bad(
            "/options/vocabulary",
            format!("{terms} terms, the limit is {MAX_VOCABULARY_TERMS}"),
        );
    }
    for (i, term) in options.vocabulary.iter().enumerate() {
        if term.trim().is_empty()
            || term.len() > MAX_VOCABULARY_TERM_BYTES
            || term.chars().any(char::is_control)
        {
            let detail = format!(
                "a term is 1 to {MAX_VOCABULARY_TERM_BYTES} bytes without control characters"
            );
            return bad(&format!("/options/vocabulary/{i}"), detail);
        }
    }
    if let Some(code) = &options.language
        && !((2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase()))
    {
        return bad("/options/language", "not a lower-case ISO 639 code".into());
    }
    if let Some(raw) = &options.raw_audio {
        if !(4_000..=384_000).contains(&raw.sample_rate_hz) {
            return bad(
                "/options/raw_audio/sample_rate_hz",
                format!("{} is outside 4000 to 384000", raw.sample_rate_hz),
            );
        }
        if !(1..=8).contains(&raw.channels) {
            return bad(
                "/options/raw_audio/channels",
                format!("{} is outside 1 to 8", raw.channels),
            );
        }
    }
    Ok(())
}

fn strict<'a, T: Deserialize<'a>>(text: &'a str, root: &str) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let pointer = format!("{root}{}", pointer(e.path()));
        Failure::at(ErrorCode::BadJob, pointer, reason(e.inner()))
    })?;
    json.end()
        .map_err(|e| Failure::at(ErrorCode::BadJob, root, reason(&e)))?;
    Ok(value)
}

fn pointer(path: &Path) -> String {
    let mut out = String::new();
    for segment in path {
        out.push('/');
        match segment {
            Segment::Seq { index } => out.push_str(&index.to_string()),
            Segment::Map { key } => out.push_str(&clip(&key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { variant } => out.push_str(&clip(variant)),
            Segment::Unknown => out.push('?'),
        }
    }
    out
}

/// serde's message says what was expected, and also repeats the value, which may be anything: only the former is kept.
fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = message.rfind(" at line ").map_or("", |at| &message[at..]);
    let kept = match message.split_once("expected ") {
        _ if message.starts_with("missing field") || message.starts_with("duplicate field") => {
            message.strip_suffix(place).unwrap_or(&message).to_owned()
        }
        _ if message.starts_with("unknown field") => {
            let expected = message
                .split_once(", expected ")
                .map_or("", |(_, rest)| rest);
            return format!("unknown field; expected {expected}");
        }
        Some((_, expected))
            if message.starts_with("invalid ") || message.starts_with("unknown ") =>
        {
            return format!("expected {expected}");
        }
        _ => message.strip_suffix(place).unwrap_or(&message).to_owned(),
    };
    format!("{kept}{place}")
}

/// A field's name comes from outside: shortened, and without control characters.
fn clip(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests;
