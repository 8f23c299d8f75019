//! What the types alone do not say of a job. In: a parsed job, or its JSON. Out: nothing, or the first [`Failure`].
//! Fails: `bad_job` for a limit or a form that serde lets through, `tenant_mismatch` for a key of somebody else.

use std::collections::BTreeMap;

use serde_json::Value;

use super::bad;
use crate::error::{ErrorCode, Failure};
use crate::ids::{ObjectKey, TenantId};
use crate::job::{
    Job, MAX_ATTRIBUTE_NAME_BYTES, MAX_ATTRIBUTE_VALUE_BYTES, MAX_ATTRIBUTES, MAX_CHANNELS,
    MAX_FORMATS, MAX_LANGUAGES, MAX_MODEL_NAME_BYTES, MAX_OBJECT_TAG_BYTES,
    MAX_VOCABULARY_TERM_BYTES, MAX_VOCABULARY_TERMS, OWN_FACTS, Options, RawAudio,
    is_language_code,
};
use crate::redaction::{
    MAX_CUSTOM_NAME_BYTES, MAX_CUSTOM_PATTERN_BYTES, MAX_CUSTOM_PATTERNS, MAX_PADDING_MS, Redaction,
};

const OBJECTS: &[&str] = &[
    "",
    "/recording",
    "/options",
    "/options/rules",
    "/options/scorecard",
    "/options/raw_audio",
    "/options/redaction",
    "/options/redaction/custom",
    "/options/attributes",
    "/checkpoint",
    "/rescore",
    "/signature",
];
const ARRAYS: &[&str] = &[
    "/options/channel_roles",
    "/options/languages",
    "/options/vocabulary",
    "/options/formats",
    "/options/redaction/entities",
];

/// serde takes an array for an object (values in the order of the fields) and an object for a name
/// (`{"batch": null}`). Nobody means that, and the schema refuses it.
pub(super) fn check_shape(job: &Value, root: &str) -> Result<(), Failure> {
    check_shape_at(job, root, "")
}

fn check_shape_at(value: &Value, root: &str, pointer: &str) -> Result<(), Failure> {
    match value {
        Value::Object(fields) if OBJECTS.contains(&pointer) => {
            for (name, value) in fields {
                check_shape_at(value, root, &format!("{pointer}/{name}"))?;
            }
            Ok(())
        }
        Value::Array(items) if ARRAYS.contains(&pointer) => {
            for (i, value) in items.iter().enumerate() {
                check_shape_at(value, root, &format!("{pointer}/{i}"))?;
            }
            Ok(())
        }
        Value::Object(_) => Err(bad(format!("{root}{pointer}"), "expected a string")),
        Value::Array(_) => Err(bad(format!("{root}{pointer}"), "expected an object")),
        _ => Ok(()),
    }
}

pub(super) fn check(job: &Job, root: &str) -> Result<(), Failure> {
    check_owner(&job.recording.key, &job.tenant, root, "/recording/key")?;
    if let Some(checkpoint) = &job.checkpoint {
        check_owner(&checkpoint.key, &job.tenant, root, "/checkpoint/key")?;
    }
    let optional_texts = [
        ("/recording/etag", &job.recording.etag, MAX_OBJECT_TAG_BYTES),
        (
            "/recording/version_id",
            &job.recording.version_id,
            MAX_OBJECT_TAG_BYTES,
        ),
        ("/options/model", &job.options.model, MAX_MODEL_NAME_BYTES),
    ];
    for (pointer, text, limit) in optional_texts {
        if let Some(text) = text {
            check_text(text, limit).map_err(|detail| bad(format!("{root}{pointer}"), detail))?;
        }
    }
    if let Some(rescore) = &job.rescore {
        check_owner(
            &rescore.manifest_key,
            &job.tenant,
            root,
            "/rescore/manifest_key",
        )?;
        check_rescore(job, &rescore.manifest_key)
            .map_err(|(pointer, detail)| bad(format!("{root}{pointer}"), detail))?;
    }
    check_options(&job.options)
        .map_err(|(pointer, detail)| bad(format!("{root}/options{pointer}"), detail))
}

fn check_owner(
    key: &ObjectKey,
    tenant: &TenantId,
    root: &str,
    pointer: &str,
) -> Result<(), Failure> {
    if key.belongs_to(tenant) {
        return Ok(());
    }
    let detail = "the key does not begin with the tenant's name and a slash";
    let pointer = format!("{root}{pointer}");
    Err(Failure::at(ErrorCode::TenantMismatch, pointer, detail))
}

/// A job that only scores has nothing to say of a recording.
fn check_rescore(job: &Job, manifest_key: &ObjectKey) -> Result<(), Wrong> {
    let of_call = format!("{}/calls/{}/", job.tenant, job.call);
    let key = manifest_key.as_str();
    if !key.starts_with(&of_call) || !key.ends_with("/manifest.json") {
        let detail = "is no manifest of the job's call";
        return Err(("/rescore/manifest_key".into(), detail.into()));
    }
    let scoring = Options {
        rules: job.options.rules.clone(),
        scorecard: job.options.scorecard.clone(),
        ..Options::default()
    };
    if job.options != scoring {
        let detail = "has more than `rules` and `scorecard`, which is all that scoring takes";
        return Err(("/options".into(), detail.into()));
    }
    if scoring == Options::default() {
        let detail = "names neither `rules` nor a `scorecard` to score with";
        return Err(("/options".into(), detail.into()));
    }
    Ok(())
}

