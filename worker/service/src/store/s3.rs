//! Objects in S3 or something like it: the one file that knows the SDK. Every request has a deadline and a bounded number
//! of tries. A download that breaks off goes on at its offset, held to the same object by If-Match and by comparing the
//! ETag here, since some stores ignore the header. Sources: the SDK's guides, and section 3 of the S3 API reference.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;
use jiff::Timestamp;
use job_schema::ObjectKey;
use job_schema::job::BucketName;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256 as Hasher};
use tokio::io::AsyncWriteExt;

use super::{
    BlobStore, Destination, Fetched, Listed, Location, ObjectMeta, Page, Pin, PutMode, PutOutcome,
    Readiness, StoreError, unquoted,
};
use crate::config::{Addressing, Checksums, Store as Settings};

/// However much each try brings, a download that breaks off this often is given up.
const MAX_RESUMES: u32 = 50;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Taken where an endpoint is set and no region is: S3-alikes mostly ignore it, and the signature needs one.
const DEFAULT_REGION: &str = "us-east-1";

#[derive(Debug)]
pub struct S3Store {
    client: Client,
    read_timeout: Duration,
    max_attempts: u32,
    /// Whether the store honours If-None-Match; learned at the first write that depends on it.
    conditional_put: OnceLock<bool>,
}

impl S3Store {
    /// Makes the client; nothing is sent yet but what the credential chain needs.
    ///
    /// # Errors
    /// [`StoreError::Settings`] where no region can be found.
    pub async fn connect(settings: &Settings) -> Result<Self, StoreError> {
        let shared = shared_config(settings).await;
        if shared.region().is_none() {
            let reason = "no region: set store.region or AWS_REGION".to_owned();
            return Err(StoreError::Settings(reason));
        }
        let path_style = match settings.addressing {
            Addressing::Auto => shared.endpoint_url().is_some(),
            Addressing::Path => true,
            Addressing::Virtual => false,
        };
        let config = aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(path_style)
            .build();
        Ok(Self {
            client: Client::from_conf(config),
            read_timeout: settings.read_timeout,
            max_attempts: settings.max_attempts,
            conditional_put: OnceLock::new(),
        })
    }

    /// One GET, from where the transfer stands.
    async fn open_body(
        &self,
        at: &Location,
        transfer: &mut Transfer,
        max_bytes: u64,
    ) -> Result<ByteStream, StoreError> {
        let offset = transfer.offset_bytes;
        let mut request = self
            .client
            .get_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .set_version_id(transfer.version_id.clone())
            .set_if_match(transfer.etag.as_deref().map(|tag| format!("\"{tag}\"")));
        // Not for the first byte: a range of an empty object cannot be satisfied.
        if offset > 0 {
            request = request.range(format!("bytes={offset}-"));
        }
        let output = request
            .send()
            .await
            .map_err(|e| failed("fetch object", &e))?;
        transfer.check(&output, max_bytes)?;
        Ok(output.body)
    }

    /// Copies what comes. An end before the end is no error here: the caller looks at the offset.
    async fn copy(
        &self,
        mut body: ByteStream,
        dest: &mut Destination<'_>,
        transfer: &mut Transfer,
    ) -> Result<(), StoreError> {
        while let Ok(Some(Ok(chunk))) = tokio::time::timeout(self.read_timeout, body.next()).await {
            dest.write_all(&chunk)
                .await
                .map_err(StoreError::Destination)?;
            transfer.hasher.update(&chunk);
            transfer.offset_bytes += chunk.len() as u64;
        }
        Ok(())
    }

    async fn put_once(
        &self,
        at: &Location,
        bytes: &Bytes,
        content_type: &str,
        condition: Option<&str>,
    ) -> Result<Put, StoreError> {
        for round in 0..self.max_attempts {
            let answer = self
                .client
                .put_object()
                .bucket(at.bucket.as_str())
                .key(at.key.as_str())
                .content_type(content_type)
                .set_if_none_match(condition.map(str::to_owned))
                .body(ByteStream::from(bytes.clone()))
                .send()
                .await;
            let error = match answer {
                Ok(output) => return Ok(Put::Created(output.e_tag)),
                Err(error) => error,
            };
            match error.raw_response().map(|r| r.status().as_u16()) {
                Some(412) => return Ok(Put::Exists),
                Some(501) if condition.is_some() => return Ok(Put::Refused),
                // Another conditional write is under way: who won is known after it.
                Some(409) if round + 1 < self.max_attempts => pause(round).await,
                _ => return Err(failed("store object", &error)),
            }
        }
        Err(StoreError::Unavailable {
            action: "store object",
            reason: "conflicting writes without end".to_owned(),
        })
    }

    async fn put_if_absent(
        &self,
        at: &Location,
        bytes: &Bytes,
        content_type: &str,
    ) -> Result<PutOutcome, StoreError> {
        let any = Some("*");
        match self.conditional_put.get() {
            Some(true) => match self.put_once(at, bytes, content_type, any).await? {
                Put::Created(_) => Ok(PutOutcome::Created),
                Put::Exists => Ok(PutOutcome::AlreadyExists),
                Put::Refused => Err(StoreError::Unavailable {
                    action: "store object",
                    reason: "the store stopped to honour If-None-Match".to_owned(),
                }),
            },
            Some(false) => self.put_unless_seen(at, bytes, content_type).await,
            None => self.put_and_learn(at, bytes, content_type).await,
        }
    }

