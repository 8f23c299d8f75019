//! The grammar of spoken numbers. In: words and the languages they may be in. Out: the longest number at their start, and how
//! many words say it. One grammar serves four languages, since they differ in their words and in few orders: units come before
//! tens in German (`vierundzwanzig`), and French counts in twenties (`quatre-vingt-dix-sept`). What is none gives nothing.

use super::{Language, Lexeme, lexeme, written};

/// Reads the number at the start of `words`. `goes_on` says that a number stands right before it.
pub(in crate::redact) fn read(
    words: &[&str],
    languages: &[Language],
    goes_on: bool,
) -> Option<(String, usize)> {
    let reader = Reader { words, languages };
    match reader.at(0) {
        Some(Lexeme::Repeat(times)) => reader.repeated(times),
        Some(Lexeme::Weak(digit)) if goes_on || reader.is_digit(1) => Some((digit.to_string(), 1)),
        Some(Lexeme::Weak(_) | Lexeme::And) => None,
        Some(_) => reader.cardinal(),
        None => {
            let digits = written(words.first()?)?;
            reader.scaled(&digits).or(Some((digits, 1)))
        }
    }
}

struct Reader<'a> {
    words: &'a [&'a str],
    languages: &'a [Language],
}

impl Reader<'_> {
    fn at(&self, at: usize) -> Option<Lexeme> {
        lexeme(self.words.get(at)?, self.languages)
    }

    fn is_digit(&self, at: usize) -> bool {
        let spoken = matches!(
            self.at(at),
            Some(
                Lexeme::Unit(_)
                    | Lexeme::Teen(_)
                    | Lexeme::Tens(_)
                    | Lexeme::Whole(_)
                    | Lexeme::Repeat(_)
                    | Lexeme::Hundred
            )
        );
        spoken || self.words.get(at).is_some_and(|w| written(w).is_some())
    }

    /// `double four`, `dreimal die null`, `triple 0`.
    fn repeated(&self, times: usize) -> Option<(String, usize)> {
        let article = matches!(self.words.get(1), Some(&("die" | "la" | "le" | "el")));
        let at = if article { 2 } else { 1 };
        let digit = match self.at(at) {
            Some(Lexeme::Unit(digit) | Lexeme::Weak(digit)) => digit.to_string(),
            _ => written(self.words.get(at)?).filter(|digits| digits.len() == 1)?,
        };
        Some((digit.repeat(times), at + 1))
    }

    /// `4 thousand`, `2 hundred`: a written number that a spoken one scales.
    fn scaled(&self, digits: &str) -> Option<(String, usize)> {
        let value: u32 = digits.parse().ok().filter(|v| *v < 1_000)?;
        let scale = match self.at(1) {
            Some(Lexeme::Hundred) if value < 100 => 100,
            Some(Lexeme::Thousand) => 1_000,
            _ => return None,
        };
        let (rest, used) = self.below(2, scale);
        Some(((value * scale + rest).to_string(), 2 + used))
    }

    fn cardinal(&self) -> Option<(String, usize)> {
        let (mut value, mut used) = match self.at(0)? {
            Lexeme::Thousand => (1, 0),
            _ => self.below_thousand(0)?,
        };
        if self.at(used) == Some(Lexeme::Thousand) && value > 0 {
            let (rest, more) = self.below(used + 1, 1_000);
            value = value * 1_000 + rest;
            used += 1 + more;
        }
        (used > 0).then(|| (value.to_string(), used))
    }

    /// What may follow a scale: nothing is 0 in no words.
    fn below(&self, at: usize, scale: u32) -> (u32, usize) {
        let joined = usize::from(self.at(at) == Some(Lexeme::And));
        let rest = if scale == 100 {
            self.below_hundred(at + joined)
        } else {
            self.below_thousand(at + joined)
        };
        match rest {
            // `four thousand oh five` is dictation, not 4,000 and nothing.
            Some((value, used)) if value > 0 => (value, joined + used),
            _ => (0, 0),
        }
    }

    fn below_thousand(&self, at: usize) -> Option<(u32, usize)> {
        let (value, used) = match self.at(at)? {
            Lexeme::Hundred => (1, 0),
            Lexeme::Whole(hundreds) if hundreds >= 100 => {
                let (rest, more) = match hundreds % 100 {
                    0 => self.below(at + 1, 100),
                    _ => (0, 0),
                };
                return Some((hundreds + rest, 1 + more));
            }
            _ => self.below_hundred(at)?,
        };
        if self.at(at + used) != Some(Lexeme::Hundred) || value == 0 {
            return Some((value, used));
        }
        let (rest, more) = self.below(at + used + 1, 100);
        Some((value * 100 + rest, used + 1 + more))
    }

    fn below_hundred(&self, at: usize) -> Option<(u32, usize)> {
        match self.at(at)? {
            Lexeme::Unit(4)
                if self.french()
                    && matches!(self.words.get(at + 1), Some(&("vingt" | "vingts"))) =>
            {
                let (rest, used) = self.after_tens(at + 2, 80);
                Some((80 + rest, 2 + used))
            }
            Lexeme::Unit(unit) | Lexeme::Weak(unit) => {
                match (self.words.get(at + 1), self.at(at + 2)) {
                    (Some(&"und"), Some(Lexeme::Tens(tens))) if unit > 0 => Some((tens + unit, 3)),
                    _ => Some((unit, 1)),
                }
            }
            Lexeme::Teen(10) if self.french() => match self.at(at + 1) {
                Some(Lexeme::Unit(unit @ 7..=9)) => Some((10 + unit, 2)),
                _ => Some((10, 1)),
            },
            Lexeme::Teen(value) => Some((value, 1)),
            Lexeme::Whole(value) => (value < 100).then_some((value, 1)),
            Lexeme::Tens(tens) => {
                let (rest, used) = self.after_tens(at + 1, tens);
                Some((tens + rest, 1 + used))
            }
            Lexeme::Hundred | Lexeme::Thousand | Lexeme::Repeat(_) | Lexeme::And => None,
        }
    }

    /// `forty two`, `treinta y dos`, `vingt et un`, `soixante et onze`, `quatre-vingt-dix-sept`.
    fn after_tens(&self, at: usize, tens: u32) -> (u32, usize) {
        let joined = usize::from(self.at(at) == Some(Lexeme::And));
        match self.at(at + joined) {
            Some(Lexeme::Unit(unit @ 1..)) => (unit, joined + 1),
            Some(Lexeme::Weak(1)) if self.french() || joined == 1 => (1, joined + 1),
            Some(Lexeme::Teen(_)) if self.french() && matches!(tens, 60 | 80) => self
                .below_hundred(at + joined)
                .map_or((0, 0), |(value, used)| (value, joined + used)),
            _ => (0, 0),
        }
    }

    fn french(&self) -> bool {
        self.languages.contains(&Language::Fr)
    }
}
