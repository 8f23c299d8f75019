//! An upload and a deletion at the same time, on a directory.

use async_trait::async_trait;

use super::*;
use crate::store::dir::DirStore;
use crate::store::watched::{Watch, Watched};
use crate::store::{StoreError, list_all};

/// The call may be deleted while its recording is uploaded, and the answer to the upload may be lost.
#[derive(Debug)]
struct Meanwhile {
    is_deleted: bool,
    is_answer_lost: bool,
}

#[async_trait]
impl Watch for Meanwhile {
    async fn before_put_file(&self, store: &DirStore) {
        if self.is_deleted {
            let (tenant, call) = ("acme".parse().unwrap(), "c1".parse().unwrap());
            let results = "results".parse().unwrap();
            tombstone::put(store, &results, &tenant, Some(&call))
                .await
                .unwrap();
        }
    }

    fn after_put_file(&self) -> Result<(), StoreError> {
        match self.is_answer_lost {
            true => Err(StoreError::Unavailable {
                action: "store object",
                reason: "timed out".to_owned(),
            }),
            false => Ok(()),
        }
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
        let store = Watched {
            store: DirStore::new(root.path()),
            watch: Meanwhile {
                is_deleted,
                is_answer_lost,
            },
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
