//! A download over as many requests as it takes. In: the answers' headers and their bodies' chunks. Out: [`Fetched`].
//! Fails: the object is another one than at the beginning, or larger than allowed.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use sha2::{Digest, Sha256 as Hasher};

use super::super::{Fetched, Pin, StoreError, digest, unquoted};
use super::answer::length;

pub(super) struct Transfer {
    pub(super) etag: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) offset_bytes: u64,
    total_bytes: Option<u64>,
    hasher: Hasher,
}

impl Transfer {
    pub(super) fn new(pin: &Pin) -> Self {
        Self {
            etag: pin.etag.as_deref().map(unquoted).map(str::to_owned),
            version_id: pin.version_id.clone(),
            offset_bytes: 0,
            total_bytes: None,
            hasher: Hasher::new(),
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
        self.etag = etag.map(str::to_owned);
        // A versioned object is pinned by its version from now on.
        self.version_id = output.version_id.clone().or(self.version_id.take());
        self.total_bytes = Some(size_bytes);
        Ok(())
    }

    pub(super) fn add(&mut self, chunk: &[u8]) {
        self.hasher.update(chunk);
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

    pub(super) fn finish(self) -> Fetched {
        Fetched {
            size_bytes: self.offset_bytes,
            sha256: digest(self.hasher),
            etag: self.etag,
            version_id: self.version_id,
        }
    }
}
