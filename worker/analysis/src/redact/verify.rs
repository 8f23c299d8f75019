//! Whether what was removed is really gone. In: the transcript with everything in it, what was removed from it, and a second
//! transcript: the redacted one, or what the redacted audio was heard to say. Out: the places of the second in which
//! something removed is still there. Nothing fails. The comparison is by content, not by running the rules again: they would
//! find new things where a mark stands now.

use std::collections::BTreeSet;

use job_schema::redaction::{EntityKind, FoundBy, Leak, Redacted};
use job_schema::transcript::{TimeSpan, Transcript};

use super::apply::mark;
use super::chains::{Chain, chains};
use super::cues::Cues;
use super::digits::repeats;
use super::voice::{Source, Token, Voice};
use super::{Policy, find, voices};

/// Shorter numbers are heard in any talk, and tell only where they were.
const TELLING_DIGITS: usize = 4;
/// Shorter words are heard into silence.
const TELLING_CHARS: usize = 3;

/// Digits and words of one redaction.
struct Secret<'a> {
    one: &'a Redacted,
    digits: String,
    words: Vec<String>,
}

/// What the redacted transcript still says.
pub fn leaks_in_text(
    whole: &Transcript,
    redactions: &[Redacted],
    redacted: &Transcript,
) -> Vec<Leak> {
    let marks: BTreeSet<String> = redactions.iter().map(|one| mark(&one.kind)).collect();
    leaks(whole, redactions, redacted, &marks)
}

/// What the redacted audio still says: also a number that only now was heard as one.
pub fn leaks_in_audio(
    whole: &Transcript,
    redactions: &[Redacted],
    heard: &Transcript,
    policy: &Policy,
) -> Vec<Leak> {
    let mut leaks = leaks(whole, redactions, heard, &BTreeSet::new());
    let sure = [FoundBy::CheckDigits, FoundBy::Shape];
    let found = find(heard, policy)
        .redactions
        .into_iter()
        .filter(|one| sure.contains(&one.found_by));
    leaks.extend(found.map(|one| Leak {
        kind: one.kind,
        channel: one.channel,
        span: one.span,
    }));
    leaks.sort_by_key(|leak| (leak.channel, leak.span.start_ms, leak.span.end_ms));
    leaks.dedup_by_key(|leak| (leak.channel, leak.span));
    leaks
}

/// Words that are `marks` say nothing: `[address]` stands where somebody said "address".
fn leaks(
    whole: &Transcript,
    redactions: &[Redacted],
    second: &Transcript,
    marks: &BTreeSet<String>,
) -> Vec<Leak> {
    let secrets: Vec<Secret<'_>> = redactions.iter().map(|one| secret(whole, one)).collect();
    let mut leaks = Vec::new();
    for voice in voices(second) {
        let channel = second.channels[voice.channel()].facts.index;
        let mut leak = |kind: &str, span| {
            leaks.push(Leak {
                kind: kind.to_owned(),
                channel,
                span,
            });
        };
        for chain in chains(&voice, &Cues::none()) {
            for segment in &chain.segments {
                let (digits, span) = (chain.digits(segment.clone()), chain.span(segment));
                let told = secrets
                    .iter()
                    .find(|secret| tells(secret, &digits, channel, span));
                if let Some(secret) = told {
                    leak(&secret.one.kind, span);
                }
            }
        }
        let written = |token: &Token| match voice.source {
            Source::Channel(at) => &second.channels[at].words[token.word].text,
            Source::Suppressed { channel, index } => {
                &second.channels[channel].suppressed[index].text
            }
        };
        let spoken = |token: &&Token| !marks.contains(written(token));
        for token in voice.tokens.iter().filter(spoken) {
            if let Some(secret) = secrets.iter().find(|secret| says(secret, token, channel)) {
                leak(&secret.one.kind, token.span);
            }
        }
    }
    leaks
}

fn secret<'a>(whole: &Transcript, one: &'a Redacted) -> Secret<'a> {
    let mut secret = Secret {
        one,
        digits: String::new(),
        words: Vec::new(),
    };
    let own = |voice: &Voice| {
        let suppressed = matches!(voice.source, Source::Suppressed { .. });
        whole.channels[voice.channel()].facts.index == one.channel
            && suppressed == one.words.is_none()
    };
    for voice in voices(whole).iter().filter(|voice| own(voice)) {
        let removed = |token: &Token| match one.words {
            Some(range) => range.indexes().contains(&token.word),
            None => token.span == one.span,
        };
        let tokens = voice.tokens.iter().filter(|token| removed(token));
        secret.words.extend(tokens.map(|token| token.text.clone()));
        let digits_of = |chain: &Chain| -> String {
            let numbers = chain.numbers.iter();
            let inside = numbers.filter(|number| {
                let part = &voice.parts[number.part];
                voice.tokens[part.tokens.clone()].iter().all(removed)
            });
            inside.map(|number| number.digits.as_str()).collect()
        };
        secret
            .digits
            .extend(chains(voice, &Cues::none()).iter().map(digits_of));
    }
    secret
}

/// Whether digits heard anywhere give a part of a removed number away; short codes only where they were.
fn tells(secret: &Secret<'_>, digits: &str, channel: u16, span: TimeSpan) -> bool {
    let same_place = channel == secret.one.channel && overlap(span, secret.one.span);
    if secret.digits.len() < TELLING_DIGITS {
        return same_place && !secret.digits.is_empty() && digits.contains(&secret.digits);
    }
    repeats(digits, &secret.digits)
}

/// Names are telling anywhere; other words where they were.
fn says(secret: &Secret<'_>, token: &Token, channel: u16) -> bool {
    let same_place = channel == secret.one.channel && overlap(token.span, secret.one.span);
    let anywhere = secret.one.kind == EntityKind::Name.as_str();
    token.text.chars().count() >= TELLING_CHARS
        && (same_place || anywhere)
        && secret.words.contains(&token.text)
}

fn overlap(a: TimeSpan, b: TimeSpan) -> bool {
    a.start_ms < b.end_ms && b.start_ms < a.end_ms
}
