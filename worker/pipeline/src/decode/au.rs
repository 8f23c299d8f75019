//! AU headers (`.snd`), as some recorders write them. In: the file's first bytes and its size. Out: where the samples lie and
//! how they are written. Fails: on codings without a decoder. Source: Sun's audio(5) manual page.

use super::DecodeError;
use super::bytes::u32_be;
use super::coding::Coding;
use super::laid_out::Header;

/// A size that stands for "to the end of the file".
const UNKNOWN_SIZE: u32 = u32::MAX;

pub(super) fn read(head: &[u8], file_bytes: u64) -> Result<Header, DecodeError> {
    let field = |at| {
        u32_be(head, at).ok_or(DecodeError::Corrupt {
            reason: "au: the header is cut off",
        })
    };
    let (start, size, encoding) = (u64::from(field(4)?), field(8)?, field(12)?);
    let (sample_rate_hz, channels) = (field(16)?, field(20)?);
    let (coding, sample_bytes) = coding_of(encoding)?;
    let channels_count = u16::try_from(channels).map_err(|_| DecodeError::Channels {
        count: usize::try_from(channels).unwrap_or(usize::MAX),
        max: u16::MAX,
    })?;
    let block_bytes = sample_bytes * u32::from(channels_count);
    let open_ended = size == UNKNOWN_SIZE;
    let claimed_end = start + u64::from(size);
    let declared_frames = u64::from(size)
        .checked_div(u64::from(block_bytes))
        .filter(|_| !open_ended);
    Ok(Header {
        container: "au",
        coding,
        sample_rate_hz,
        channels_count,
        block_bytes,
        frames_per_block: 1,
        data: start..if open_ended {
            file_bytes
        } else {
            claimed_end.min(file_bytes)
        },
        declared_frames,
        truncated: !open_ended && claimed_end > file_bytes,
    })
}

/// With the bytes of one sample.
fn coding_of(encoding: u32) -> Result<(Coding, u32), DecodeError> {
    Ok(match encoding {
        1 => (Coding::Mulaw, 1),
        2 => (Coding::S8, 1),
        3 => (Coding::S16Be, 2),
        4 => (Coding::S24Be, 3),
        5 => (Coding::S32Be, 4),
        6 => (Coding::F32Be, 4),
        7 => (Coding::F64Be, 8),
        27 => (Coding::Alaw, 1),
        other => {
            let codec = match other {
                23 | 25 | 26 => "g726".to_owned(),
                24 => "g722".to_owned(),
                _ => format!("au encoding {other}"),
            };
            return Err(DecodeError::UnsupportedCodec {
                container: "au",
                codec,
            });
        }
    })
}
