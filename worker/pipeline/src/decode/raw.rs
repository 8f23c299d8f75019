//! Headerless recordings: only the job can say what they are. In: the job's word. Out: the whole file as blocks of that coding.
//! Cannot fail: the limits judge rate and channels, and bytes of the wrong coding are noise, not an error.

use job_schema::job::{RawAudio, RawCodec};

use super::coding::Coding;
use super::laid_out::Header;

pub(super) fn header(raw: RawAudio, file_bytes: u64) -> Header {
    let (coding, bytes, frames_per_block) = match raw.codec {
        RawCodec::Mulaw => (Coding::Mulaw, 1, 1),
        RawCodec::Alaw => (Coding::Alaw, 1, 1),
        RawCodec::PcmS16le => (Coding::S16Le, 2, 1),
        RawCodec::G722 => (Coding::G722, 1, 2),
        RawCodec::Gsm => (Coding::Gsm, 33, 160),
    };
    Header {
        container: "raw",
        coding,
        sample_rate_hz: raw.sample_rate_hz,
        channels_count: u16::from(raw.channels),
        block_bytes: bytes * u32::from(raw.channels),
        frames_per_block,
        data: 0..file_bytes,
        declared_frames: None,
        truncated: false,
    }
}
