//! Listings. In: a store, a bucket and a prefix. Out: what lies there in byte order of its keys, as a stream that holds one page
//! at a time or, for prefixes that hold no more than memory does, as a whole. Fails as the store does, and then ends.

use std::ops::Deref;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use job_schema::job::BucketName;

use super::{BlobStore, Listed, StoreError, StoredVersion};

/// As many as an S3 API gives at once.
const PAGE_KEYS: u16 = 1_000;

/// Every object whose key begins with `prefix`.
pub fn listing<S: Deref<Target: BlobStore>>(
    store: S,
    bucket: BucketName,
    prefix: String,
) -> impl Stream<Item = Result<Listed, StoreError>> {
    let first_page = (store, Some(None));
    let pages = stream::unfold(
        first_page,
        move |(store, next): (S, Option<Option<String>>)| {
            let (bucket, prefix) = (bucket.clone(), prefix.clone());
            async move {
                let after = next?;
                let page = store.list(&bucket, &prefix, after.as_deref(), PAGE_KEYS);
                let (objects, next) = match page.await {
                    Ok(page) => {
                        let objects = page.objects.into_iter().map(Ok).collect();
                        (objects, page.next_after.map(Some))
                    }
                    Err(error) => (vec![Err(error)], None),
                };
                Some((objects, (store, next)))
            }
        },
    );
    pages.flat_map(stream::iter)
}

pub async fn list_all<S: BlobStore + ?Sized>(
    store: &S,
    bucket: &BucketName,
    prefix: &str,
) -> Result<Vec<Listed>, StoreError> {
    let listed = listing(store, bucket.clone(), prefix.to_owned());
    listed.try_collect().await
}

/// What there is in a bucket without versions.
pub(super) async fn current_versions<S: BlobStore + ?Sized>(
    store: &S,
    bucket: &BucketName,
    prefix: &str,
) -> Result<Vec<StoredVersion>, StoreError> {
    let current = list_all(store, bucket, prefix).await?.into_iter();
    let current = current.map(|object| StoredVersion {
        key: object.key,
        version_id: None,
        size_bytes: object.size_bytes,
    });
    Ok(current.collect())
}
