//! Counting the votes for a channel's language. In: what a model guessed of each of the channel's first spans, with the
//! speech in it, and the languages that may come of it. Out: one language, and what each language was heard for. Cannot
//! fail: where no guess counts, the first language that may be is taken.

use std::collections::BTreeMap;

use job_schema::transcript::{Language, LanguageSource, LanguageVotes};

use crate::recognizer::LanguageGuess;

/// Spans of a channel that vote: one alone may be a single word.
const ENOUGH_SPANS: usize = 3;
/// Or fewer, with as much speech as one window of the model holds.
const ENOUGH_SPEECH_MS: u64 = 30_000;

/// One span's guesses, the likeliest first.
#[derive(Debug)]
pub(super) struct Vote {
    pub(super) speech_ms: u64,
    pub(super) guesses: Vec<LanguageGuess>,
}

/// Whether as much speech in as many spans decides.
pub(super) fn are_enough(spans: usize, speech_ms: u64) -> bool {
    spans >= ENOUGH_SPANS || speech_ms >= ENOUGH_SPEECH_MS
}

/// Sums the probabilities, each weighed by the speech it was heard in. Of `candidates`, if there are any, one wins.
pub(super) fn count(votes: Vec<Vote>, candidates: &[String], otherwise: &str) -> Language {
    let heard_ms: u64 = votes.iter().map(|vote| vote.speech_ms).sum();
    let mut weights: BTreeMap<String, f64> = BTreeMap::new();
    let mut heard: BTreeMap<String, LanguageVotes> = BTreeMap::new();
    for vote in votes {
        let speech_ms = vote.speech_ms;
        for (place, guess) in among(vote.guesses, candidates).into_iter().enumerate() {
            if place == 0 {
                let tally = heard
                    .entry(guess.code.clone())
                    .or_insert_with(|| LanguageVotes::none(&guess.code));
                tally.speech_ms += speech_ms;
                tally.spans_count += 1;
            }
            let share = speech_ms as f64 / heard_ms.max(1) as f64;
            *weights.entry(guess.code).or_default() += f64::from(guess.probability) * share;
        }
    }
    // By name where weights are equal, so that the order of the guesses does not decide.
    let best = weights
        .iter()
        .max_by(|a, b| a.1.total_cmp(b.1).then_with(|| b.0.cmp(a.0)));
    let (code, share) = best.map_or((otherwise, 0.0), |(code, share)| (code.as_str(), *share));
    let mut votes: Vec<LanguageVotes> = heard.into_values().collect();
    votes.sort_by(|a, b| b.speech_ms.cmp(&a.speech_ms).then(a.code.cmp(&b.code)));
    #[expect(clippy::cast_possible_truncation, reason = "a share needs no f64")]
    let confidence = share as f32;
    Language {
        code: code.to_owned(),
        source: LanguageSource::Detected,
        confidence,
        heard_ms,
        votes,
    }
}

/// The guesses that may be, as probabilities among themselves.
fn among(mut guesses: Vec<LanguageGuess>, candidates: &[String]) -> Vec<LanguageGuess> {
    if candidates.is_empty() {
        return guesses;
    }
    guesses.retain(|guess| candidates.contains(&guess.code));
    let sum: f32 = guesses.iter().map(|guess| guess.probability).sum();
    for guess in &mut guesses {
        // Nothing to share out where the model excludes them all: then each counts nothing.
        guess.probability /= sum.max(f32::MIN_POSITIVE);
    }
    guesses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(speech_ms: u64, guesses: &[(&str, f32)]) -> Vote {
        let guess = |(code, probability): &(&str, f32)| LanguageGuess {
            code: (*code).to_owned(),
            probability: *probability,
        };
        Vote {
            speech_ms,
            guesses: guesses.iter().map(guess).collect(),
        }
    }

    fn candidates(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|code| (*code).to_owned()).collect()
    }

    fn heard(language: &Language) -> Vec<(&str, u64, u32)> {
        let votes = language.votes.iter();
        votes
            .map(|v| (v.code.as_str(), v.speech_ms, v.spans_count))
            .collect()
    }

    #[test]
    fn three_spans_are_enough_or_thirty_seconds_of_speech() {
        for (spans, speech_ms, enough) in [
            (1, 29_999, false),
            (1, 30_000, true),
            (2, 900, false),
            (3, 900, true),
        ] {
            assert_eq!(are_enough(spans, speech_ms), enough, "{spans} {speech_ms}");
        }
    }

    #[test]
    fn votes_are_weighed_by_the_speech_they_were_heard_in() {
        let votes = vec![
            vote(500, &[("cy", 0.9), ("en", 0.1)]),
            vote(8_000, &[("en", 0.7), ("cy", 0.3)]),
        ];
        let language = count(votes, &[], "xx");
        assert_eq!((language.code.as_str(), language.heard_ms), ("en", 8_500));
        assert!((language.confidence - 0.665).abs() < 0.01, "{language:?}");
        assert_eq!(heard(&language), [("en", 8_000, 1), ("cy", 500, 1)]);
    }

    #[test]
    fn only_candidates_win_and_share_what_the_others_had() {
        let vote = || vec![vote(1_000, &[("nl", 0.6), ("de", 0.3), ("es", 0.1)])];
        let free = count(vote(), &[], "xx");
        assert_eq!(free.code, "nl");
        let bound = count(vote(), &candidates(&["es", "de"]), "es");
        assert_eq!(bound.code, "de");
        assert!((bound.confidence - 0.75).abs() < 1e-6, "{bound:?}");
        assert_eq!(heard(&bound), [("de", 1_000, 1)]);
    }

    #[test]
    fn without_a_guess_that_counts_the_first_that_may_be_is_taken() {
        for (votes, candidates) in [
            (Vec::new(), candidates(&[])),
            (vec![vote(100, &[])], candidates(&[])),
            (vec![vote(100, &[("en", 1.0)])], candidates(&["xx", "yy"])),
        ] {
            let language = count(votes, &candidates, "xx");
            assert_eq!(language.code, "xx");
            assert_eq!((language.confidence, language.votes.len()), (0.0, 0));
        }
    }

    #[test]
    fn equal_weights_go_by_name_and_not_by_the_order_of_guesses() {
        let both = [("es", 0.5), ("de", 0.5)];
        let turned = [("de", 0.5), ("es", 0.5)];
        for guesses in [both, turned] {
            assert_eq!(count(vec![vote(100, &guesses)], &[], "xx").code, "de");
        }
    }
}
