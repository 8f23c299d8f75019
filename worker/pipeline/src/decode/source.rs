//! A part of the recording's file, as the demuxers read it: what lies outside does not exist for them. A demuxer that seeks
//! to and fro for ever is stopped by a budget of bytes read. Fails: the file's own errors, or the budget's.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use symphonia::core::io::MediaSource;

use super::DecodeError;

/// Demuxers read a file once, and an index twice. A loop reads it for ever.
const MAX_PASSES: u64 = 16;
const MAX_PASSES_FLOOR_BYTES: u64 = 64 << 20;

/// Bytes from `at` on, fewer than `wanted` where the file ends.
pub(super) fn read_at(file: &File, at: u64, wanted: usize) -> Result<Vec<u8>, DecodeError> {
    let mut buf = vec![0; wanted];
    let mut filled = 0;
    while filled < wanted {
        let count = file
            .read_at(&mut buf[filled..], at.saturating_add(filled as u64))
            .map_err(DecodeError::Read)?;
        if count == 0 {
            break;
        }
        filled += count;
    }
    buf.truncate(filled);
    Ok(buf)
}

#[derive(Debug)]
pub(super) struct Window {
    file: File,
    range: Range<u64>,
    /// From the window's start.
    at: u64,
    budget_bytes: u64,
}

impl Window {
    pub(super) fn new(file: File, range: Range<u64>) -> Self {
        let len = range.end.saturating_sub(range.start);
        Self {
            file,
            range,
            at: 0,
            budget_bytes: len
                .saturating_mul(MAX_PASSES)
                .saturating_add(MAX_PASSES_FLOOR_BYTES),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Reads at a place of its own, without moving.
    pub(super) fn peek(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len().saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = buf.len().min(left);
        self.file
            .read_at(&mut buf[..wanted], self.range.start.saturating_add(at))
    }

    /// Fills `buf` as far as the window goes.
    pub(super) fn read_up_to(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            let count = self.read(&mut buf[filled..])?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }
}

impl Read for Window {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len().saturating_sub(self.at);
        let wanted = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        // With a position of its own: the descriptor may be shared with another process, and its cursor with it.
        let in_file = self.range.start.saturating_add(self.at);
        let count = self.file.read_at(&mut buf[..wanted], in_file)?;
        self.budget_bytes = self
            .budget_bytes
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other("the demuxer reads the file again and again"))?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len().checked_add_signed(by),
        };
        // Past the end is allowed, as in a file: the next read gives nothing.
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl MediaSource for Window {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len())
    }
}
