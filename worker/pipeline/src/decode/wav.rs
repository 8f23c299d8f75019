//! WAV headers, read for what the file holds and not for what they claim: recorders that die leave sizes of 0, of all ones, or
//! larger than the file. In: the file. Out: where the samples lie and how they are written. Fails: on tags without a decoder.
//! Source: the RIFF chunk layout and RFC 2361's tag numbers.

use std::fs::File;
use std::ops::Range;

use super::DecodeError;
use super::bytes::{array, u16_le, u32_le, u64_le};
use super::coding::Coding;
use super::laid_out::Header;
use super::source::read_at;

/// Chunks before `data`. Broadcast recorders write a dozen.
const MAX_CHUNKS: u32 = 1000;
/// Sizes that recorders write while they still record.
const OPEN_SIZES: [u64; 4] = [0, 0x7fff_ffff, 0xffff_ffff, 0x7fff_f000];
const FMT_BYTES: usize = 40;

/// What a WAV file holds.
#[derive(Debug)]
pub(super) enum Wav {
    LaidOut(Header),
    /// An MPEG audio stream.
    Mpeg(Range<u64>),
}

pub(super) fn read(file: &File, size_bytes: u64) -> Result<Wav, DecodeError> {
    let mut at = 12;
    let mut format = None;
    let mut data_size_64 = None;
    for _ in 0..MAX_CHUNKS {
        let head = read_at(file, at, 8)?;
        let (Some(id), Some(size)) = (array::<4>(&head, 0), u32_le(&head, 4)) else {
            break;
        };
        let body = at + 8;
        match &id {
            b"fmt " => {
                let wanted = FMT_BYTES.min(usize::try_from(size).unwrap_or(FMT_BYTES));
                format = Format::parse(&read_at(file, body, wanted)?);
            }
            b"ds64" => data_size_64 = u64_le(&read_at(file, body, 16)?, 8),
            b"data" => {
                let format = format.ok_or(DecodeError::Corrupt {
                    reason: "wav: no fmt chunk before the data",
                })?;
                let size = match data_size_64 {
                    Some(size_64) if size == u32::MAX => size_64,
                    _ => u64::from(size),
                };
                return format.with_data(body, size, size_bytes);
            }
            _ => {}
        }
        // Chunks start at even offsets.
        at = body + u64::from(size) + u64::from(size % 2);
    }
    Err(DecodeError::NoAudio { size_bytes })
}

#[derive(Debug, Clone, Copy)]
struct Format {
    tag: u16,
    channels_count: u16,
    sample_rate_hz: u32,
    block_align: u16,
    bits: u16,
    /// The first number of the codec's own extension: frames in a block.
    frames_per_block: Option<u16>,
}

impl Format {
    fn parse(fmt: &[u8]) -> Option<Format> {
        let tag = u16_le(fmt, 0)?;
        let extensible = 0xfffe;
        Some(Format {
            // The real tag is the first field of the extensible form's GUID.
            tag: if tag == extensible {
                u16_le(fmt, 24).unwrap_or(tag)
            } else {
                tag
            },
            channels_count: u16_le(fmt, 2)?,
            sample_rate_hz: u32_le(fmt, 4)?,
            block_align: u16_le(fmt, 12)?,
            bits: u16_le(fmt, 14).unwrap_or(0),
            frames_per_block: u16_le(fmt, 18),
        })
    }

