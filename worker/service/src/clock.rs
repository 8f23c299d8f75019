//! How far this host's clock is from the store's, which an object that was just written tells. In: a store and a bucket. Out: by
//! how much the store is ahead; nothing where it does not say when it wrote. Fails as the store does.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use job_schema::JobId;
use job_schema::job::BucketName;

use crate::layout;
use crate::store::{BlobStore, Location, PutMode, StoreError, erase_below};

pub async fn store_ahead(
    store: &dyn BlobStore,
    results: &BucketName,
) -> Result<Option<SignedDuration>, StoreError> {
    let key = layout::clock_probe(JobId::generate());
    let at = Location::new(results.clone(), key.clone());
    let before = Timestamp::now();
    let nothing = Bytes::from_static(b"what time is it\n");
    store
        .put(&at, nothing, "text/plain", PutMode::Overwrite)
        .await?;
    let after = Timestamp::now();
    let meta = store.head(&at, None).await?;
    erase_below(store, results, key.as_str()).await?;
    Ok(meta
        .last_modified
        .map(|written| ahead((before, after), written)))
}

/// 0 while the store's time lies between ours. Its time is in whole seconds, rounded down.
pub fn ahead((before, after): (Timestamp, Timestamp), written_at: Timestamp) -> SignedDuration {
    let before = SignedDuration::from_secs(before.as_second());
    let (after, at) = (after.as_duration(), written_at.as_duration());
    match () {
        () if at < before => at - before,
        () if at > after => at - after,
        () => SignedDuration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_differ_only_where_the_store_wrote_outside_our_own_time() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        for (before, after, written, found) in [
            (10_400, 10_900, 10_000, 0),
            (10_400, 12_300, 11_000, 0),
            (10_400, 10_900, 9_000, -1_000),
            (10_400, 10_900, 70_900, 60_000),
        ] {
            let ahead = ahead((at(before), at(after)), at(written));
            assert_eq!(ahead.as_millis(), found, "{written}");
        }
    }
}
