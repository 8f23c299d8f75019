//! An upload and a deletion at the same time, on a directory.

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::store::dir::DirStore;
use crate::store::{Destination, Fetched, ObjectMeta, Page, Pin, PutOutcome, StoreError, list_all};

/// A store in which the call may be deleted while its recording is uploaded, and whose answer to the upload may be lost.
#[derive(Debug)]
struct Meanwhile {
    store: DirStore,
    is_deleted: bool,
    is_answer_lost: bool,
}

#[async_trait]
impl BlobStore for Meanwhile {
    async fn put_file(
        &self,
        at: &Location,
        file: &Path,
        content_type: &str,
    ) -> Result<(), StoreError> {
        if self.is_deleted {
            let (tenant, call) = ("acme".parse().unwrap(), "c1".parse().unwrap());
            let results = "results".parse().unwrap();
            tombstone::put(&self.store, &results, &tenant, Some(&call)).await?;
        }
        self.store.put_file(at, file, content_type).await?;
        match self.is_answer_lost {
            true => Err(StoreError::Unavailable {
                action: "store object",
                reason: "timed out".to_owned(),
            }),
            false => Ok(()),
        }
    }

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
        self.store.delete(at).await
    }
}

#[tokio::test]
async fn an_upload_does_not_outlive_a_deletion_that_came_meanwhile() {
    for (is_deleted, is_answer_lost, expected, left_count) in [
        (true, false, Err(ErrorCode::Deleted), 0),
        (true, true, Err(ErrorCode::Deleted), 0),
        (false, true, Err(ErrorCode::StoreUnavailable), 1),
        (false, false, Ok(()), 1),
    ] {
        let root = tempfile::tempdir().unwrap();
        let (recordings, results) = ("recordings".parse().unwrap(), "results".parse().unwrap());
        for bucket in [&recordings, &results] {
            std::fs::create_dir(root.path().join(BucketName::as_str(bucket))).unwrap();
        }
        let file = root.path().join("call.wav");
        std::fs::write(&file, b"RIFF").unwrap();
        let store = Meanwhile {
            store: DirStore::new(root.path()),
            is_deleted,
            is_answer_lost,
        };
        let wish = Wish {
            tenant: "acme".parse().unwrap(),
            call: "c1".parse().unwrap(),
            source: Source::File(file),
            lane: Lane::Standard,
            options: Options::default(),
            not_after: None,
            promise: Promise::default(),
        };
        let recording = recording(&store, &recordings, &results, &wish).await;
        let outcome = recording.map(drop).map_err(|failure| failure.code);
        assert_eq!(outcome, expected, "deleted: {is_deleted}");
        let left = list_all(&store, &recordings, "acme/uploads/")
            .await
            .unwrap();
        assert_eq!(left.len(), left_count, "deleted: {is_deleted}");
    }
}