    fn with_data(self, start: u64, size: u64, file_bytes: u64) -> Result<Wav, DecodeError> {
        let open_ended = OPEN_SIZES.contains(&size);
        let claimed_end = start.saturating_add(size);
        let end = if open_ended {
            file_bytes
        } else {
            claimed_end.min(file_bytes)
        };
        if matches!(self.tag, 0x0050 | 0x0055) {
            return Ok(Wav::Mpeg(start..end));
        }
        let (coding, block_bytes, frames_per_block) = self.blocks()?;
        // An open size stands for a recorder that never came back to close it.
        let truncated = if open_ended {
            end > start
        } else {
            claimed_end > file_bytes
        };
        let declared_blocks = size.checked_div(u64::from(block_bytes)).unwrap_or(0);
        Ok(Wav::LaidOut(Header {
            container: "wav",
            coding,
            sample_rate_hz: self.sample_rate_hz,
            channels_count: self.channels_count,
            block_bytes,
            frames_per_block,
            data: start..end,
            declared_frames: (!open_ended)
                .then(|| declared_blocks.saturating_mul(u64::from(frames_per_block))),
            truncated,
        }))
    }

    /// Coding, bytes in a block, frames in a block.
    fn blocks(self) -> Result<(Coding, u32, u32), DecodeError> {
        let (channels, align) = (u32::from(self.channels_count), u32::from(self.block_align));
        let sample_bytes = match align.checked_div(channels) {
            // Several samples to a byte: no recorder does that.
            _ if (1..8).contains(&self.bits) => 0,
            // One that forgets the channels is smaller than a sample.
            Some(bytes) if bytes > 0 && bytes >= u32::from(self.bits.div_ceil(8)) => bytes,
            _ => u32::from(self.bits.div_ceil(8)),
        };
        let plain = |coding, bytes: u32| Ok((coding, bytes * channels, 1));
        match (self.tag, sample_bytes) {
            (0x0001, 1) => plain(Coding::U8, 1),
            (0x0001, 2) => plain(Coding::S16Le, 2),
            (0x0001, 3) => plain(Coding::S24Le, 3),
            (0x0001, 4) => plain(Coding::S32Le, 4),
            (0x0003, 4) => plain(Coding::F32Le, 4),
            (0x0003, 8) => plain(Coding::F64Le, 8),
            (0x0006, _) => plain(Coding::Alaw, 1),
            (0x0007, _) => plain(Coding::Mulaw, 1),
            // A preamble of 7 bytes a channel that holds two samples, then 4 bits a sample.
            (0x0002, _) if channels > 0 && align > 7 * channels => Ok((
                Coding::AdpcmMs,
                align,
                (align - 7 * channels) * 2 / channels + 2,
            )),
            // A preamble of 4 bytes a channel that holds one sample, then 4 bits a sample.
            (0x0011, _) if channels > 0 && align > 4 * channels => Ok((
                Coding::AdpcmIma,
                align,
                (align - 4 * channels) * 2 / channels + 1,
            )),
            (0x0064 | 0x028f, _) => Ok((Coding::G722, 1, 2)),
            (0x0031, _) if self.frames_per_block.is_none_or(|n| n == 320) => {
                Ok((Coding::GsmMs, 65, 320))
            }
            (tag, _) => Err(DecodeError::UnsupportedCodec {
                container: "wav",
                codec: tag_name(tag, self.bits),
            }),
        }
    }
}

fn tag_name(tag: u16, bits: u16) -> String {
    let name = match tag {
        0x0001 => return format!("pcm with {bits} bits"),
        0x0003 => return format!("float with {bits} bits"),
        0x0002 => "adpcm_ms without blocks",
        0x0011 => "adpcm_ima_wav without blocks",
        0x0031 => "gsm_ms with unusual blocks",
        0x0010 => "oki_adpcm",
        0x0022 => "truespeech",
        0x0040 | 0x0045 => "g726",
        0x0042 => "g723_1",
        0x0083 => "g729",
        0x00ff | 0x1600 | 0x1610 => "aac",
        0x0160 => "wmav1",
        0x0161 => "wmav2",
        0x0162 => "wmapro",
        0x0163 => "wmalossless",
        0x2000 => "ac3",
        0x2001 => "dts",
        0xa109 => "speex",
        0xf1ac => "flac",
        0x674f..=0x6771 => "vorbis",
        _ => return format!("wave format {tag:#06x}"),
    };
    name.to_owned()
}
