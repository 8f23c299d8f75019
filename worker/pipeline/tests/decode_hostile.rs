//! Files made to hurt or to mislead: each ends in a typed error, soon and in little memory.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs::File;
use std::io::Write;
use std::path::Path;

use job_schema::engine::Limits;
use job_schema::{ErrorCode, Failure};
use pipeline::decode::{DecodeError, Decoder, Hints};

fn stored(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn frames(bytes: &[u8], limits: &Limits) -> Result<usize, DecodeError> {
    let mut decoder = Decoder::open(stored(bytes), &Hints::default(), limits)?;
    let mut count = 0;
    while let Some(block) = decoder.next_block()? {
        assert!(
            block.frames() < 1 << 20,
            "a block is small whatever the header says"
        );
        count += block.frames();
    }
    Ok(count)
}

fn failure(bytes: &[u8]) -> Failure {
    frames(bytes, &Limits::default()).unwrap_err().into()
}

fn crc(bytes: &[u8], polynomial: u32, width: u32) -> u32 {
    let top = 1 << (width - 1);
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << (width - 8)), |crc, _| {
            let shifted = crc << 1;
            let mixed = if crc & top != 0 {
                shifted ^ polynomial
            } else {
                shifted
            };
            mixed & ((top << 1) - 1)
        })
    })
}

/// FLAC frames of one constant value: 65,535 samples in 16 bytes.
fn flac_of_silence(frames_count: u8) -> Vec<u8> {
    let mut out = b"fLaC\x80\x00\x00\x22\xff\xff\xff\xff\0\0\0\0\0\0".to_vec();
    // 8000 Hz in 20 bits, one channel, 16 bits, a length that is not told; no MD5.
    out.extend([0x01, 0xf4, 0x00, 0xf0, 0, 0, 0, 0]);
    out.extend([0; 16]);
    for index in 0..frames_count {
        let mut frame = vec![0xff, 0xf8, 0x70, 0x08, index, 0xff, 0xfe];
        frame.extend(&crc(&frame, 0x07, 8).to_be_bytes()[3..]);
        frame.extend([0, 0, 0]);
        frame.extend(&crc(&frame, 0x8005, 16).to_be_bytes()[2..]);
        out.extend(frame);
    }
    out
}

#[test]
fn a_file_that_grows_a_thousandfold_stops_at_the_budget() {
    let bomb = flac_of_silence(100);
    assert!(bomb.len() < 2_000);
    let all = frames(&bomb, &Limits::default()).unwrap();
    assert_eq!(all, 100 * 65_535, "800 s in 1.2 kB");
    let limits = Limits {
        max_duration_ms: 60_000,
        ..Limits::default()
    };
    let error = frames(&bomb, &limits).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RecordingTooLong);
}

#[test]
fn what_is_no_audio_is_named() {
    let page = "<!DOCTYPE html><html><title>404 Not Found</title></html>";
    let cases: [(&[u8], &str); 8] = [
        (b"\x89PNG\r\n\x1a\n and pixels", "a PNG image"),
        (b"PK\x03\x04 and files", "a ZIP archive"),
        (b"%PDF-1.7 and pages", "a PDF document"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip data"),
        (page.as_bytes(), "an HTML page"),
        (b"<Error><Code>AccessDenied</Code></Error>", "a text"),
        (b"Dear all, the recording is in the other folder.", "a text"),
        (&[0x91; 5_000], "data that we do not know"),
    ];
    for (bytes, name) in cases {
        let failure = failure(bytes);
        assert_eq!(failure.code, ErrorCode::UnsupportedFormat, "{name}");
        assert_eq!(failure.detail, format!("not audio: looks like {name}"));
    }
}

#[test]
fn an_extension_makes_nothing_audio() {
    let page = format!("<!doctype html>{}", "<p>not found</p>\n".repeat(400));
    let log = "2026-11-30 no such recording\n".repeat(400);
    let zip = "PK\u{3}\u{4} renamed";
    for (extension, bytes) in [
        ("wav", zip),
        ("ulaw", zip),
        ("alaw", &page),
        ("sln", &log),
        ("gsm", &log),
    ] {
        let hints = Hints {
            extension: Some(extension.to_owned()),
            raw_audio: None,
        };
        let error =
            Decoder::open(stored(bytes.as_bytes()), &hints, &Limits::default()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnsupportedFormat, "{extension}");
    }
}

#[test]
fn codecs_that_we_lack_are_named() {
    let cases: [(&[u8], &str); 6] = [
        (b"#!AMR\n\x3c\x91\x17", "amr_nb"),
        (b"#!AMR-WB\n\x3c", "amr_wb"),
        (b"MAC \x96\x0f\0\0", "ape"),
        (b"wvpk\0\0\0\0", "wavpack"),
        (b"MP+\x07\0\0", "musepack7"),
        (b"\x0b\x77\0\0\x14\x40", "ac3"),
    ];
    for (bytes, codec) in cases {
        let failure = failure(bytes);
        assert_eq!(failure.code, ErrorCode::UnsupportedCodec, "{codec}");
        assert!(
            failure.detail.contains(&format!("`{codec}`")),
            "{}",
            failure.detail
        );
    }
}

#[test]
fn a_block_that_overflows_the_decoder_costs_its_own_sound_and_no_more() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ms.wav");
    let whole = std::fs::read(path).unwrap();
    let mut loud = whole.clone();
    // The steepest step of the code again and again: the step size triples with each.
    let middle = whole.len() / 2;
    loud[middle..middle + 200].fill(0x88);
    let limits = Limits::default();
    let expected = frames(&whole, &limits).unwrap();
    assert_eq!(frames(&loud, &limits).unwrap(), expected);
}

#[test]
fn every_cut_and_every_flipped_byte_of_a_fixture_ends_in_samples_or_an_error() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let limits = Limits {
        max_duration_ms: 60_000,
        max_damaged_packets: 100,
        ..Limits::default()
    };
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        // A panic of the library would be an error too, but one that we want to hear of.
        let check = |bytes: &[u8], what: &str| {
            if let Err(DecodeError::Corrupt { reason }) = frames(bytes, &limits) {
                assert_ne!(reason, "the decoder panicked", "{} {what}", path.display());
            }
        };
        for cut in (0..whole.len()).step_by(97) {
            check(&whole[..cut], &format!("cut at {cut}"));
        }
        for at in (0..whole.len().min(1_500)).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] = !bytes[at];
            check(&bytes, &format!("flipped at {at}"));
        }
    }
}
