//! Recordings in containers that symphonia demultiplexes, and the codecs that it decodes; Opus through libopus. In: a window of
//! the file and the container that its first bytes name. Out: blocks of one layout. A packet that cannot be decoded becomes
//! silence of its length, so that later times stay true. Fails: where nothing can be read, or the layout changes for good.

mod account;
mod bounds;
mod opening;
mod timeline;

use job_schema::engine::Limits;
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use super::mp4::Edit;
use super::source::Window;
use super::stream::Layout;
use super::{Block, DecodeError, unless_it_panics};
use account::Account;
use bounds::Bounds;
use opening::{
    Opened, audio_tracks_count, choose_track, decoder_of, flac_metadata_bytes, opening_failed,
    reader_of, tells_its_length,
};
use timeline::Timeline;

/// A false frame in a damaged file may claim any layout; a whole second of them in a row means it.
const MAX_FOREIGN_PACKETS: u32 = 40;
/// No codec's packet is longer; what claims to be, lies.
const MAX_SILENCE_MS: u64 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Flac,
    Ogg,
    Mp4,
    Matroska,
    Caf,
    Mpeg,
    Adts,
    /// An MPEG or ADTS stream after bytes that belong to neither.
    Search,
}

pub(super) struct Library {
    container: &'static str,
    codec: &'static str,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    unread_tracks_count: u64,
    time_base: Option<TimeBase>,
    frames: Option<u64>,
    /// Or else the library's estimate.
    is_declared: bool,
    limits: Limits,
    /// Of the first decoded packet.
    layout: Option<Layout>,
    /// Of the last good packet: the length of a damaged one whose container does not tell it.
    packet_frames: usize,
    /// Damaged packets before the layout is known have no length in frames yet.
    damaged_packets_count: u64,
    damaged_in_a_row: u32,
    foreign_in_a_row: u32,
    truncated: bool,
    account: Account,
    bounds: Bounds,
    timeline: Timeline,
}

/// What became of one packet.
enum Decoded {
    Block(Block),
    /// Decoded to nothing, as the first packet of some codecs does.
    Nothing,
    Damaged,
    Foreign {
        rate_hz: u32,
        channels: usize,
    },
}

/// One packet's samples, out of the decoder's own memory.
struct Planes {
    rate_hz: u32,
    block: Block,
}

impl Planes {
    fn of(buffer: &GenericAudioBufferRef<'_>) -> Self {
        let mut block = Block::default();
        buffer.copy_to_vecs_planar::<f32>(&mut block.channels);
        Self {
            rate_hz: buffer.spec().rate(),
            block,
        }
    }
}

impl Library {
    pub(super) fn open(
        window: Window,
        container: Container,
        name: &'static str,
        edit: Option<Edit>,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let tags_bytes = match container {
            Container::Flac => flac_metadata_bytes(&window).map_err(DecodeError::Read)?,
            _ => 0,
        };
        let size_bytes = window.len();
        let bare_stream_bytes = match container {
            Container::Flac | Container::Mpeg | Container::Adts => Some(size_bytes - tags_bytes),
            _ => None,
        };
        let is_declared = tells_its_length(&window, container).map_err(DecodeError::Read)?;
        let reader = reader_of(window, container).map_err(|e| opening_failed(e, size_bytes))?;
        let name = match container {
            Container::Search => reader.format_info().short_name,
            _ => name,
        };
        let track = choose_track(reader.tracks(), name)?;
        let unread_tracks_count = audio_tracks_count(reader.tracks()) - 1;
        let (id, time_base, frames) = (track.id, track.time_base, track.num_frames);
        let Opened {
            decoder,
            codec,
            pre_skip,
        } = decoder_of(track, name, limits)?;
        Ok(Self {
            container: name,
            codec,
            decoder,
            track: id,
            unread_tracks_count,
            time_base,
            frames,
            is_declared,
            limits: *limits,
            layout: None,
            packet_frames: 0,
            damaged_packets_count: 0,
            damaged_in_a_row: 0,
            foreign_in_a_row: 0,
            truncated: false,
            account: Account::of(bare_stream_bytes),
            bounds: Bounds::new(pre_skip, edit),
            timeline: Timeline::of(container, time_base),
            reader,
        })
    }

