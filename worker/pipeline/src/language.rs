//! The language of each channel. In: what the job says, what the model knows, and a channel's first spans. Out: one
//! language for the whole channel, decided once, so that a call resumed later is recognised the same way. Fails: a
//! language that the model does not know, or a slot's own failure.

use job_schema::transcript::{Language, LanguageSource};
use job_schema::{ErrorCode, Failure};

use crate::channel::HeardSpan;
use crate::recognizer::{AbortFlag, LanguageGuess, RecognizeError};
use crate::slots::{ModelTraits, SlotPool, Ticket};

/// Spans of a channel that vote: one alone may be a single word.
const VOTING_SPANS: usize = 3;

#[derive(Debug)]
pub(crate) struct Languages {
    /// Named by the job or the model: holds for every channel.
    given: Option<Language>,
    detected: Vec<Option<Language>>,
    /// What to assume where detection says nothing.
    fallback: String,
}

impl Languages {
    pub(crate) fn new(
        wanted: Option<&str>,
        model: &ModelTraits,
        channels: usize,
    ) -> Result<Self, Failure> {
        let given = match (wanted, model.only_language()) {
            (Some(code), _) if !model.knows(code) => {
                let known = model.languages.len();
                let detail =
                    format!("the model does not know `{code}`; it knows {known} languages");
                return Err(Failure::at(ErrorCode::BadJob, "/options/language", detail));
            }
            (Some(code), _) => Some(certain(code, LanguageSource::Job)),
            (None, Some(code)) => Some(certain(code, LanguageSource::Model)),
            (None, None) => None,
        };
        Ok(Self {
            given,
            detected: vec![None; channels],
            fallback: model.languages.first().cloned().unwrap_or_default(),
        })
    }

    /// Lets the first spans of each channel vote that has no language yet.
    pub(crate) fn decide(
        &mut self,
        spans: &[HeardSpan],
        slots: &SlotPool,
        abort: &AbortFlag,
    ) -> Result<(), Failure> {
        if self.given.is_some() {
            return Ok(());
        }
        for (channel, detected) in (0u16..).zip(&mut self.detected) {
            if detected.is_some() {
                continue;
            }
            let voters = spans
                .iter()
                .filter(|s| s.channel == channel)
                .take(VOTING_SPANS);
            let asked: Vec<_> = voters.map(|span| ask(span, slots, abort)).collect();
            let mut votes = Vec::with_capacity(asked.len());
            for (heard_ms, ticket) in asked {
                votes.push((heard_ms, ticket.wait()?.map_err(Failure::from)?));
            }
            if !votes.is_empty() {
                *detected = Some(count(&votes, &self.fallback));
            }
        }
        Ok(())
    }

    pub(crate) fn code(&self, channel: u16) -> &str {
        self.of(channel)
            .map_or(&self.fallback, |language| &language.code)
    }

    pub(crate) fn of(&self, channel: u16) -> Option<&Language> {
        let detected = self
            .detected
            .get(usize::from(channel))
            .and_then(Option::as_ref);
        self.given.as_ref().or(detected)
    }
}

type Guesses = Result<Vec<LanguageGuess>, RecognizeError>;

fn ask(span: &HeardSpan, slots: &SlotPool, abort: &AbortFlag) -> (u64, Ticket<Guesses>) {
    let (pcm, abort) = (span.pcm.clone(), abort.clone());
    let heard_ms = span.speech.iter().map(|s| s.duration_ms()).sum();
    (
        heard_ms,
        slots.submit(move |recognizer| recognizer.detect_language(&pcm, &abort)),
    )
}

/// Sums the probabilities, each weighed by the speech it was heard in.
fn count(votes: &[(u64, Vec<LanguageGuess>)], fallback: &str) -> Language {
    let total_ms: u64 = votes.iter().map(|(ms, _)| ms).sum();
    let weight = |code: &str| -> f64 {
        let of = |guesses: &[LanguageGuess]| {
            guesses
                .iter()
                .find(|g| g.code == code)
                .map_or(0.0, |g| f64::from(g.probability))
        };
        votes
            .iter()
            .map(|(ms, guesses)| *ms as f64 * of(guesses))
            .sum::<f64>()
            / total_ms.max(1) as f64
    };
    let codes = votes
        .iter()
        .flat_map(|(_, guesses)| guesses.iter().map(|g| g.code.as_str()));
    let best = codes.map(|code| (code, weight(code))).max_by(|a, b| {
        // By name where the weights are equal, so that the order of the guesses does not decide.
        a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0))
    });
    let (code, share) = best.unwrap_or((fallback, 0.0));
    #[expect(clippy::cast_possible_truncation, reason = "a share needs no f64")]
    let confidence = share as f32;
    Language {
        code: code.to_owned(),
        source: LanguageSource::Detected,
        confidence,
        heard_ms: total_ms,
    }
}

fn certain(code: &str, source: LanguageSource) -> Language {
    Language {
        code: code.to_owned(),
        source,
        confidence: 1.0,
        heard_ms: 0,
    }
}

#[cfg(test)]
mod tests;
