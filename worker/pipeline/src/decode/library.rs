//! Recordings in containers that symphonia demultiplexes, and the codecs that it decodes; Opus through libopus. In: a window of
//! the file and the container that its first bytes name. Out: blocks of one layout. A packet that cannot be decoded becomes
//! silence of its length, so that later times stay true. Fails: where nothing can be read, or the layout changes for good.

use job_schema::engine::Limits;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;
use symphonia::default::formats as readers;
use symphonia_adapter_libopus::OpusDecoder;

use super::codec_names;
use super::source::Window;
use super::stream::Layout;
use super::{Block, DecodeError};

/// How much of a file may come before its first MPEG frame.
const MAX_JUNK_BYTES: u32 = 128 << 10;
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
    time_base: Option<TimeBase>,
    declared_frames: Option<u64>,
    limits: Limits,
    /// Of the first decoded packet.
    layout: Option<Layout>,
    /// Damaged packets before the layout is known have no length in frames yet.
    damaged_packets_count: u64,
    damaged_in_a_row: u32,
    foreign_in_a_row: u32,
    truncated: bool,
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

impl Library {
    pub(super) fn open(
        window: Window,
        container: Container,
        name: &'static str,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let size_bytes = window.len();
        let reader = reader_of(window, container).map_err(|e| opening_failed(e, size_bytes))?;
        let name = match container {
            Container::Search => reader.format_info().short_name,
            _ => name,
        };
        let track = choose_track(reader.tracks(), name)?;
        let (id, time_base, frames) = (track.id, track.time_base, track.num_frames);
        let (decoder, codec) = decoder_of(track, name, limits)?;
        Ok(Self {
            container: name,
            codec,
            decoder,
            track: id,
            time_base,
            declared_frames: frames,
            limits: *limits,
            layout: None,
            damaged_packets_count: 0,
            damaged_in_a_row: 0,
            foreign_in_a_row: 0,
            truncated: false,
            reader,
        })
    }