    pub(super) fn next_block(&mut self) -> Result<Option<Block>, DecodeError> {
        while !self.bounds.is_past_end() {
            let Some(mut block) = self.next_decoded()? else {
                return Ok(None);
            };
            let rate_hz = self.layout.map_or(0, |layout| layout.sample_rate_hz);
            if let Some(declared) = self.bounds.trim(&mut block, rate_hz) {
                (self.frames, self.is_declared) = (Some(declared), true);
            }
            if block.frames() > 0 {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// Whatever the next packets decode to, or silence for those that do not.
    fn next_decoded(&mut self) -> Result<Option<Block>, DecodeError> {
        if let Some(block) = self.layout.and_then(|layout| self.timeline.next(layout)) {
            return Ok(Some(block));
        }
        while let Some(packet) = self.next_packet()? {
            match self.decode(&packet)? {
                Decoded::Block(block) => {
                    self.damaged_in_a_row = 0;
                    self.foreign_in_a_row = 0;
                    self.packet_frames = block.frames();
                    let layout = self.layout;
                    return Ok(layout.and_then(|l| self.timeline.place(&packet, block, l)));
                }
                Decoded::Nothing => continue,
                Decoded::Damaged if self.too_damaged() => return self.give_up(),
                Decoded::Damaged => {}
                Decoded::Foreign { rate_hz, channels } => self.tolerate(rate_hz, channels)?,
            }
            if let Some(silence) = self.silence_for(&packet) {
                self.timeline.give(silence.frames());
                return Ok(Some(silence));
            }
        }
        Ok(None)
    }

    fn tolerate(&mut self, rate_hz: u32, channels: usize) -> Result<(), DecodeError> {
        self.foreign_in_a_row += 1;
        self.damaged_packets_count += 1;
        match self.layout {
            Some(from) if self.foreign_in_a_row > MAX_FOREIGN_PACKETS => {
                Err(DecodeError::LayoutChanged {
                    from_channels: from.channels_count,
                    from_hz: from.sample_rate_hz,
                    to_channels: channels,
                    to_hz: rate_hz,
                })
            }
            _ => Ok(()),
        }
    }

    /// The next packet of the chosen track; `None` at the end, be it a good one or not.
    fn next_packet(&mut self) -> Result<Option<Packet>, DecodeError> {
        loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => {
                    let layout = self.layout;
                    let channels = layout.map_or(self.limits.max_channels, |l| l.channels_count);
                    self.account.add(&packet, channels);
                    return Ok(Some(packet));
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.account.end();
                    return Ok(None);
                }
                Err(Error::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    self.truncated = true;
                    return Ok(None);
                }
                Err(Error::IoError(e)) => return Err(DecodeError::Read(e)),
                Err(Error::ResetRequired) => self.reset()?,
                Err(_) => {
                    if self.too_damaged() {
                        self.give_up()?;
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn decode(&mut self, packet: &Packet) -> Result<Decoded, DecodeError> {
        let decode = || {
            self.decoder
                .decode(packet)
                .map(|buffer| Planes::of(&buffer))
        };
        let Some(decoded) = unless_it_panics(decode) else {
            self.renew_decoder()?;
            return Ok(Decoded::Damaged);
        };
        let planes = match decoded {
            Ok(planes) => planes,
            Err(Error::IoError(_) | Error::DecodeError(_) | Error::LimitError(_)) => {
                return Ok(Decoded::Damaged);
            }
            Err(Error::Unsupported(feature)) if self.layout.is_none() => {
                return Err(DecodeError::UnsupportedCodec {
                    container: self.container,
                    codec: format!("{} ({feature})", self.codec),
                });
            }
            Err(_) => return Ok(Decoded::Damaged),
        };
        let (rate_hz, channels) = (planes.rate_hz, planes.block.channels.len());
        if planes.block.frames() == 0 {
            return Ok(Decoded::Nothing);
        }
        let layout = match self.layout {
            Some(layout) => layout,
            None => *self
                .layout
                .insert(Layout::checked(rate_hz, channels, &self.limits)?),
        };
        if rate_hz != layout.sample_rate_hz || channels != usize::from(layout.channels_count) {
            return Ok(Decoded::Foreign { rate_hz, channels });
        }
        Ok(Decoded::Block(planes.block))
    }

    /// After a panic: what it left in the old one nobody knows.
    fn renew_decoder(&mut self) -> Result<(), DecodeError> {
        let track = choose_track(self.reader.tracks(), self.container)?;
        self.decoder = decoder_of(track, self.container, &self.limits)?.decoder;
        Ok(())
    }

    /// A chained stream begins: it may have another codec, which the layout check then judges.
    fn reset(&mut self) -> Result<(), DecodeError> {
        let track = choose_track(self.reader.tracks(), self.container)?;
        let (id, time_base) = (track.id, track.time_base);
        let opened = decoder_of(track, self.container, &self.limits)?;
        self.track = id;
        self.time_base = time_base;
        self.decoder = opened.decoder;
        self.bounds.restart(opened.pre_skip);
        self.timeline = Timeline::default();
        // The first stream's count does not hold for the chain.
        self.frames = None;
        Ok(())
    }

    fn too_damaged(&mut self) -> bool {
        self.damaged_packets_count += 1;
        self.damaged_in_a_row += 1;
        self.damaged_in_a_row > self.limits.max_damaged_packets
    }

    /// From here on the recording counts as lost: an error if nothing came before.
    fn give_up(&mut self) -> Result<Option<Block>, DecodeError> {
        self.truncated = true;
        match self.layout {
            Some(_) => Ok(None),
            None => Err(DecodeError::Corrupt {
                reason: "no packet can be decoded",
            }),
        }
    }

    /// In place of a packet that is lost; `None` where its length cannot be known.
    fn silence_for(&self, packet: &Packet) -> Option<Block> {
        let (layout, base) = (self.layout?, self.time_base?);
        let rate_hz = u64::from(layout.sample_rate_hz);
        let ticks = packet.dur.get();
        let frames = ticks
            .checked_mul(u64::from(base.numer.get()))?
            .checked_mul(rate_hz)?
            / u64::from(base.denom.get());
        let frames = match usize::try_from(frames.min(rate_hz * MAX_SILENCE_MS / 1000)).ok()? {
            0 => self.packet_frames,
            told => told,
        };
        (frames > 0).then(|| layout.silence(frames))
    }

    pub(super) fn layout(&self) -> Option<Layout> {
        self.layout
    }

    pub(super) fn container(&self) -> &'static str {
        self.container
    }

    pub(super) fn codec(&self) -> &'static str {
        self.codec
    }

    pub(super) fn declared_frames(&self) -> Option<u64> {
        self.frames.filter(|_| self.is_declared)
    }

    pub(super) fn likely_frames(&self) -> Option<u64> {
        self.frames
    }

    pub(super) fn truncated(&self) -> bool {
        self.truncated
    }

    pub(super) fn unread_tracks_count(&self) -> u64 {
        self.unread_tracks_count
    }

    pub(super) fn skipped_bytes(&self) -> u64 {
        self.account.skipped_bytes()
    }

    pub(super) fn damaged_packets_count(&self) -> u64 {
        self.damaged_packets_count
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library")
            .field("container", &self.container)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
