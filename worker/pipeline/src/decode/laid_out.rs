//! Recordings whose samples lie one after the other in blocks of one size: WAV, AIFF, AU and headerless files. In: a header's
//! numbers, already held against the file's size. Out: blocks. Fails: on numbers that make no block. The last, partial block of
//! a file that was cut off is left out.

use std::fs::File;
use std::ops::Range;

use audio_codec::Decoder as _;
use audio_codec::g722::G722Decoder;
use job_schema::engine::Limits;
use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::coding::Coding;
use super::gsm::{self, Packing};
use super::source::Window;
use super::stream::Layout;
use super::{Block, DecodeError, unless_it_panics};

/// About a quarter of a second at 16 kHz: large enough to be cheap, small enough to be nothing.
const BLOCK_FRAMES: u32 = 4096;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) container: &'static str,
    pub(super) coding: Coding,
    pub(super) sample_rate_hz: u32,
    pub(super) channels_count: u16,
    /// Of all channels; of one frame where every frame stands for itself.
    pub(super) block_bytes: u32,
    pub(super) frames_per_block: u32,
    /// Within the file.
    pub(super) data: Range<u64>,
    /// `None` where the header leaves it open, as recorders that stream do.
    pub(super) declared_frames: Option<u64>,
    /// The header claims more data than the file has.
    pub(super) truncated: bool,
}

pub(super) struct LaidOut {
    header: Header,
    layout: Layout,
    window: Window,
    decoder: BlockDecoder,
    packet: Vec<u8>,
    position_frames: i64,
    damaged_packets_count: u64,
}

enum BlockDecoder {
    Library(Box<dyn AudioDecoder>),
    G722(Box<G722Decoder>),
    Gsm(Box<gsm::Decoder>),
}

impl LaidOut {
    pub(super) fn open(file: File, header: Header, limits: &Limits) -> Result<Self, DecodeError> {
        let layout = Layout::checked(
            header.sample_rate_hz,
            usize::from(header.channels_count),
            limits,
        )?;
        if header.block_bytes == 0 || header.frames_per_block == 0 {
            return Err(DecodeError::Corrupt {
                reason: "the header describes blocks without content",
            });
        }
        let decoder = block_decoder(&header)?;
        let blocks = (BLOCK_FRAMES / header.frames_per_block).max(1);
        let packet_bytes = blocks as usize * header.block_bytes as usize;
        Ok(Self {
            layout,
            window: Window::new(file, header.data.clone()),
            decoder,
            packet: vec![0; packet_bytes],
            position_frames: 0,
            damaged_packets_count: 0,
            header,
        })
    }

    pub(super) fn next_block(&mut self) -> Result<Option<Block>, DecodeError> {
        let filled = self
            .window
            .read_up_to(&mut self.packet)
            .map_err(DecodeError::Read)?;
        let blocks = filled / self.header.block_bytes as usize;
        if blocks == 0 {
            return Ok(None);
        }
        let bytes = 0..blocks * self.header.block_bytes as usize;
        if let Some(block) = self.decoded(bytes.clone(), self.position_frames)? {
            self.position_frames += block.frames() as i64;
            return Ok(Some(block));
        }
        self.damaged_packets_count += 1;
        Ok(Some(self.one_by_one(bytes)?))
    }

    /// Blocks of which one at least is damaged: it becomes silence, and the others do not.
    fn one_by_one(&mut self, bytes: Range<usize>) -> Result<Block, DecodeError> {
        let silence = vec![0.0; self.header.frames_per_block as usize];
        let channels = usize::from(self.layout.channels_count);
        let mut all = vec![Vec::new(); channels];
        for start in bytes.step_by(self.header.block_bytes as usize) {
            let one = start..start + self.header.block_bytes as usize;
            let decoded = self.decoded(one, self.position_frames)?;
            let decoded = decoded.map_or_else(|| vec![silence.clone(); channels], |b| b.channels);
            for (all, own) in all.iter_mut().zip(decoded) {
                all.extend(own);
            }
            self.position_frames += i64::from(self.header.frames_per_block);
        }
        Ok(Block { channels: all })
    }

