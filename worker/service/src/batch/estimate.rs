//! How much audio a batch holds. In: items, with lengths and sizes as far as they are known. Out: hours, and how many items each
//! kind of knowledge covers. Pure. A length comes from the list or from a stored manifest; else from the size, at the rate
//! of items of the same ending whose length is known, or at a usual one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Item;

/// Bytes a second of what telephone systems write.
const USUAL: [(&str, u64); 9] = [
    ("wav", 16_000), // 8 kHz, 16 bit, one channel
    ("au", 8_000),
    ("ulaw", 8_000),
    ("alaw", 8_000),
    ("gsm", 1_625),
    ("flac", 9_000),
    ("mp3", 4_000),
    ("opus", 3_000),
    ("ogg", 4_000),
];
const USUAL_OTHERWISE: u64 = 8_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Audio {
    pub hours: f64,
    /// From the list or from a manifest.
    pub known_count: usize,
    /// From their sizes.
    pub estimated_count: usize,
    /// Neither length nor size is known: left out of the hours.
    pub unknown_count: usize,
}

pub fn audio(items: &[Item]) -> Audio {
    let rates = rates(items);
    let (mut audio, mut ms) = (Audio::default(), 0_u64);
    for item in items {
        match (item.audio_ms, item.size_bytes) {
            (Some(known), _) => {
                audio.known_count += 1;
                ms = ms.saturating_add(known);
            }
            (None, Some(size_bytes)) => {
                audio.estimated_count += 1;
                let rate = rates.get(ending(item)).copied();
                let rate = rate.unwrap_or_else(|| usual(ending(item)));
                ms = ms.saturating_add(size_bytes.saturating_mul(1_000) / rate.max(1));
            }
            (None, None) => audio.unknown_count += 1,
        }
    }
    audio.hours = std::time::Duration::from_millis(ms).as_secs_f64() / 3_600.0;
    audio
}

/// By ending, over all items of which both length and size are known.
fn rates(items: &[Item]) -> BTreeMap<&str, u64> {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for item in items {
        if let (Some(ms), Some(size_bytes)) = (item.audio_ms, item.size_bytes) {
            let (all_bytes, all_ms) = sums.entry(ending(item)).or_default();
            *all_bytes = all_bytes.saturating_add(size_bytes);
            *all_ms = all_ms.saturating_add(ms);
        }
    }
    let rate = |(bytes, ms): (u64, u64)| bytes.saturating_mul(1_000).checked_div(ms);
    let rates = sums
        .into_iter()
        .filter_map(|(e, sum)| Some((e, rate(sum)?)));
    rates.filter(|(_, rate)| *rate > 0).collect()
}

fn ending(item: &Item) -> &str {
    let name = item.key.as_str().rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

fn usual(ending: &str) -> u64 {
    let known = USUAL
        .iter()
        .find(|(known, _)| ending.eq_ignore_ascii_case(known));
    known.map_or(USUAL_OTHERWISE, |(_, rate)| *rate)
}
