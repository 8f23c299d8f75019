//! Comparisons of call facts and measures, and the numbers they compare with. In: what the query wrote. Out: milliseconds,
//! percent, counts and decibels as numbers. Fails when a value has the wrong unit. Units are listed in `docs/rules.md`.

use job_schema::sentiment::Sentiment;

use super::problem::nearest;
use super::{Limit, MAX_DISTANCE_MS, MAX_DISTANCE_WORDS, QueryProblem};
use crate::rules::Window;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Greater,
    AtLeast,
    Less,
    AtMost,
    Equal,
    NotEqual,
}

impl Comparison {
    pub(super) fn parse(sign: &str) -> Option<Self> {
        Some(match sign {
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            "=" | "==" => Self::Equal,
            "!=" => Self::NotEqual,
            _ => return None,
        })
    }

    pub(crate) fn holds<T: PartialOrd + PartialEq>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    /// Compared without regard to case.
    Text(String),
}

/// A number is one with or without a unit of time; in quotes it is text.
pub(crate) fn fact_value(word: &str) -> Value {
    duration_ms(word)
        .map(|ms| Value::Number(ms / 1_000.0))
        .or_else(|| number(word).map(Value::Number))
        .unwrap_or_else(|| Value::Text(word.to_lowercase()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Silence,
    SilenceTotal,
    DeadAir,
    Hold,
    HoldTotal,
    Overlap,
    OverlapTotal,
    InterruptionsBy,
    InterruptionsOf,
    InterruptionTimeBy,
    InterruptionTimeOf,
    Talk,
    TalkShare,
    WordsPerMinute,
    Loudness,
    /// The share of turns with one of these.
    Sentiment(Feelings),
}

/// One sentiment or more, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Feelings {
    positive: bool,
    negative: bool,
    neutral: bool,
    mixed: bool,
}

impl Feelings {
    /// `negative`, `negative|mixed`.
    fn parse(text: &str) -> Option<Self> {
        let mut feelings = Self::default();
        for name in text.split('|') {
            match name.trim() {
                "positive" => feelings.positive = true,
                "negative" => feelings.negative = true,
                "neutral" => feelings.neutral = true,
                "mixed" => feelings.mixed = true,
                _ => return None,
            }
        }
        Some(feelings)
    }

    pub(crate) fn contains(self, sentiment: Sentiment) -> bool {
        match sentiment {
            Sentiment::Positive => self.positive,
            Sentiment::Negative => self.negative,
            Sentiment::Neutral => self.neutral,
            Sentiment::Mixed => self.mixed,
        }
    }
}

const SENTIMENT: &str = "sentiment";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Ms,
    Percent,
    Count,
    /// Decibels relative to full scale, below 0.
    Dbfs,
}

#[rustfmt::skip] // a table reads as one
const MEASURES: [(&str, Measure, Unit, bool); 15] = [
    ("silence", Measure::Silence, Unit::Ms, false),
    ("silence_total", Measure::SilenceTotal, Unit::Ms, false),
    ("dead_air", Measure::DeadAir, Unit::Ms, false),
    ("hold", Measure::Hold, Unit::Ms, false),
    ("hold_total", Measure::HoldTotal, Unit::Ms, false),
    ("overlap", Measure::Overlap, Unit::Ms, false),
    ("overlap_total", Measure::OverlapTotal, Unit::Ms, false),
    ("interruptions_by", Measure::InterruptionsBy, Unit::Count, true),
    ("interruptions_of", Measure::InterruptionsOf, Unit::Count, true),
    ("interruption_time_by", Measure::InterruptionTimeBy, Unit::Ms, true),
    ("interruption_time_of", Measure::InterruptionTimeOf, Unit::Ms, true),
    ("talk", Measure::Talk, Unit::Ms, true),
    ("talk_share", Measure::TalkShare, Unit::Percent, true),
    ("wpm", Measure::WordsPerMinute, Unit::Count, true),
    ("loudness", Measure::Loudness, Unit::Dbfs, true),
];