/// A pointer from `/options`, and what is wrong there.
type Wrong = (String, String);

fn check_options(options: &Options) -> Result<(), Wrong> {
    check_count("/channel_roles", options.channel_roles.len(), MAX_CHANNELS)?;
    check_count(
        "/vocabulary",
        options.vocabulary.len(),
        MAX_VOCABULARY_TERMS,
    )?;
    check_count("/formats", options.formats.len(), MAX_FORMATS)?;
    for (i, term) in options.vocabulary.iter().enumerate() {
        check_text(term, MAX_VOCABULARY_TERM_BYTES)
            .map_err(|detail| (format!("/vocabulary/{i}"), detail))?;
    }
    check_languages(options)?;
    if let Some(redaction) = &options.redaction {
        check_redaction(redaction)?;
    }
    check_attributes(&options.attributes)?;
    options.raw_audio.as_ref().map_or(Ok(()), check_raw_audio)
}

fn check_languages(options: &Options) -> Result<(), Wrong> {
    check_count("/languages", options.languages.len(), MAX_LANGUAGES)?;
    let one = options
        .language
        .iter()
        .map(|code| ("/language".to_owned(), code));
    let many = options.languages.iter().enumerate();
    let many = many.map(|(i, code)| (format!("/languages/{i}"), code));
    match one.chain(many).find(|(_, code)| !is_language_code(code)) {
        Some((pointer, _)) => {
            let detail = "is not a language code of two or three lower-case letters";
            Err((pointer, detail.into()))
        }
        None => Ok(()),
    }
}

fn check_redaction(redaction: &Redaction) -> Result<(), Wrong> {
    check_count("/redaction/entities", redaction.entities.len(), 16)?;
    check_count(
        "/redaction/custom",
        redaction.custom.len(),
        MAX_CUSTOM_PATTERNS,
    )?;
    if redaction.padding_ms > MAX_PADDING_MS {
        let detail = format!("is above {MAX_PADDING_MS}");
        return Err(("/redaction/padding_ms".into(), detail));
    }
    // The name goes into marks and reports, so it is plain; a pointer to it would need escaping, so none is given.
    for (name, pattern) in &redaction.custom {
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain || name.is_empty() || name.len() > MAX_CUSTOM_NAME_BYTES {
            let detail = "has a name that is not 1 to 40 of a-z, 0-9 and `_`";
            return Err(("/redaction/custom".into(), detail.into()));
        }
        check_text(pattern, MAX_CUSTOM_PATTERN_BYTES)
            .map_err(|detail| (format!("/redaction/custom/{name}"), detail))?;
    }
    Ok(())
}

/// A pointer to a name would need escaping, and a value may be anybody's: neither is repeated.
fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), Wrong> {
    let wrong = |detail: String| Err(("/attributes".to_owned(), detail));
    check_count("/attributes", attributes.len(), MAX_ATTRIBUTES)?;
    for (name, value) in attributes {
        let mut bytes = name.bytes();
        let plain = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
            && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if !plain || name.len() > MAX_ATTRIBUTE_NAME_BYTES {
            return wrong(
                "has a name that is not 1 to 64 letters, digits, `.`, `_` and `-`, a letter first"
                    .into(),
            );
        }
        if OWN_FACTS.contains(&name.as_str()) {
            return wrong("has `channels` or `duration`, which are measured".into());
        }
        check_text(value, MAX_ATTRIBUTE_VALUE_BYTES)
            .map_err(|detail| (format!("/attributes/{name}"), detail))?;
    }
    Ok(())
}

fn check_raw_audio(raw: &RawAudio) -> Result<(), Wrong> {
    let numbers = [
        ("sample_rate_hz", raw.sample_rate_hz, 4_000, 384_000),
        ("channels", u32::from(raw.channels), 1, 8),
    ];
    for (field, value, least, greatest) in numbers {
        if !(least..=greatest).contains(&value) {
            let detail = format!("is outside {least} to {greatest}");
            return Err((format!("/raw_audio/{field}"), detail));
        }
    }
    Ok(())
}

fn check_count(pointer: &str, count: usize, limit: usize) -> Result<(), Wrong> {
    if count <= limit {
        return Ok(());
    }
    Err((
        pointer.into(),
        format!("has {count} entries, the limit is {limit}"),
    ))
}

fn check_text(text: &str, limit: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".into());
    }
    if text.len() > limit {
        return Err(format!(
            "is {} bytes long, the limit is {limit}",
            text.len()
        ));
    }
    if text.chars().any(char::is_control) {
        return Err("contains a control character".into());
    }
    Ok(())
}
