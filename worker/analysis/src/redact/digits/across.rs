//! What numbers tell of each other, on all channels of a call. In: chains of which each segment was judged by itself. Out: claims on
//! what follows a card number, and on what repeats a part of something that was found. Nothing fails.

use job_schema::redaction::{EntityKind, FoundBy, Redaction};

use super::{COUNTED_DIGITS, Found, Judged, segments};

/// A code or a date that follows a card number belongs to it, announced or not.
const AFTER_CARD_MS: u64 = 30_000;
/// The last four digits of a card are read out to confirm it; a number of 16 holds a given group of four by chance once in 770.
const ECHO_DIGITS: usize = 4;

/// Three or four digits, or a month and a year, that follow a card number on any channel.
pub(super) fn claim_after_cards(judged: &mut [Judged], policy: &Redaction) {
    let cards: Vec<u64> = segments(judged)
        .filter(|(_, _, found)| matches!(found, Some((EntityKind::CardNumber, _))))
        .map(|(one, segment, _)| one.chain.span(segment).end_ms)
        .collect();
    for one in judged {
        for (at, segment) in one.chain.segments.iter().enumerate() {
            let start_ms = one.chain.span(segment).start_ms;
            let follows = cards
                .iter()
                .any(|end_ms| start_ms >= *end_ms && start_ms - end_ms <= AFTER_CARD_MS);
            if one.found[at].is_some() || !follows {
                continue;
            }
            let digits = one.chain.digits(segment.clone());
            let kind = match digits.len() {
                3 if policy.wants(EntityKind::CardCvv) => EntityKind::CardCvv,
                3..=6 if is_month(&digits) && policy.wants(EntityKind::CardExpiry) => {
                    EntityKind::CardExpiry
                }
                3..=4 if policy.wants(EntityKind::CardCvv) => EntityKind::CardCvv,
                _ => continue,
            };
            one.found[at] = Some((kind, FoundBy::Context));
        }
    }
}

fn is_month(digits: &str) -> bool {
    let two = digits.get(..2).and_then(|d| d.parse::<u32>().ok());
    matches!(two, Some(1..=12)) || (digits.len() % 2 == 1 && !digits.starts_with('0'))
}

/// What repeats a part of something that was found, by either speaker: "ending in 1111, right?".
pub(super) fn claim_echoes(judged: &mut [Judged]) {
    let sure = |found: Found| matches!(found, Some((_, FoundBy::CheckDigits)));
    let secrets: Vec<(usize, String, EntityKind, bool)> = (0..)
        .zip(judged.iter())
        .filter_map(|(owner, one)| {
            let found = one.found.iter().position(Option::is_some)?;
            let segments = one.chain.segments.iter().zip(&one.found);
            let claimed = segments.filter(|(_, found)| found.is_some());
            let (mut secret, mut meant) = (String::new(), String::new());
            for (segment, _) in claimed {
                secret += &one.chain.digits(segment.clone());
                meant += &one.chain.corrected(segment.clone());
            }
            let (kind, _) = one.found[found]?;
            // What is read back is what was meant.
            let secret = format!("{secret} {meant}");
            Some((owner, secret, kind, sure(one.found[found])))
        })
        .collect();
    for (at, one) in judged.iter_mut().enumerate() {
        for (segment, found) in one.chain.segments.iter().zip(&mut one.found) {
            let digits = one.chain.digits(segment.clone());
            // What was found by less than its check digits is better named after what it repeats.
            let echo = secrets.iter().find(|(owner, secret, _, sure)| {
                let better = found.is_none() || *sure && *owner != at;
                better && repeats(&digits, secret)
            });
            if let Some((_, _, kind, _)) = echo
                && !sure(*found)
            {
                *found = Some((*kind, FoundBy::Echo));
            }
        }
    }
}

/// Whether some digits of one are those of the other: "the one ending in 1111" says 1 and then 1111.
pub(in crate::redact) fn repeats(digits: &str, secret: &str) -> bool {
    let same = digits.len() >= COUNTED_DIGITS && secret.split(' ').any(|one| one == digits);
    same || (ECHO_DIGITS..=digits.len()).any(|end| {
        let group = digits.get(end - ECHO_DIGITS..end);
        group.is_some_and(|group| secret.contains(group))
    })
}
