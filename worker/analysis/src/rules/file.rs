//! From TOML to checked rules. The shapes below are the file's; [`super::Rule`] is what is left once they hold.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;

use job_schema::RuleSetId;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::{
    MAX_FILE_BYTES, MAX_PHRASE_CHARS, MAX_PHRASES_PER_RULE, MAX_RULE_NAME_CHARS, MAX_RULES,
    MAX_WEIGHT, Phrase, Problem, Rule, RuleError, RuleSet, Speaker, Window,
};
use crate::matching::{Matcher, Patterns};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: RuleSetId,
    version: NonZeroU32,
    #[serde(default)]
    rule: Vec<Spanned<RuleTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    name: Spanned<String>,
    phrases: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    speaker: Speaker,
    window: Option<Spanned<WindowTable>>,
    weight: Option<Spanned<f64>>,
    #[serde(default)]
    negate: bool,
    min_confidence: Option<Spanned<f32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowTable {
    first_s: Option<u64>,
    last_s: Option<u64>,
    first_ms: Option<u64>,
    last_ms: Option<u64>,
    first_percent: Option<u64>,
    last_percent: Option<u64>,
    from_ms: Option<u64>,
    to_ms: Option<u64>,
}

/// A problem and the bytes it is about.
type Fault = (Range<usize>, Problem);

pub(super) fn read(text: &str) -> Result<RuleSet, RuleError> {
    read_file(text).map_err(|(bytes, problem)| {
        let (line, column) = position(text, bytes.start);
        RuleError {
            line,
            column,
            problem,
        }
    })
}

fn read_file(text: &str) -> Result<RuleSet, Fault> {
    if text.len() > MAX_FILE_BYTES {
        return Err((0..0, Problem::FileTooLarge(text.len())));
    }
    let file: RuleFile = toml::from_str(text).map_err(|error| {
        let message = error.message().trim().replace('\n', ", ");
        (error.span().unwrap_or(0..0), Problem::Toml(message))
    })?;
    match file.rule.len() {
        0 => return Err((text.len()..text.len(), Problem::NoRules)),
        1..=MAX_RULES => {}
        count => return Err((file.rule[MAX_RULES].span(), Problem::TooManyRules(count))),
    }
    let mut patterns = Patterns::default();
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut rules = Vec::with_capacity(file.rule.len());
    for table in file.rule {
        let name_at = table.get_ref().name.span();
        let rule = read_rule(table.into_inner(), &mut patterns)?;
        if let Some(&first) = names.get(&rule.name) {
            let (first_line, _) = position(text, first);
            let name = rule.name;
            return Err((name_at, Problem::NameTwice { name, first_line }));
        }
        names.insert(rule.name.clone(), name_at.start);
        rules.push(rule);
    }
    let matcher =
        Matcher::new(&patterns).map_err(|error| (0..0, Problem::Compile(error.to_string())))?;
    Ok(RuleSet {
        id: file.id,
        version: file.version,
        sha256: format!("{:x}", Sha256::digest(text))
            .parse()
            .expect("a SHA-256 in hexadecimal"),
        rules,
        matcher,
    })
}

fn read_rule(table: RuleTable, patterns: &mut Patterns) -> Result<Rule, Fault> {
    let name = table.name.get_ref();
    if !is_name(name) {
        return Err((table.name.span(), Problem::Name(name.clone())));
    }
    let weight = table.weight.unwrap_or_else(|| Spanned::new(0..0, 1.0));
    if !(-MAX_WEIGHT..=MAX_WEIGHT).contains(weight.get_ref()) {
        return Err((weight.span(), Problem::Weight(weight.into_inner())));
    }
    let confidence = table
        .min_confidence
        .unwrap_or_else(|| Spanned::new(0..0, 0.0));
    if !(0.0..=1.0).contains(confidence.get_ref()) {
        return Err((
            confidence.span(),
            Problem::Confidence(confidence.into_inner()),
        ));
    }
    Ok(Rule {
        name: table.name.into_inner(),
        phrases: read_phrases(table.phrases, patterns)?,
        speaker: table.speaker,
        window: read_window(table.window)?,
        weight: weight.into_inner(),
        negate: table.negate,
        min_confidence: confidence.into_inner(),
    })
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.len() <= MAX_RULE_NAME_CHARS
        && bytes
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn read_phrases(
    list: Spanned<Vec<Spanned<String>>>,
    patterns: &mut Patterns,
) -> Result<Vec<Phrase>, Fault> {
    match list.get_ref().len() {
        0 => return Err((list.span(), Problem::NoPhrases)),
        1..=MAX_PHRASES_PER_RULE => {}
        count => return Err((list.span(), Problem::TooManyPhrases(count))),
    }
    let mut phrases: Vec<Phrase> = Vec::new();
    for written in list.into_inner() {
        let at = written.span();
        let text = written.into_inner();
        let chars = text.chars().count();
        if chars > MAX_PHRASE_CHARS {
            return Err((at, Problem::PhraseTooLong(chars)));
        }
        let Some(pattern) = patterns.add(&text) else {
            return Err((at, Problem::PhraseEmpty));
        };
        if let Some(same) = phrases.iter().find(|other| other.pattern == pattern) {
            return Err((at, Problem::PhraseTwice(same.text.clone())));
        }
        phrases.push(Phrase { text, pattern });
    }
    Ok(phrases)
}

fn read_window(table: Option<Spanned<WindowTable>>) -> Result<Window, Fault> {
    let Some(table) = table else {
        return Ok(Window::Whole);
    };
    let at = table.span();
    let keys = table.into_inner();
    let given: Vec<(&'static str, u64)> = [
        ("first_s", keys.first_s),
        ("last_s", keys.last_s),
        ("first_ms", keys.first_ms),
        ("last_ms", keys.last_ms),
        ("first_percent", keys.first_percent),
        ("last_percent", keys.last_percent),
        ("from_ms", keys.from_ms),
        ("to_ms", keys.to_ms),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect();

    let window = match *given.as_slice() {
        [("first_s", s)] => Window::FirstMs(s.saturating_mul(1_000)),
        [("last_s", s)] => Window::LastMs(s.saturating_mul(1_000)),
        [("first_ms", ms)] => Window::FirstMs(ms),
        [("last_ms", ms)] => Window::LastMs(ms),
        [("first_percent" | "last_percent", percent)] if !(1..=100).contains(&percent) => {
            return Err((at, Problem::Percent(percent)));
        }
        [("first_percent", percent)] => Window::FirstPercent(percent),
        [("last_percent", percent)] => Window::LastPercent(percent),
        [("from_ms", from_ms), ("to_ms", to_ms)] => Window::Between { from_ms, to_ms },
        _ => {
            let names = given.into_iter().map(|(key, _)| key).collect();
            return Err((at, Problem::WindowKeys(names)));
        }
    };
    // A window is the same at any duration that holds it, so one that is empty on the longest is empty always.
    if window.on(u64::MAX).duration_ms() == 0 {
        return Err((at, Problem::WindowEmpty));
    }
    Ok(window)
}

/// Line and column from 1, the column in characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}