impl Measure {
    /// What stands before and within the parentheses. Also gives back the speaker among the latter.
    pub(super) fn parse<'a>(
        name: &str,
        of: Option<&'a str>,
    ) -> Result<(Self, Option<&'a str>), QueryProblem> {
        if name == SENTIMENT {
            let (feelings, speaker) = of
                .and_then(|of| of.split_once(','))
                .ok_or(QueryProblem::Sentiment)?;
            let feelings = Feelings::parse(feelings).ok_or(QueryProblem::Sentiment)?;
            return Ok((Self::Sentiment(feelings), Some(speaker.trim())));
        }
        let known = MEASURES.iter().find(|row| row.0 == name);
        let measure = known.map(|row| row.1).ok_or_else(|| {
            let names = MEASURES.iter().map(|row| row.0);
            QueryProblem::Measure {
                name: name.to_owned(),
                nearest: nearest(name, names.chain([SENTIMENT])),
            }
        })?;
        Ok((measure, of))
    }

    fn row(self) -> (&'static str, Unit, bool) {
        if let Self::Sentiment(_) = self {
            return (SENTIMENT, Unit::Percent, true);
        }
        let row = MEASURES.iter().find(|row| row.1 == self);
        row.map_or(("", Unit::Count, false), |row| (row.0, row.2, row.3))
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    pub(crate) fn unit(self) -> Unit {
        self.row().1
    }

    pub(super) fn needs_speaker(self) -> bool {
        self.row().2
    }

    pub(super) fn value(self, word: &str) -> Result<f64, QueryProblem> {
        let (found, wanted) = match self.unit() {
            Unit::Ms => (duration_ms(word), "a time such as `5s`, `500ms` or `2m`"),
            Unit::Percent => (
                word.strip_suffix('%').and_then(number),
                "a percentage such as `60%`",
            ),
            Unit::Count => (number(word), "a number such as `3`"),
            Unit::Dbfs => (
                number(word.strip_suffix("dB").unwrap_or(word)),
                "decibels below full scale such as `-30dB`",
            ),
        };
        found.ok_or_else(|| QueryProblem::Value {
            value: word.to_owned(),
            wanted,
        })
    }
}

/// Plain decimal digits; what `f64` reads beside them, such as `inf`, is a word.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { text.parse().ok() } else { None }
}

fn duration_ms(text: &str) -> Option<f64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (amount, unit) = text.split_at(unit_at);
    let factor = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    number(amount).filter(|&n| n >= 0.0).map(|n| n * factor)
}

/// `5` words, `10s`.
pub(super) fn distance(text: &str) -> Result<Limit, QueryProblem> {
    let refused = || QueryProblem::Distance(text.to_owned());
    if let Ok(words) = text.parse::<u32>() {
        return if words <= MAX_DISTANCE_WORDS {
            Ok(Limit::Words(words))
        } else {
            Err(refused())
        };
    }
    whole_ms(text)
        .filter(|&ms| ms <= MAX_DISTANCE_MS)
        .map(Limit::Ms)
        .ok_or_else(refused)
}

fn whole_ms(text: &str) -> Option<u64> {
    let ms = duration_ms(text).filter(|&ms| ms <= 1e12)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative and at most 1e12; a fraction of a millisecond is dropped"
    )]
    Some(ms as u64)
}

/// `first(20s)`, `last(10%)`, `first(50w)`, `last(2t)`, `between(10s,60s)`, `between(25%,50%)`.
pub(super) fn window(name: &str, inner: &str) -> Result<Window, QueryProblem> {
    let refused = || QueryProblem::Window(format!("{name}({inner})"));
    let count = |suffix| {
        inner
            .strip_suffix(suffix)
            .and_then(|n| n.trim().parse::<u32>().ok())
    };
    let percent = |text: &str| {
        text.trim()
            .strip_suffix('%')
            .and_then(|n| n.parse::<u64>().ok())
    };
    let window = if name == "between" {
        let (from, to) = inner.split_once(',').ok_or_else(refused)?;
        match (percent(from), percent(to)) {
            (Some(from), Some(to)) => Window::BetweenPercent { from, to },
            _ => Window::Between {
                from_ms: whole_ms(from.trim()).ok_or_else(refused)?,
                to_ms: whole_ms(to.trim()).ok_or_else(refused)?,
            },
        }
    } else {
        let first = name == "first";
        match (percent(inner), count('w'), count('t')) {
            (Some(percent), _, _) if first => Window::FirstPercent(percent),
            (Some(percent), _, _) => Window::LastPercent(percent),
            (_, Some(words), _) if first => Window::FirstWords(words),
            (_, Some(words), _) => Window::LastWords(words),
            (_, _, Some(turns)) if first => Window::FirstTurns(turns),
            (_, _, Some(turns)) => Window::LastTurns(turns),
            _ if first => Window::FirstMs(whole_ms(inner).ok_or_else(refused)?),
            _ => Window::LastMs(whole_ms(inner).ok_or_else(refused)?),
        }
    };
    if window.is_possible() {
        Ok(window)
    } else {
        Err(refused())
    }
}
