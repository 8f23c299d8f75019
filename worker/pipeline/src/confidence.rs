//! From a model's probability for a word to how likely the word is right. In: a probability, 0 to 1, and the mapping that
//! was fitted for the recogniser and its model. Out: a confidence, 0 to 1, which rises with the probability. Cannot fail.
//! Source: beta calibration (Kull, Silva Filho, Flach 2017); `docs/recognition.md` has the measurements.

pub use job_schema::transcript::ConfidenceMapping;

/// Nothing is more certain than this: logarithms need a distance from 0 and 1. `benches/compare/quality.py` fits with it.
const LEAST_PROBABILITY: f32 = 1e-4;

/// Without a mapping the probability is all that is known.
pub fn confidence(probability: f32, mapping: Option<&ConfidenceMapping>) -> f32 {
    let Some(mapping) = mapping else {
        return probability.clamp(0.0, 1.0);
    };
    let p = probability.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY);
    let log_odds = mapping.low * p.ln() - mapping.high * (1.0 - p).ln() + mapping.offset;
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(low: f32, high: f32, offset: f32) -> ConfidenceMapping {
        ConfidenceMapping {
            name: "test".into(),
            low,
            high,
            offset,
        }
    }

    #[test]
    fn log_odds_are_what_the_formula_says() {
        let plain = mapping(1.0, 1.0, 0.0);
        let bent = mapping(2.0, 0.5, 1.0);
        // Worked out by hand: odds p² / √(1 − p) · e.
        let table = [
            (&plain, 0.3, 0.3),
            (&plain, 0.9, 0.9),
            (&bent, 0.5, 0.490),
            (&bent, 0.1, 0.028),
            (&bent, 0.9, 0.874),
        ];
        for (mapping, probability, expected) in table {
            let found = confidence(probability, Some(mapping));
            assert!((found - expected).abs() < 1e-3, "{probability}: {found}");
        }
    }

    #[test]
    fn confidence_rises_with_the_probability_and_stays_within_its_bounds() {
        let bent = mapping(2.0, 0.5, 1.0);
        let steps = (0..=1_000u16).map(|n| confidence(f32::from(n) / 1_000.0, Some(&bent)));
        let all: Vec<f32> = steps.collect();
        assert!(all.is_sorted());
        assert!(all.iter().all(|c| (0.0..=1.0).contains(c)));
    }

    #[test]
    fn without_a_mapping_the_probability_is_the_confidence() {
        for (probability, expected) in [(0.4, 0.4), (-1.0, 0.0), (7.0, 1.0)] {
            assert!((confidence(probability, None) - expected).abs() < f32::EPSILON);
        }
    }
}
