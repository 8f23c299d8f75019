//! The job: one recording of one call, and how to transcribe it. Every option is frozen in the message, so that
//! a retry or a later replay does the same work.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checkpoint::CheckpointRef;
use crate::ids::{CallId, JobId, ObjectKey, RuleSetId, Sha256, TenantId};
use crate::instant;
use crate::redaction::Redaction;
use crate::signature::Signature;

/// A body larger than this is refused before it is parsed.
pub const MAX_JOB_BYTES: usize = 64 * 1024;

/// One recording of one call, and how to transcribe it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    pub job_id: JobId,
    pub tenant: TenantId,
    pub call: CallId,
    pub recording: Recording,
    #[serde(default)]
    pub lane: Lane,
    #[serde(default)]
    pub options: Options,
    #[serde(deserialize_with = "instant::required")]
    pub submitted_at: Timestamp,
    /// A job taken later than this is not run.
    #[serde(
        default,
        deserialize_with = "instant::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub not_after: Option<Timestamp>,
    /// Where an earlier worker stopped. Written by workers, not by producers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointRef>,
    /// Set to score a stored result again. Then `recording` is only repeated from its manifest, and nothing of it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescore: Option<Rescore>,
    /// Proof that the job is its tenant's. Fleets whose broker is on another host refuse a job without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// A stored result that is to be scored with the rules and the scorecard of the job's options, which hold nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rescore {
    /// The result's manifest, in the results bucket. Must be one of the job's tenant and call.
    pub manifest_key: ObjectKey,
    /// If given, the worker's rule file must have this digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_sha256: Option<Sha256>,
    /// If given, the worker's scorecard must have this digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard_sha256: Option<Sha256>,
}

/// The stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub bucket: BucketName,
    /// Must lie under `{tenant}/`.
    pub key: ObjectKey,
    /// If given, the object must still have this ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = VISIBLE))]
    pub etag: Option<String>,
    /// If given, this version is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = VISIBLE))]
    pub version_id: Option<String>,
    /// If given, the bytes must have this digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
}

/// A bucket's name: 3 to 63 of lower-case letters, digits, `.` and `-`; no two dots in a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"))]
pub struct BucketName(String);

impl BucketName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BucketName {
    type Error = crate::ids::InvalidId;
    fn try_from(value: String) -> Result<Self, Self::Error> {
        let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = value.as_bytes();
        let fits = (3..=63).contains(&bytes.len())
            && edge(bytes[0])
            && edge(bytes[bytes.len() - 1])
            && bytes.iter().all(|&b| edge(b) || b == b'.' || b == b'-')
            && !value.contains("..");
        if fits {
            Ok(Self(value))
        } else {
            Err(crate::ids::InvalidId::Shape(
                "a bucket name (3 to 63 of a-z, 0-9, `.`, `-`)",
            ))
        }
    }
}

impl std::str::FromStr for BucketName {
    type Err = crate::ids::InvalidId;
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::try_from(value.to_owned())
    }
}

impl From<BucketName> for String {
    fn from(value: BucketName) -> String {
        value.0
    }
}

impl std::fmt::Display for BucketName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which queue a job waits in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody is waiting.
    Interactive,
    /// Live traffic.
    #[default]
    Standard,
    /// Archives.
    Batch,
}

impl Lane {
    pub const ALL: [Lane; 3] = [Lane::Interactive, Lane::Standard, Lane::Batch];

    pub fn as_str(self) -> &'static str {
        match self {
            Lane::Interactive => "interactive",
            Lane::Standard => "standard",
            Lane::Batch => "batch",
        }
    }
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Lane {
    type Err = String;
    fn from_str(value: &str) -> Result<Self, String> {
        Lane::ALL
            .into_iter()
            .find(|lane| lane.as_str() == value)
            .ok_or_else(|| {
                format!("unknown lane `{value}`: expected interactive, standard or batch")
            })
    }
}

/// Who speaks on a channel.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Agent,
    Customer,
    /// A machine: menus, announcements.
    Ivr,
    /// Several speakers on one channel.
    Mixed,
    Unknown,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Customer => "customer",
            Role::Ivr => "ivr",
            Role::Mixed => "mixed",
            Role::Unknown => "unknown",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(value: &str) -> Result<Self, String> {
        [
            Role::Agent,
            Role::Customer,
            Role::Ivr,
            Role::Mixed,
            Role::Unknown,
        ]
        .into_iter()
        .find(|role| role.as_str() == value)
        .ok_or_else(|| {
            format!("unknown role `{value}`: expected agent, customer, ivr, mixed or unknown")
        })
    }
}

