//! How likely a word is right when a model gives it a probability. In: the recogniser and the model's family. Out: the
//! mapping that was fitted for it, or for the recogniser's other families where it was not measured. Cannot fail.
//! Source: `benches/compare/quality.py confidence` fits the constants; `docs/recognition.md` says on what, and how well.

use pipeline::confidence::ConfidenceMapping;

use crate::ggml::Family;

pub(crate) fn native(family: Family) -> ConfidenceMapping {
    match family {
        Family::Tiny => mapping("native-tiny-2", 0.783, 0.754, 1.117),
        Family::Base => mapping("native-base-2", 0.846, 0.750, 1.117),
        Family::Small | Family::Medium | Family::Large => {
            mapping("native-default-2", 0.806, 0.753, 1.112)
        }
    }
}

pub(crate) fn whisper(family: Family) -> ConfidenceMapping {
    match family {
        Family::Tiny => mapping("whisper-tiny-1", 2.366, 0.558, 1.953),
        Family::Base => mapping("whisper-base-1", 1.850, 0.616, 1.602),
        Family::Small | Family::Medium | Family::Large => {
            mapping("whisper-default-1", 2.118, 0.585, 1.783)
        }
    }
}

/// The number at the name's end rises with every change to its constants.
fn mapping(name: &str, low: f32, high: f32, offset: f32) -> ConfidenceMapping {
    ConfidenceMapping {
        name: name.to_owned(),
        low,
        high,
        offset,
    }
}

#[cfg(test)]
mod tests {
    use pipeline::confidence::confidence;

    use super::*;

    #[test]
    fn every_mapping_rises_and_leaves_the_sure_sure_and_the_doubtful_in_doubt() {
        for family in Family::ALL {
            // Where several texts are followed, an unlikely word has its neighbours to speak for it.
            for (mapping, most_doubtful, most_at_half) in
                [(native(family), 0.4, 0.76), (whisper(family), 0.2, 0.75)]
            {
                let at = |probability| confidence(probability, Some(&mapping));
                assert!(mapping.low > 0.0 && mapping.high > 0.0, "{mapping:?}");
                assert!(at(0.99) > 0.95, "{mapping:?}");
                assert!(at(0.1) < most_doubtful, "{mapping:?}");
                // What both models write at one half is right two times in three, or three in four.
                assert!((0.6..most_at_half).contains(&at(0.5)), "{mapping:?}");
            }
        }
    }

    #[test]
    fn a_mapping_is_known_by_recogniser_family_and_revision() {
        assert_eq!(native(Family::Tiny).name, "native-tiny-2");
        assert_eq!(whisper(Family::Large).name, "whisper-default-1");
    }
}
