//! A store on a directory, for tests in which something happens around what is asked of it.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use job_schema::job::BucketName;

use super::dir::DirStore;
use super::{
    BlobStore, Destination, Fetched, Location, ObjectMeta, Page, Pin, PutMode, PutOutcome,
    StoreError,
};

/// What happens.
#[async_trait]
pub(crate) trait Watch: std::fmt::Debug + Send + Sync {
    fn before_fetch(&self, _at: &Location) {}

    async fn before_put_file(&self, _store: &DirStore) {}

    fn before_delete(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// May lose the answer to an upload that was done.
    fn after_put_file(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Watched<W> {
    pub(crate) store: DirStore,
    pub(crate) watch: W,
}

#[async_trait]
impl<W: Watch> BlobStore for Watched<W> {
    async fn head(&self, at: &Location, version: Option<&str>) -> Result<ObjectMeta, StoreError> {
        self.store.head(at, version).await
    }

    async fn fetch(
        &self,
        at: &Location,
        pin: &Pin,
        dest: Destination<'_>,
        max_bytes: u64,
    ) -> Result<Fetched, StoreError> {
        self.watch.before_fetch(at);
        self.store.fetch(at, pin, dest, max_bytes).await
    }

    async fn put(
        &self,
        at: &Location,
        bytes: Bytes,
        content_type: &str,
        mode: PutMode,
    ) -> Result<PutOutcome, StoreError> {
        self.store.put(at, bytes, content_type, mode).await
    }

    async fn put_file(
        &self,
        at: &Location,
        file: &Path,
        content_type: &str,
    ) -> Result<(), StoreError> {
        self.watch.before_put_file(&self.store).await;
        self.store.put_file(at, file, content_type).await?;
        self.watch.after_put_file()
    }

    async fn list(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        self.store.list(bucket, prefix, after, limit).await
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        self.watch.before_delete()?;
        self.store.delete(at).await
    }
}
