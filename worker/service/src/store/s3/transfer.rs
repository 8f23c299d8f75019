//! A download over as many requests as it takes. In: the answers' headers and their bodies' chunks. Out: [`Fetched`].
//! Fails: the object is another one than at the beginning, or larger than allowed.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use job_schema::Sha256;
use md5::Md5;
use sha2::{Digest, Sha256 as Hasher};

use super::super::{Fetched, Pin, StoreError, digest, unquoted};
use super::answer::length;

pub(super) struct Transfer {
    pub(super) etag: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) offset_bytes: u64,
    total_bytes: Option<u64>,
    hasher: Hasher,
    /// Of the bytes, where the ETag may be one.
    md5: Option<Md5>,
}

impl Transfer {
    pub(super) fn new(pin: &Pin) -> Self {
        Self {
            etag: pin.etag.as_deref().map(unquoted).map(str::to_owned),
            version_id: pin.version_id.clone(),
            offset_bytes: 0,
            total_bytes: None,
            hasher: Hasher::new(),
            md5: None,
        }
    }

    /// Whether this is the object that was begun, and small enough.
    pub(super) fn check(
        &mut self,
        output: &GetObjectOutput,
        max_bytes: u64,
    ) -> Result<(), StoreError> {
        let etag = output.e_tag.as_deref().map(unquoted);
        if self
            .etag
            .as_deref()
            .is_some_and(|known| Some(known) != etag)
        {
            return Err(StoreError::Changed);
        }
        if self.offset_bytes > 0 && output.content_range.is_none() {
            return Err(StoreError::Unavailable {
                action: "fetch object",
                reason: "the store ignores Range".to_owned(),
            });
        }
        let rest = length("fetch object", output.content_length)?;
        let size_bytes = self.offset_bytes.saturating_add(rest);
        if self.total_bytes.is_some_and(|known| known != size_bytes) {
            return Err(StoreError::Changed);
        }
        if size_bytes > max_bytes {
            return Err(StoreError::TooLarge {
                size_bytes,
                limit_bytes: max_bytes,
            });
        }
        if self.offset_bytes == 0 {
            self.md5 = may_be_md5(etag, output).then(Md5::default);
        }
        self.etag = etag.map(str::to_owned);
        // A versioned object is pinned by its version from now on.
        self.version_id = output.version_id.clone().or(self.version_id.take());
        self.total_bytes = Some(size_bytes);
        Ok(())
    }

    pub(super) fn add(&mut self, chunk: &[u8]) {
        self.hasher.update(chunk);
        if let Some(md5) = &mut self.md5 {
            md5::Digest::update(md5, chunk);
        }
        self.offset_bytes += chunk.len() as u64;
    }

    pub(super) fn is_complete(&self) -> bool {
        self.total_bytes == Some(self.offset_bytes)
    }

    pub(super) fn damaged(&self, tries_count: u32) -> StoreError {
        StoreError::Damaged {
            expected_bytes: self.total_bytes.unwrap_or_default(),
            got_bytes: self.offset_bytes,
            tries_count,
        }
    }

    /// Of what came so far.
    pub(super) fn sha256(&self) -> Sha256 {
        digest(self.hasher.clone())
    }

    /// `None` where the ETag is not the MD5 of the bytes anyway.
    pub(super) fn agrees_with_etag(&self) -> Option<bool> {
        let md5 = md5::Digest::finalize(self.md5.clone()?);
        Some(self.etag.as_deref() == Some(hex::encode(md5).as_str()))
    }

    pub(super) fn finish(self) -> Fetched {
        Fetched {
            size_bytes: self.offset_bytes,
            sha256: digest(self.hasher),
            etag: self.etag,
            version_id: self.version_id,
        }
    }
}

/// An object that was uploaded in parts has a dash in its ETag, and one that is encrypted under a key of its own has none
/// of its bytes in it.
fn may_be_md5(etag: Option<&str>, output: &GetObjectOutput) -> bool {
    let is_plain = etag.is_some_and(|tag| {
        tag.len() == 32 && tag.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    });
    let keyed = output.sse_customer_algorithm.is_some()
        || matches!(&output.server_side_encryption, Some(by) if *by != ServerSideEncryption::Aes256);
    is_plain && !keyed
}
