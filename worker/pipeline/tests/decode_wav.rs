//! WAV files as this test writes them: each coding, and each way in which a recorder lies about sizes.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs::File;
use std::io::Write;

use job_schema::ErrorCode;
use job_schema::engine::Limits;
use job_schema::transcript::WarningCode;
use pipeline::decode::{Damage, DecodeError, Decoder, Hints, StreamFormat};

struct Decoded {
    format: StreamFormat,
    channels: Vec<Vec<f32>>,
    damage: Damage,
}

fn stored(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    decode_within(bytes, &Limits::default())
}

fn decode_within(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder::open(stored(bytes), &Hints::default(), limits)?;
    let mut channels = vec![Vec::new(); usize::from(decoder.format().channels_count)];
    while let Some(block) = decoder.next_block()? {
        for (all, samples) in channels.iter_mut().zip(block.channels) {
            all.extend(samples);
        }
    }
    Ok(Decoded {
        format: decoder.format().clone(),
        channels,
        damage: decoder.damage(),
    })
}

struct Wav {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    bits: u16,
    data: Vec<u8>,
    /// What the header says of the data's size.
    claimed_bytes: u32,
}

impl Wav {
    fn of(tag: u16, bits: u16, data: Vec<u8>) -> Wav {
        Wav {
            tag,
            channels: 1,
            rate_hz: 8_000,
            bits,
            claimed_bytes: u32::try_from(data.len()).unwrap(),
            data,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let align = self.channels * self.bits / 8;
        let mut out = b"RIFF".to_vec();
        out.extend(self.claimed_bytes.wrapping_add(36).to_le_bytes());
        out.extend(b"WAVEfmt \x10\0\0\0");
        out.extend(self.tag.to_le_bytes());
        out.extend(self.channels.to_le_bytes());
        out.extend(self.rate_hz.to_le_bytes());
        out.extend(self.rate_hz.wrapping_mul(u32::from(align)).to_le_bytes());
        out.extend(align.to_le_bytes());
        out.extend(self.bits.to_le_bytes());
        out.extend(b"data");
        out.extend(self.claimed_bytes.to_le_bytes());
        out.extend(&self.data);
        out
    }
}

fn s16(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn codes(damage: &Damage) -> Vec<WarningCode> {
    damage.warnings().iter().map(|w| w.code).collect()
}

#[test]
fn each_coding_gives_the_value_that_was_written() {
    let cases: [(&str, u16, u16, Vec<u8>, f32); 9] = [
        ("pcm_u8", 1, 8, vec![192], 0.5),
        ("pcm_s16le", 1, 16, vec![0x00, 0x40], 0.5),
        ("pcm_s24le", 1, 24, vec![0, 0, 0x40], 0.5),
        ("pcm_s32le", 1, 32, vec![0, 0, 0, 0xc0], -0.5),
        ("pcm_f32le", 3, 32, 0.5f32.to_le_bytes().to_vec(), 0.5),
        ("pcm_f64le", 3, 64, (-0.5f64).to_le_bytes().to_vec(), -0.5),
        ("pcm_alaw", 6, 8, vec![0xaa], 32_256.0 / 32_768.0),
        ("pcm_mulaw", 7, 8, vec![0x80], 32_124.0 / 32_768.0),
        ("pcm_mulaw", 7, 8, vec![0x00], -32_124.0 / 32_768.0),
    ];
    for (codec, tag, bits, sample, wanted) in cases {
        let decoded = decode(&Wav::of(tag, bits, sample.repeat(10)).bytes()).unwrap();
        assert_eq!(decoded.format.codec, codec);
        assert_eq!(decoded.format.container, "wav");
        assert_eq!(decoded.format.declared_frames, Some(10));
        assert_eq!(decoded.channels, [vec![wanted; 10]], "{codec}");
    }
}

#[test]
fn channels_come_apart_in_their_order() {
    let wav = Wav {
        channels: 2,
        ..Wav::of(1, 16, s16(&[100, -200, 100, -200]))
    };
    let decoded = decode(&wav.bytes()).unwrap();
    assert_eq!(decoded.channels[0], vec![100.0 / 32_768.0; 2]);
    assert_eq!(decoded.channels[1], vec![-200.0 / 32_768.0; 2]);
    assert_eq!(codes(&decoded.damage), []);
}

#[test]
fn a_block_size_that_forgets_the_channels_is_not_believed() {
    let wav = Wav {
        channels: 2,
        ..Wav::of(1, 16, s16(&[0x4000, -0x4000]).repeat(100))
    };
    let mut bytes = wav.bytes();
    bytes[32..34].copy_from_slice(&2u16.to_le_bytes());
    assert_eq!(
        decode(&bytes).unwrap().channels,
        decode(&wav.bytes()).unwrap().channels
    );
    assert_eq!(decode(&bytes).unwrap().channels[1], vec![-0.5; 100]);
}

#[test]
fn sizes_that_lie_are_decoded_as_far_as_the_file_goes() {
    for claimed_bytes in [0, u32::MAX, 0x7fff_ffff, 100_000] {
        let wav = Wav {
            claimed_bytes,
            ..Wav::of(1, 16, s16(&[1_000; 8_000]))
        };
        let mut bytes = wav.bytes();
        bytes.push(7); // half a sample
        let decoded = decode(&bytes).unwrap();
        assert_eq!(decoded.channels[0].len(), 8_000, "{claimed_bytes}");
        assert!(
            codes(&decoded.damage).contains(&WarningCode::Truncated),
            "{claimed_bytes}"
        );
    }
}

#[test]
fn a_file_far_shorter_than_declared_says_so() {
    let wav = Wav {
        claimed_bytes: 32_000,
        ..Wav::of(1, 16, s16(&[1_000; 8_000]))
    };
    let decoded = decode(&wav.bytes()).unwrap();
    let warnings = decoded.damage.warnings();
    let mismatch = warnings
        .iter()
        .find(|w| w.code == WarningCode::DurationMismatch)
        .unwrap();
    assert_eq!(mismatch.detail, "declared 2000 ms, decoded 1000 ms");
}

#[test]
fn layouts_that_no_recorder_makes_are_refused_before_they_cost_anything() {
    for (rate_hz, channels) in [
        (0, 1),
        (1, 1),
        (3_999, 1),
        (u32::MAX, 1),
        (8_000, 0),
        (8_000, 255),
    ] {
        let wav = Wav {
            rate_hz,
            channels,
            ..Wav::of(1, 8, vec![128; 100])
        };
        let error = decode(&wav.bytes()).map(|_| ()).unwrap_err();
        assert_eq!(
            error.code(),
            ErrorCode::UnsupportedLayout,
            "{rate_hz} Hz, {channels}"
        );
    }
}

#[test]
fn odd_widths_are_refused_by_name() {
    for bits in [1, 64] {
        let error = decode(&Wav::of(1, bits, vec![0; 64]).bytes())
            .map(|_| ())
            .unwrap_err();
        assert!(
            matches!(
                error,
                DecodeError::UnsupportedCodec { .. } | DecodeError::Corrupt { .. }
            ),
            "{error}"
        );
    }
}

#[test]
fn floats_that_are_no_sound_become_silence_and_are_counted() {
    let samples = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e38,
        -1e38,
        1.5,
        0.25,
    ];
    let data = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let decoded = decode(&Wav::of(3, 32, data).bytes()).unwrap();
    assert_eq!(decoded.channels[0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.25]);
    assert_eq!(decoded.damage.invalid_samples_count, 5);
    assert_eq!(codes(&decoded.damage), [WarningCode::InvalidSamples]);
}

#[test]
fn clipping_is_told_from_peaks() {
    let mut square: Vec<i16> = [i16::MAX; 20].into_iter().chain([i16::MIN; 20]).collect();
    let decoded = decode(&Wav::of(1, 16, s16(&square.repeat(10))).bytes()).unwrap();
    assert_eq!(decoded.damage.clipped, [(0, 400)]);
    square = (0..40)
        .map(|i| if i % 20 < 2 { i16::MAX } else { 0 })
        .collect();
    let decoded = decode(&Wav::of(1, 16, s16(&square.repeat(10))).bytes()).unwrap();
    assert_eq!(decoded.damage.clipped, []);
}

#[test]
fn the_shortest_recordings_decode() {
    for count in [1usize, 2, 200, 201] {
        let decoded = decode(&Wav::of(1, 16, s16(&vec![5; count])).bytes()).unwrap();
        assert_eq!(decoded.channels[0].len(), count);
    }
}

#[test]
fn nothing_to_hear_is_an_error_and_not_an_empty_recording() {
    let code = |bytes: &[u8]| decode(bytes).map(|_| ()).unwrap_err().code();
    assert_eq!(code(b""), ErrorCode::RecordingEmpty);
    let header_only = Wav::of(1, 16, Vec::new()).bytes();
    assert_eq!(code(&header_only), ErrorCode::NoAudioDecoded);
    assert_eq!(code(&header_only[..20]), ErrorCode::NoAudioDecoded);
}

#[test]
fn the_budget_is_on_decoded_time() {
    let limits = Limits {
        max_duration_ms: 1_000,
        ..Limits::default()
    };
    let within = Wav::of(1, 16, s16(&[0; 8_000])).bytes();
    assert_eq!(
        decode_within(&within, &limits).unwrap().channels[0].len(),
        8_000
    );
    let beyond = Wav::of(1, 16, s16(&[0; 8_001])).bytes();
    let error = decode_within(&beyond, &limits).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RecordingTooLong);
}
