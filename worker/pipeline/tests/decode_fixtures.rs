//! Encoded recordings of known sound (`tests/data`, written by its `make.sh`): 0.6 s, a tone of 600 Hz from 0.2 to 0.3 s on the
//! left or only channel and from 0.4 to 0.5 s on the right. Each codec has to give it back on the right channel at the right time.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use job_schema::engine::Limits;
use job_schema::job::{RawAudio, RawCodec};
use job_schema::transcript::WarningCode;
use pipeline::decode::{Decoder, Hints, StreamFormat};
use pipeline::resample::Resampler;

/// Word times may be off by this much before anybody hears it.
const TOLERANCE_MS: usize = 12;
const RATE_HZ: usize = 16_000;

fn fixture(name: &str) -> PathBuf {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_dir.join("tests/data").join(name)
}

/// Format, and each channel at 16 kHz.
fn decode(name: &str, hints: &Hints) -> (StreamFormat, Vec<Vec<f32>>) {
    decode_file(File::open(fixture(name)).unwrap(), name, hints)
}

fn decode_file(recording: File, name: &str, hints: &Hints) -> (StreamFormat, Vec<Vec<f32>>) {
    let mut decoder = Decoder::open(recording, hints, &Limits::default()).unwrap();
    let format = decoder.format().clone();
    let channels = usize::from(format.channels_count);
    let mut resamplers: Vec<Resampler> = (0..channels)
        .map(|_| Resampler::new(format.sample_rate_hz).unwrap())
        .collect();
    let mut pcm = vec![Vec::new(); channels];
    while let Some(block) = decoder.next_block().unwrap() {
        for ((resampler, samples), out) in resamplers.iter_mut().zip(&block.channels).zip(&mut pcm)
        {
            resampler.push(samples, out).unwrap();
        }
    }
    for (resampler, out) in resamplers.iter_mut().zip(&mut pcm) {
        resampler.finish(out).unwrap();
    }
    assert!(decoder.damage().damaged_packets_count == 0, "{name}");
    assert!(!decoder.damage().truncated, "{name}");
    (format, pcm)
}

/// First and last millisecond that holds at least a quarter of the tone's level.
fn sounding_ms(pcm: &[f32]) -> (usize, usize) {
    let sounds: Vec<usize> = pcm
        .chunks(RATE_HZ / 1000)
        .enumerate()
        .filter(|(_, ms)| ms.iter().any(|s| s.abs() > 0.125))
        .map(|(ms, _)| ms)
        .collect();
    (*sounds.first().unwrap(), *sounds.last().unwrap())
}

fn assert_tone(name: &str, pcm: &[f32], from_ms: usize) {
    let (first, last) = sounding_ms(pcm);
    assert!(
        first.abs_diff(from_ms) <= TOLERANCE_MS,
        "{name}: starts at {first} ms"
    );
    assert!(
        last.abs_diff(from_ms + 100) <= TOLERANCE_MS,
        "{name}: ends at {last} ms"
    );
    let middle = &pcm[(from_ms + 30) * 16..(from_ms + 70) * 16];
    let level = (middle.iter().map(|s| s * s).sum::<f32>() / middle.len() as f32).sqrt();
    assert!((level - 0.354).abs() < 0.05, "{name}: level {level}");
}

