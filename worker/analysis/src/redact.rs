//! Finds what must not be heard or read by others, and removes it from a transcript. In: a [`Transcript`] and a [`Policy`]. Out:
//! [`Found`]: where each thing is, in words and milliseconds, or why that cannot be said. Nothing fails but a policy whose own
//! patterns are wrong. Rather too much than too little: a digit too few is a leak, a word too many is not.
//! `docs/redaction.md` has the rules.

mod apply;
mod chains;
mod checks;
mod codes;
mod cues;
mod digits;
mod echoes;
mod numbers;
mod phrases;
mod verify;
mod voice;
mod withheld;

use std::ops::Range;

use job_schema::redaction::{EntityKind, FoundBy, Redacted, Redaction, Withheld};
use job_schema::transcript::{TimeSpan, Transcript, WordRange};
use regex::Regex;

pub use apply::{apply, mute_spans};
pub use verify::{leaks_in_audio, leaks_in_text};

use cues::Cues;
use voice::{Source, Voice};

/// A compiled pattern of a customer may take so much memory and no more.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// What to remove, with its patterns ready to run.
#[derive(Debug, Clone)]
pub struct Policy {
    options: Redaction,
    custom: Vec<(String, Regex)>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The pattern itself is not repeated: it may hold a customer's number.
    #[error(
        "the pattern `{name}` is no regular expression, or too large: write digits and capital letters, as in `K[0-9]{{6}}`"
    )]
    Pattern { name: String },
}

impl Policy {
    /// # Errors
    /// A custom pattern does not compile.
    pub fn new(options: Redaction) -> Result<Self, PolicyError> {
        let compile = |(name, pattern): (&String, &String)| {
            let built = regex::RegexBuilder::new(pattern)
                .size_limit(MAX_PATTERN_BYTES)
                .build();
            let name = name.clone();
            match built {
                Ok(pattern) => Ok((name, pattern)),
                Err(_) => Err(PolicyError::Pattern { name }),
            }
        };
        let custom = options
            .custom
            .iter()
            .map(compile)
            .collect::<Result<_, _>>()?;
        Ok(Self { options, custom })
    }

    pub fn options(&self) -> &Redaction {
        &self.options
    }
}

/// Everything that a policy finds in a transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// By channel and time. Within a channel's words they never overlap.
    pub redactions: Vec<Redacted>,
    /// Why the redacted copies cannot be trusted; then none may be handed out.
    pub withheld: Option<Withheld>,
}

/// A part of a voice that has to go.
#[derive(Debug, Clone)]
struct Claim {
    voice: usize,
    parts: Range<usize>,
    kind: String,
    found_by: FoundBy,
}

impl Claim {
    fn new(voice: usize, parts: Range<usize>, kind: EntityKind, found_by: FoundBy) -> Self {
        Self {
            voice,
            parts,
            kind: kind.as_str().to_owned(),
            found_by,
        }
    }
}

/// The same in tokens, which phrases are made of.
struct Place {
    voice: usize,
    tokens: Range<usize>,
    kind: String,
    found_by: FoundBy,
}

pub fn find(transcript: &Transcript, policy: &Policy) -> Found {
    let voices = voices(transcript);
    let cues = Cues::of(&voices);
    let mut claims = codes::claims(&voices, &policy.options, &policy.custom);
    claims.extend(digits::claims(&voices, &cues, &policy.options));
    let mut places: Vec<Place> = claims
        .into_iter()
        .map(|claim| place(&voices, claim))
        .collect();
    for (voice, said) in voices.iter().enumerate() {
        places.extend(
            phrases::phrases(said, &policy.options)
                .into_iter()
                .map(|phrase| Place {
                    voice,
                    tokens: said.whole_numbers(phrase.tokens),
                    kind: phrase.kind.as_str().to_owned(),
                    found_by: FoundBy::Pattern,
                }),
        );
    }
    echoes::add(&voices, &cues, &mut places);
    let redactions = merged(transcript, &voices, places);
    let withheld = withheld::withheld(transcript, &redactions);
    Found {
        redactions,
        withheld,
    }
}

fn voices(transcript: &Transcript) -> Vec<Voice> {
    let mut voices = Vec::new();
    for (position, channel) in transcript.channels.iter().enumerate() {
        voices.push(Voice::of_channel(position, channel));
        let suppressed = channel.suppressed.iter().enumerate();
        voices
            .extend(suppressed.map(|(at, text)| Voice::of_suppressed(position, channel, at, text)));
    }
    voices
}

fn place(voices: &[Voice], claim: Claim) -> Place {
    let parts = &voices[claim.voice].parts;
    Place {
        voice: claim.voice,
        tokens: parts[claim.parts.start].tokens.start..parts[claim.parts.end - 1].tokens.end,
        kind: claim.kind,
        found_by: claim.found_by,
    }
}

/// One redaction for what overlaps, named after the claim that was made first.
fn merged(transcript: &Transcript, voices: &[Voice], places: Vec<Place>) -> Vec<Redacted> {
    let mut ranges: Vec<(usize, Range<usize>, usize)> = Vec::new();
    for (order, place) in places.iter().enumerate() {
        let tokens = &voices[place.voice].tokens[place.tokens.clone()];
        if let [first, ..] = tokens {
            ranges.push((
                place.voice,
                first.word..tokens[tokens.len() - 1].word + 1,
                order,
            ));
        }
    }
    ranges.sort_by_key(|(voice, words, order)| (*voice, words.start, *order));
    let mut joined: Vec<(usize, Range<usize>, usize)> = Vec::new();
    for (voice, words, order) in ranges {
        match joined.last_mut() {
            Some((same, last, first)) if *same == voice && words.start < last.end => {
                last.end = last.end.max(words.end);
                *first = order.min(*first);
            }
            _ => joined.push((voice, words, order)),
        }
    }
    let one = |(voice, words, order): (usize, Range<usize>, usize)| {
        redacted(transcript, &voices[voice], words, &places[order])
    };
    let mut redactions: Vec<Redacted> = joined.into_iter().map(one).collect();
    redactions.sort_by_key(|one| (one.channel, one.span.start_ms, one.words.is_none()));
    redactions.dedup();
    redactions
}

fn redacted(
    transcript: &Transcript,
    voice: &Voice,
    words: Range<usize>,
    place: &Place,
) -> Redacted {
    let channel = &transcript.channels[voice.channel()];
    let (range, span, confidence) = match voice.source {
        Source::Channel(_) => {
            let said = &channel.words[words.clone()];
            let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let range = WordRange {
                first_word: index(words.start),
                words_count: index(words.len()),
            };
            let span = TimeSpan {
                start_ms: said.iter().map(|word| word.start_ms).min().unwrap_or(0),
                end_ms: said.iter().map(|word| word.end_ms).max().unwrap_or(0),
            };
            let least = said.iter().map(|word| word.confidence).fold(1.0, f32::min);
            (Some(range), span, least)
        }
        Source::Suppressed { index, .. } => (None, channel.suppressed[index].span, 0.0),
    };
    Redacted {
        kind: place.kind.clone(),
        channel: channel.facts.index,
        words: range,
        span,
        confidence,
        found_by: place.found_by,
    }
}
