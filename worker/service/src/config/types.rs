//! The settings as types. Keys and defaults stand in `defaults.toml`; a key here that is missing there, or the other way
//! round, fails the first load.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use job_schema::engine::Limits;
use job_schema::job::{BucketName, Lane};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::accounts::{AccountId, RoleArn};
use super::url;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub broker: Broker,
    pub store: Store,
    pub engine: Engine,
    pub worker: Worker,
    pub limits: Limits,
    pub rules: Rules,
    pub admin: Admin,
    pub log: Log,
    pub retry: Retry,
    pub security: Security,
    pub audit: Audit,
    pub retention: Retention,
    pub languages: Languages,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// Holds a password.
    #[serde(deserialize_with = "secret_if_set")]
    pub url: Option<SecretString>,
    pub prefix: String,
    pub heartbeat_s: u16,
    #[serde(rename = "connect_timeout_s", deserialize_with = "seconds")]
    pub connect_timeout: Duration,
    #[serde(rename = "request_timeout_s", deserialize_with = "seconds")]
    pub request_timeout: Duration,
    #[serde(rename = "confirm_timeout_s", deserialize_with = "seconds")]
    pub confirm_timeout: Duration,
    #[serde(deserialize_with = "if_set")]
    pub ca_file: Option<PathBuf>,
    pub allow_plaintext: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub kind: StoreKind,
    #[serde(deserialize_with = "if_set")]
    pub dir: Option<PathBuf>,
    #[serde(deserialize_with = "if_set")]
    pub endpoint: Option<String>,
    #[serde(deserialize_with = "if_set")]
    pub region: Option<String>,
    pub path_style: bool,
    pub checksums: Checksums,
    #[serde(deserialize_with = "secret_if_set")]
    pub access_key_id: Option<SecretString>,
    #[serde(deserialize_with = "secret_if_set")]
    pub secret_access_key: Option<SecretString>,
    #[serde(deserialize_with = "if_set")]
    pub recordings_bucket: Option<BucketName>,
    #[serde(deserialize_with = "if_set")]
    pub results_bucket: Option<BucketName>,
    pub kms_keys: String,
    #[serde(deserialize_with = "if_set")]
    pub tenant_role: Option<RoleArn>,
    #[serde(deserialize_with = "if_set")]
    pub sts_endpoint: Option<String>,
    #[serde(deserialize_with = "if_set")]
    pub bucket_owner: Option<AccountId>,
    #[serde(rename = "connect_timeout_s", deserialize_with = "seconds")]
    pub connect_timeout: Duration,
    #[serde(rename = "read_timeout_s", deserialize_with = "seconds")]
    pub read_timeout: Duration,
    #[serde(rename = "attempt_timeout_s", deserialize_with = "seconds")]
    pub attempt_timeout: Duration,
    #[serde(rename = "operation_timeout_s", deserialize_with = "seconds")]
    pub operation_timeout: Duration,
    pub max_attempts: u32,
    #[serde(deserialize_with = "if_set")]
    pub ca_file: Option<PathBuf>,
    pub allow_plaintext: bool,
}

impl Store {
    /// Whether S3 is Amazon's own, by whatever road.
    pub fn is_amazons(&self) -> bool {
        let Some(endpoint) = &self.endpoint else {
            return true;
        };
        let theirs = [".amazonaws.com", ".amazonaws.com.cn"];
        url::authority(endpoint)
            .is_some_and(|found| theirs.iter().any(|ending| found.host.ends_with(ending)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    S3,
    Dir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksums {
    WhenRequired,
    WhenSupported,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    pub model: String,
    #[serde(deserialize_with = "if_set")]
    pub models_dir: Option<PathBuf>,
    pub auto_pull: bool,
    pub recognizer: RecognizerKind,
    #[serde(deserialize_with = "if_set")]
    pub script: Option<PathBuf>,
    /// 0 for one a core.
    pub slots: u16,
    pub memory_limit_bytes: u64,
    #[serde(rename = "deadline_base_s", deserialize_with = "seconds")]
    pub deadline_base: Duration,
    pub deadline_factor: f64,
    pub require_sandbox: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecognizerKind {
    Whisper,
    Native,
    Scripted,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    #[serde(deserialize_with = "if_set")]
    pub name: Option<String>,
    pub lanes: Vec<Lane>,
    #[serde(rename = "drain_timeout_s", deserialize_with = "seconds")]
    pub drain_timeout: Duration,
    #[serde(rename = "max_hold_s", deserialize_with = "seconds")]
    pub max_hold: Duration,
    #[serde(rename = "checkpoint_interval_s", deserialize_with = "seconds")]
    pub checkpoint_interval: Duration,
    #[serde(rename = "poll_interval_ms", deserialize_with = "milliseconds")]
    pub poll_interval: Duration,
    /// 0 for all.
    pub tenant_slots: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    #[serde(deserialize_with = "if_set")]
    pub dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    #[serde(deserialize_with = "address_if_set")]
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub delays_s: Vec<u32>,
    pub max_content_attempts: u32,
    pub max_infra_attempts: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub days: u32,
    pub tenants: String,
    #[serde(rename = "sweep_interval_s", deserialize_with = "seconds")]
    pub sweep_interval: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Languages {
    pub tenants: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    #[serde(deserialize_with = "if_set")]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    pub require_signatures: RequireSignatures,
    #[serde(deserialize_with = "secret_if_set")]
    pub signing_keys: Option<SecretString>,
    #[serde(deserialize_with = "if_set")]
    pub signing_keys_file: Option<PathBuf>,
    #[serde(rename = "signature_lifetime_s", deserialize_with = "seconds")]
    pub signature_lifetime: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequireSignatures {
    /// Unless the broker is on this host and there is no key.
    Auto,
    Always,
}

fn if_set<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

fn address_if_set<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SocketAddr>, D::Error> {
    let expected = |_: D::Error| {
        serde::de::Error::custom("expected ADDRESS:PORT, for instance 127.0.0.1:9090")
    };
    if_set(d).map_err(expected)
}

fn secret_if_set<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SecretString>, D::Error> {
    let text = String::deserialize(d)?;
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}
