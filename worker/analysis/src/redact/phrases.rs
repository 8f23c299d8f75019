//! What is known by the words around it: e-mail addresses, postal addresses and names. In: a voice. Out: claims on its tokens.
//! Rules and no model: a name that nobody announces is not found, and `docs/redaction.md` says so.

use std::ops::Range;

use job_schema::redaction::{EntityKind, Redaction};

use super::cues::says;
use super::voice::{Token, Voice};

/// What stands before the `at` of a spoken e-mail address, spelled or not.
const MAX_LOCAL_TOKENS: usize = 30;
const MAX_DOMAIN_TOKENS: usize = 8;
const MAX_ADDRESS_TOKENS: usize = 16;
const MAX_NAME_TOKENS: usize = 3;
/// After such a pause a speaker has finished a name or an address.
const END_PAUSE_MS: u64 = 1_500;
/// Between a house number and the word that makes it a street.
const MAX_STREET_TOKENS: usize = 4;

#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) tokens: Range<usize>,
    pub(super) kind: EntityKind,
}

pub(super) fn phrases(voice: &Voice, policy: &Redaction) -> Vec<Phrase> {
    let texts = voice.texts();
    let mut found = Vec::new();
    for at in 0..texts.len() {
        let claims = [
            (EntityKind::Email, email(&texts, at)),
            (EntityKind::Address, address(&voice.tokens, &texts, at)),
            (EntityKind::Name, name(&voice.tokens, &texts, at)),
        ];
        found.extend(claims.into_iter().filter_map(|(kind, tokens)| {
            let tokens = tokens?;
            (policy.wants(kind) && !tokens.is_empty()).then_some(Phrase { tokens, kind })
        }));
    }
    found
}

/// `john.smith@example.com` in one word, or `john dot smith at example dot com`; `at` is where the sign is said.
fn email(texts: &[&str], at: usize) -> Option<Range<usize>> {
    if texts[at].contains('@') {
        return Some(at..at + 1 + domain_tail(&texts[at + 1..]));
    }
    if !AT_SIGNS.contains(&texts[at]) {
        return None;
    }
    let domain = &texts[at + 1..];
    let whole = domain.first().is_some_and(|text| text.contains('.'));
    let ends = if whole {
        1
    } else {
        let dot = domain
            .iter()
            .take(MAX_DOMAIN_TOKENS)
            .position(|text| DOTS.contains(text))?;
        // `look at the point` is no address: a domain ends in one of these.
        let named = |from: usize| {
            domain
                .get(from)
                .is_some_and(|text| TOP_DOMAINS.contains(text))
        };
        let again = domain
            .iter()
            .skip(dot + 1)
            .take(3)
            .position(|text| DOTS.contains(text));
        let end = match again.map(|more| dot + 1 + more) {
            Some(second) if named(second + 1) => second + 2,
            _ if named(dot + 1) => dot + 2,
            _ => return None,
        };
        end + domain_tail(&domain[end..])
    };
    let earliest = at.saturating_sub(MAX_LOCAL_TOKENS);
    let starts = texts[earliest..at]
        .iter()
        .rposition(|text| BEFORE_EMAIL.contains(text))
        .map_or(earliest, |stop| earliest + stop + 1);
    Some(starts..at + 1 + ends)
}

/// `dot uk`, `.uk`: what may follow a domain.
fn domain_tail(texts: &[&str]) -> usize {
    match texts {
        [dot, top, ..] if DOTS.contains(dot) && TOP_DOMAINS.contains(top) => 2,
        _ => 0,
    }
}

