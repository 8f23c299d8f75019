//! Versions of objects, which only some buckets keep. In: a bucket and a prefix. Out: every version and delete marker, or
//! the objects as they are where the bucket keeps one each. Source: the S3 API, GetBucketVersioning and ListObjectVersions.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::BucketVersioningStatus;
use job_schema::ObjectKey;
use job_schema::job::BucketName;

use super::S3Store;
use super::answer::{failed, length};
use crate::store::{StoreError, StoredVersion};

const ACTION: &str = "list versions";

impl S3Store {
    /// A bucket whose versioning was suspended still has the old ones. A store that does not know the question keeps none; one
    /// whose answer cannot be read, as moto's, is asked for versions, for it may have some.
    pub(super) async fn keeps_versions(&self, bucket: &BucketName) -> Result<bool, StoreError> {
        let answer = self
            .client
            .get_bucket_versioning()
            .bucket(bucket.as_str())
            .send()
            .await;
        let status_of = |e: &SdkError<_>| e.raw_response().map(|r| r.status().as_u16());
        match answer {
            Ok(answer) => Ok(matches!(
                answer.status,
                Some(BucketVersioningStatus::Enabled | BucketVersioningStatus::Suspended)
            )),
            Err(e) if is_unknown(status_of(&e)) => Ok(false),
            Err(e) if status_of(&e) == Some(200) => Ok(true),
            Err(e) => Err(failed("ask for versioning", &e)),
        }
    }

    pub(super) async fn all_versions(
        &self,
        bucket: &BucketName,
        prefix: &str,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        let (mut all, mut after_key, mut after_version) = (Vec::new(), None, None);
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(bucket.as_str())
                .prefix(prefix)
                .set_key_marker(after_key)
                .set_version_id_marker(after_version)
                .send()
                .await
                .map_err(|e| failed(ACTION, &e))?;
            for version in page.versions.unwrap_or_default() {
                let size_bytes = length(ACTION, version.size)?;
                all.extend(stored(version.key, version.version_id, size_bytes));
            }
            for marker in page.delete_markers.unwrap_or_default() {
                all.extend(stored(marker.key, marker.version_id, 0));
            }
            if page.is_truncated != Some(true) {
                return Ok(all);
            }
            (after_key, after_version) = (page.next_key_marker, page.next_version_id_marker);
        }
    }
}

/// Not implemented, or no such page: the answers of stores without versions.
fn is_unknown(status: Option<u16>) -> bool {
    matches!(status, Some(404 | 405 | 501))
}

/// Keys that we would not write are not ours to delete.
fn stored(
    key: Option<String>,
    version_id: Option<String>,
    size_bytes: u64,
) -> Option<StoredVersion> {
    Some(StoredVersion {
        key: ObjectKey::try_from(key?).ok()?,
        version_id,
        size_bytes,
    })
}
