//! Sound recordings to be damaged. In: the decoder's fixtures and the sample calls, which the project made itself, and a
//! folder of others if one is named. Out: at least one file of every container and codec that is read. Fails when a
//! fixture is missing.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::recordings::{samples, wav};

/// A whole recording.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Container and codec, as the report's row is called.
    pub format: String,
    /// What the object's key would end in.
    pub extension: String,
    pub bytes: Vec<u8>,
}

#[rustfmt::skip] // a table reads as one
const FIXTURES: [(&str, &str); 22] = [
    ("aac.aac", "adts aac"), ("aac.m4a", "mp4 aac"), ("alac.m4a", "mp4 alac"), ("alaw.caf", "caf alaw"),
    ("flac.flac", "flac"), ("flac.ogg", "ogg flac"), ("g722.g722", "raw g722"), ("g722.wav", "wav g722"),
    ("gsm.gsm", "raw gsm"), ("gsm.wav", "wav gsm"), ("ima.wav", "wav adpcm_ima"), ("mp2_16k.mp2", "mp2"),
    ("mp3.wav", "wav mp3"), ("mp3_44k.mp3", "mp3"), ("mp3_8k.mp3", "mp3"), ("ms.wav", "wav adpcm_ms"),
    ("mulaw.aifc", "aiff mulaw"), ("mulaw.au", "au mulaw"), ("opus.ogg", "ogg opus"), ("opus.webm", "webm opus"),
    ("s16.aiff", "aiff pcm"), ("vorbis.ogg", "ogg vorbis"),
];
/// Sample calls and how much of them: enough to hear words in, small enough for thousands.
const CALLS: [(&str, &str); 3] = [
    ("boiler-booking.mp3", "mp3"),
    ("refund-dispute.opus", "ogg opus"),
    ("voicemail.wav", "wav mulaw"),
];
const CALL_BYTES: usize = 48 << 10;
/// Three seconds into a sample call somebody speaks.
const SPOKEN_SAMPLES: std::ops::Range<usize> = 16_000..40_000;
/// The largest file of a folder that is still taken.
const MAX_BYTES: u64 = 1 << 20;

/// What the repository has.
pub fn own() -> anyhow::Result<Vec<Seed>> {
    let data = crate::package_dir().join("../worker/pipeline/tests/data");
    let mut seeds = Vec::new();
    for (name, format) in FIXTURES {
        seeds.push(read(&data.join(name), format)?);
    }
    for (name, format) in CALLS {
        let mut seed = read(&crate::recordings::sample_path(name), format)?;
        seed.bytes.truncate(CALL_BYTES);
        seeds.push(seed);
    }
    let speech = samples()?;
    let speech = speech.get(SPOKEN_SAMPLES).context("a short sample call")?;
    for (coding, format) in wav::CODINGS {
        seeds.push(Seed {
            format: (*format).to_owned(),
            extension: "wav".to_owned(),
            bytes: wav::written(speech, *coding)?,
        });
    }
    Ok(seeds)
}

/// Every small file below a folder, under its name ending.
pub fn of_folder(folder: &Path) -> anyhow::Result<Vec<Seed>> {
    let mut folders = vec![folder.to_owned()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("list {}", folder.display()))? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else if (1..=MAX_BYTES).contains(&meta.len()) {
                files.push(entry.path());
            }
        }
    }
    // The same case numbers on every machine, whatever order its file system has.
    files.sort();
    files
        .iter()
        .map(|path| read(path, &format!("folder {}", extension(path))))
        .collect()
}

fn read(path: &Path, format: &str) -> anyhow::Result<Seed> {
    Ok(Seed {
        format: format.to_owned(),
        extension: extension(path),
        bytes: std::fs::read(path).with_context(|| format!("read {}", path.display()))?,
    })
}

fn extension(path: &Path) -> String {
    path.extension()
        .map(|ending| ending.to_string_lossy().into_owned())
        .unwrap_or_default()
}
