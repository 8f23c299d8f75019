//! What repeats something that was found. In: all voices and the places found so far. Out: the places where either side says a
//! found name again, or four digits in a row of a number that stands in an address or a code. Nothing fails.

use job_schema::redaction::{EntityKind, FoundBy};

use super::chains::chains;
use super::cues::Cues;
use super::digits::repeats;
use super::voice::Voice;
use super::{Claim, Place, place};

pub(super) fn add(voices: &[Voice], cues: &Cues, places: &mut Vec<Place>) {
    add_names(voices, places);
    add_digits(voices, cues, places);
}

/// Shorter words of a name are too common to be searched for.
const NAME_ECHO_CHARS: usize = 3;

/// Once a name is known, whoever says it again gives it away.
fn add_names(voices: &[Voice], places: &mut Vec<Place>) {
    let of_names = places
        .iter()
        .filter(|place| place.kind == EntityKind::Name.as_str());
    let names: Vec<&str> = of_names
        .flat_map(|place| &voices[place.voice].tokens[place.tokens.clone()])
        .map(|token| token.text.as_str())
        .filter(|text| text.chars().count() >= NAME_ECHO_CHARS)
        .collect();
    let mut echoes = Vec::new();
    for (voice, said) in voices.iter().enumerate() {
        for (at, token) in said.tokens.iter().enumerate() {
            let base = token.text.strip_suffix("'s").unwrap_or(&token.text);
            if names.contains(&base) {
                echoes.push(Place {
                    voice,
                    tokens: at..at + 1,
                    kind: EntityKind::Name.as_str().to_owned(),
                    found_by: FoundBy::Echo,
                });
            }
        }
    }
    places.extend(echoes);
}

/// The same for digits within addresses, codes and e-mail names; those of plain numbers have found theirs.
fn add_digits(voices: &[Voice], cues: &Cues, places: &mut Vec<Place>) {
    let digits_of = |place: &Place| -> String {
        let numbers = voices[place.voice].parts.iter().filter(|part| {
            part.tokens.start >= place.tokens.start && part.tokens.end <= place.tokens.end
        });
        numbers.flat_map(|part| part.digits()).collect()
    };
    let secrets: Vec<(String, String)> = places
        .iter()
        .filter(|place| {
            matches!(
                place.found_by,
                FoundBy::Pattern | FoundBy::Shape | FoundBy::CheckDigits
            )
        })
        .map(|place| (digits_of(place), place.kind.clone()))
        .collect();
    let mut echoes = Vec::new();
    for (voice, said) in voices.iter().enumerate() {
        for chain in chains(said, cues) {
            for segment in &chain.segments {
                let digits = chain.digits(segment.clone());
                let echo = secrets.iter().find(|(secret, _)| repeats(&digits, secret));
                let claim = echo.map(|(_, kind)| Claim {
                    voice,
                    parts: chain.parts(segment),
                    kind: kind.clone(),
                    found_by: FoundBy::Echo,
                });
                echoes.extend(claim.map(|claim| place(voices, claim)));
            }
        }
    }
    places.extend(echoes);
}
