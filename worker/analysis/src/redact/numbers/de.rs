//! German number words, folded and without umlauts, and the numbers that German writes as one word.

use super::Lexeme::{self, Hundred, Repeat, Teen, Tens, Thousand, Unit, Weak};

#[rustfmt::skip] // a table reads as one
pub(super) const WORDS: &[(&str, Lexeme)] = &[
    ("null", Unit(0)), ("eins", Unit(1)), ("ein", Weak(1)), ("eine", Weak(1)), ("zwei", Unit(2)), ("zwo", Unit(2)),
    ("drei", Unit(3)), ("vier", Unit(4)), ("funf", Unit(5)), ("fuenf", Unit(5)), ("sechs", Unit(6)), ("sieben", Unit(7)),
    ("acht", Unit(8)), ("neun", Unit(9)),
    ("zehn", Teen(10)), ("elf", Teen(11)), ("zwolf", Teen(12)), ("zwoelf", Teen(12)), ("dreizehn", Teen(13)),
    ("vierzehn", Teen(14)), ("funfzehn", Teen(15)), ("fuenfzehn", Teen(15)), ("sechzehn", Teen(16)), ("siebzehn", Teen(17)),
    ("achtzehn", Teen(18)), ("neunzehn", Teen(19)),
    ("zwanzig", Tens(20)), ("dreissig", Tens(30)), ("vierzig", Tens(40)), ("funfzig", Tens(50)), ("fuenfzig", Tens(50)),
    ("sechzig", Tens(60)), ("siebzig", Tens(70)), ("achtzig", Tens(80)), ("neunzig", Tens(90)),
    ("hundert", Hundred), ("tausend", Thousand),
    ("doppel", Repeat(2)), ("doppelt", Repeat(2)), ("zweimal", Repeat(2)), ("dreimal", Repeat(3)), ("viermal", Repeat(4)),
];

/// `vierundzwanzig`, `zweihundertdreizehn`, `achttausendfunfhundert`; what is in the table is not asked here.
pub(super) fn compound(word: &str) -> Option<u32> {
    if let Some((thousands, rest)) = word.split_once("tausend") {
        return Some(one_or(thousands)? * 1_000 + zero_or(rest)?);
    }
    below_thousand(word)
}

fn below_thousand(word: &str) -> Option<u32> {
    if let Some((hundreds, rest)) = word.split_once("hundert") {
        let rest = match rest.strip_prefix("und") {
            // `hundertundeins`, but not `hundertundzwanzig` cut short of its units.
            Some(after) if below_hundred(after).is_some() => after,
            _ => rest,
        };
        let rest = if rest.is_empty() {
            0
        } else {
            below_hundred(rest)?
        };
        return Some(one_or(hundreds)? * 100 + rest);
    }
    below_hundred(word)
}

fn below_hundred(word: &str) -> Option<u32> {
    if let Some(value) = plain(word) {
        return Some(value);
    }
    // The unit may hold the letters too (`hundert` does not get here): split at each `und`.
    word.match_indices("und").find_map(|(at, und)| {
        let unit = plain(&word[..at]).filter(|unit| (1..10).contains(unit))?;
        let tens = plain(&word[at + und.len()..])
            .filter(|tens| (20..100).contains(tens) && tens % 10 == 0)?;
        Some(tens + unit)
    })
}

fn plain(word: &str) -> Option<u32> {
    WORDS.iter().find_map(|&(name, lexeme)| match lexeme {
        Unit(value) | Teen(value) | Tens(value) | Weak(value) if name == word => Some(value),
        _ => None,
    })
}

fn one_or(word: &str) -> Option<u32> {
    if word.is_empty() {
        Some(1)
    } else {
        below_thousand(word)
    }
}

fn zero_or(word: &str) -> Option<u32> {
    if word.is_empty() {
        Some(0)
    } else {
        below_thousand(word)
    }
}