#[test]
fn each_codec_gives_the_sound_back_at_its_time() {
    let cases = [
        ("aac.aac", "adts", "aac", 16_000, 2),
        ("aac.m4a", "mp4", "aac", 8_000, 1),
        ("alac.m4a", "mp4", "alac", 8_000, 1),
        ("alaw.alaw", "raw", "pcm_alaw", 8_000, 1),
        ("alaw.caf", "caf", "pcm_alaw", 8_000, 1),
        ("flac.flac", "flac", "flac", 8_000, 2),
        ("flac.ogg", "ogg", "flac", 8_000, 1),
        ("g722.g722", "raw", "g722", 16_000, 1),
        ("g722.wav", "wav", "g722", 16_000, 1),
        ("gsm.gsm", "raw", "gsm", 8_000, 1),
        ("gsm.wav", "wav", "gsm_ms", 8_000, 1),
        ("ima.wav", "wav", "adpcm_ima_wav", 8_000, 2),
        ("mp2_16k.mp2", "mpeg", "mp2", 16_000, 1),
        ("mp3.wav", "wav", "mp3", 8_000, 1),
        ("mp3_44k.mp3", "mpeg", "mp3", 44_100, 2),
        ("mp3_8k.mp3", "mpeg", "mp3", 8_000, 1),
        ("ms.wav", "wav", "adpcm_ms", 8_000, 2),
        ("mulaw.aifc", "aiff", "pcm_mulaw", 8_000, 1),
        ("mulaw.au", "au", "pcm_mulaw", 8_000, 1),
        ("mulaw.ulaw", "raw", "pcm_mulaw", 8_000, 1),
        ("opus.ogg", "ogg", "opus", 48_000, 2),
        ("opus.webm", "matroska", "opus", 48_000, 1),
        ("s16.aiff", "aiff", "pcm_s16be", 8_000, 1),
        ("s16.sln", "raw", "pcm_s16le", 8_000, 1),
        ("vorbis.ogg", "ogg", "vorbis", 8_000, 2),
    ];
    // Streams without a word on what their encoder put in front: its delay stays in.
    let delayed_ms = |name: &str| match name {
        "aac.aac" => 1024 / 16,
        "mp2_16k.mp2" => 481 / 16,
        "mp3.wav" => 1105 / 8,
        _ => 0,
    };
    for (name, container, codec, rate_hz, channels_count) in cases {
        let extension = name.rsplit('.').next().map(str::to_owned);
        let (format, pcm) = decode(
            name,
            &Hints {
                extension,
                raw_audio: None,
            },
        );
        assert_eq!(
            (format.container.as_str(), format.codec.as_str()),
            (container, codec)
        );
        assert_eq!(
            (format.sample_rate_hz, format.channels_count),
            (rate_hz, channels_count)
        );
        for (samples, from_ms) in pcm.iter().zip([200, 400]) {
            assert_tone(name, samples, from_ms + delayed_ms(name));
        }
    }
}

#[test]
fn further_tracks_are_told_and_the_first_is_read() {
    for (name, unread_count) in [("tracks.mka", 1), ("tracks.m4a", 1), ("opus.webm", 0)] {
        let (_, pcm) = decode(name, &Hints::default());
        assert_tone(name, &pcm[0], 200);
        let recording = File::open(fixture(name)).unwrap();
        let decoder = Decoder::open(recording, &Hints::default(), &Limits::default()).unwrap();
        let damage = decoder.damage();
        assert_eq!(damage.unread_tracks_count, unread_count, "{name}");
        let told = damage.warnings();
        let told = told.iter().any(|w| w.code == WarningCode::UnreadTracks);
        assert_eq!(told, unread_count > 0, "{name}");
    }
}

#[test]
fn a_hole_in_the_containers_time_is_silence() {
    let (_, pcm) = decode("hole.mka", &Hints::default());
    assert_tone("before the hole", &pcm[0][..RATE_HZ], 200);
    assert_tone("behind the hole", &pcm[0][2 * RATE_HZ..], 400);
}

#[test]
fn one_damaged_block_silences_no_other() {
    let mut bytes = std::fs::read(fixture("gsm.gsm")).unwrap();
    // The mark of the third frame of 20 ms.
    bytes[2 * 33] = 0;
    let mut recording = tempfile::tempfile().unwrap();
    recording.write_all(&bytes).unwrap();
    let hints = Hints {
        extension: Some("gsm".to_owned()),
        raw_audio: None,
    };
    let mut decoder = Decoder::open(recording, &hints, &Limits::default()).unwrap();
    let mut frames = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        frames.extend_from_slice(&block.channels[0]);
    }
    assert_eq!(decoder.damage().damaged_packets_count, 1);
    assert_eq!(frames.len(), bytes.len() / 33 * 160);
    assert!(frames[320..480].iter().all(|sample| *sample == 0.0));
    assert!(frames[1_700..2_300].iter().any(|sample| sample.abs() > 0.3));
}

