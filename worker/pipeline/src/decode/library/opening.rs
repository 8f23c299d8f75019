//! Opens a container and the decoder of its audio track. In: a window of the file and the limits. Out: the library's own reader
//! and decoder. Fails: with the codec's name where there is no decoder, with the library's reason where the container is broken.

use job_schema::engine::Limits;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::default::formats as readers;
use symphonia_adapter_libopus::OpusDecoder;

use super::Container;
use crate::decode::DecodeError;
use crate::decode::bytes::u16_le;
use crate::decode::codec_names;
use crate::decode::source::Window;
use crate::decode::stream::Layout;

/// How much of a file may come before its first MPEG frame.
const MAX_JUNK_BYTES: u32 = 128 << 10;

pub(super) fn reader_of(
    window: Window,
    container: Container,
) -> Result<Box<dyn FormatReader>, Error> {
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

/// A tag stands after the header and side information of a frame, which are 36 bytes at most.
const LONGEST_TAG_BYTES: usize = 64;

/// The signature, then blocks with a flag on the last one and a length of three bytes.
pub(super) fn flac_metadata_bytes(window: &Window) -> std::io::Result<u64> {
    let mut at = 4;
    loop {
        let mut head = [0; 4];
        if window.peek(at, &mut head)? < head.len() {
            return Ok(window.len());
        }
        let [flags, size @ ..] = head;
        let size = size.iter().fold(0, |sum, &b| sum << 8 | u64::from(b));
        at += 4 + size;
        if flags & 0x80 != 0 || at >= window.len() {
            return Ok(at.min(window.len()));
        }
    }
}

/// Whether the library's number of frames is the file's own word. A stream without a container has one where its first frame is
/// a Xing, Info or VBRI tag; elsewhere the library estimates it from the first frames, and a rate that varies makes that wrong.
pub(super) fn tells_its_length(window: &Window, container: Container) -> std::io::Result<bool> {
    match container {
        Container::Mpeg => {
            let mut first = [0; LONGEST_TAG_BYTES];
            let filled = window.peek(0, &mut first)?;
            let is_tag = |four: &[u8]| matches!(four, b"Xing" | b"Info" | b"VBRI");
            Ok(first[..filled].windows(4).any(is_tag))
        }
        Container::Adts | Container::Search => Ok(false),
        _ => Ok(true),
    }
}

pub(super) fn opening_failed(error: Error, size_bytes: u64) -> DecodeError {
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

fn is_audio(track: &Track) -> bool {
    track.track_type() == Some(TrackType::Audio)
}

pub(super) fn audio_tracks_count(tracks: &[Track]) -> u64 {
    tracks.iter().filter(|track| is_audio(track)).count() as u64
}

pub(super) fn choose_track<'a>(
    tracks: &'a [Track],
    container: &'static str,
) -> Result<&'a Track, DecodeError> {
    tracks
        .iter()
        .find(|track| is_audio(track))
        .ok_or(DecodeError::UnsupportedCodec {
            container,
            codec: "no audio track that we know".to_owned(),
        })
}

pub(super) struct Opened {
    pub(super) decoder: Box<dyn AudioDecoder>,
    pub(super) codec: &'static str,
    /// Frames to leave out that the decoder does not know of.
    pub(super) pre_skip: u64,
}

pub(super) fn decoder_of(
    track: &Track,
    container: &'static str,
    limits: &Limits,
) -> Result<Opened, DecodeError> {
    let Some(CodecParameters::Audio(params)) = &track.codec_params else {
        return Err(DecodeError::UnsupportedCodec {
            container,
            codec: "unknown".to_owned(),
        });
    };
    let (params, pre_skip) = mended(params);
    // Decoders allocate by these numbers.
    if let (Some(rate_hz), Some(channels)) = (params.sample_rate, &params.channels) {
        Layout::checked(rate_hz, channels.count(), limits)?;
    }
    let codec = codec_names::of(params.codec);
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    match codecs.make_audio_decoder(&params, &AudioDecoderOptions::default()) {
        Ok(decoder) => Ok(Opened {
            decoder,
            codec,
            pre_skip,
        }),
        Err(Error::Unsupported(reason)) => Err(DecodeError::UnsupportedCodec {
            container,
            codec: format!("{codec} ({reason})"),
        }),
        Err(_) => Err(DecodeError::Corrupt {
            reason: "the codec's own header cannot be read",
        }),
    }
}

/// Containers write things that are true and that decoders trip over.
fn mended(params: &AudioCodecParameters) -> (AudioCodecParameters, u64) {
    let mut params = params.clone();
    let mut pre_skip = 0;
    match params.codec {
        // Eight bits as stored; the decoder wants to hear of the sixteen that they stand for.
        id::CODEC_ID_PCM_ALAW | id::CODEC_ID_PCM_MULAW => {
            params.bits_per_sample = None;
            params.bits_per_coded_sample = None;
        }
        // Opus always decodes to 48 kHz; the header tells what the encoder was given. The decoder would take its pre-skip
        // from the first packet alone, which may be shorter than it.
        id::CODEC_ID_OPUS => {
            params.sample_rate = Some(48_000);
            let head = params.extra_data.take().unwrap_or_default();
            if head.starts_with(b"OpusHead") {
                pre_skip = u16_le(&head, 10).map_or(0, u64::from);
            }
        }
        _ => {}
    }
    (params, pre_skip)
}
