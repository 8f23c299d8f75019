//! Objects in S3 or something like it: the SDK is used below this module and nowhere else. Every request has a deadline and
//! a bounded number of tries; `read` goes on where a download broke off and checks what came.
//! Source: the S3 API reference, Amazon's and what others make of it.

mod absence;
mod answer;
mod connect;
mod encryption;
mod owner;
mod policy;
mod read;
mod sessions;
mod transfer;
mod versions;

pub use encryption::TenantKeys;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use job_schema::ObjectKey;
use job_schema::job::BucketName;
use tokio::io::AsyncWriteExt;

use super::{
    BlobStore, Destination, Fetched, Listed, Location, ObjectMeta, Page, Pin, PutMode, PutOutcome,
    Scope, StoreError, StoredVersion, current_versions, has_head, unquoted,
};
use crate::config::Store as Settings;

use answer::{failed, length, readiness, timestamp};
use sessions::Sessions;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub struct S3Store {
    client: Client,
    read_timeout: Duration,
    timeouts: TimeoutConfig,
    max_attempts: u32,
    tenant_keys: Arc<TenantKeys>,
    learned: Arc<Learned>,
    sessions: Option<Sessions>,
    /// Asked with rights that end at a prefix. A store then gives the same answer for what is not there as for what is forbidden.
    is_restricted: bool,
}

/// What is true of the store whoever asks.
#[derive(Default)]
struct Learned {
    /// Whether the store honours If-None-Match; learned at the first write that depends on it.
    conditional_put: OnceLock<bool>,
    /// Whether a plain ETag is the MD5 of the bytes, as it is at Amazon; learned at the first read that can tell.
    etag_is_md5: OnceLock<bool>,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own Debug shows the key's id.
        f.debug_struct("S3Store").finish_non_exhaustive()
    }
}

impl S3Store {
    /// Makes the client; nothing is sent yet but what the credential chain needs.
    ///
    /// # Errors
    /// [`StoreError::Settings`] where no region can be found.
    pub async fn connect(settings: &Settings) -> Result<Self, StoreError> {
        let (config, sessions) = connect::connect(settings).await?;
        let tenant_keys = TenantKeys::read(&settings.kms_keys)
            .map_err(|reason| StoreError::Settings(format!("store.kms_keys: {reason}")))?;
        Ok(Self {
            client: Client::from_conf(config),
            read_timeout: settings.read_timeout,
            timeouts: connect::timeouts(settings),
            max_attempts: settings.max_attempts,
            tenant_keys: Arc::new(tenant_keys),
            learned: Arc::default(),
            // The worker's own rights can be as few as the runbook has them then.
            is_restricted: sessions.is_some(),
            sessions,
        })
    }

    fn put_request(&self, at: &Location, content_type: &str) -> PutObjectFluentBuilder {
        let request = self
            .client
            .put_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .content_type(content_type);
        self.tenant_keys.applied(request, &at.key)
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
                .put_request(at, content_type)
                .set_if_none_match(condition.map(str::to_owned))
                .body(ByteStream::from(bytes.clone()))
                .customize()
                .config_override(connect::time_for(&self.timeouts, bytes.len() as u64))
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
        match self.learned.conditional_put.get() {
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
        if self.learned.conditional_put.set(honoured).is_ok() && !honoured {
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
}

#[async_trait]
impl BlobStore for S3Store {
    async fn head(&self, at: &Location, version: Option<&str>) -> Result<ObjectMeta, StoreError> {
        let answer = self
            .client
            .head_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|e| failed("look up object", &e));
        let output = match answer {
            Ok(output) => output,
            Err(error) => return Err(self.explained(at, error).await),
        };
        Ok(ObjectMeta {
            size_bytes: length("look up object", output.content_length)?,
            etag: output.e_tag.as_deref().map(unquoted).map(str::to_owned),
            last_modified: output.last_modified.and_then(timestamp),
            readiness: readiness(&output),
            version_id: output.version_id,
        })
    }

    async fn exists(&self, at: &Location) -> Result<bool, StoreError> {
        if self.is_restricted {
            return self.is_listed(at).await;
        }
        has_head(self, at).await
    }

    async fn fetch(
        &self,
        at: &Location,
        pin: &Pin,
        mut dest: Destination<'_>,
        max_bytes: u64,
    ) -> Result<Fetched, StoreError> {
        let transfer = self.transfer(at, pin, &mut dest, max_bytes).await?;
        self.verify(at, &transfer, pin, max_bytes).await?;
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

    async fn put_file(
        &self,
        at: &Location,
        file: &Path,
        content_type: &str,
    ) -> Result<(), StoreError> {
        let metadata = tokio::fs::metadata(file).await;
        let size_bytes = metadata.map_err(StoreError::Source)?.len();
        let body = ByteStream::from_path(file)
            .await
            .map_err(|e| StoreError::Source(e.into()))?;
        self.put_request(at, content_type)
            .body(body)
            .customize()
            .config_override(connect::time_for(&self.timeouts, size_bytes))
            .send()
            .await
            .map_err(|e| failed("store object", &e))?;
        Ok(())
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

    async fn versions(
        &self,
        bucket: &BucketName,
        prefix: &str,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        if self.keeps_versions(bucket).await? {
            return self.all_versions(bucket, prefix).await;
        }
        current_versions(self, bucket, prefix).await
    }

    async fn delete_version(
        &self,
        at: &Location,
        version_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .set_version_id(version_id.map(str::to_owned))
            .send()
            .await
            .map_err(|e| failed("delete version", &e));
        match deleted {
            // Gone already: an earlier try of ours, or somebody else's.
            Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn with_rights_of(&self, scope: Scope<'_>) -> Option<Arc<dyn BlobStore>> {
        let client = self.sessions.as_ref()?.client(scope);
        Some(Arc::new(Self {
            client,
            read_timeout: self.read_timeout,
            timeouts: self.timeouts.clone(),
            max_attempts: self.max_attempts,
            tenant_keys: Arc::clone(&self.tenant_keys),
            learned: Arc::clone(&self.learned),
            sessions: None,
            is_restricted: true,
        }))
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

async fn pause(round: u32) {
    let longest = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(round))
        .min(LONGEST_PAUSE);
    tokio::time::sleep(longest.mul_f64(rand::random_range(0.5..1.0))).await;
}
