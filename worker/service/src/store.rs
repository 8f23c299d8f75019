//! Objects by bucket and key. In: [`Location`]s. Out: bytes whose length, ETag and SHA-256 are known. Fails:
//! [`StoreError`], which says whose fault it was. Two implementations, [`s3::S3Store`] and [`dir::DirStore`]; both pass
//! the suite in `tests/cases/store`. No error, log line or Debug names a key: recordings may be named by a phone number.

pub mod dir;
mod error;
mod listing;
pub mod s3;
mod tenant;
#[cfg(test)]
pub(crate) mod watched;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use job_schema::job::BucketName;
use job_schema::{ObjectKey, Sha256};
use tokio::io::AsyncWrite;

pub use error::StoreError;
use listing::current_versions;
pub use listing::{list_all, listing};
pub use tenant::{Scope, TenantStore, of_tenant};

use crate::config;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    pub bucket: BucketName,
    pub key: ObjectKey,
}

impl Location {
    pub fn new(bucket: BucketName, key: ObjectKey) -> Self {
        Self { bucket, key }
    }
}

/// Which object at a location is meant. All empty: whichever is there when the transfer begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pin {
    /// With or without its quotes.
    pub etag: Option<String>,
    pub version_id: Option<String>,
    /// What its bytes are, where that is known.
    pub sha256: Option<Sha256>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    pub size_bytes: u64,
    /// Without quotes.
    pub etag: Option<String>,
    pub version_id: Option<String>,
    pub last_modified: Option<Timestamp>,
    pub readiness: Readiness,
}

/// Whether the bytes can be had at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// In an archive tier, by the store's name for it.
    Archived(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    pub size_bytes: u64,
    pub sha256: Sha256,
    /// Without quotes.
    pub etag: Option<String>,
    pub version_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    Overwrite,
    /// Of several writers one creates the object, and the others are told that it exists.
    IfAbsent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    Created,
    /// Only with [`PutMode::IfAbsent`]: the object there was left as it is.
    AlreadyExists,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// In byte order of their keys.
    pub objects: Vec<Listed>,
    /// Pass it as `after` for the next page; `None` at the end.
    pub next_after: Option<String>,
    /// Objects left out because their keys are none that we would write.
    pub foreign_count: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: ObjectKey,
    pub size_bytes: u64,
    pub last_modified: Option<Timestamp>,
}

/// Whether an object that is looked up is found.
async fn has_head<S: BlobStore + ?Sized>(store: &S, at: &Location) -> Result<bool, StoreError> {
    match store.head(at, None).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}

/// One version of an object; without an id in a store that keeps no versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    pub key: ObjectKey,
    pub version_id: Option<String>,
    pub size_bytes: u64,
}

/// A small object that comes damaged is asked for again, this often.
const MAX_GARBLED: u32 = 2;

pub type Destination<'a> = &'a mut (dyn AsyncWrite + Unpin + Send);

#[async_trait]
pub trait BlobStore: Send + Sync + Debug {
    /// What is known of an object without reading it.
    async fn head(&self, at: &Location, version: Option<&str>) -> Result<ObjectMeta, StoreError>;

    /// Whether there is an object.
    async fn exists(&self, at: &Location) -> Result<bool, StoreError> {
        has_head(self, at).await
    }

    /// Copies an object to `dest`, all of it from the one object that `pin` names, and flushes `dest`.
    /// After an error `dest` holds a part of unknown length.
    async fn fetch(
        &self,
        at: &Location,
        pin: &Pin,
        dest: Destination<'_>,
        max_bytes: u64,
    ) -> Result<Fetched, StoreError>;

    /// A retry inside may meet its own first try, so [`PutOutcome::AlreadyExists`] does not say who wrote the object.
    async fn put(
        &self,
        at: &Location,
        bytes: Bytes,
        content_type: &str,
        mode: PutMode,
    ) -> Result<PutOutcome, StoreError>;

    /// Stores a file over whatever is there, without holding it in memory.
    async fn put_file(
        &self,
        at: &Location,
        file: &Path,
        content_type: &str,
    ) -> Result<(), StoreError>;

