//! The language of each channel. In: what the job says, what the model knows, and heard spans in their final order. Out:
//! the same spans with the language to write each in. Decided once for a channel by its first spans, and by nothing that
//! is not in the recording, so that a call resumed later is recognised the same way; until then spans wait. Fails: a
//! language that the model does not know, or a slot's own failure.

mod votes;

use std::collections::VecDeque;

use job_schema::engine::CallSpec;
use job_schema::transcript::{Language, LanguageSource};
use job_schema::{ErrorCode, Failure};

use crate::channel::HeardSpan;
use crate::look::WINDOW_SAMPLES;
use crate::recognizer::{AbortFlag, LanguageGuess, RecognizeError};
use crate::slots::{ModelTraits, SlotPool, Ticket};
use votes::Vote;

/// How far behind a channel's first span its votes may lie: what waits for them, on all channels, is in memory.
const LONGEST_WAIT_MS: u64 = 60_000;
/// Less speech than this is heard in the whole window that Whisper learnt languages in. In a fitted one, which costs half, base
/// takes Spanish prompts of 2 and 4 s for Hebrew and Latin.
const SHORT_SPEECH_MS: u64 = 10_000;

#[derive(Debug)]
pub(crate) struct Languages {
    channels: Vec<Channel>,
    /// One of these, where any are named.
    candidates: Vec<String>,
    /// What to assume where detection says nothing.
    otherwise: String,
    /// In their order. The first one's channel is open.
    waiting: VecDeque<HeardSpan>,
}

#[derive(Debug)]
enum Channel {
    Decided(Language),
    Open(Poll),
}

/// A span, and the language to write it in.
pub(crate) type Assigned = (HeardSpan, String);

/// The votes so far, each asked of a slot.
#[derive(Debug, Default)]
struct Poll {
    asked: Vec<(u64, Ticket<Guesses>)>,
    first_ms: u64,
}

type Guesses = Result<Vec<LanguageGuess>, RecognizeError>;

impl Languages {
    pub(crate) fn new(
        spec: &CallSpec,
        model: &ModelTraits,
        channels: usize,
    ) -> Result<Self, Failure> {
        let given = given(spec, model)?;
        let channel = || match &given {
            Some(language) => Channel::Decided(language.clone()),
            None => Channel::Open(Poll::default()),
        };
        let first = spec.languages.first().or(model.languages.first());
        Ok(Self {
            channels: std::iter::repeat_with(channel).take(channels).collect(),
            candidates: spec.languages.clone(),
            otherwise: first.cloned().unwrap_or_default(),
            waiting: VecDeque::new(),
        })
    }

    /// Takes the next spans; returns those whose language is known by now, in order.
    pub(crate) fn assign(
        &mut self,
        spans: Vec<HeardSpan>,
        slots: &SlotPool,
        abort: &AbortFlag,
    ) -> Result<Vec<Assigned>, Failure> {
        for span in spans {
            self.decide_where(|poll| poll.first_ms + LONGEST_WAIT_MS < span.span.start_ms)?;
            let channel = usize::from(span.channel);
            if let Some(Channel::Open(poll)) = self.channels.get_mut(channel) {
                poll.ask(&span, slots, abort);
            }
            self.waiting.push_back(span);
            self.decide_where(Poll::is_enough)?;
        }
        Ok(self.release())
    }

    /// No span follows: the votes that there are decide.
    pub(crate) fn assign_rest(&mut self) -> Result<Vec<Assigned>, Failure> {
        self.decide_where(|_| true)?;
        Ok(self.release())
    }

    /// Start of the oldest span that waits.
    pub(crate) fn oldest_ms(&self) -> Option<u64> {
        self.waiting.front().map(|span| span.span.start_ms)
    }

    pub(crate) fn of(&self, channel: u16) -> Option<&Language> {
        match self.channels.get(usize::from(channel))? {
            Channel::Decided(language) => Some(language),
            Channel::Open(_) => None,
        }
    }

    /// Counts the votes of the open channels that have any and for which `is_time`.
    fn decide_where(&mut self, is_time: impl Fn(&Poll) -> bool) -> Result<(), Failure> {
        for channel in &mut self.channels {
            let Channel::Open(poll) = channel else {
                continue;
            };
            if !poll.asked.is_empty() && is_time(poll) {
                let votes = std::mem::take(poll).votes()?;
                let language = votes::count(votes, &self.candidates, &self.otherwise);
                *channel = Channel::Decided(language);
            }
        }
        Ok(())
    }

    fn release(&mut self) -> Vec<Assigned> {
        let mut ready = Vec::new();
        while let Some(first) = self.waiting.front()
            && let Some(Language { code, .. }) = self.of(first.channel)
        {
            let language = code.clone();
            ready.extend(self.waiting.pop_front().map(|span| (span, language)));
        }
        ready
    }
}

impl Poll {
    fn ask(&mut self, span: &HeardSpan, slots: &SlotPool, abort: &AbortFlag) {
        if self.asked.is_empty() {
            self.first_ms = span.span.start_ms;
        }
        let (mut pcm, abort) = (span.pcm.clone(), abort.clone());
        let speech_ms = span.speech.iter().map(|s| s.duration_ms()).sum();
        if speech_ms < SHORT_SPEECH_MS {
            pcm.resize(pcm.len().max(WINDOW_SAMPLES), 0.0);
        }
        let ticket = slots.submit(move |recognizer| recognizer.detect_language(&pcm, &abort));
        self.asked.push((speech_ms, ticket));
    }

    fn is_enough(&self) -> bool {
        let speech_ms = self.asked.iter().map(|(ms, _)| ms).sum();
        votes::are_enough(self.asked.len(), speech_ms)
    }

    fn votes(self) -> Result<Vec<Vote>, Failure> {
        let vote = |(speech_ms, ticket): (u64, Ticket<Guesses>)| {
            let guesses = ticket.wait()?.map_err(Failure::from)?;
            Ok(Vote { speech_ms, guesses })
        };
        self.asked.into_iter().map(vote).collect()
    }
}

/// The language that the job or the model leaves as the only one.
fn given(spec: &CallSpec, model: &ModelTraits) -> Result<Option<Language>, Failure> {
    for (wanted, pointer) in [
        (spec.language.as_slice(), "/options/language"),
        (spec.languages.as_slice(), "/options/languages"),
    ] {
        if let Some(code) = wanted.iter().find(|code| !model.knows(code)) {
            let known = match model.languages.as_slice() {
                [only] => format!("`{only}` alone"),
                many => format!("{} languages", many.len()),
            };
            let detail = format!("the model does not know `{code}`; it knows {known}");
            return Err(Failure::at(ErrorCode::BadJob, pointer, detail));
        }
    }
    let job = spec
        .language
        .as_deref()
        .or(match spec.languages.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        });
    let from_job = job.map(|code| certain(code, LanguageSource::Job));
    let from_model = || Some(certain(model.only_language()?, LanguageSource::Model));
    Ok(from_job.or_else(from_model))
}

fn certain(code: &str, source: LanguageSource) -> Language {
    Language {
        code: code.to_owned(),
        source,
        confidence: 1.0,
        heard_ms: 0,
        votes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
