//! Numbers with letters in them. In: a voice. Out: claims for IBANs, national insurance numbers, DNI and NIE, and custom patterns,
//! all searched in one text: the voice's digits and spelled letters in upper case, with a space wherever something else
//! was said. Fillers and corrections leave no trace there.

use std::ops::Range;

use job_schema::redaction::{EntityKind, FoundBy, Redaction};
use regex::Regex;

use super::Claim;
use super::checks;
use super::voice::{Kind, Voice};

/// After such a pause another code begins.
const CODE_PAUSE_MS: u64 = 12_000;

/// The text and the part that each of its bytes came from; all of it is ASCII.
struct Stream {
    text: String,
    parts: Vec<usize>,
}

impl Stream {
    fn of(voice: &Voice) -> Self {
        let mut stream = Self {
            text: String::new(),
            parts: Vec::new(),
        };
        let mut end_ms = 0;
        for (at, part) in voice.parts.iter().enumerate() {
            match &part.kind {
                Kind::Number(text) | Kind::Code(text) => {
                    if part.span.start_ms.saturating_sub(end_ms) > CODE_PAUSE_MS {
                        stream.push(" ", at);
                    }
                    stream.push(text, at);
                    end_ms = part.span.end_ms;
                }
                Kind::Word => stream.push(" ", at),
                Kind::Filler | Kind::Correction => {}
            }
        }
        stream
    }

    fn push(&mut self, text: &str, part: usize) {
        self.text.push_str(text);
        self.parts.resize(self.text.len(), part);
    }

    fn claim(
        &self,
        voice: usize,
        bytes: Range<usize>,
        kind: EntityKind,
        found_by: FoundBy,
    ) -> Claim {
        Claim::new(voice, self.parts_of(bytes), kind, found_by)
    }

    fn parts_of(&self, bytes: Range<usize>) -> Range<usize> {
        self.parts[bytes.start]..self.parts[bytes.end - 1] + 1
    }
}

pub(super) fn claims(
    voices: &[Voice],
    policy: &Redaction,
    custom: &[(String, Regex)],
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (voice, said) in voices.iter().enumerate() {
        let stream = Stream::of(said);
        for (name, pattern) in custom {
            for found in pattern
                .find_iter(&stream.text)
                .filter(|found| !found.is_empty())
            {
                claims.push(Claim {
                    voice,
                    parts: stream.parts_of(found.range()),
                    kind: name.clone(),
                    found_by: FoundBy::Pattern,
                });
            }
        }
        for at in 0..stream.text.len() {
            let rest = stream.text[at..].split(' ').next().unwrap_or_default();
            if policy.wants(EntityKind::BankAccount) {
                claims.extend(bank_account(&stream, voice, at, rest));
            }
            if policy.wants(EntityKind::NationalId) {
                claims.extend(national_id(&stream, voice, at, rest));
            }
        }
    }
    claims
}

fn bank_account(stream: &Stream, voice: usize, at: usize, rest: &str) -> Option<Claim> {
    let claim = |count: usize, found_by| {
        stream.claim(voice, at..at + count, EntityKind::BankAccount, found_by)
    };
    match checks::iban(rest) {
        Some((count, true)) => Some(claim(count, FoundBy::CheckDigits)),
        Some((count, false)) => Some(claim(count, FoundBy::Shape)),
        // A digit was missed: a country, two check digits and most of an account.
        None => {
            let country = rest.as_bytes().get(..2)?.iter().all(u8::is_ascii_uppercase);
            let digits = rest
                .get(2..)?
                .bytes()
                .take_while(u8::is_ascii_digit)
                .count();
            (country && digits >= 12).then(|| claim(2 + digits, FoundBy::Shape))
        }
    }
}

fn national_id(stream: &Stream, voice: usize, at: usize, rest: &str) -> Option<Claim> {
    let claim = |count: usize, found_by| {
        stream.claim(voice, at..at + count, EntityKind::NationalId, found_by)
    };
    if rest
        .get(..15)
        .is_some_and(|text| text.contains(['A', 'B']) && checks::nir(text))
    {
        return Some(claim(15, FoundBy::CheckDigits));
    }
    let nine = rest.get(..9)?;
    match checks::dni_or_nie(nine) {
        Some(true) => Some(claim(9, FoundBy::CheckDigits)),
        Some(false) => Some(claim(9, FoundBy::Shape)),
        None => checks::nino(nine).then(|| claim(9, FoundBy::Shape)),
    }
}