    fn decoded(&mut self, bytes: Range<usize>, at: i64) -> Result<Option<Block>, DecodeError> {
        let blocks = bytes.len() / self.header.block_bytes as usize;
        let frames = blocks * self.header.frames_per_block as usize;
        let packet = &self.packet[bytes];
        let decode = || self.decoder.decode(packet, frames, at);
        let decoded = unless_it_panics(decode);
        if decoded.is_none() {
            self.decoder = block_decoder(&self.header)?;
        }
        Ok(decoded.flatten())
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn container(&self) -> &'static str {
        self.header.container
    }

    pub(super) fn codec(&self) -> &'static str {
        self.header.coding.name()
    }

    pub(super) fn declared_frames(&self) -> Option<u64> {
        self.header.declared_frames
    }

    pub(super) fn truncated(&self) -> bool {
        self.header.truncated
    }

    pub(super) fn damaged_packets_count(&self) -> u64 {
        self.damaged_packets_count
    }
}

impl std::fmt::Debug for LaidOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaidOut")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl BlockDecoder {
    fn gsm(packing: Packing) -> Self {
        BlockDecoder::Gsm(Box::new(gsm::Decoder::new(packing)))
    }

    /// `None` for a block that cannot be decoded.
    fn decode(&mut self, bytes: &[u8], frames: usize, position_frames: i64) -> Option<Block> {
        let channels = match self {
            BlockDecoder::Library(decoder) => {
                let packet = Packet::new(
                    0,
                    Timestamp::new(position_frames),
                    Duration::new(frames as u64),
                    bytes,
                );
                let mut channels = Vec::new();
                decoder
                    .decode(&packet)
                    .ok()?
                    .copy_to_vecs_planar::<f32>(&mut channels);
                channels
            }
            BlockDecoder::G722(decoder) => {
                let mut samples = vec![0; frames];
                decoder.decode_into(bytes, &mut samples).ok()?;
                vec![from_i16(&samples)]
            }
            BlockDecoder::Gsm(decoder) => vec![from_i16(&decoder.decode(bytes)?)],
        };
        let whole = channels.iter().all(|samples| samples.len() == frames);
        whole.then_some(Block { channels })
    }
}

fn from_i16(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|&s| f32::from(s) / 32_768.0).collect()
}

fn block_decoder(header: &Header) -> Result<BlockDecoder, DecodeError> {
    let unsupported = || DecodeError::UnsupportedCodec {
        container: header.container,
        codec: format!(
            "{} with {} channels",
            header.coding.name(),
            header.channels_count
        ),
    };
    let mono = header.channels_count == 1;
    match header.coding {
        Coding::G722 if mono => Ok(BlockDecoder::G722(Box::new(G722Decoder::new()))),
        Coding::Gsm if mono => Ok(BlockDecoder::gsm(Packing::Frames33)),
        Coding::GsmMs if mono => Ok(BlockDecoder::gsm(Packing::Pairs65)),
        coding => {
            let codec = coding.library_id().ok_or_else(unsupported)?;
            let blocks = (BLOCK_FRAMES / header.frames_per_block).max(1);
            let mut params = AudioCodecParameters::new();
            params
                .for_codec(codec)
                .with_sample_rate(header.sample_rate_hz)
                .with_channels(channels_of(header.channels_count))
                .with_max_frames_per_packet(u64::from(blocks * header.frames_per_block))
                .with_frames_per_block(u64::from(header.frames_per_block));
            symphonia::default::get_codecs()
                .make_audio_decoder(&params, &AudioDecoderOptions::default())
                .map(BlockDecoder::Library)
                .map_err(|_| unsupported())
        }
    }
}

/// Mono and stereo by name, since the library's decoders ask for it; more than two are just counted.
fn channels_of(count: u16) -> Channels {
    match count {
        1 => Position::FRONT_LEFT.into(),
        2 => (Position::FRONT_LEFT | Position::FRONT_RIGHT).into(),
        more => Channels::Discrete(more),
    }
}
