//! The spec: all that shapes a result, frozen and hashed. Two jobs with the same spec have the same result, so the hash
//! is both the idempotency key and part of every result's address.
//! In: a recording's identity, the job's options, the model and rules as resolved. Out: [`Spec`] and its SHA-256.

use std::collections::BTreeMap;

use job_schema::ObjectKey;
use job_schema::job::{BucketName, Options};
use job_schema::{CallId, Sha256, TenantId};
use serde::Serialize;
use sha2::Digest;

/// Raised when a change of ours makes different words from the same input. With 6, speech that a model passed over is heard by
/// itself; with 7, a text of a word or two must not hold a guess.
pub const PIPELINE_REVISION: u32 = 9;

#[derive(Debug, Clone, Serialize)]
pub struct Spec<'a> {
    pub tenant: &'a TenantId,
    pub call: &'a CallId,
    pub recording: RecordingIdentity<'a>,
    pub options: &'a Options,
    pub model_sha256: &'a Sha256,
    pub rules_sha256: Option<&'a Sha256>,
    /// Left out where there is none, so that older specs keep their digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scorecard_sha256: Option<&'a Sha256>,
    pub recognizer: &'a str,
    pub pipeline_revision: u32,
}

/// What shapes an analysis that is made later of a stored transcript.
#[derive(Debug, Clone, Serialize)]
pub struct RescoreSpec<'a> {
    pub manifest_key: &'a ObjectKey,
    /// The spec of the transcript: it is the same bytes for the same spec.
    pub transcripts: &'a Sha256,
    pub attributes: &'a BTreeMap<String, String>,
    pub rules_sha256: Option<&'a Sha256>,
    pub scorecard_sha256: Option<&'a Sha256>,
}

impl RescoreSpec<'_> {
    pub fn sha256(&self) -> Sha256 {
        digest_of(self)
    }
}

/// With the ETag and version found in the store, so that a replaced object is another spec.
#[derive(Debug, Clone, Serialize)]
pub struct RecordingIdentity<'a> {
    pub bucket: &'a BucketName,
    pub key: &'a ObjectKey,
    pub etag: Option<&'a str>,
    pub version_id: Option<&'a str>,
}

impl Spec<'_> {
    /// SHA-256 of the JSON form: field order is fixed by the types, and maps are sorted by name.
    pub fn sha256(&self) -> Sha256 {
        digest_of(self)
    }
}

fn digest_of(spec: &impl Serialize) -> Sha256 {
    let json = serde_json::to_vec(spec).expect("plain strings, numbers, lists and maps serialise");
    sha256(&json)
}

pub fn sha256(bytes: &[u8]) -> Sha256 {
    named(sha2::Sha256::digest(bytes))
}

/// Of all that can still be read.
pub fn sha256_of(mut source: impl std::io::Read) -> std::io::Result<Sha256> {
    let mut hasher = sha2::Sha256::new();
    std::io::copy(&mut source, &mut hasher)?;
    Ok(named(hasher.finalize()))
}

fn named(digest: impl AsRef<[u8]>) -> Sha256 {
    Sha256::try_from(hex::encode(digest)).expect("a SHA-256 in hexadecimal has 64 digits")
}

#[cfg(test)]
mod tests {
    use job_schema::redaction::Redaction;

    use super::*;

    fn hash(etag: &str, change: impl Fn(&mut Options)) -> Sha256 {
        let mut options = Options::default();
        change(&mut options);
        let (tenant, call) = ("acme".parse().unwrap(), "c1".parse().unwrap());
        let (bucket, key) = ("recordings".parse().unwrap(), "acme/a.wav".parse().unwrap());
        let recording = RecordingIdentity {
            bucket: &bucket,
            key: &key,
            etag: Some(etag),
            version_id: None,
        };
        let spec = Spec {
            tenant: &tenant,
            call: &call,
            recording,
            options: &options,
            model_sha256: &"0".repeat(64).parse().unwrap(),
            rules_sha256: None,
            scorecard_sha256: None,
            recognizer: "whisper.cpp 1.8.3",
            pipeline_revision: 1,
        };
        spec.sha256()
    }

    #[test]
    fn whatever_shapes_the_result_changes_the_hash() {
        let base = hash("e1", |_| {});
        assert_eq!(base, hash("e1", |_| {}));
        assert_ne!(base, hash("e2", |_| {}));
        assert_ne!(base, hash("e1", |o| o.language = Some("de".into())));
        assert_ne!(base, hash("e1", |o| o.languages = vec!["de".into()]));
        let redacted = hash("e1", |o| o.redaction = Some(Redaction::default()));
        assert_ne!(base, redacted);
        let padded = Redaction {
            padding_ms: 300,
            ..Redaction::default()
        };
        assert_ne!(redacted, hash("e1", |o| o.redaction = Some(padded.clone())));
        let known = hash("e1", |o| {
            o.attributes.insert("queue".into(), "sales".into());
        });
        assert_ne!(base, known);
        assert_ne!(
            base,
            hash("e1", |o| o.vocabulary = vec!["Northgate".into()])
        );
    }

    #[test]
    fn the_hash_of_a_known_spec_never_changes() {
        // Another value here orphans every stored result: raise PIPELINE_REVISION on purpose instead.
        assert_eq!(
            hash("e1", |_| {}).as_str(),
            "1d23d9634e60cb89f4329fa192e6cf850d90205e1483b1db0a93b1f9a123a211"
        );
    }
}
