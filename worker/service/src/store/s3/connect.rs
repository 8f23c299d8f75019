//! Clients. In: the settings. Out: clients with a deadline on everything and ring for TLS, encrypted unless the store is
//! on this host. Fails: no region can be found, or the authorities to trust cannot be read.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use secrecy::ExposeSecret;

use super::super::StoreError;
use super::owner::ExpectedOwner;
use super::sessions::Sessions;
use crate::config::{Checksums, Store as Settings};
use crate::trust::authorities;

/// A slower line is taken for a dead one.
const SLOWEST_BYTES_PER_S: u64 = 256 * 1024;
/// Taken where an endpoint is set and no region is: S3-alikes mostly ignore it, and the signature needs one.
const DEFAULT_REGION: &str = "us-east-1";

/// What a client of the store is made of, and where roles are assumed for it.
pub(super) async fn connect(settings: &Settings) -> Result<(Config, Option<Sessions>), StoreError> {
    let shared = shared_config(settings, tls(settings)?).await;
    if shared.region().is_none() {
        let reason = "no region: set store.region or AWS_REGION".to_owned();
        return Err(StoreError::Settings(reason));
    }
    let config = own_config(&shared, settings);
    let sessions = settings.tenant_role.clone().map(|role| {
        let sts = aws_sdk_sts::Client::from_conf(sts_config(&shared, settings));
        let (patience, uses_keys) = (settings.operation_timeout, settings.is_amazons());
        Sessions::new(role, sts, config.clone(), patience, uses_keys)
    });
    Ok((config, sessions))
}

/// As with the store's own, an endpoint out of the environment or a profile is not used.
fn sts_config(shared: &SdkConfig, settings: &Settings) -> aws_sdk_sts::Config {
    let mut config = aws_sdk_sts::config::Builder::from(shared);
    config.set_endpoint_url(settings.sts_endpoint.clone());
    config.build()
}

/// The endpoint is ours alone: one out of an AWS profile would go past the check that it is encrypted.
fn own_config(shared: &SdkConfig, settings: &Settings) -> Config {
    let mut config = Builder::from(shared).force_path_style(settings.path_style);
    config.set_endpoint_url(settings.endpoint.clone());
    if let Some(owner) = &settings.bucket_owner {
        config = config.interceptor(ExpectedOwner(owner.clone()));
    }
    config.build()
}

/// Whom to trust beside the authorities of the system.
fn tls(settings: &Settings) -> Result<TlsContext, StoreError> {
    let refused = |reason: String| StoreError::Settings(format!("store.ca_file: {reason}"));
    let mut trusted = TrustStore::default();
    if let Some(path) = &settings.ca_file {
        for certificate in authorities(path).map_err(|e| refused(e.to_string()))? {
            trusted = trusted.with_pem_certificate(certificate);
        }
    }
    let context = TlsContext::builder().with_trust_store(trusted).build();
    context.map_err(|e| refused(e.to_string()))
}

pub(super) fn timeouts(settings: &Settings) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .operation_attempt_timeout(settings.attempt_timeout)
        .operation_timeout(settings.operation_timeout)
        .build()
}

/// More time for a request whose body takes long to send.
pub(super) fn time_for(timeouts: &TimeoutConfig, size_bytes: u64) -> Builder {
    let sending = Duration::from_secs(size_bytes / SLOWEST_BYTES_PER_S);
    let longer = |limit: Option<Duration>| limit.map(|limit| limit + sending);
    let mut longer_ones = timeouts.to_builder();
    longer_ones
        .set_operation_attempt_timeout(longer(timeouts.operation_attempt_timeout()))
        .set_operation_timeout(longer(timeouts.operation_timeout()));
    Builder::new().timeout_config(longer_ones.build())
}

async fn shared_config(settings: &Settings, tls: TlsContext) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https();
    let (request, response) = match settings.checksums {
        Checksums::WhenRequired => (
            RequestChecksumCalculation::WhenRequired,
            ResponseChecksumValidation::WhenRequired,
        ),
        Checksums::WhenSupported => (
            RequestChecksumCalculation::WhenSupported,
            ResponseChecksumValidation::WhenSupported,
        ),
    };
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts(settings))
        .retry_config(RetryConfig::standard().with_max_attempts(settings.max_attempts))
        // It gives false alarms on quiet connections; a stalled body runs into our own read timeout.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(request)
        .response_checksum_validation(response);
    let fallback = settings.endpoint.as_ref().map(|_| DEFAULT_REGION);
    if let Some(region) = settings.region.as_deref().or(fallback) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.secret_access_key) {
        let (id, secret) = (id.expose_secret(), secret.expose_secret());
        let source = "earwitness settings";
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, source));
    }
    loader.load().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_the_settings_do_not_name_is_not_used() {
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url("http://profile.example")
            .build();
        for (endpoint, used) in [("", false), ("https://settings.example", true)] {
            let flags = [("store.endpoint", endpoint.to_owned())];
            let settings = crate::config::assemble(None, &[], &flags).unwrap().config;
            let config = format!("{:?}", own_config(&shared, &settings.store));
            assert!(!config.contains("profile.example"), "{config}");
            assert_eq!(config.contains("settings.example"), used, "{config}");
        }
        for (endpoint, used) in [("", false), ("https://settings.example", true)] {
            let flags = [("store.sts_endpoint", endpoint.to_owned())];
            let settings = crate::config::assemble(None, &[], &flags).unwrap().config;
            let config = format!("{:?}", sts_config(&shared, &settings.store));
            assert!(!config.contains("profile.example"), "{config}");
            assert_eq!(config.contains("settings.example"), used, "{config}");
        }
        let untouched = format!("{:?}", Builder::from(&shared).build());
        assert!(untouched.contains("profile.example"), "{untouched}");
    }
}
