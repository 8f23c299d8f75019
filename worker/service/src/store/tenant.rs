//! A store as one tenant may use it. In: the store, and whose job it is for. Out: the same store, in which a key or a prefix that is
//! not the tenant's is refused before anything is sent: a mistake in making a key reaches nobody else's data. Where the
//! store can, what is sent carries the tenant's rights alone, so that the store refuses it too. Fails as the store does.

use std::fmt::Debug;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use job_schema::TenantId;
use job_schema::job::BucketName;

use super::{
    BlobStore, Destination, Fetched, Location, ObjectMeta, Page, Pin, PutMode, PutOutcome,
    StoreError, StoredVersion,
};
use crate::layout;

/// What one tenant's job works on.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub tenant: &'a TenantId,
    /// Where its recording lies.
    pub recordings: &'a BucketName,
    pub results: &'a BucketName,
}

/// The store for a job of this tenant, whose name has been proved.
pub fn of_tenant(store: &Arc<dyn BlobStore>, scope: Scope<'_>) -> Arc<dyn BlobStore> {
    let store = store
        .with_rights_of(scope)
        .unwrap_or_else(|| Arc::clone(store));
    Arc::new(TenantStore::new(store, scope.tenant))
}

/// The guard alone.
#[derive(Debug)]
pub struct TenantStore<S> {
    store: S,
    tenant: TenantId,
}

impl<S> TenantStore<S> {
    pub fn new(store: S, tenant: &TenantId) -> Self {
        Self {
            store,
            tenant: tenant.clone(),
        }
    }

    fn check(&self, action: &'static str, at: &Location) -> Result<(), StoreError> {
        self.allow(action, layout::is_tenants(&at.key, &self.tenant))
    }

    fn check_prefix(&self, action: &'static str, prefix: &str) -> Result<(), StoreError> {
        self.allow(action, layout::is_all_tenants(prefix, &self.tenant))
    }

    fn allow(&self, action: &'static str, is_tenants: bool) -> Result<(), StoreError> {
        if is_tenants {
            return Ok(());
        }
        // Some callers go on after a warning; that a key went wrong is for somebody to look into.
        tracing::error!(tenant = %self.tenant, action, "a key that is not the tenant's was refused");
        Err(StoreError::NotTheTenants { action })
    }
}

#[async_trait]
impl<S> BlobStore for TenantStore<S>
where
    S: Deref<Target: BlobStore> + Debug + Send + Sync,
{
    async fn head(&self, at: &Location, version: Option<&str>) -> Result<ObjectMeta, StoreError> {
        self.check("look up object", at)?;
        self.store.head(at, version).await
    }

    async fn exists(&self, at: &Location) -> Result<bool, StoreError> {
        self.check("look up object", at)?;
        self.store.exists(at).await
    }

    async fn fetch(
        &self,
        at: &Location,
        pin: &Pin,
        dest: Destination<'_>,
        max_bytes: u64,
    ) -> Result<Fetched, StoreError> {
        self.check("fetch object", at)?;
        self.store.fetch(at, pin, dest, max_bytes).await
    }

    async fn put(
        &self,
        at: &Location,
        bytes: Bytes,
        content_type: &str,
        mode: PutMode,
    ) -> Result<PutOutcome, StoreError> {
        self.check("store object", at)?;
        self.store.put(at, bytes, content_type, mode).await
    }

    async fn put_file(
        &self,
        at: &Location,
        file: &Path,
        content_type: &str,
    ) -> Result<(), StoreError> {
        self.check("store object", at)?;
        self.store.put_file(at, file, content_type).await
    }

    async fn list(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        self.check_prefix("list objects", prefix)?;
        self.store.list(bucket, prefix, after, limit).await
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        self.check("delete object", at)?;
        self.store.delete(at).await
    }

    async fn versions(
        &self,
        bucket: &BucketName,
        prefix: &str,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        self.check_prefix("list versions", prefix)?;
        self.store.versions(bucket, prefix).await
    }

    async fn delete_version(
        &self,
        at: &Location,
        version_id: Option<&str>,
    ) -> Result<(), StoreError> {
        self.check("delete version", at)?;
        self.store.delete_version(at, version_id).await
    }

    async fn read(
        &self,
        at: &Location,
        pin: &Pin,
        max_bytes: u64,
    ) -> Result<(Bytes, Fetched), StoreError> {
        self.check("fetch object", at)?;
        self.store.read(at, pin, max_bytes).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::dir::DirStore;
    use super::*;

    fn at(key: &str) -> Location {
        Location::new("results".parse().unwrap(), key.parse().unwrap())
    }

    /// Two tenants' objects, and what is everybody's.
    async fn filled(root: &Path) -> Arc<dyn BlobStore> {
        std::fs::create_dir(root.join("results")).unwrap();
        let store = DirStore::new(root);
        for key in ["acme/a", "acme-2/a", "_workers/a", "_tombstones/acme-2/c"] {
            let at = at(key);
            let put = store.put(&at, "words".into(), "text/plain", PutMode::Overwrite);
            put.await.unwrap();
        }
        Arc::new(store)
    }

    fn refused<T: Debug>(outcome: Result<T, StoreError>) {
        let is_refused = matches!(outcome, Err(StoreError::NotTheTenants { .. }));
        assert!(is_refused, "{outcome:?}");
    }

    #[tokio::test]
    async fn a_tenants_store_touches_no_key_of_another_whatever_is_asked_of_it() {
        let root = tempfile::tempdir().unwrap();
        let all = filled(root.path()).await;
        let own = TenantStore::new(Arc::clone(&all), &"acme".parse().unwrap());
        let bucket = at("acme/a").bucket;
        assert_eq!(own.get(&at("acme/a"), 10).await.unwrap(), "words");
        assert!(!own.exists(&at("_tombstones/acme/c")).await.unwrap());
        for key in ["acme-2/a", "_workers/a", "_tombstones/acme-2/c"] {
            let (at, pin, mut sink) = (at(key), Pin::default(), Vec::new());
            refused(own.head(&at, None).await);
            refused(own.exists(&at).await);
            refused(own.fetch(&at, &pin, &mut sink, 10).await);
            refused(own.read(&at, &pin, 10).await);
            refused(own.get(&at, 10).await);
            for mode in [PutMode::Overwrite, PutMode::IfAbsent] {
                refused(own.put(&at, "other".into(), "text/plain", mode).await);
            }
            refused(own.put_file(&at, root.path(), "text/plain").await);
            refused(own.delete(&at).await);
            refused(own.delete_version(&at, None).await);
            refused(super::super::erase(&own, &at).await);
            assert_eq!(all.get(&at, 10).await.unwrap(), "words", "{key}");
        }
        for prefix in ["", "acme", "acme-2/", "_tombstones/"] {
            refused(own.list(&bucket, prefix, None, 10).await);
            refused(own.versions(&bucket, prefix).await);
        }
        let page = own.list(&bucket, "acme/", None, 10).await.unwrap();
        assert_eq!(page.objects.len(), 1);
    }
}
