//! How far decoded recordings lie from their source. In: a recording and the same sound in other codecs. Out: for each channel
//! the lag at which it is most like the source's, in ms; above 0 it comes late. Exits with 1 where one is off by more than
//! 20 ms, or is not like it at all.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use job_schema::engine::Limits;
use pipeline::decode::{Decoder, Hints};
use pipeline::recognizer::SAMPLE_RATE_HZ;
use pipeline::resample::Resampler;

const USAGE: &str = "codec_clock SOURCE CODED…

  codec_clock call.wav call.mp3 call.opus";
const MOST_OFF_MS: f32 = 20.0;
/// Of the cosine between the two. Codecs of telephones leave more.
const LEAST_LIKE: f64 = 0.5;
const SAMPLES_PER_MS: usize = SAMPLE_RATE_HZ as usize / 1_000;
/// To both sides.
const FURTHEST: usize = 200 * SAMPLES_PER_MS;
/// Enough to be sure of the place.
const COMPARED: usize = 3_000 * SAMPLES_PER_MS;

#[expect(clippy::print_stdout, reason = "a command: its output is its answer")]
fn main() -> Result<ExitCode> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [source, coded @ ..] = paths.as_slice() else {
        bail!("usage: {USAGE}");
    };
    let source = decoded(Path::new(source))?;
    let mut is_on_time = true;
    for path in coded {
        let channels = decoded(Path::new(path))?;
        for (number, channel) in channels.iter().enumerate() {
            let of_source = source.get(number).or(source.first());
            let of_source = of_source.context("the source has no channel")?;
            let (lag, likeness) = lag(of_source, channel);
            let lag_ms = lag / SAMPLES_PER_MS as f32;
            is_on_time &= lag_ms.abs() <= MOST_OFF_MS && likeness >= LEAST_LIKE;
            println!("{lag_ms:8.2} ms  likeness {likeness:.3}  channel {number}  {path}");
        }
    }
    Ok(if is_on_time {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Each channel at 16 kHz, as recognisers hear it.
fn decoded(path: &Path) -> Result<Vec<Vec<f32>>> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let hints = Hints {
        extension: path.extension().and_then(|e| e.to_str()).map(str::to_owned),
        raw_audio: None,
    };
    let mut decoder = Decoder::open(file, &hints, &Limits::default())?;
    let rate_hz = decoder.format().sample_rate_hz;
    let mut channels: Vec<(Resampler, Vec<f32>)> = Vec::new();
    for _ in 0..decoder.format().channels_count {
        channels.push((Resampler::new(rate_hz)?, Vec::new()));
    }
    while let Some(block) = decoder.next_block()? {
        for ((resampler, pcm), samples) in channels.iter_mut().zip(&block.channels) {
            resampler.push(samples, pcm)?;
        }
    }
    let mut decoded = Vec::new();
    for (mut resampler, mut pcm) in channels {
        resampler.finish(&mut pcm)?;
        decoded.push(pcm);
    }
    Ok(decoded)
}

/// In samples, and how alike the two are there. Coarsely first: speech is alike over several samples.
fn lag(source: &[f32], coded: &[f32]) -> (f32, f64) {
    const COARSE: usize = 4;
    let likest = |lags: &mut dyn Iterator<Item = usize>| {
        let tried = lags.map(|shift| (shift, likeness(source, coded, shift)));
        tried.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
    };
    let (about, _) = likest(&mut (0..=2 * FURTHEST).step_by(COARSE));
    let near = about.saturating_sub(COARSE)..=about + COARSE;
    let (shift, likeness) = likest(&mut near.into_iter());
    (shift as f32 - FURTHEST as f32, likeness)
}

/// Of the middle of the source and the coded samples that lie `shift − FURTHEST` later.
fn likeness(source: &[f32], coded: &[f32], shift: usize) -> f64 {
    let length = COMPARED.min(source.len().saturating_sub(2 * FURTHEST));
    let start = (source.len() - length) / 2;
    let from = (start + shift).saturating_sub(FURTHEST);
    let pairs = || {
        source[start..]
            .iter()
            .zip(coded.get(from..).unwrap_or_default())
            .take(length)
    };
    let sum = |product: fn(f64, f64) -> f64| -> f64 {
        pairs()
            .map(|(a, b)| product(f64::from(*a), f64::from(*b)))
            .sum()
    };
    let energy = sum(|a, _| a * a) * sum(|_, b| b * b);
    if energy > 0.0 {
        sum(|a, b| a * b) / energy.sqrt()
    } else {
        0.0
    }
}
