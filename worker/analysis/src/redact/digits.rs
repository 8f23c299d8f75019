//! Numbers that must go, by what they are. In: the chains of every voice and what was announced. Out: claims on parts of voices.
//! A segment is claimed as a whole: with one of its numbers gone, the rest would still tell most of it, and what was
//! corrected stays in it. The order of the kinds decides only what a claim is called.

mod across;

use std::ops::Range;

use job_schema::redaction::{EntityKind, FoundBy, Redaction};

use super::Claim;
use super::chains::{Chain, chains};
use super::checks;
use super::cues::Cues;
use super::voice::Voice;
pub(super) use across::repeats;

/// A card of 13 digits of which one was not heard.
const CARD_SHAPE_DIGITS: usize = 12;
/// The shortest numbers that people call each other by.
const PHONE_SHAPE_DIGITS: usize = 7;
/// Shorter segments are amounts and dates, and do not count towards an announced number.
const COUNTED_DIGITS: usize = 3;
/// "It's a bit worn here".
const ASIDE_WORDS: usize = 6;
const MAX_CARD_DIGITS: usize = 19;

type Found = Option<(EntityKind, FoundBy)>;

/// A chain, where it is, and what each of its segments turned out to be.
struct Judged {
    voice: usize,
    chain: Chain,
    found: Vec<Found>,
}

pub(super) fn claims(voices: &[Voice], cues: &Cues, policy: &Redaction) -> Vec<Claim> {
    let mut judged: Vec<Judged> = Vec::new();
    for (voice, said) in voices.iter().enumerate() {
        for chain in chains(said, cues) {
            let found = judge(&chain, cues, policy);
            judged.push(Judged {
                voice,
                chain,
                found,
            });
        }
    }
    across::claim_after_cards(&mut judged, policy);
    across::claim_echoes(&mut judged);
    let claims = segments(&judged).filter_map(|(one, segment, found)| {
        let (kind, found_by) = (*found)?;
        Some(Claim::new(
            one.voice,
            one.chain.parts(segment),
            kind,
            found_by,
        ))
    });
    claims.collect()
}

fn segments(judged: &[Judged]) -> impl Iterator<Item = (&Judged, &Range<usize>, &Found)> {
    judged.iter().flat_map(|one| {
        let found = one.chain.segments.iter().zip(&one.found);
        found.map(move |(segment, found)| (one, segment, found))
    })
}

fn judge(chain: &Chain, cues: &Cues, policy: &Redaction) -> Vec<Found> {
    let digits: Vec<String> = chain
        .segments
        .iter()
        .map(|segment| chain.digits(segment.clone()))
        .collect();
    let mut found: Vec<Found> = vec![None; digits.len()];
    if policy.wants(EntityKind::NationalId) {
        for (digits, found) in digits.iter().zip(&mut found) {
            let right = checks::tax_id(digits) || checks::nir(digits);
            *found = right.then_some((EntityKind::NationalId, FoundBy::CheckDigits));
        }
    }
    if policy.wants(EntityKind::CardNumber) {
        claim_cards(chain, &digits, &mut found);
    }
    let counted: usize = digits
        .iter()
        .map(String::len)
        .filter(|count| *count >= COUNTED_DIGITS)
        .sum();
    for (at, segment) in chain.segments.iter().enumerate() {
        let start_ms = chain.span(segment).start_ms;
        found[at] = found[at]
            .or_else(|| announced(&digits[at], counted, start_ms, cues, policy))
            .or_else(|| shaped(&digits[at], policy));
    }
    claim_edges(chain, &digits, &mut found);
    found
}

/// Marks every segment that holds a part of a number with right check digits, however far its parts lie apart.
fn claim_cards(chain: &Chain, digits: &[String], found: &mut [Found]) {
    let segment_of: Vec<usize> = (0..)
        .zip(&chain.segments)
        .flat_map(|(at, segment)| vec![at; segment.len()])
        .collect();
    for first in 0..chain.numbers.len() {
        let mut number = String::new();
        for last in first..chain.numbers.len() {
            number.push_str(&chain.numbers[last].digits);
            if number.len() > MAX_CARD_DIGITS {
                break;
            }
            let touched = segment_of[first]..=segment_of[last];
            let together = segment_of[first] == segment_of[last];
            let dictated = digits[touched.clone()]
                .iter()
                .all(|one| one.len() >= COUNTED_DIGITS);
            if together && checks::luhn(&number) || dictated && checks::known_card(&number) {
                for segment in &mut found[touched] {
                    segment.get_or_insert((EntityKind::CardNumber, FoundBy::CheckDigits));
                }
            }
        }
    }
}

/// Two digits that a short aside parts from a number: the first or last group of one that is read in pairs.
fn claim_edges(chain: &Chain, digits: &[String], found: &mut [Found]) {
    let claimed = found.to_vec();
    let near = |at: usize| {
        chain
            .words_before
            .get(at)
            .is_some_and(|words| *words <= ASIDE_WORDS)
    };
    for at in 0..found.len() {
        let before = at
            .checked_sub(1)
            .filter(|_| near(at))
            .and_then(|at| claimed[at]);
        let after = claimed
            .get(at + 1)
            .filter(|_| near(at + 1))
            .copied()
            .flatten();
        let is_group = digits[at].len() == 2 && !chain.is_quantity(&chain.segments[at]);
        if found[at].is_none() && (is_group || before.is_some() && after.is_some()) {
            found[at] = before.or(after).map(|(kind, _)| (kind, FoundBy::Context));
        }
    }
}

/// What was asked for. `counted` is how many digits the whole chain has in segments worth counting.
fn announced(
    digits: &str,
    counted: usize,
    start_ms: u64,
    cues: &Cues,
    policy: &Redaction,
) -> Found {
    use EntityKind::{BankAccount, CardCvv, CardExpiry, CardNumber, NationalId, Phone};
    let by_context = |kind| Some((kind, FoundBy::Context));
    let short: Vec<EntityKind> = [CardCvv, CardExpiry]
        .into_iter()
        .filter(|k| policy.wants(*k))
        .collect();
    if (3..=10).contains(&digits.len())
        && let Some(kind) = cues.before(start_ms, &short)
    {
        return by_context(kind);
    }
    let long: Vec<EntityKind> = [CardNumber, NationalId, BankAccount, Phone]
        .into_iter()
        .filter(|k| policy.wants(*k))
        .collect();
    let asked = cues.before(start_ms, &long)?;
    let least = match asked {
        CardNumber => 8,
        NationalId | Phone => 6,
        _ => 5,
    };
    let long_enough = digits.len() >= COUNTED_DIGITS && counted >= least;
    long_enough.then(|| by_context(asked)).flatten()
}

fn shaped(digits: &str, policy: &Redaction) -> Found {
    use EntityKind::{BankAccount, CardNumber, NationalId, Phone};
    let count = digits.len();
    let table = [
        (BankAccount, checks::routing(digits), FoundBy::CheckDigits),
        (NationalId, checks::ssn(digits), FoundBy::Shape),
        (CardNumber, count >= CARD_SHAPE_DIGITS, FoundBy::Shape),
        (Phone, count >= PHONE_SHAPE_DIGITS, FoundBy::Shape),
    ];
    table
        .into_iter()
        .find(|(kind, fits, _)| *fits && policy.wants(*kind))
        .map(|(kind, _, found_by)| (kind, found_by))
}