#[test]
fn headerless_recordings_are_what_the_job_says() {
    let hints = Hints {
        extension: None,
        raw_audio: Some(RawAudio {
            codec: RawCodec::Gsm,
            sample_rate_hz: 8_000,
            channels: 1,
        }),
    };
    let (format, pcm) = decode("gsm.gsm", &hints);
    assert_eq!(format.container, "raw");
    assert_tone("gsm", &pcm[0], 200);
}

/// What begins like a stream without a container, which a quiet line may.
#[test]
fn a_headerless_recording_is_no_stream_because_of_its_first_samples() {
    let raw_audio = |codec| RawAudio {
        codec,
        sample_rate_hz: 8_000,
        channels: 1,
    };
    let quiet: [(RawCodec, &str, &[u8]); 4] = [
        (RawCodec::Mulaw, "mulaw.ulaw", &[0xff, 0xfe, 0x7e, 0xff]),
        (RawCodec::Mulaw, "mulaw.ulaw", &[0xff, 0xf1, 0x7e, 0xfe]),
        (RawCodec::PcmS16le, "s16.sln", &[0xff, 0xff, 0, 0]),
        (RawCodec::Mulaw, "mulaw.ulaw", b"BM\xff\xfe"),
    ];
    for (codec, name, first) in quiet {
        let mut bytes = std::fs::read(fixture(name)).unwrap();
        bytes[..first.len()].copy_from_slice(first);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let by_job = Hints {
            extension: None,
            raw_audio: Some(raw_audio(codec)),
        };
        let by_ending = Hints {
            extension: name.rsplit('.').next().map(str::to_owned),
            raw_audio: None,
        };
        for hints in [by_job, by_ending] {
            let (format, pcm) = decode_file(file.try_clone().unwrap(), name, &hints);
            assert_eq!(format.container, "raw", "{name} {first:x?}");
            assert_tone(name, &pcm[0], 200);
        }
    }
}

#[test]
fn a_stream_is_one_whatever_the_job_says_of_a_layout() {
    for name in [
        "mp3_8k.mp3",
        "mp3_44k.mp3",
        "mp2_16k.mp2",
        "aac.aac",
        "ms.wav",
    ] {
        let hints = Hints {
            extension: Some("ulaw".to_owned()),
            raw_audio: Some(RawAudio {
                codec: RawCodec::Mulaw,
                sample_rate_hz: 8_000,
                channels: 1,
            }),
        };
        let (format, _) = decode(name, &hints);
        assert_ne!(format.container, "raw", "{name}");
    }
}

#[test]
fn a_length_is_declared_by_a_container_and_estimated_of_a_bare_stream() {
    for (name, is_declared) in [
        ("mp3_8k.mp3", true),
        ("mp3_44k.mp3", true),
        ("aac.m4a", true),
        ("aac.aac", false),
        ("mp2_16k.mp2", false),
        ("mp3.wav", false),
    ] {
        let (format, pcm) = decode(name, &Hints::default());
        assert_eq!(format.declared_frames.is_some(), is_declared, "{name}");
        let Some(likely) = format.likely_frames else {
            // Of half a second there is too little to go by.
            assert!(["mp2_16k.mp2", "mp3.wav"].contains(&name), "{name}");
            continue;
        };
        let likely_ms = 1_000 * likely / u64::from(format.sample_rate_hz);
        let off_ms = likely_ms.abs_diff(pcm[0].len() as u64 / 16);
        assert!(off_ms <= 150, "{name}: {off_ms}");
    }
}
