//! What the MP4 demultiplexer leaves out: the edit list, which says how many frames the encoder put before the recording's first
//! and how long the recording is; and the name of a codec that it does not know. In: the file. Out: both, as far as they can be
//! found. Cannot fail but on reading: boxes that make no sense end the search. Source: ISO/IEC 14496-12.

use std::fs::File;
use std::ops::Range;

use super::DecodeError;
use super::bytes::{array, u32_be, u64_be};
use super::source::read_at;

const MAX_BOXES: u32 = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AudioTrack {
    /// Four characters, as the file has them.
    pub(super) sample_entry: Option<[u8; 4]>,
    pub(super) edit: Option<Edit>,
}

/// The part of the track that is the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    start: u64,
    start_per_second: u32,
    /// 0 for all of it.
    duration: u64,
    duration_per_second: u32,
}

impl Edit {
    pub(super) fn first_frame(self, sample_rate_hz: u32) -> u64 {
        frames(self.start, self.start_per_second, sample_rate_hz)
    }

    pub(super) fn frames(self, sample_rate_hz: u32) -> Option<u64> {
        let count = frames(self.duration, self.duration_per_second, sample_rate_hz);
        (count > 0).then_some(count)
    }
}

fn frames(ticks: u64, per_second: u32, sample_rate_hz: u32) -> u64 {
    let scaled = u128::from(ticks) * u128::from(sample_rate_hz) / u128::from(per_second.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// The first audio track's; `None` where the file has none.
pub(super) fn audio_track(file: &File, size_bytes: u64) -> Result<Option<AudioTrack>, DecodeError> {
    let mut boxes = Boxes {
        file,
        left: MAX_BOXES,
    };
    let Some(moov) = boxes.find(0..size_bytes, *b"moov")? else {
        return Ok(None);
    };
    let movie_scale = boxes.timescale(moov.clone(), *b"mvhd")?;
    for trak in boxes.children(moov)? {
        if trak.0 != *b"trak" {
            continue;
        }
        let Some(mdia) = boxes.find(trak.1.clone(), *b"mdia")? else {
            continue;
        };
        if boxes.handler(mdia.clone())? != Some(*b"soun") {
            continue;
        }
        let media_scale = boxes.timescale(mdia.clone(), *b"mdhd")?;
        return Ok(Some(AudioTrack {
            sample_entry: boxes.sample_entry(mdia)?,
            edit: boxes.edit(trak.1, media_scale, movie_scale)?,
        }));
    }
    Ok(None)
}

struct Boxes<'a> {
    file: &'a File,
    left: u32,
}

type Found = ([u8; 4], Range<u64>);

impl Boxes<'_> {
    /// Types and contents of the boxes that lie in `parent`.
    fn children(&mut self, parent: Range<u64>) -> Result<Vec<Found>, DecodeError> {
        let mut found = Vec::new();
        let mut at = parent.start;
        while at < parent.end && self.left > 0 {
            self.left -= 1;
            let head = read_at(self.file, at, 16)?;
            let (Some(size), Some(kind)) = (u32_be(&head, 0), array(&head, 4)) else {
                break;
            };
            let (head_bytes, size) = match size {
                0 => (8, parent.end - at),
                1 => (16, u64_be(&head, 8).unwrap_or(0)),
                size => (8, u64::from(size)),
            };
            let Some(end) = at.checked_add(size).filter(|_| size >= head_bytes) else {
                break;
            };
            let end = end.min(parent.end);
            found.push((kind, (at + head_bytes).min(end)..end));
            at = end;
        }
        Ok(found)
    }

    fn find(
        &mut self,
        parent: Range<u64>,
        kind: [u8; 4],
    ) -> Result<Option<Range<u64>>, DecodeError> {
        let children = self.children(parent)?;
        Ok(children
            .into_iter()
            .find_map(|(k, range)| (k == kind).then_some(range)))
    }

    /// Ticks in a second, from a header box of either version.
    fn timescale(&mut self, parent: Range<u64>, kind: [u8; 4]) -> Result<u32, DecodeError> {
        let Some(header) = self.find(parent, kind)? else {
            return Ok(0);
        };
        let bytes = read_at(self.file, header.start, 24)?;
        let at = if bytes.first() == Some(&1) { 20 } else { 12 };
        Ok(u32_be(&bytes, at).unwrap_or(0))
    }

    fn handler(&mut self, mdia: Range<u64>) -> Result<Option<[u8; 4]>, DecodeError> {
        let Some(hdlr) = self.find(mdia, *b"hdlr")? else {
            return Ok(None);
        };
        Ok(array(&read_at(self.file, hdlr.start, 12)?, 8))
    }

    fn sample_entry(&mut self, mdia: Range<u64>) -> Result<Option<[u8; 4]>, DecodeError> {
        let mut range = mdia;
        for kind in [*b"minf", *b"stbl", *b"stsd"] {
            match self.find(range, kind)? {
                Some(inner) => range = inner,
                None => return Ok(None),
            }
        }
        // Version and flags, count of entries, the first entry's size, its type.
        Ok(array(&read_at(self.file, range.start, 16)?, 12))
    }

    /// The first edit that shows something. Further ones are left alone: a recorder cuts nothing out.
    fn edit(
        &mut self,
        trak: Range<u64>,
        media_scale: u32,
        movie_scale: u32,
    ) -> Result<Option<Edit>, DecodeError> {
        let Some(edts) = self.find(trak, *b"edts")? else {
            return Ok(None);
        };
        let Some(elst) = self.find(edts, *b"elst")? else {
            return Ok(None);
        };
        if media_scale == 0 || movie_scale == 0 {
            return Ok(None);
        }
        // An empty edit may come before the one that counts.
        let bytes = read_at(self.file, elst.start, 8 + 2 * 20)?;
        let wide = bytes.first() == Some(&1);
        let entry = |index: usize| {
            if wide {
                let at = 8 + 20 * index;
                Some((u64_be(&bytes, at)?, u64_be(&bytes, at + 8)?, u64::MAX))
            } else {
                let at = 8 + 12 * index;
                let narrow = |at| u32_be(&bytes, at).map(u64::from);
                Some((narrow(at)?, narrow(at + 4)?, u64::from(u32::MAX)))
            }
        };
        let count = u32_be(&bytes, 4).unwrap_or(0).min(2) as usize;
        let shown = (0..count)
            .filter_map(entry)
            .find(|&(_, start, empty)| start != empty);
        Ok(shown.map(|(duration, start, _)| Edit {
            start,
            start_per_second: media_scale,
            // With several edits the rest may well be meant: only a single one ends the recording.
            duration: if count == 1 { duration } else { 0 },
            duration_per_second: movie_scale,
        }))
    }
}