fn address(tokens: &[Token], texts: &[&str], at: usize) -> Option<Range<usize>> {
    let cue = ADDRESS_CUES
        .iter()
        .find(|phrase| says(&texts[at..], phrase));
    if let Some(phrase) = cue {
        let from = at + phrase.split(' ').count();
        return Some(from..until_pause(tokens, from, MAX_ADDRESS_TOKENS));
    }
    let number = super::numbers::written(texts[at]).is_some()
        || texts[at].starts_with(|c: char| c.is_ascii_digit());
    let street = |text: &&str| {
        STREETS.contains(text) || STREET_ENDINGS.iter().any(|ending| text.ends_with(ending))
    };
    if number {
        let named = texts[at + 1..]
            .iter()
            .take(MAX_STREET_TOKENS)
            .position(street)?;
        return Some(at..at + named + 2);
    }
    // Where the number comes last: `calle mayor 12`, `hauptstrasse 5`.
    if !street(&texts[at]) {
        return None;
    }
    let follows = texts[at + 1..].iter().take(MAX_STREET_TOKENS);
    let number = follows
        .clone()
        .position(|text| text.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(at..at + number + 2)
}

fn name(tokens: &[Token], texts: &[&str], at: usize) -> Option<Range<usize>> {
    let cue = NAME_CUES.iter().find(|phrase| says(&texts[at..], phrase))?;
    let from = at + cue.split(' ').count();
    let longest = until_pause(tokens, from, MAX_NAME_TOKENS);
    let stop = texts[from..longest]
        .iter()
        .position(|text| AFTER_NAME.contains(text));
    Some(from..stop.map_or(longest, |stop| from + stop))
}

/// Up to the end of a sentence, a pause, or `most` tokens.
fn until_pause(tokens: &[Token], from: usize, most: usize) -> usize {
    let mut at = from;
    while at < tokens.len() && at - from < most {
        at += 1;
        let pause_ms = tokens.get(at).map_or(0, |next| {
            next.span
                .start_ms
                .saturating_sub(tokens[at - 1].span.end_ms)
        });
        if tokens[at - 1].ends_sentence || pause_ms > END_PAUSE_MS {
            break;
        }
    }
    at
}

const AT_SIGNS: &[&str] = &[
    "at",
    "arroba",
    "arobase",
    "arrobase",
    "klammeraffe",
    "at-zeichen",
];
const DOTS: &[&str] = &["dot", "punto", "punkt", "point", "period"];

#[rustfmt::skip] // a list reads as one
const TOP_DOMAINS: &[&str] = &[
    "com", "net", "org", "edu", "gov", "io", "co", "info", "biz", "uk", "us", "eu", "de", "at", "ch", "es", "fr", "be", "mx", "ar", "it", "nl", "ca", "au", "ie",
];

/// The last of these before an address is not part of it.
#[rustfmt::skip] // a list reads as one
const BEFORE_EMAIL: &[&str] = &[
    "is", "email", "mail", "e-mail", "address", "it's", "to", "my", "yes", "sure",
    "es", "correo", "electronico", "mi", "si", "ist", "adresse", "lautet", "meine", "ja", "est", "c'est", "mon", "oui",
];

#[rustfmt::skip] // a list reads as one
const ADDRESS_CUES: &[&str] = &[
    "my address is", "address is", "i live at", "i live on", "my zip code is", "my postcode is", "my postal code is", "zip code is", "postcode is",
    "mi direccion es", "direccion es", "vivo en", "mi codigo postal es",
    "meine adresse ist", "adresse lautet", "ich wohne in", "ich wohne im", "ich wohne an", "ich wohne am", "meine postleitzahl ist",
    "mon adresse est", "adresse est", "j'habite", "mon code postal est",
];

#[rustfmt::skip] // a list reads as one
const STREETS: &[&str] = &[
    "street", "avenue", "road", "lane", "drive", "boulevard", "court", "terrace", "crescent", "highway", "parkway",
    "calle", "avenida", "plaza", "paseo", "carretera", "rue", "allee", "chemin", "impasse",
];
const STREET_ENDINGS: &[&str] = &["strasse", "gasse"];

#[rustfmt::skip] // a list reads as one
const NAME_CUES: &[&str] = &[
    "my name is", "my name's", "name is", "my last name is", "my first name is", "my full name is", "last name is", "first name is", "surname is",
    "speaking with", "speaking to",
    "me llamo", "mi nombre es", "mi apellido es", "mein name ist", "ich heisse", "mein nachname ist", "mein vorname ist", "name lautet",
    "je m'appelle", "mon nom est", "mon prenom est", "je suis monsieur", "je suis madame",
];

#[rustfmt::skip] // a list reads as one
const AFTER_NAME: &[&str] = &[
    "and", "from", "calling", "i", "i'm", "how", "with", "the", "my", "on", "today", "y", "de", "desde", "llamo", "und", "ich", "von", "et", "je", "j'ai", "from",
];
