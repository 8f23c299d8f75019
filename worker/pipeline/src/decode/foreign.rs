//! Names what we do not read: audio whose codec has no decoder here, and files that are no audio at all. In: a file's first
//! bytes. Out: nothing, or the refusal with its name. Source: each format's own signature.

use super::DecodeError;
use super::bytes::array;

/// Signature, its offset, and the codec's name.
const CODECS: &[(&[u8], usize, &str)] = &[
    (b"#!AMR-WB", 0, "amr_wb"),
    (b"#!AMR", 0, "amr_nb"),
    (b"#!SILK", 0, "silk"),
    (b"\x02#!SILK", 0, "silk"),
    (b"MPCK", 0, "musepack8"),
    (b"MP+", 0, "musepack7"),
    (b"MAC ", 0, "ape"),
    (b"wvpk", 0, "wavpack"),
    (b"TTA1", 0, "tta"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, "wma"),
    (b"\x0b\x77", 0, "ac3"),
    (b".RMF", 0, "realaudio"),
    (b".ra\xfd", 0, "realaudio"),
    (b"ADIF", 0, "aac in adif"),
    (b"NIST_1A", 0, "nist_sphere"),
    (b"DSD ", 0, "dsd"),
    (b"\x7f\xfe\x80\x01", 0, "dts"),
    // ITU-T G.192 serial bitstream: a sync word and the length of a 10 ms frame, both in little-endian words.
    (b"\x21\x6b\x50\x00", 0, "g729"),
    (b"\x21\x6b", 0, "g192 bitstream"),
    (b"Speex   ", 0, "speex"),
    (b"ajkg", 0, "shorten"),
    (b"OFR ", 0, "optimfrog"),
    (b"dns.", 0, "little-endian au"),
    (b"RIFX", 0, "big-endian wav"),
    (b"riff\x2e\x91\xcf\x11", 0, "wave64"),
];

/// Signature, its offset, and what it means.
const OTHERS: &[(&[u8], usize, &str)] = &[
    (b"\x89PNG", 0, "a PNG image"),
    (b"\xff\xd8\xff", 0, "a JPEG image"),
    (b"GIF8", 0, "a GIF image"),
    (b"BM", 0, "a BMP image"),
    (b"WEBP", 8, "a WebP image"),
    (b"PK\x03\x04", 0, "a ZIP archive"),
    (b"PK\x05\x06", 0, "a ZIP archive"),
    (b"%PDF", 0, "a PDF document"),
    // Without a name in it, and with one.
    (b"\x1f\x8b\x08\x00", 0, "gzip data"),
    (b"\x1f\x8b\x08\x08", 0, "gzip data"),
    (b"\x1f\x8b", 0, "gzip data"),
    (b"BZh", 0, "bzip2 data"),
    (b"\xfd7zXZ", 0, "xz data"),
    (b"\x28\xb5\x2f\xfd", 0, "zstd data"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive"),
    (b"Rar!", 0, "a RAR archive"),
    (b"ustar", 257, "a tar archive"),
    (b"\x7fELF", 0, "a program"),
    (b"MZ", 0, "a program"),
    (b"AVI ", 8, "an AVI video"),
    (b"FLV\x01", 0, "an FLV video"),
    (b"\x00\x00\x01\xba", 0, "an MPEG video"),
    (b"\x00\x00\x01\xb3", 0, "an MPEG video"),
    (b"MThd", 0, "a MIDI file"),
    (b"SQLite format 3", 0, "a database"),
    (b"\xd0\xcf\x11\xe0", 0, "an Office document"),
    (b"<?xml", 0, "an XML document"),
    (b"<!DOCTYPE", 0, "an HTML page"),
    (b"<!doctype", 0, "an HTML page"),
    (b"<html", 0, "an HTML page"),
    (b"<HTML", 0, "an HTML page"),
];

/// First packet of an Ogg stream, and the codec that writes it so.
const OGG_CODECS: &[(&[u8], &str)] = &[
    (b"Speex   ", "speex"),
    (b"CELT    ", "celt"),
    (b"\x80theora", "theora"),
    (b"PCM     ", "pcm"),
];

/// Sound without a header may well begin as a shorter signature says.
const CERTAIN_BYTES: usize = 4;

/// # Errors
/// For what carries a signature that we know and do not read.
pub(super) fn refuse(head: &[u8], may_be_raw: bool) -> Result<(), DecodeError> {
    let least_bytes = if may_be_raw { CERTAIN_BYTES } else { 0 };
    let matches = |signature: &[u8], at: usize| {
        let rest = head.get(at..).unwrap_or_default();
        rest.starts_with(signature) && signature.len() >= least_bytes
    };
    if let Some((_, _, codec)) = CODECS.iter().find(|(s, at, _)| matches(s, *at)) {
        return Err(DecodeError::UnsupportedCodec {
            container: codec,
            codec: (*codec).to_owned(),
        });
    }
    match OTHERS.iter().find(|(s, at, _)| matches(s, *at)) {
        Some((_, _, looks_like)) => Err(DecodeError::NotAudio { looks_like }),
        None => Ok(()),
    }
}

/// # Errors
/// For bytes that are all characters, such as an error page stored in the recording's place.
pub(super) fn refuse_text(head: &[u8]) -> Result<(), DecodeError> {
    let printable = |&b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    let whole = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The head may end within a character.
        Err(e) => e.error_len().is_none(),
    };
    if whole && head.iter().all(printable) {
        return Err(DecodeError::NotAudio {
            looks_like: "a text",
        });
    }
    Ok(())
}

/// # Errors
/// For Ogg streams whose first packet names a codec without a decoder.
pub(super) fn refuse_ogg(head: &[u8]) -> Result<(), DecodeError> {
    // The page's header is 27 bytes and one for each segment.
    let [segments_count] = array::<1>(head, 26).unwrap_or_default();
    let packet = head
        .get(27 + usize::from(segments_count)..)
        .unwrap_or_default();
    match OGG_CODECS.iter().find(|(s, _)| packet.starts_with(s)) {
        Some((_, codec)) => Err(DecodeError::UnsupportedCodec {
            container: "ogg",
            codec: (*codec).to_owned(),
        }),
        None => Ok(()),
    }
}

/// Sample entries of MP4 files, and the codec behind each.
const MP4_CODECS: &[(&[u8; 4], &str)] = &[
    (b"samr", "amr_nb"),
    (b"sawb", "amr_wb"),
    (b"ac-3", "ac3"),
    (b"ec-3", "eac3"),
    (b"ac-4", "ac4"),
    (b"dtsc", "dts"),
    (b"sevc", "evrc"),
    (b"sqcp", "qcelp"),
    (b"spex", "speex"),
    (b"drms", "drm-protected aac"),
    (b"enca", "encrypted audio"),
    (b"mlpa", "truehd"),
    (b"QDM2", "qdm2"),
];

/// # Errors
/// For MP4 tracks whose codec has no decoder.
pub(super) fn refuse_sample_entry(entry: Option<[u8; 4]>) -> Result<(), DecodeError> {
    match MP4_CODECS.iter().find(|(id, _)| Some(**id) == entry) {
        Some((_, codec)) => Err(DecodeError::UnsupportedCodec {
            container: "mp4",
            codec: (*codec).to_owned(),
        }),
        None => Ok(()),
    }
}
