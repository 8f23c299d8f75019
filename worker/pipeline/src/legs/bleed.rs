//! One leg heard on another, by their envelopes. In: levels of both, hop by hop. Out: whether the listener's follows the
//! talker's, and at which hops it carries nothing else. Cannot fail. Envelopes survive what waveforms do not: codecs,
//! hands-free sets, a line that drifts.

use crate::loudness::percentile;
use crate::voice::HOP_MS;

/// One leg counts as talking above this, on a line of the usual level.
const TALKING_DBFS: f32 = -45.0;
/// On a soft line, that is one whose loudest sounds are not so far above, as far below those.
const BELOW_LOUDEST_DB: f32 = 20.0;
const LOUDEST_PERCENT: usize = 95;
/// No talker is softer.
const SOFTEST_DBFS: f32 = -65.0;
/// And the other as only listening when it is at least so much softer.
pub(super) const SOFTER_DB: f32 = 6.0;
/// Bleed follows the talker's envelope this closely; line noise and the other's own voice stay below 0.3.
const BLEED_CORRELATION: f32 = 0.7;
/// Less listening than this in a window proves nothing.
const MIN_LISTENING_HOPS: usize = (3_000 / HOP_MS) as usize;
/// Echo comes back within this: a local hybrid or a speakerphone, not a satellite.
const MAX_LAG_HOPS: usize = (128 / HOP_MS) as usize;
/// What is no louder than bleed by so much is bleed. Two people who talk at once differ by more, or one is not heard anyway.
const BLEED_SPREAD_DB: f32 = 6.0;
/// Sound so near is judged together: about a syllable.
const AROUND_HOPS: usize = (128 / HOP_MS) as usize;

/// How a talker comes back on another leg.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Echo {
    pub(super) lag_hops: usize,
    /// Relative to the talker.
    pub(super) level_db: f32,
}

pub(super) enum Evidence {
    /// The legs do not follow each other.
    Apart,
    /// Nobody listened for long enough to tell.
    TooLittle,
    Follows(Echo),
}

/// The level above which the talker of this leg is heard.
pub(super) fn talking_dbfs(levels: &[f32]) -> f32 {
    let loudest = percentile(levels, LOUDEST_PERCENT);
    TALKING_DBFS
        .min(loudest - BELOW_LOUDEST_DB)
        .max(SOFTEST_DBFS)
}

/// Whether the listener's leg follows the talker, and how far below.
pub(super) fn evidence(talker: &[f32], listener: &[f32]) -> Evidence {
    let (mut listened, talking_dbfs) = (false, talking_dbfs(talker));
    for lag_hops in 0..=MAX_LAG_HOPS.min(listener.len()) {
        let late = &listener[lag_hops..];
        let pairs: Vec<(f32, f32)> = std::iter::zip(talker.iter().copied(), late.iter().copied())
            .filter(|(t, l)| *t >= talking_dbfs && t - l >= SOFTER_DB)
            .collect();
        if pairs.len() < MIN_LISTENING_HOPS {
            continue;
        }
        listened = true;
        if correlation(&pairs) >= BLEED_CORRELATION {
            let level_db = pairs.iter().map(|(t, l)| l - t).sum::<f32>() / pairs.len() as f32;
            return Evidence::Follows(Echo { lag_hops, level_db });
        }
    }
    if listened {
        Evidence::Apart
    } else {
        Evidence::TooLittle
    }
}

/// Marks the listener's hops around which most of the sound is the talker's echo. Hop by hop echo leaks through between
/// syllables, and voice activity makes speech of the leaks.
pub(super) fn mark_bleed(talker: &[f32], listener: &[f32], echo: Echo, is_bleed: &mut [bool]) {
    let powers: Vec<(f32, f32)> = (0..listener.len())
        .map(|hop| {
            // A hop on both sides: the lag is no whole number of hops.
            let first = hop.saturating_sub(echo.lag_hops + 1);
            let last = (hop + 1).saturating_sub(echo.lag_hops);
            let said = talker.get(first..=last.min(talker.len().saturating_sub(1)));
            let talker_db = said
                .unwrap_or_default()
                .iter()
                .copied()
                .fold(f32::MIN, f32::max);
            let power = 10f32.powf(listener[hop] / 10.0);
            if listener[hop] - talker_db <= echo.level_db + BLEED_SPREAD_DB {
                (power, 0.0)
            } else {
                (0.0, power)
            }
        })
        .collect();
    for (hop, is_bleed) in is_bleed.iter_mut().enumerate() {
        let around = hop.saturating_sub(AROUND_HOPS)..(hop + AROUND_HOPS + 1).min(powers.len());
        let (echoed, own) = powers[around]
            .iter()
            .fold((0.0, 0.0), |sum: (f32, f32), p| (sum.0 + p.0, sum.1 + p.1));
        *is_bleed |= echoed > own;
    }
}

/// Pearson's. 0 where one side does not vary.
fn correlation(pairs: &[(f32, f32)]) -> f32 {
    let count = pairs.len() as f32;
    let (sum_x, sum_y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut xx, mut yy, mut xy) = (0.0f32, 0.0f32, 0.0f32);
    for (x, y) in pairs {
        let (dx, dy) = (x - mean_x, y - mean_y);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    let scale = (xx * yy).sqrt();
    if scale > 0.0 { xy / scale } else { 0.0 }
}
