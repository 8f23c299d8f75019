//! Where a recording begins and ends in what is decoded. In: what the codec or an edit list says, then blocks. Out: the same blocks
//! without what an encoder put before the recording's first frame and what the edit list puts after its last. Nothing fails.

use crate::decode::Block;
use crate::decode::mp4::Edit;

#[derive(Debug)]
pub(super) struct Bounds {
    priming: Priming,
    /// Of the recording, where an edit list ends it before the track ends.
    frames_left: u64,
}

/// Frames that the encoder put before the recording's first and that are still to be left out, beyond what the library takes
/// care of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Priming {
    Frames(u64),
    /// Scaled once the rate is known.
    Edit(Edit),
}

impl Bounds {
    pub(super) fn new(pre_skip: u64, edit: Option<Edit>) -> Self {
        Self {
            priming: edit.map_or(Priming::Frames(pre_skip), Priming::Edit),
            frames_left: u64::MAX,
        }
    }

    /// Another stream begins in the same recording.
    pub(super) fn restart(&mut self, pre_skip: u64) {
        self.priming = Priming::Frames(pre_skip);
    }

    pub(super) fn is_past_end(&self) -> bool {
        self.frames_left == 0
    }

    /// Cuts the block; returns how many frames the recording has, where its edit list says so and was not asked before.
    pub(super) fn trim(&mut self, block: &mut Block, rate_hz: u32) -> Option<u64> {
        let mut declared_frames = None;
        let to_skip = match self.priming {
            Priming::Frames(frames) => frames,
            Priming::Edit(edit) => {
                declared_frames = edit.frames(rate_hz).filter(|frames| *frames < u64::MAX);
                self.frames_left = declared_frames.unwrap_or(u64::MAX);
                edit.first_frame(rate_hz)
            }
        };
        let skip = usize::try_from(to_skip).map_or(block.frames(), |n| n.min(block.frames()));
        self.priming = Priming::Frames(to_skip - skip as u64);
        let rest = block.frames() - skip;
        let keep = usize::try_from(self.frames_left).map_or(rest, |left| left.min(rest));
        self.frames_left = self.frames_left.saturating_sub(keep as u64);
        for samples in &mut block.channels {
            samples.drain(..skip);
            samples.truncate(keep);
        }
        declared_frames
    }
}