    /// The first conditional write. It is sent twice: a store that takes the second ignores the condition.
    async fn put_and_learn(
        &self,
        at: &Location,
        bytes: &Bytes,
        content_type: &str,
    ) -> Result<PutOutcome, StoreError> {
        let any = Some("*");
        if self.exists(at).await? {
            return Ok(PutOutcome::AlreadyExists);
        }
        let first = self.put_once(at, bytes, content_type, any).await?;
        let second = match first {
            Put::Created(_) => self.put_once(at, bytes, content_type, any).await?,
            Put::Exists | Put::Refused => Put::Exists,
        };
        let honoured = !matches!(first, Put::Refused) && matches!(second, Put::Exists);
        if self.conditional_put.set(honoured).is_ok() && !honoured {
            tracing::warn!(
                "the store ignores If-None-Match: two workers with the same job may both write its manifest"
            );
        }
        match first {
            Put::Created(_) => Ok(PutOutcome::Created),
            Put::Exists => Ok(PutOutcome::AlreadyExists),
            Put::Refused => self.put_unless_seen(at, bytes, content_type).await,
        }
    }

    /// The best that can be done without conditions: look, write, and look whose bytes are there.
    async fn put_unless_seen(
        &self,
        at: &Location,
        bytes: &Bytes,
        content_type: &str,
    ) -> Result<PutOutcome, StoreError> {
        if self.exists(at).await? {
            return Ok(PutOutcome::AlreadyExists);
        }
        let Put::Created(ours) = self.put_once(at, bytes, content_type, None).await? else {
            return Ok(PutOutcome::AlreadyExists);
        };
        let there = self.head(at, None).await?.etag;
        let ours = ours.as_deref().map(unquoted);
        if ours == there.as_deref() {
            Ok(PutOutcome::Created)
        } else {
            Ok(PutOutcome::AlreadyExists)
        }
    }

