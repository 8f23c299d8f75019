//! What the types alone do not say about the settings. In: a [`Config`]. Fails: the key at fault and what is wrong with it.

use std::ops::RangeInclusive;
use std::time::Duration;

use job_schema::engine::Limits;
use job_schema::job::MAX_CHANNELS;
use secrecy::ExposeSecret;

use super::{Config, Store, StoreKind, url};
use crate::languages::TenantLanguages;
use crate::retention::Retention;
use crate::signing::KeyRing;
use crate::store::s3::TenantKeys;
use crate::telemetry;

type Complaint = (&'static str, String);

/// The broker closes a channel that holds a delivery for 30 minutes, and looks once a minute.
const HOLD_S: RangeInclusive<u64> = 30..=1_680;
/// Below 5 s a busy host is taken for a dead one; above a minute a dead one for a busy one.
const HEARTBEAT_S: RangeInclusive<u64> = 5..=60;
const MAX_PREFIX_BYTES: usize = 64;

pub(super) fn check(config: &Config) -> Result<(), Complaint> {
    check_broker(config)?;
    check_store(config)?;
    within(
        "worker.max_hold_s",
        config.worker.max_hold.as_secs(),
        HOLD_S,
    )?;
    above_zero(
        "worker.checkpoint_interval_s",
        config.worker.checkpoint_interval,
    )?;
    if config.worker.lanes.is_empty() {
        return Err(("worker.lanes", "name at least one lane".to_owned()));
    }
    above_zero("engine.deadline_base_s", config.engine.deadline_base)?;
    let factor = config.engine.deadline_factor;
    if !(factor.is_finite() && factor > 0.0) {
        return Err(("engine.deadline_factor", "must be above 0".to_owned()));
    }
    above_zero(
        "security.signature_lifetime_s",
        config.security.signature_lifetime,
    )?;
    check_limits(&config.limits)?;
    telemetry::check_filter(&config.log.level).map_err(|reason| ("log.level", reason))?;
    if let Some(keys) = &config.security.signing_keys {
        KeyRing::read(keys).map_err(|e| ("security.signing_keys", e.to_string()))?;
    }
    let retention = &config.retention;
    Retention::read(retention.days, &retention.tenants)
        .map_err(|reason| ("retention.tenants", reason))?;
    TenantLanguages::read(&config.languages.tenants)
        .map_err(|reason| ("languages.tenants", reason))?;
    check_retry(config)
}

fn check_limits(limits: &Limits) -> Result<(), Complaint> {
    within(
        "limits.max_channels",
        limits.max_channels.into(),
        1..=MAX_CHANNELS as u64,
    )?;
    for (key, limit) in [
        ("limits.max_recording_bytes", limits.max_recording_bytes),
        ("limits.max_duration_ms", limits.max_duration_ms),
        (
            "limits.min_sample_rate_hz",
            limits.min_sample_rate_hz.into(),
        ),
    ] {
        if limit == 0 {
            return Err((key, "must be above 0".to_owned()));
        }
    }
    if limits.min_sample_rate_hz > limits.max_sample_rate_hz {
        let reason = "is below limits.min_sample_rate_hz".to_owned();
        return Err(("limits.max_sample_rate_hz", reason));
    }
    Ok(())
}

fn check_broker(config: &Config) -> Result<(), Complaint> {
    let broker = &config.broker;
    within("broker.heartbeat_s", broker.heartbeat_s.into(), HEARTBEAT_S)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if broker.prefix.is_empty()
        || broker.prefix.len() > MAX_PREFIX_BYTES
        || !broker.prefix.bytes().all(plain)
    {
        let reason = format!("1 to {MAX_PREFIX_BYTES} of letters, digits, `.`, `_`, `-`");
        return Err(("broker.prefix", reason));
    }
    for (key, timeout) in [
        ("broker.connect_timeout_s", broker.connect_timeout),
        ("broker.request_timeout_s", broker.request_timeout),
        ("broker.confirm_timeout_s", broker.confirm_timeout),
    ] {
        above_zero(key, timeout)?;
    }
    let Some(url) = &broker.url else {
        return Ok(());
    };
    let safe = broker.allow_plaintext;
    check_url("broker.url", url.expose_secret(), ["amqp", "amqps"], safe)
}

fn check_store(config: &Config) -> Result<(), Complaint> {
    let store = &config.store;
    if store.kind == StoreKind::Dir && store.dir.is_none() {
        return Err(("store.dir", "must be set for store.kind = dir".to_owned()));
    }
    if store.access_key_id.is_some() != store.secret_access_key.is_some() {
        let reason = "must be set together with store.access_key_id".to_owned();
        return Err(("store.secret_access_key", reason));
    }
    TenantKeys::read(&store.kms_keys).map_err(|reason| ("store.kms_keys", reason))?;
    within("store.max_attempts", store.max_attempts.into(), 1..=10)?;
    for (key, timeout) in [
        ("store.connect_timeout_s", store.connect_timeout),
        ("store.read_timeout_s", store.read_timeout),
        ("store.attempt_timeout_s", store.attempt_timeout),
        ("store.operation_timeout_s", store.operation_timeout),
    ] {
        above_zero(key, timeout)?;
    }
    check_role(store)?;
    for (key, endpoint) in [
        ("store.endpoint", &store.endpoint),
        ("store.sts_endpoint", &store.sts_endpoint),
    ] {
        if let Some(endpoint) = endpoint {
            check_url(key, endpoint, ["http", "https"], store.allow_plaintext)?;
        }
    }
    Ok(())
}

fn check_role(store: &Store) -> Result<(), Complaint> {
    if store.tenant_role.is_none() {
        return Ok(());
    }
    if store.kind == StoreKind::Dir {
        return Err(("store.tenant_role", "a directory has no roles".to_owned()));
    }
    if store.sts_endpoint.is_none() && !store.is_amazons() {
        let reason = "must be set: store.endpoint is not Amazon's".to_owned();
        return Err(("store.sts_endpoint", reason));
    }
    Ok(())
}

fn check_retry(config: &Config) -> Result<(), Complaint> {
    let retry = &config.retry;
    let rising = retry.delays_s.windows(2).all(|pair| pair[0] < pair[1]);
    if retry.delays_s.is_empty() || retry.delays_s.contains(&0) || !rising {
        let reason = "at least one delay above 0, each longer than the one before".to_owned();
        return Err(("retry.delays_s", reason));
    }
    within(
        "retry.max_content_attempts",
        retry.max_content_attempts.into(),
        1..=100,
    )?;
    within(
        "retry.max_infra_attempts",
        retry.max_infra_attempts.into(),
        1..=1_000,
    )
}

fn check_url(
    key: &'static str,
    text: &str,
    [plain, encrypted]: [&str; 2],
    allow_plaintext: bool,
) -> Result<(), Complaint> {
    let shape = || (key, format!("expected {plain}:// or {encrypted}://host"));
    let authority = url::authority(text).ok_or_else(shape)?;
    if authority.scheme != plain && authority.scheme != encrypted {
        return Err(shape());
    }
    if authority.scheme == plain && !authority.is_loopback() && !allow_plaintext {
        let reason = format!(
            "{plain}:// to another host is readable on the way: use {encrypted}://, or set allow_plaintext"
        );
        return Err((key, reason));
    }
    Ok(())
}

fn within(key: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), Complaint> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, greatest) = (range.start(), range.end());
    Err((key, format!("{value} is not within {least} to {greatest}")))
}

fn above_zero(key: &'static str, timeout: Duration) -> Result<(), Complaint> {
    if timeout.is_zero() {
        return Err((key, "must be above 0".to_owned()));
    }
    Ok(())
}
