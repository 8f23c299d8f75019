//! A job's signature: who vouches for it, and the text that is vouched for. In: a job with a [`Signature`]. Out: its
//! canonical text, which any language can write. Cannot fail. The arithmetic is the service's; no key comes here.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{KeyId, Nonce, Sha256};
use crate::job::Job;

/// Says that the job was made by somebody who holds a key of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub key_id: KeyId,
    /// Never used twice, so that no two jobs have the same text.
    pub nonce: Nonce,
    /// The call holds health information.
    #[serde(default)]
    pub phi: bool,
    /// The tenant has an agreement that lets such calls be processed.
    #[serde(default)]
    pub baa: bool,
    /// HMAC-SHA256 of the signed text, in lower-case hexadecimal.
    pub mac: Sha256,
}

/// The text that is signed: a line for each claim, `name=value`, absent values empty, UTF-8, each line ended by a line feed.
/// No value can hold a line feed. Not signed: `submitted_at`, which decides nothing, and `checkpoint`, which workers write
/// and none believes.
pub fn signed_text(job: &Job, signature: &Signature) -> String {
    let recording = &job.recording;
    let not_after = job.not_after.map(|at| at.as_nanosecond().to_string());
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut claims = vec![
        ("key_id", signature.key_id.to_string()),
        ("nonce", signature.nonce.to_string()),
        ("phi", signature.phi.to_string()),
        ("baa", signature.baa.to_string()),
        ("job_id", job.job_id.to_string()),
        ("tenant", job.tenant.to_string()),
        ("call", job.call.to_string()),
        ("bucket", recording.bucket.to_string()),
        ("key", recording.key.to_string()),
        ("etag", optional(&recording.etag)),
        ("version_id", optional(&recording.version_id)),
        (
            "sha256",
            optional(&recording.sha256.as_ref().map(ToString::to_string)),
        ),
        ("lane", job.lane.to_string()),
        ("not_after_ns", not_after.unwrap_or_default()),
        ("options", options_text(job)),
    ];
    // A job that says more has a line more: what is signed for other jobs stays as it was.
    if let Some(rescore) = &job.rescore {
        let rescore = serde_json::to_value(rescore).unwrap_or_default();
        claims.push(("rescore", canonical(&rescore)));
    }
    let mut text = "earwitness-job-v1\n".to_owned();
    for (name, value) in claims {
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{name}={value}");
    }
    text
}

/// RFC 8785: names in order, no white space; what is empty is left out, as the job's own form leaves it out.
fn options_text(job: &Job) -> String {
    let options = serde_json::to_value(&job.options).unwrap_or_default();
    canonical(&options)
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            let field = |name: &&String| {
                let value = fields.get(*name).map(canonical).unwrap_or_default();
                format!("{}:{value}", Value::from(name.as_str()))
            };
            let fields: Vec<String> = names.iter().map(field).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        // Strings, whole numbers and booleans are written by serde_json as RFC 8785 wants them.
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_text_of_a_known_job_never_changes() {
        let job = r#"{"schema_version": 1, "job_id": "01930000-0000-7000-8000-000000000001", "tenant": "acme",
            "call": "c1", "recording": {"bucket": "recordings", "key": "acme/a b.wav"}, "lane": "batch",
            "options": {"vocabulary": ["Zoë \"Z\""], "channel_roles": ["agent"], "formats": []},
            "submitted_at": "2026-11-24T10:00:00Z", "not_after": "2026-11-25T10:00:00.5Z",
            "signature": {"key_id": "2026-11", "nonce": "01930000-0000-7000-8000-000000000002",
                "mac": "0000000000000000000000000000000000000000000000000000000000000000"}}"#;
        let job = crate::parse::job(job.as_bytes()).unwrap();
        let signature = job.signature.clone().unwrap();
        let expected = "earwitness-job-v1\nkey_id=2026-11\nnonce=01930000-0000-7000-8000-000000000002\nphi=false\nbaa=false\n\
            job_id=01930000-0000-7000-8000-000000000001\ntenant=acme\ncall=c1\nbucket=recordings\nkey=acme/a b.wav\netag=\n\
            version_id=\nsha256=\nlane=batch\nnot_after_ns=1795600800500000000\n\
            options={\"channel_roles\":[\"agent\"],\"vocabulary\":[\"Zoë \\\"Z\\\"\"]}\n";
        assert_eq!(signed_text(&job, &signature), expected);
        let mut rescoring = job;
        rescoring.rescore = Some(crate::job::Rescore {
            manifest_key: "acme/calls/c1/5/manifest.json".parse().unwrap(),
            rules_sha256: None,
            scorecard_sha256: None,
        });
        let line = "rescore={\"manifest_key\":\"acme/calls/c1/5/manifest.json\"}\n";
        assert_eq!(
            signed_text(&rescoring, &signature),
            format!("{expected}{line}")
        );
    }
}
