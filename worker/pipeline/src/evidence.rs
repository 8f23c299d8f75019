//! What a span's sound says for or against a voice, whatever a model writes of it. In: a heard span, 16 kHz mono f32. Out: how
//! long its speech is and how far its level moves. Cannot fail. Speech comes in syllables, a few each second, and its level
//! falls between them; hum, noise, keys and fax tones hold theirs.

use crate::channel::HeardSpan;
use crate::loudness::{levels_db, percentile, without_constant};
use crate::recognizer::SAMPLE_RATE_HZ;

/// 32 ms: a few periods of the lowest voice, and a fraction of a syllable.
const FRAME_SAMPLES: usize = 512;
/// Between the softest tenth of the frames and the loudest. Measured on the speech of calls, prompts, read sentences and
/// commands: at least 5.4 dB in half a second and more of it, 2.4 in a quarter. Tones, hum and noise have 0 to 4.
const STEADY_DB: f32 = 4.5;
/// In less speech than that, a vowel alone may be as steady.
const SHORT_SPEECH_MS: u64 = 500;
const STEADY_SHORT_DB: f32 = 1.5;
/// From here on steady sound is no speech, whatever a model thinks: in 0.9 s and more, speech moved by at least 8 dB.
const LONG_SPEECH_MS: u64 = 1_000;
/// Speech that is written down sparsely moves by 19 dB and more, with its pauses; a crowd by 3 to 6, without.
const FLAT_DB: f32 = 12.0;
/// Words for each second in which voice activity heard speech. The slowest caller measured had 0.09, but the models were
/// sure that somebody spoke there; where they doubt it, speech had at least 0.9.
const SPARSE_WORDS_PER_S: f32 = 0.4;

/// Of one span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    pub speech_ms: u64,
    /// Between the 10th and the 90th percentile of the level over speech.
    pub level_range_db: f32,
}

impl Evidence {
    pub fn of(heard: &HeardSpan) -> Self {
        let mut levels: Vec<f32> = Vec::new();
        let all = without_constant(&heard.pcm);
        for stretch in &heard.speech {
            let at = |ms: u64| sample(ms.saturating_sub(heard.span.start_ms)).min(all.len());
            let pcm = &all[at(stretch.start_ms)..at(stretch.end_ms)];
            // A part of a frame at the end would be as soft as it is short of sound.
            levels.extend(levels_db(
                &pcm[..pcm.len() / FRAME_SAMPLES * FRAME_SAMPLES],
                FRAME_SAMPLES,
            ));
        }
        Self {
            speech_ms: heard.speech.iter().map(|s| s.duration_ms()).sum(),
            level_range_db: percentile(&levels, 90) - percentile(&levels, 10),
        }
    }

    /// No syllables: the level hardly moves.
    pub(crate) fn is_steady(self) -> bool {
        let least = if self.speech_ms < SHORT_SPEECH_MS {
            STEADY_SHORT_DB
        } else {
            STEADY_DB
        };
        self.level_range_db < least
    }

    /// Steady for longer than anybody could hold a vowel.
    pub(crate) fn is_long_and_steady(self) -> bool {
        self.speech_ms >= LONG_SPEECH_MS && self.is_steady()
    }

    /// Hardly a pause: a crowd, or one voice among many.
    pub(crate) fn is_flat(self) -> bool {
        self.level_range_db < FLAT_DB
    }

    /// So few words for so much sound.
    pub(crate) fn is_sparse(self, words_count: usize) -> bool {
        (words_count as f32) < SPARSE_WORDS_PER_S * self.speech_ms as f32 / 1_000.0
    }
}

/// The first sample of a millisecond.
pub(crate) fn sample(ms: u64) -> usize {
    usize::try_from(ms * u64::from(SAMPLE_RATE_HZ) / 1_000).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use job_schema::transcript::TimeSpan;

    use super::*;

    /// A second and a half, with a second of speech in two stretches.
    fn heard(sound: impl Fn(f32) -> f32) -> HeardSpan {
        let span = |start_ms, end_ms| TimeSpan { start_ms, end_ms };
        let seconds = |n: u16| f32::from(n) / SAMPLE_RATE_HZ as f32;
        HeardSpan {
            channel: 0,
            span: span(7_000, 8_500),
            speech: vec![span(7_200, 7_500), span(7_600, 8_300)],
            pcm: (0..24_000).map(|n| sound(seconds(n))).collect(),
        }
    }

    #[test]
    fn what_has_no_syllables_is_steady() {
        let tone = |t: f32| 0.1 * (TAU * 440.0 * t).sin();
        let syllables = |t: f32| tone(t) * (0.02 + (TAU * 2.0 * t).sin().powi(2));
        let silent_outside = |t: f32| {
            if (0.2..1.3).contains(&t) {
                tone(t)
            } else {
                0.0
            }
        };
        for (what, evidence, is_steady) in [
            ("a tone", Evidence::of(&heard(tone)), true),
            (
                "between silences",
                Evidence::of(&heard(silent_outside)),
                true,
            ),
            ("nothing", Evidence::of(&heard(|_| 0.0)), true),
            ("syllables", Evidence::of(&heard(syllables)), false),
            (
                "syllables on direct current",
                Evidence::of(&heard(|t| 0.2 + syllables(t))),
                false,
            ),
        ] {
            assert_eq!(evidence.is_steady(), is_steady, "{what}: {evidence:?}");
            assert_eq!(evidence.speech_ms, 1_000, "{what}");
        }
    }

    #[test]
    fn one_word_in_a_second_is_not_sparse_and_one_in_three_is() {
        for (speech_ms, words_count, is_sparse) in [
            (1_000, 1, false),
            (3_000, 1, true),
            (3_000, 2, false),
            (0, 0, false),
        ] {
            let evidence = Evidence {
                speech_ms,
                level_range_db: 20.0,
            };
            assert_eq!(evidence.is_sparse(words_count), is_sparse, "{speech_ms} ms");
        }
    }
}