    /// Objects whose keys begin with `prefix` and come after `after`, at most `limit` (1 to 1,000).
    async fn list(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page, StoreError>;

    /// Deletes the object if it is there.
    async fn delete(&self, at: &Location) -> Result<(), StoreError>;

    /// Every version of every object whose key begins with `prefix`, delete markers too. This and
    /// [`BlobStore::delete_version`] are enough for a store that keeps no versions.
    async fn versions(
        &self,
        bucket: &BucketName,
        prefix: &str,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        current_versions(self, bucket, prefix).await
    }

    /// Deletes one version for good; without an id, the object.
    async fn delete_version(
        &self,
        at: &Location,
        version_id: Option<&str>,
    ) -> Result<(), StoreError> {
        match version_id {
            None => self.delete(at).await,
            Some(_) => Err(StoreError::NotFound {
                action: "delete version",
            }),
        }
    }

    /// This store, asked with the rights of one tenant and no others; `None` where it knows no such rights.
    fn with_rights_of(&self, scope: Scope<'_>) -> Option<Arc<dyn BlobStore>> {
        let _ = scope;
        None
    }

    /// A small object, as a whole.
    async fn get(&self, at: &Location, max_bytes: u64) -> Result<Bytes, StoreError> {
        Ok(self.read(at, &Pin::default(), max_bytes).await?.0)
    }

    /// As [`BlobStore::get`], of the object that `pin` names, with what is known of it.
    async fn read(
        &self,
        at: &Location,
        pin: &Pin,
        max_bytes: u64,
    ) -> Result<(Bytes, Fetched), StoreError> {
        let mut garbled_count = 0;
        loop {
            let mut bytes = Vec::new();
            match self.fetch(at, pin, &mut bytes, max_bytes).await {
                Ok(fetched) => return Ok((bytes.into(), fetched)),
                Err(StoreError::Garbled) if garbled_count < MAX_GARBLED => garbled_count += 1,
                Err(e) => return Err(e),
            }
        }
    }
}

/// Deletes an object for good: every version that it ever had, where a bucket keeps them behind a delete marker.
pub async fn erase(store: &dyn BlobStore, at: &Location) -> Result<(), StoreError> {
    // A prefix also finds longer keys.
    erase_where(store, &at.bucket, at.key.as_str(), |key| *key == at.key).await
}

/// The same for every object whose key begins with `prefix`.
pub async fn erase_below(
    store: &dyn BlobStore,
    bucket: &BucketName,
    prefix: &str,
) -> Result<(), StoreError> {
    erase_where(store, bucket, prefix, |_| true).await
}

async fn erase_where(
    store: &dyn BlobStore,
    bucket: &BucketName,
    prefix: &str,
    is_meant: impl Fn(&ObjectKey) -> bool,
) -> Result<(), StoreError> {
    for version in store.versions(bucket, prefix).await? {
        if is_meant(&version.key) {
            let at = Location::new(bucket.clone(), version.key);
            let id = version.version_id.as_deref();
            store.delete_version(&at, id).await?;
        }
    }
    Ok(())
}

/// The store that the settings name.
///
/// # Errors
/// [`StoreError::Settings`].
pub async fn open(settings: &config::Store) -> Result<Arc<dyn BlobStore>, StoreError> {
    match (settings.kind, &settings.dir) {
        (config::StoreKind::Dir, Some(root)) => Ok(Arc::new(dir::DirStore::new(root))),
        (config::StoreKind::Dir, None) => Err(StoreError::Settings("store.dir is not set".into())),
        (config::StoreKind::S3, _) => Ok(Arc::new(s3::S3Store::connect(settings).await?)),
    }
}

/// ETags travel with quotes, and people write them without.
fn unquoted(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

fn digest(hasher: sha2::Sha256) -> Sha256 {
    use sha2::Digest;
    let text = hex::encode(hasher.finalize());
    Sha256::try_from(text).expect("hex of a SHA-256 is 64 lower-case digits")
}
