//! WAV files in each of the plain codings. In: samples of 16 bits, one channel and 8 kHz, or legs at any rate. Out: a whole
//! file. Fails when the samples are too many for its sizes. G.711 is written from its definition (ITU-T G.711, tables 1, 2).

use anyhow::Context;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    U8,
    S16,
    S24,
    S32,
    F32,
    F64,
    Alaw,
    Mulaw,
}

/// All of them, with what a report calls them.
#[rustfmt::skip] // a table reads as one
pub const CODINGS: &[(Coding, &str)] = &[
    (Coding::U8, "wav pcm"), (Coding::S16, "wav pcm"), (Coding::S24, "wav pcm"), (Coding::S32, "wav pcm"),
    (Coding::F32, "wav float"), (Coding::F64, "wav float"), (Coding::Alaw, "wav alaw"), (Coding::Mulaw, "wav mulaw"),
];

const RATE_HZ: u32 = 8_000;

/// A mono file.
pub fn written(samples: &[i16], coding: Coding) -> anyhow::Result<Vec<u8>> {
    let data: Vec<u8> = samples.iter().flat_map(|s| encoded(*s, coding)).collect();
    file(&data, coding, 1, RATE_HZ)
}

/// A file with a channel for each leg, 16 bit. Legs that end sooner are silent to the end.
pub fn of_legs(legs: &[Vec<i16>], rate_hz: u32) -> anyhow::Result<Vec<u8>> {
    let frames_count = legs.iter().map(Vec::len).max().unwrap_or_default();
    let sample = |leg: &Vec<i16>, frame: usize| leg.get(frame).copied().unwrap_or_default();
    let data: Vec<u8> = (0..frames_count)
        .flat_map(|frame| {
            legs.iter()
                .flat_map(move |leg| sample(leg, frame).to_le_bytes())
        })
        .collect();
    let legs_count = u16::try_from(legs.len()).context("too many legs for a WAV file")?;
    file(&data, Coding::S16, legs_count, rate_hz)
}

fn file(data: &[u8], coding: Coding, channels: u16, rate_hz: u32) -> anyhow::Result<Vec<u8>> {
    let data_bytes = u32::try_from(data.len()).context("too long for a WAV file")?;
    let (tag, sample_bytes): (u16, u16) = match coding {
        Coding::U8 => (1, 1),
        Coding::S16 => (1, 2),
        Coding::S24 => (1, 3),
        Coding::S32 => (1, 4),
        Coding::F32 => (3, 4),
        Coding::F64 => (3, 8),
        Coding::Alaw => (6, 1),
        Coding::Mulaw => (7, 1),
    };
    let frame_bytes = sample_bytes * channels;
    let mut file = b"RIFF".to_vec();
    file.extend((data_bytes + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate_hz.to_le_bytes());
    file.extend((rate_hz * u32::from(frame_bytes)).to_le_bytes());
    file.extend(frame_bytes.to_le_bytes());
    file.extend((sample_bytes * 8).to_le_bytes());
    file.extend(b"data");
    file.extend(data_bytes.to_le_bytes());
    file.extend(data);
    Ok(file)
}

fn encoded(sample: i16, coding: Coding) -> Vec<u8> {
    let [low, high] = sample.to_le_bytes();
    let unit = f32::from(sample) / 32_768.0;
    match coding {
        Coding::U8 => vec![high ^ 0x80],
        Coding::S16 => vec![low, high],
        Coding::S24 => vec![0, low, high],
        Coding::S32 => vec![0, 0, low, high],
        Coding::F32 => unit.to_le_bytes().to_vec(),
        Coding::F64 => f64::from(unit).to_le_bytes().to_vec(),
        Coding::Alaw => vec![alaw(sample)],
        Coding::Mulaw => vec![mulaw(sample)],
    }
}

/// Sign, segment and four bits of the magnitude, every other bit inverted.
fn alaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = sample.unsigned_abs().min(0x7fff) >> 3;
    let segment = bits(magnitude).saturating_sub(5);
    (sign | packed(segment, magnitude >> segment.max(1))) ^ 0x55
}

/// The same with a bias that keeps the smallest steps apart, and all bits inverted.
fn mulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (sample.unsigned_abs() + 132).min(0x7fff);
    let segment = bits(magnitude) - 8;
    !(sign | packed(segment, magnitude >> (segment + 3)))
}

fn bits(magnitude: u16) -> u16 {
    (0..16)
        .rev()
        .find(|bit| magnitude >> bit != 0)
        .map_or(0, |bit| bit + 1)
}

fn packed(segment: u16, mantissa: u16) -> u8 {
    let [low, _] = (segment << 4 | mantissa & 0x0f).to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use job_schema::engine::Limits;
    use pipeline::decode::{Decoder, Hints};

    use super::*;

    #[test]
    fn each_coding_is_read_back_as_it_was_written() {
        let ramp: Vec<i16> = (-32_768..=32_767).step_by(17).collect();
        for (coding, name) in CODINGS {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&written(&ramp, *coding).unwrap()).unwrap();
            let mut decoder = Decoder::open(file, &Hints::default(), &Limits::default()).unwrap();
            let mut read = Vec::new();
            while let Some(block) = decoder.next_block().unwrap() {
                read.extend_from_slice(&block.channels[0]);
            }
            assert_eq!(read.len(), ramp.len(), "{name}");
            for (wrote, read) in ramp.iter().zip(read) {
                let unit = f32::from(*wrote) / 32_768.0;
                // The coarsest step of eight bits with a logarithm is a sixteenth of the value.
                let step = 0.008 + unit.abs() / 16.0;
                assert!(
                    (unit - read).abs() <= step,
                    "{coding:?}: {unit} became {read}"
                );
            }
        }
    }
}
