//! Tells what a recording is by its first bytes and opens it accordingly. In: the file, and hints that only count where the
//! bytes tell nothing. Out: a stream. Fails: with the codec's name where it is audio that we do not read, and with what the
//! bytes look like where it is not audio. A name ending alone never makes a file audio.

use std::fs::File;

use job_schema::engine::Limits;
use job_schema::job::{RawAudio, RawCodec};

use super::laid_out::{Header, LaidOut};
use super::library::{Container, Library};
use super::source::{Window, read_at};
use super::stream::Stream;
use super::wav::Wav;
use super::{DecodeError, Hints};
use super::{aiff, au, foreign, framing, mp4, raw, wav};

const HEAD_BYTES: usize = 4096;

pub(super) fn open(
    file: File,
    size_bytes: u64,
    hints: &Hints,
    limits: &Limits,
) -> Result<Stream, DecodeError> {
    let head = read_at(&file, 0, HEAD_BYTES)?;
    let by_extension = by_extension(hints);
    let may_be_raw = hints.raw_audio.is_some() || by_extension.is_some();
    if let Some(kind) = by_magic(&head)
        && (!may_be_raw || is_certain(kind, &head))
    {
        return open_as(kind, file, &head, size_bytes, limits);
    }
    foreign::refuse(&head, may_be_raw)?;
    if let Some(raw) = hints.raw_audio {
        return laid_out(file, raw::header(raw, size_bytes), limits);
    }
    foreign::refuse_text(&head)?;
    if let Some(raw) = by_extension {
        return laid_out(file, raw::header(raw, size_bytes), limits);
    }
    demultiplexed(file, 0..size_bytes, Container::Search, "mpeg", limits).map_err(|e| match e {
        DecodeError::Read(_) | DecodeError::SampleRate { .. } | DecodeError::Channels { .. } => e,
        // The search read past everything that it did not know.
        _ => DecodeError::NotAudio {
            looks_like: "data that we do not know",
        },
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wav,
    Aiff,
    Au,
    /// Followed by what it is about.
    Id3,
    Library(Container, &'static str),
}

fn by_magic(head: &[u8]) -> Option<Kind> {
    let form = head.get(8..12).unwrap_or_default();
    Some(match head {
        [b'R', b'I', b'F', b'F', ..] | [b'R', b'F', b'6', b'4', ..] if form == b"WAVE" => Kind::Wav,
        [b'F', b'O', b'R', b'M', ..] if form == b"AIFF" || form == b"AIFC" => Kind::Aiff,
        [b'.', b's', b'n', b'd', ..] => Kind::Au,
        [b'I', b'D', b'3', 2..=4, ..] => Kind::Id3,
        [b'f', b'L', b'a', b'C', ..] => Kind::Library(Container::Flac, "flac"),
        [b'O', b'g', b'g', b'S', ..] => Kind::Library(Container::Ogg, "ogg"),
        [b'c', b'a', b'f', b'f', ..] => Kind::Library(Container::Caf, "caf"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Kind::Library(Container::Matroska, "matroska"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Kind::Library(Container::Mp4, "mp4"),
        // Twelve set bits, then the version, two bits of layer and the protection bit; layer 0 is ADTS.
        [0xff, b, ..] if b & 0xf6 == 0xf0 => Kind::Library(Container::Adts, "adts"),
        [0xff, b, c, ..] if b & 0xe0 == 0xe0 && b & 0x06 != 0 && c & 0xf0 != 0xf0 => {
            Kind::Library(Container::Mpeg, "mpeg")
        }
        _ => return None,
    })
}

/// A stream without a header has a sign that sound may have as well: there the next frame has to follow.
fn is_certain(kind: Kind, head: &[u8]) -> bool {
    match kind {
        Kind::Library(Container::Mpeg, _) => framing::mpeg_goes_on(head),
        Kind::Library(Container::Adts, _) => framing::adts_goes_on(head),
        _ => true,
    }
}

/// Where neither header nor job says anything: telephone recorders, Asterisk above all, write these endings for nothing else.
fn by_extension(hints: &Hints) -> Option<RawAudio> {
    let (codec, sample_rate_hz) = match hints.extension.as_deref()?.to_ascii_lowercase().as_str() {
        "g722" => (RawCodec::G722, 16_000),
        "gsm" => (RawCodec::Gsm, 8_000),
        "alaw" | "al" => (RawCodec::Alaw, 8_000),
        "ulaw" | "ul" | "mulaw" => (RawCodec::Mulaw, 8_000),
        "sln" => (RawCodec::PcmS16le, 8_000),
        "sln16" => (RawCodec::PcmS16le, 16_000),
        _ => return None,
    };
    Some(RawAudio {
        codec,
        sample_rate_hz,
        channels: 1,
    })
}

fn open_as(
    kind: Kind,
    file: File,
    head: &[u8],
    size_bytes: u64,
    limits: &Limits,
) -> Result<Stream, DecodeError> {
    match kind {
        Kind::Wav => match wav::read(&file, size_bytes)? {
            Wav::LaidOut(header) => laid_out(file, header, limits),
            Wav::Mpeg(data) => demultiplexed(file, data, Container::Mpeg, "wav", limits),
        },
        Kind::Aiff => {
            let compressed = head.get(8..12) == Some(b"AIFC");
            let header = aiff::read(&file, size_bytes, compressed)?;
            laid_out(file, header, limits)
        }
        Kind::Au => laid_out(file, au::read(head, size_bytes)?, limits),
        Kind::Id3 => after_id3(file, head, size_bytes, limits),
        Kind::Library(container, name) => {
            match container {
                Container::Ogg => foreign::refuse_ogg(head)?,
                Container::Mp4 => return mp4(file, size_bytes, limits),
                _ => {}
            }
            demultiplexed(file, 0..size_bytes, container, name, limits)
        }
    }
}

fn mp4(file: File, size_bytes: u64, limits: &Limits) -> Result<Stream, DecodeError> {
    let track = mp4::audio_track(&file, size_bytes)?.unwrap_or_default();
    foreign::refuse_sample_entry(track.sample_entry)?;
    let window = Window::new(file, 0..size_bytes);
    Library::open(window, Container::Mp4, "mp4", track.edit, limits).map(Stream::Library)
}

/// The tag is skipped by its own length and never parsed. A wrong length is found out by the search.
fn after_id3(
    file: File,
    head: &[u8],
    size_bytes: u64,
    limits: &Limits,
) -> Result<Stream, DecodeError> {
    let start = id3_bytes(head).min(size_bytes);
    let next = read_at(&file, start, 16)?;
    foreign::refuse(&next, false)?;
    let (container, name) = match by_magic(&next) {
        Some(Kind::Library(container, name)) => (container, name),
        _ => (Container::Search, "mpeg"),
    };
    demultiplexed(file, start..size_bytes, container, name, limits)
}

/// Ten bytes of header, then four bytes of seven bits each; a footer repeats the header.
fn id3_bytes(head: &[u8]) -> u64 {
    let [_, _, _, _, _, flags, a, b, c, d, ..] = *head else {
        return 0;
    };
    let body = [a, b, c, d]
        .iter()
        .fold(0, |sum, &byte| sum << 7 | u64::from(byte & 0x7f));
    let footer = if flags & 0x10 != 0 { 10 } else { 0 };
    10 + body + footer
}

fn laid_out(file: File, header: Header, limits: &Limits) -> Result<Stream, DecodeError> {
    LaidOut::open(file, header, limits).map(Stream::LaidOut)
}

fn demultiplexed(
    file: File,
    range: std::ops::Range<u64>,
    container: Container,
    name: &'static str,
    limits: &Limits,
) -> Result<Stream, DecodeError> {
    Library::open(Window::new(file, range), container, name, None, limits).map(Stream::Library)
}
