//! Spoken numbers as digits. In: a run of folded words without accents and the languages they may be in. Out: the digits
//! that the longest number at the start stands for, and how many words say it. What cannot be read gives nothing.
//!
//! Whether `forty two` was dictated as 42 or as 40 2 cannot be heard; either way the same words are removed.

mod de;
mod en;
mod es;
mod fr;
mod reader;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) use reader::read;

/// What a word does in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lexeme {
    /// 0 to 9.
    Unit(u32),
    /// 10 to 19; in French 10 may go on (`dix-sept`).
    Teen(u32),
    /// 20, 30 … 90.
    Tens(u32),
    /// A number in one word: `veintiuno`, `vierundzwanzig`, `doscientos`.
    Whole(u32),
    Hundred,
    Thousand,
    /// `double`, `triple`: the next digit so many times.
    Repeat(usize),
    /// Joins tens and units: `and`, `y`, `und`, `et`.
    And,
    /// A digit only beside another: `oh`, `un`, `ein` are words of their own.
    Weak(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Language {
    En,
    Es,
    De,
    Fr,
}

impl Language {
    pub(super) const ALL: [Language; 4] = [Language::En, Language::Es, Language::De, Language::Fr];

    pub(super) fn from_code(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Language::En),
            "es" => Some(Language::Es),
            "de" => Some(Language::De),
            "fr" => Some(Language::Fr),
            _ => None,
        }
    }

    fn words(self) -> &'static [(&'static str, Lexeme)] {
        match self {
            Language::En => en::WORDS,
            Language::Es => es::WORDS,
            Language::De => de::WORDS,
            Language::Fr => fr::WORDS,
        }
    }
}

type Words = HashMap<&'static str, Lexeme>;

static TABLES: LazyLock<HashMap<Language, Words>> = LazyLock::new(|| {
    let table = |language: Language| (language, language.words().iter().copied().collect());
    Language::ALL.into_iter().map(table).collect()
});

fn lexeme(word: &str, languages: &[Language]) -> Option<Lexeme> {
    let listed = languages
        .iter()
        .find_map(|language| TABLES[language].get(word));
    listed.copied().or_else(|| {
        let german = languages.contains(&Language::De);
        german
            .then(|| de::compound(word).map(Lexeme::Whole))
            .flatten()
    })
}

/// The digits of a word that is written in them: `4111`, `1,000.50`, `555.0100`.
pub(super) fn written(word: &str) -> Option<String> {
    let fits = word.bytes().all(|b| {
        b.is_ascii_digit() || matches!(b, b'.' | b',' | b'\'' | b'(' | b')' | b'#' | b'*')
    });
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    (fits && !digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests;
