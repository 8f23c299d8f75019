//! AIFF and AIFC headers. In: the file. Out: where the samples lie and how they are written. Fails: on compression types
//! without a decoder. Source: Apple's Audio Interchange File Format 1.3 and the AIFF-C draft of 1991.

use std::fs::File;

use super::DecodeError;
use super::bytes::{array, u16_be, u32_be};
use super::coding::Coding;
use super::laid_out::Header;
use super::source::read_at;

const MAX_CHUNKS: u32 = 1000;
const COMM_BYTES: usize = 18;
/// With the compression type.
const AIFC_COMM_BYTES: usize = 22;
/// Offset and block size come before the samples.
const SSND_HEAD_BYTES: u64 = 8;

/// `compressed`: the form is AIFC.
pub(super) fn read(file: &File, file_bytes: u64, compressed: bool) -> Result<Header, DecodeError> {
    let mut at = 12;
    let mut common = None;
    let mut sound = None;
    for _ in 0..MAX_CHUNKS {
        let head = read_at(file, at, 8)?;
        let (Some(id), Some(size)) = (array::<4>(&head, 0), u32_be(&head, 4)) else {
            break;
        };
        let body = at + 8;
        match &id {
            b"COMM" => {
                let wanted = if compressed {
                    AIFC_COMM_BYTES
                } else {
                    COMM_BYTES
                };
                common = Common::parse(&read_at(file, body, wanted)?);
            }
            b"SSND" => {
                let offset = u32_be(&read_at(file, body, 4)?, 0).unwrap_or(0);
                let start = body + SSND_HEAD_BYTES + u64::from(offset);
                sound = Some((start, body + u64::from(size)));
            }
            _ => {}
        }
        at = body + u64::from(size) + u64::from(size % 2);
    }
    let common = common.ok_or(DecodeError::Corrupt {
        reason: "aiff: no COMM chunk",
    })?;
    let (start, claimed_end) = sound.ok_or(DecodeError::NoAudio {
        size_bytes: file_bytes,
    })?;
    common.with_data(start, claimed_end, file_bytes)
}

#[derive(Debug, Clone, Copy)]
struct Common {
    channels_count: u16,
    frames: u32,
    bits: u16,
    sample_rate_hz: u32,
    /// `None` in plain AIFF.
    compression: Option<[u8; 4]>,
}

impl Common {
    fn parse(comm: &[u8]) -> Option<Common> {
        Some(Common {
            channels_count: u16_be(comm, 0)?,
            frames: u32_be(comm, 2)?,
            bits: u16_be(comm, 6)?,
            sample_rate_hz: whole_hz(array(comm, 8)?),
            compression: array(comm, 18),
        })
    }

    fn with_data(
        self,
        start: u64,
        claimed_end: u64,
        file_bytes: u64,
    ) -> Result<Header, DecodeError> {
        let (coding, bytes, frames_per_block) = self.coding()?;
        let block_bytes = bytes * u32::from(self.channels_count);
        let declared = u64::from(self.frames) * u64::from(frames_per_block);
        Ok(Header {
            container: "aiff",
            coding,
            sample_rate_hz: self.sample_rate_hz,
            channels_count: self.channels_count,
            block_bytes,
            frames_per_block,
            data: start..claimed_end.min(file_bytes).max(start),
            declared_frames: (declared > 0).then_some(declared),
            truncated: claimed_end > file_bytes,
        })
    }

    /// Coding, bytes in a block of one channel, frames in it.
    fn coding(self) -> Result<(Coding, u32, u32), DecodeError> {
        let pcm = || match self.bits {
            1..=8 => Some((Coding::S8, 1, 1)),
            9..=16 => Some((Coding::S16Be, 2, 1)),
            17..=24 => Some((Coding::S24Be, 3, 1)),
            25..=32 => Some((Coding::S32Be, 4, 1)),
            _ => None,
        };
        let known = match self.compression.as_ref() {
            None | Some(b"NONE" | b"twos" | b"in24" | b"in32") => pcm(),
            Some(b"sowt") if self.bits == 16 => Some((Coding::S16Le, 2, 1)),
            Some(b"sowt") if self.bits <= 8 => Some((Coding::S8, 1, 1)),
            Some(b"raw ") if self.bits <= 8 => Some((Coding::U8, 1, 1)),
            Some(b"fl32" | b"FL32") => Some((Coding::F32Be, 4, 1)),
            Some(b"fl64" | b"FL64") => Some((Coding::F64Be, 8, 1)),
            Some(b"alaw" | b"ALAW") => Some((Coding::Alaw, 1, 1)),
            Some(b"ulaw" | b"ULAW") => Some((Coding::Mulaw, 1, 1)),
            Some(b"ima4") => Some((Coding::AdpcmImaQt, 34, 64)),
            Some(b"agsm" | b"GSM ") => Some((Coding::Gsm, 33, 160)),
            Some(_) => None,
        };
        known.ok_or_else(|| DecodeError::UnsupportedCodec {
            container: "aiff",
            codec: match self.compression {
                Some(id) => id.escape_ascii().to_string(),
                None => format!("pcm with {} bits", self.bits),
            },
        })
    }
}

/// The rate is an 80-bit float: sign and 15 bits of exponent, then 64 bits of mantissa with its leading one. 0 for what
/// is no rate; the limits refuse that.
fn whole_hz(extended: [u8; 10]) -> u32 {
    let [sign_exponent @ .., _, _, _, _, _, _, _, _] = extended;
    let [_, _, mantissa @ ..] = extended;
    let exponent = u16::from_be_bytes(sign_exponent);
    let mantissa = u64::from_be_bytes(mantissa);
    // The value is mantissa × 2^(exponent − 16383 − 63).
    let Some(shift) = (16_383u16 + 63).checked_sub(exponent) else {
        return 0;
    };
    let whole = mantissa.checked_shr(u32::from(shift)).unwrap_or(0);
    u32::try_from(whole).unwrap_or(0)
}
