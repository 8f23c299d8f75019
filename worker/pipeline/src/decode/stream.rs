//! One recording as a row of blocks, whichever way it is read: cut by a header's arithmetic ([`LaidOut`]) or demultiplexed and
//! decoded by the library ([`Library`]). Out: blocks of one layout, never empty. Fails: as [`DecodeError`] says.

use job_schema::engine::Limits;

use super::laid_out::LaidOut;
use super::library::Library;
use super::{Block, DecodeError};

#[derive(Debug)]
pub(super) enum Stream {
    LaidOut(LaidOut),
    Library(Library),
}

/// What every block of a recording has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) sample_rate_hz: u32,
    pub(super) channels_count: u16,
}

impl Layout {
    pub(super) fn silence(self, frames: usize) -> Block {
        Block {
            channels: vec![vec![0.0; frames]; usize::from(self.channels_count)],
        }
    }

    /// Holds a layout to the limits, before anything is allocated for it.
    pub(super) fn checked(
        rate_hz: u32,
        channels: usize,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let (min_hz, max_hz) = (limits.min_sample_rate_hz, limits.max_sample_rate_hz);
        if !(min_hz..=max_hz).contains(&rate_hz) {
            return Err(DecodeError::SampleRate {
                rate_hz,
                min_hz,
                max_hz,
            });
        }
        match u16::try_from(channels) {
            Ok(channels_count) if (1..=limits.max_channels).contains(&channels_count) => Ok(Self {
                sample_rate_hz: rate_hz,
                channels_count,
            }),
            _ => Err(DecodeError::Channels {
                count: channels,
                max: limits.max_channels,
            }),
        }
    }
}

impl Stream {
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, DecodeError> {
        match self {
            Stream::LaidOut(stream) => stream.next_block(),
            Stream::Library(stream) => stream.next_block(),
        }
    }

    /// Known once a block has been handed out.
    pub(super) fn layout(&self) -> Option<Layout> {
        match self {
            Stream::LaidOut(stream) => Some(stream.layout()),
            Stream::Library(stream) => stream.layout(),
        }
    }

    pub(super) fn container(&self) -> &'static str {
        match self {
            Stream::LaidOut(stream) => stream.container(),
            Stream::Library(stream) => stream.container(),
        }
    }

    pub(super) fn codec(&self) -> &'static str {
        match self {
            Stream::LaidOut(stream) => stream.codec(),
            Stream::Library(stream) => stream.codec(),
        }
    }

    pub(super) fn declared_frames(&self) -> Option<u64> {
        match self {
            Stream::LaidOut(stream) => stream.declared_frames(),
            Stream::Library(stream) => stream.declared_frames(),
        }
    }

    pub(super) fn likely_frames(&self) -> Option<u64> {
        match self {
            Stream::LaidOut(stream) => stream.declared_frames(),
            Stream::Library(stream) => stream.likely_frames(),
        }
    }

    pub(super) fn truncated(&self) -> bool {
        match self {
            Stream::LaidOut(stream) => stream.truncated(),
            Stream::Library(stream) => stream.truncated(),
        }
    }

    pub(super) fn damaged_packets_count(&self) -> u64 {
        match self {
            Stream::LaidOut(stream) => stream.damaged_packets_count(),
            Stream::Library(stream) => stream.damaged_packets_count(),
        }
    }

    /// Bytes that belong to no packet and should.
    pub(super) fn unread_tracks_count(&self) -> u64 {
        match self {
            Stream::LaidOut(_) => 0,
            Stream::Library(stream) => stream.unread_tracks_count(),
        }
    }

    pub(super) fn skipped_bytes(&self) -> u64 {
        match self {
            // Every byte of the data is part of a block.
            Stream::LaidOut(_) => 0,
            Stream::Library(stream) => stream.skipped_bytes(),
        }
    }
}
