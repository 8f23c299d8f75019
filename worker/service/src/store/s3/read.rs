//! Reading an object: in as many requests as it takes, and again where what came is not what was stored. In: a location and
//! which object is meant. Out: a [`Transfer`] whose bytes can be relied on. Fails: the store, the way to it, or another
//! object than the one meant. A download that breaks off goes on at its offset, held to the same object by If-Match and
//! by comparing the ETag here, since some stores ignore the header.

use aws_sdk_s3::primitives::ByteStream;
use job_schema::Sha256;
use tokio::io::AsyncWriteExt;

use super::super::{Destination, Location, Pin, StoreError};
use super::answer::failed;
use super::transfer::Transfer;
use super::{S3Store, pause};

/// However much each try brings, a download that breaks off this often is given up.
const MAX_RESUMES: u32 = 50;

impl S3Store {
    /// All of the object, as it came.
    pub(super) async fn transfer(
        &self,
        at: &Location,
        pin: &Pin,
        dest: &mut Destination<'_>,
        max_bytes: u64,
    ) -> Result<Transfer, StoreError> {
        let mut transfer = Transfer::new(pin);
        let (mut tries_count, mut fruitless) = (0, 0);
        loop {
            let start_bytes = transfer.offset_bytes;
            let body = self.open_body(at, &mut transfer, max_bytes).await?;
            self.copy(body, dest, &mut transfer).await?;
            if transfer.is_complete() {
                return Ok(transfer);
            }
            tries_count += 1;
            let stuck = transfer.offset_bytes == start_bytes;
            fruitless = if stuck { fruitless + 1 } else { 0 };
            if fruitless >= self.max_attempts || tries_count >= MAX_RESUMES {
                return Err(transfer.damaged(tries_count));
            }
            pause(fruitless).await;
        }
    }

    /// Whether a bit flipped on the way. Bytes that contradict a digest are read once more: what comes the same twice is
    /// what the store holds.
    pub(super) async fn verify(
        &self,
        at: &Location,
        came: &Transfer,
        pin: &Pin,
        max_bytes: u64,
    ) -> Result<(), StoreError> {
        let wanted = pin.sha256.as_ref();
        if self.is_credible(came, wanted) {
            return Ok(());
        }
        let same = Pin {
            etag: came.etag.clone(),
            version_id: came.version_id.clone(),
            sha256: None,
        };
        let mut nowhere = tokio::io::sink();
        let again = self
            .transfer(at, &same, &mut (&mut nowhere as Destination<'_>), max_bytes)
            .await?;
        if again.sha256() != came.sha256() {
            return Err(StoreError::Garbled);
        }
        if wanted.is_some() {
            return Err(StoreError::OtherContent);
        }
        // Its ETag is something else than we took it for. One object uploaded in an odd way says nothing of a store
        // whose ETags were digests before.
        let _ = self.learned.etag_is_md5.set(false);
        Ok(())
    }

    fn is_credible(&self, came: &Transfer, wanted: Option<&Sha256>) -> bool {
        if let Some(wanted) = wanted {
            return came.sha256() == *wanted;
        }
        if self.learned.etag_is_md5.get() == Some(&false) {
            return true;
        }
        let agrees = came.agrees_with_etag();
        if agrees == Some(true) {
            let _ = self.learned.etag_is_md5.set(true);
        }
        agrees.unwrap_or(true)
    }

    /// One GET, from where the transfer stands.
    async fn open_body(
        &self,
        at: &Location,
        transfer: &mut Transfer,
        max_bytes: u64,
    ) -> Result<ByteStream, StoreError> {
        let offset = transfer.offset_bytes;
        let mut request = self
            .client
            .get_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .set_version_id(transfer.version_id.clone())
            .set_if_match(transfer.etag.as_deref().map(|tag| format!("\"{tag}\"")));
        // Not for the first byte: a range of an empty object cannot be satisfied.
        if offset > 0 {
            request = request.range(format!("bytes={offset}-"));
        }
        let output = match request.send().await {
            Ok(output) => output,
            Err(e) => return Err(self.explained(at, failed("fetch object", &e)).await),
        };
        transfer.check(&output, max_bytes)?;
        Ok(output.body)
    }

    /// Copies what comes. An end before the end is no error here: the caller looks at the offset.
    async fn copy(
        &self,
        mut body: ByteStream,
        dest: &mut Destination<'_>,
        transfer: &mut Transfer,
    ) -> Result<(), StoreError> {
        while let Ok(Some(Ok(chunk))) = tokio::time::timeout(self.read_timeout, body.next()).await {
            dest.write_all(&chunk)
                .await
                .map_err(StoreError::Destination)?;
            transfer.add(&chunk);
        }
        Ok(())
    }
}
