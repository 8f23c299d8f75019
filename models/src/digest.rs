//! SHA-256 of what is written or read, in the hexadecimal form of the catalogue. In: bytes. Out: 64 lower-case digits.
//! Fails: only as the reader or writer underneath does.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

pub(crate) fn sha256_hex(digest: &[u8]) -> String {
    hex::encode(digest)
}

/// Reads to the end and gives the digest and the number of bytes.
pub(crate) fn of_reader(mut reader: impl Read) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let bytes = io::copy(&mut reader, &mut hasher)?;
    Ok((sha256_hex(&hasher.finalize()), bytes))
}

/// Digests what it passes on.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
        }
    }

    /// Writes out what is buffered and gives the digest of all of it.
    pub(crate) fn finish(mut self) -> io::Result<String> {
        self.inner.flush()?;
        Ok(sha256_hex(&self.hasher.finalize()))
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        let (written, _) = bytes.split_at(count);
        self.hasher.update(written);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