    async fn exists(&self, at: &Location) -> Result<bool, StoreError> {
        match self.head(at, None).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl BlobStore for S3Store {
    async fn head(&self, at: &Location, version: Option<&str>) -> Result<ObjectMeta, StoreError> {
        let output = self
            .client
            .head_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|e| failed("look up object", &e))?;
        Ok(ObjectMeta {
            size_bytes: length("look up object", output.content_length)?,
            etag: output.e_tag.as_deref().map(unquoted).map(str::to_owned),
            last_modified: output.last_modified.and_then(timestamp),
            readiness: readiness(&output),
            version_id: output.version_id,
        })
    }

    async fn fetch(
        &self,
        at: &Location,
        pin: &Pin,
        mut dest: Destination<'_>,
        max_bytes: u64,
    ) -> Result<Fetched, StoreError> {
        let mut transfer = Transfer::new(pin);
        let (mut tries_count, mut fruitless) = (0, 0);
        loop {
            let start_bytes = transfer.offset_bytes;
            let body = self.open_body(at, &mut transfer, max_bytes).await?;
            self.copy(body, &mut dest, &mut transfer).await?;
            if transfer.is_complete() {
                break;
            }
            tries_count += 1;
            let stuck = transfer.offset_bytes == start_bytes;
            fruitless = if stuck { fruitless + 1 } else { 0 };
            if fruitless >= self.max_attempts || tries_count >= MAX_RESUMES {
                return Err(transfer.damaged(tries_count));
            }
            pause(fruitless).await;
        }
        dest.flush().await.map_err(StoreError::Destination)?;
        Ok(transfer.finish())
    }

    async fn put(
        &self,
        at: &Location,
        bytes: Bytes,
        content_type: &str,
        mode: PutMode,
    ) -> Result<PutOutcome, StoreError> {
        match mode {
            PutMode::IfAbsent => self.put_if_absent(at, &bytes, content_type).await,
            PutMode::Overwrite => {
                self.put_once(at, &bytes, content_type, None).await?;
                Ok(PutOutcome::Created)
            }
        }
    }

    async fn list(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        let output = self
            .client
            .list_objects_v2()
            .bucket(bucket.as_str())
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            .max_keys(limit.into())
            .send()
            .await
            .map_err(|e| failed("list objects", &e))?;
        let mut page = Page::default();
        for object in output.contents.unwrap_or_default() {
            let Some(key) = object.key else { continue };
            if output.is_truncated == Some(true) {
                page.next_after = Some(key.clone());
            }
            match ObjectKey::try_from(key) {
                Ok(key) => page.objects.push(Listed {
                    key,
                    size_bytes: length("list objects", object.size)?,
                    last_modified: object.last_modified.and_then(timestamp),
                }),
                Err(_) => page.foreign_count += 1,
            }
        }
        Ok(page)
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .send()
            .await
            .map_err(|e| failed("delete object", &e));
        match deleted {
            // S3 answers 204 for what is not there; some others say so.
            Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

enum Put {
    Created(Option<String>),
    Exists,
    /// The store does not know the condition.
    Refused,
}

/// A download, over as many requests as it takes.
struct Transfer {
    etag: Option<String>,
    version_id: Option<String>,
    offset_bytes: u64,
    total_bytes: Option<u64>,
    hasher: Hasher,
}

impl Transfer {
    fn new(pin: &Pin) -> Self {
        Self {
            etag: pin.etag.as_deref().map(unquoted).map(str::to_owned),
            version_id: pin.version_id.clone(),
            offset_bytes: 0,
            total_bytes: None,
            hasher: Hasher::new(),
        }
    }

    /// Whether this is the object that was begun, and small enough.
    fn check(&mut self, output: &GetObjectOutput, max_bytes: u64) -> Result<(), StoreError> {
        let etag = output.e_tag.as_deref().map(unquoted);
        if self
            .etag
            .as_deref()
            .is_some_and(|known| Some(known) != etag)
        {
            return Err(StoreError::Changed);
        }
        if self.offset_bytes > 0 && output.content_range.is_none() {
            return Err(StoreError::Unavailable {
                action: "fetch object",
                reason: "the store ignores Range".to_owned(),
            });
        }
        let rest = length("fetch object", output.content_length)?;
        let size_bytes = self.offset_bytes.saturating_add(rest);
        if self.total_bytes.is_some_and(|known| known != size_bytes) {
            return Err(StoreError::Changed);
        }
        if size_bytes > max_bytes {
            return Err(StoreError::TooLarge {
                size_bytes,
                limit_bytes: max_bytes,
            });
        }
        self.etag = etag.map(str::to_owned);
        // A versioned object is pinned by its version from now on.
        self.version_id = output.version_id.clone().or(self.version_id.take());
        self.total_bytes = Some(size_bytes);
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.total_bytes == Some(self.offset_bytes)
    }

    fn damaged(&self, tries_count: u32) -> StoreError {
        StoreError::Damaged {
            expected_bytes: self.total_bytes.unwrap_or_default(),
            got_bytes: self.offset_bytes,
            tries_count,
        }
    }

    fn finish(self) -> Fetched {
        Fetched {
            size_bytes: self.offset_bytes,
            sha256: super::digest(self.hasher),
            etag: self.etag,
            version_id: self.version_id,
        }
    }
}

async fn shared_config(settings: &Settings) -> aws_config::SdkConfig {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls)
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .operation_attempt_timeout(settings.attempt_timeout)
        .operation_timeout(settings.operation_timeout)
        .build();
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
        .timeout_config(timeouts)
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

/// An error of the SDK as one of ours. Its own texts may quote the request, so only codes are taken over.
fn failed<E>(action: &'static str, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|r| r.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match (status, code) {
        (_, Some("InvalidObjectState")) => StoreError::Archived {
            tier: "restore it first".to_owned(),
        },
        (Some(404 | 405 | 410), _) => StoreError::NotFound { action },
        // Other codes with this status say that our keys or our clock are wrong, not the object's policy.
        (Some(403), None | Some("AccessDenied" | "AllAccessDisabled" | "Forbidden")) => {
            StoreError::Forbidden { action }
        }
        (Some(412 | 416), _) => StoreError::Changed,
        (Some(status), code) => StoreError::Unavailable {
            action,
            reason: format!("status {status} {}", code.unwrap_or("without a code")),
        },
        (None, _) => StoreError::Unavailable {
            action,
            reason: unanswered(error),
        },
    }
}

fn unanswered<E>(error: &SdkError<E>) -> String
where
    E: std::error::Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => "timed out".to_owned(),
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map_or_else(
            || "request could not be sent".to_owned(),
            |connector| format!("connect: {}", DisplayErrorContext(connector)),
        ),
        SdkError::ConstructionFailure(_) => {
            "request could not be made (are there credentials?)".to_owned()
        }
        _ => "the answer could not be read".to_owned(),
    }
}

fn length(action: &'static str, bytes: Option<i64>) -> Result<u64, StoreError> {
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| StoreError::Unavailable {
            action,
            reason: "the store gave no length".to_owned(),
        })
}

fn readiness(output: &HeadObjectOutput) -> Readiness {
    let class = output.storage_class.as_ref().map(|class| class.as_str());
    let tier = output.archive_status.as_ref().map(|tier| tier.as_str());
    // `ongoing-request="false"`: a copy was restored and can be read for some days.
    let restored = output
        .restore
        .as_deref()
        .is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
    match (tier, class) {
        _ if restored => Readiness::Ready,
        (Some(tier), _) => Readiness::Archived(tier.to_owned()),
        (None, Some(class @ ("GLACIER" | "DEEP_ARCHIVE"))) => Readiness::Archived(class.to_owned()),
        (None, _) => Readiness::Ready,
    }
}

fn timestamp(at: DateTime) -> Option<Timestamp> {
    Timestamp::from_second(at.secs()).ok()
}

async fn pause(round: u32) {
    let longest = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(round))
        .min(LONGEST_PAUSE);
    tokio::time::sleep(longest.mul_f64(rand::random_range(0.5..1.0))).await;
}
