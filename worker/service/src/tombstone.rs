//! Whether a call was deleted. In: a tenant and a call. Out: yes or no. Fails as the store does. A tombstone lies outside
//! its tenant's prefix, so that it outlives what it stands for; there is one for a call and one for a whole tenant.

use bytes::Bytes;
use job_schema::job::BucketName;
use job_schema::{CallId, TenantId};

use crate::layout;
use crate::store::{BlobStore, Location, PutMode, StoreError};

pub async fn stands(
    store: &dyn BlobStore,
    results: &BucketName,
    tenant: &TenantId,
    call: &CallId,
) -> Result<bool, StoreError> {
    let keys = [
        layout::tombstone(tenant, call),
        layout::tenant_tombstone(tenant),
    ];
    for key in keys {
        let at = Location::new(results.clone(), key);
        if store.exists(&at).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `None` for the whole tenant. Nothing is said in it: that it is there says all.
pub async fn put(
    store: &dyn BlobStore,
    results: &BucketName,
    tenant: &TenantId,
    call: Option<&CallId>,
) -> Result<(), StoreError> {
    let key = match call {
        Some(call) => layout::tombstone(tenant, call),
        None => layout::tenant_tombstone(tenant),
    };
    let at = Location::new(results.clone(), key);
    let nothing = Bytes::from_static(b"deleted\n");
    store
        .put(&at, nothing, "text/plain", PutMode::Overwrite)
        .await
        .map(drop)
}