    pub(super) fn next_block(&mut self) -> Result<Option<Block>, DecodeError> {
        while let Some(packet) = self.next_packet()? {
            match self.decode(&packet)? {
                Decoded::Block(block) => {
                    self.damaged_in_a_row = 0;
                    self.foreign_in_a_row = 0;
                    return Ok(Some(block));
                }
                Decoded::Nothing => {}
                Decoded::Damaged => {
                    if self.too_damaged() {
                        return self.give_up();
                    }
                    if let Some(silence) = self.silence_for(&packet) {
                        return Ok(Some(silence));
                    }
                }
                Decoded::Foreign { rate_hz, channels } => {
                    self.foreign_in_a_row += 1;
                    self.damaged_packets_count += 1;
                    if let Some(from) = self.layout
                        && self.foreign_in_a_row > MAX_FOREIGN_PACKETS
                    {
                        return Err(DecodeError::LayoutChanged {
                            from_channels: from.channels_count,
                            from_hz: from.sample_rate_hz,
                            to_channels: channels,
                            to_hz: rate_hz,
                        });
                    }
                    if let Some(silence) = self.silence_for(&packet) {
                        return Ok(Some(silence));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The next packet of the chosen track; `None` at the end, be it a good one or not.
    fn next_packet(&mut self) -> Result<Option<Packet>, DecodeError> {
        loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
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
        let buffer = match self.decoder.decode(packet) {
            Ok(buffer) => buffer,
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
        if buffer.frames() == 0 {
            return Ok(Decoded::Nothing);
        }
        let (rate_hz, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
        let layout = match self.layout {
            Some(layout) => layout,
            None => *self
                .layout
                .insert(Layout::checked(rate_hz, channels, &self.limits)?),
        };
        if rate_hz != layout.sample_rate_hz || channels != usize::from(layout.channels_count) {
            return Ok(Decoded::Foreign { rate_hz, channels });
        }
        let mut block = Block::default();
        buffer.copy_to_vecs_planar::<f32>(&mut block.channels);
        Ok(Decoded::Block(block))
    }

    /// A chained stream begins: it may have another codec, which the layout check then judges.
    fn reset(&mut self) -> Result<(), DecodeError> {
        let track = choose_track(self.reader.tracks(), self.container)?;
        let (id, time_base) = (track.id, track.time_base);
        let (decoder, _) = decoder_of(track, self.container, &self.limits)?;
        self.track = id;
        self.time_base = time_base;
        self.decoder = decoder;
        // The first stream's count does not hold for the chain.
        self.declared_frames = None;
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
        let frames = usize::try_from(frames.min(rate_hz * MAX_SILENCE_MS / 1000)).ok()?;
        (frames > 0).then(|| Block {
            channels: vec![vec![0.0; frames]; usize::from(layout.channels_count)],
        })
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
        self.declared_frames
    }

    pub(super) fn truncated(&self) -> bool {
        self.truncated
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

fn reader_of(window: Window, container: Container) -> Result<Box<dyn FormatReader>, Error> {
    let source = MediaSourceStream::new(Box::new(window), MediaSourceStreamOptions::default());
    let options = FormatOptions::default();
    Ok(match container {
        Container::Flac => Box::new(readers::FlacReader::try_new(source, options)?),
        Container::Ogg => Box::new(readers::OggReader::try_new(source, options)?),
        Container::Mp4 => Box::new(readers::IsoMp4Reader::try_new(source, options)?),
        Container::Matroska => Box::new(readers::MkvReader::try_new(source, options)?),
        Container::Caf => Box::new(readers::CafReader::try_new(source, options)?),
        Container::Mpeg => Box::new(readers::MpaReader::try_new(source, options)?),
        Container::Adts => Box::new(readers::AdtsReader::try_new(source, options)?),
        Container::Search => {
            let probe_options = ProbeOptions {
                max_probe_depth: MAX_JUNK_BYTES,
                ..ProbeOptions::default()
            };
            let mut probe = Probe::new_with_options(&probe_options);
            probe.register_format::<readers::MpaReader<'_>>();
            probe.register_format::<readers::AdtsReader<'_>>();
            probe.probe(&Hint::new(), source, options, MetadataOptions::default())?
        }
    })
}

fn opening_failed(error: Error, size_bytes: u64) -> DecodeError {
    match error {
        Error::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::NoAudio { size_bytes }
        }
        Error::IoError(e) => DecodeError::Read(e),
        Error::DecodeError(reason) | Error::Unsupported(reason) | Error::LimitError(reason) => {
            DecodeError::Corrupt { reason }
        }
        _ => DecodeError::Corrupt {
            reason: "the container cannot be read",
        },
    }
}

fn choose_track<'a>(
    tracks: &'a [Track],
    container: &'static str,
) -> Result<&'a Track, DecodeError> {
    let is_audio = |track: &&Track| track.track_type() == Some(TrackType::Audio);
    tracks
        .iter()
        .find(is_audio)
        .ok_or(DecodeError::UnsupportedCodec {
            container,
            codec: "no audio track that we know".to_owned(),
        })
}

fn decoder_of(
    track: &Track,
    container: &'static str,
    limits: &Limits,
) -> Result<(Box<dyn AudioDecoder>, &'static str), DecodeError> {
    let Some(CodecParameters::Audio(params)) = &track.codec_params else {
        return Err(DecodeError::UnsupportedCodec {
            container,
            codec: "unknown".to_owned(),
        });
    };
    // Decoders allocate by these numbers.
    if let (Some(rate_hz), Some(channels)) = (params.sample_rate, &params.channels) {
        Layout::checked(rate_hz, channels.count(), limits)?;
    }
    let codec = codec_names::of(params.codec);
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    match codecs.make_audio_decoder(params, &AudioDecoderOptions::default()) {
        Ok(decoder) => Ok((decoder, codec)),
        Err(Error::Unsupported(reason)) => Err(DecodeError::UnsupportedCodec {
            container,
            codec: format!("{codec} ({reason})"),
        }),
        Err(_) => Err(DecodeError::Corrupt {
            reason: "the codec's own header cannot be read",
        }),
    }
}