/// What to do with the recording. All of it goes into the spec hash.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// A model of the catalogue; the worker's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = VISIBLE))]
    pub model: Option<String>,
    /// ISO 639-1. Detected from the speech when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[a-z]{2,3}$"))]
    pub language: Option<String>,
    /// Detect one of these and no other, where `language` does not say. ISO 639-1; the model has to know them all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(regex(pattern = "^[a-z]{2,3}$")))]
    pub languages: Vec<String>,
    /// Role of each channel, in channel order. At most eight.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub channel_roles: Vec<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<RuleSetRef>,
    /// Names and products to expect. At most 200 terms of at most 80 bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), inner(length(min = 1, max = 80), regex(pattern = VISIBLE)))]
    pub vocabulary: Vec<String>,
    /// Set for headerless recordings only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_audio: Option<RawAudio>,
    /// Written beside transcript.json and analysis.json, which are always written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub formats: Vec<Format>,
    /// A form to fill in from what the rules and measures say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scorecard: Option<RuleSetRef>,
    /// Redacted copies of all results, beside the originals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// What is known of the call beside its sound, by name: rules compare it as `$name`. At most 50.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 50,
        "propertyNames" = { "maxLength": 64, "pattern": ATTRIBUTE_NAME, "not": { "enum": OWN_FACTS } },
        "additionalProperties" = { "type": "string", "minLength": 1, "maxLength": 256, "pattern": VISIBLE }
    ))]
    pub attributes: BTreeMap<String, String>,
}

pub const MAX_ATTRIBUTES: usize = 50;
pub const MAX_ATTRIBUTE_NAME_BYTES: usize = 64;
pub const MAX_ATTRIBUTE_VALUE_BYTES: usize = 256;
/// What a rule can write after `$`.
const ATTRIBUTE_NAME: &str = "^[A-Za-z][A-Za-z0-9._-]*$";
/// Facts that are measured on the recording: nobody can say otherwise.
pub const OWN_FACTS: [&str; 2] = ["channels", "duration"];
pub const MAX_CHANNELS: usize = 8;
pub const MAX_LANGUAGES: usize = 16;
pub const MAX_FORMATS: usize = 8;
pub const MAX_MODEL_NAME_BYTES: usize = 128;
/// S3's own limit for a version id; an ETag is far shorter.
pub const MAX_OBJECT_TAG_BYTES: usize = 1024;
pub const MAX_VOCABULARY_TERMS: usize = 200;
pub const MAX_VOCABULARY_TERM_BYTES: usize = 80;

/// No control character, and not only white space.
const VISIBLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// Two or three lower-case letters: the shape, not whether a model knows it.
pub fn is_language_code(code: &str) -> bool {
    (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase())
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSetRef {
    pub id: RuleSetId,
    pub version: NonZeroU32,
}

/// The layout of a headerless recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAudio {
    pub codec: RawCodec,
    #[schemars(range(min = 4000, max = 384_000))]
    pub sample_rate_hz: u32,
    #[schemars(range(min = 1, max = 8))]
    pub channels: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawCodec {
    Mulaw,
    Alaw,
    PcmS16le,
    G722,
    Gsm,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Vtt,
    Srt,
    Txt,
    VerboseJson,
    CallAnalytics,
}

impl Format {
    pub const ALL: [Format; 5] = [
        Format::Vtt,
        Format::Srt,
        Format::Txt,
        Format::VerboseJson,
        Format::CallAnalytics,
    ];

    /// The name of the object that holds it.
    pub fn file_name(self) -> &'static str {
        match self {
            Format::Vtt => "transcript.vtt",
            Format::Srt => "transcript.srt",
            Format::Txt => "transcript.txt",
            Format::VerboseJson => "verbose.json",
            Format::CallAnalytics => "call-analytics.json",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::Vtt => "text/vtt; charset=utf-8",
            Format::Srt => "application/x-subrip; charset=utf-8",
            Format::Txt => "text/plain; charset=utf-8",
            Format::VerboseJson | Format::CallAnalytics => "application/json",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;
    fn from_str(value: &str) -> Result<Self, String> {
        match value {
            "vtt" => Ok(Format::Vtt),
            "srt" => Ok(Format::Srt),
            "txt" => Ok(Format::Txt),
            "verbose_json" | "verbose-json" => Ok(Format::VerboseJson),
            "call_analytics" | "call-analytics" => Ok(Format::CallAnalytics),
            _ => Err(format!(
                "unknown format `{value}`: expected vtt, srt, txt, verbose_json or call_analytics"
            )),
        }
    }
}
