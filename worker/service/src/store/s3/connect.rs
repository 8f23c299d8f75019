//! The client. In: the settings. Out: a client with a deadline on everything and ring for TLS.
//! Fails: no region can be found.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use secrecy::ExposeSecret;

use super::super::StoreError;
use crate::config::{Checksums, Store as Settings};

/// A slower line is taken for a dead one.
const SLOWEST_BYTES_PER_S: u64 = 256 * 1024;
/// Taken where an endpoint is set and no region is: S3-alikes mostly ignore it, and the signature needs one.
const DEFAULT_REGION: &str = "us-east-1";

pub(super) async fn client(settings: &Settings) -> Result<Client, StoreError> {
    let shared = shared_config(settings).await;
    if shared.region().is_none() {
        let reason = "no region: set store.region or AWS_REGION".to_owned();
        return Err(StoreError::Settings(reason));
    }
    let config = Builder::from(&shared)
        .force_path_style(settings.path_style)
        .build();
    Ok(Client::from_conf(config))
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

async fn shared_config(settings: &Settings) -> aws_config::SdkConfig {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls)
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
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
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
