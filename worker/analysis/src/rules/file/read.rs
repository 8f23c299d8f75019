//! One rule table at a time: its values are checked and its phrases or its query compiled. Bytes of a query become bytes
//! of the file here, so that every error points into the file.

use std::ops::Range;

use toml::Spanned;

use super::super::position::in_string;
use super::super::{
    Body, MAX_PHRASE_CHARS, MAX_PHRASES_PER_RULE, MAX_RULE_NAME_CHARS, MAX_WEIGHT, Problem, Rule,
    Window,
};
use super::{Fault, RuleTable, WindowTable};
use crate::program::{Builder, Node, NodeKind, Scope};
use crate::query;

pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) builder: Builder,
}

impl Reader<'_> {
    pub(super) fn rule(&mut self, at: Range<usize>, table: RuleTable) -> Result<Rule, Fault> {
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
        let window = read_window(table.window)?;
        let scope = Scope {
            speaker: table.speaker,
            windows: match window {
                Window::Whole => Vec::new(),
                window => vec![window],
            },
        };
        let (body, node) = match (table.phrases, table.query) {
            (Some(phrases), None) => self.phrases(phrases, &scope)?,
            (None, Some(query)) => self.query(query, &scope)?,
            (None, None) => return Err((at, Problem::NoBody)),
            (Some(_), Some(query)) => return Err((query.span(), Problem::TwoBodies)),
        };
        Ok(Rule {
            name: table.name.into_inner(),
            body,
            speaker: table.speaker,
            window,
            weight: weight.into_inner(),
            negate: table.negate,
            min_confidence: confidence.into_inner(),
            id: String::new(),
            node,
            scope: self.builder.scope(scope),
        })
    }

    fn phrases(
        &mut self,
        list: Spanned<Vec<Spanned<String>>>,
        scope: &Scope,
    ) -> Result<(Body, Node), Fault> {
        match list.get_ref().len() {
            0 => return Err((list.span(), Problem::NoPhrases)),
            1..=MAX_PHRASES_PER_RULE => {}
            count => return Err((list.span(), Problem::TooManyPhrases(count))),
        }
        let mut texts: Vec<String> = Vec::new();
        let mut phrases: Vec<(usize, usize)> = Vec::new();
        for written in list.into_inner() {
            let at = written.span();
            let text = written.into_inner();
            let chars = text.chars().count();
            if chars > MAX_PHRASE_CHARS {
                return Err((at, Problem::PhraseTooLong(chars)));
            }
            let Some(slot) = self.builder.exact(&text) else {
                return Err((at, Problem::PhraseEmpty));
            };
            if let Some(same) = phrases.iter().position(|&(other, _)| other == slot) {
                return Err((at, Problem::PhraseTwice(texts.swap_remove(same))));
            }
            phrases.push((slot, self.builder.term(&text)));
            texts.push(text);
        }
        let scope = self.builder.scope(scope.clone());
        let term = self.builder.term(&texts.join(" | "));
        let kind = NodeKind::Phrases { phrases, scope };
        Ok((Body::Phrases(texts), Node { term, kind }))
    }

    fn query(&mut self, written: Spanned<String>, scope: &Scope) -> Result<(Body, Node), Fault> {
        let text = written.get_ref();
        let places_before = self.builder.place_references.len();
        let compiled = query::parse(text)
            .and_then(|expr| self.builder.node(text, &expr, scope))
            .map_err(|fault| self.in_query(&written, fault))?;
        // From here on references are known by their bytes in the file.
        let to_file = |at: &mut Range<usize>| {
            let start = in_string(self.file, written.span(), at.start);
            *at = start..start;
        };
        let builder = &mut self.builder;
        builder
            .references
            .iter_mut()
            .for_each(|(_, at)| to_file(at));
        let places = &mut builder.place_references[places_before..];
        places.iter_mut().for_each(|(_, at)| to_file(at));
        Ok((Body::Query(written.into_inner()), compiled))
    }

    pub(super) fn in_query(&self, written: &Spanned<String>, (at, problem): query::Fault) -> Fault {
        let start = in_string(self.file, written.span(), at.start);
        (start..start, Problem::Query(problem))
    }
}

pub(super) fn check_name(name: &Spanned<String>) -> Result<(), Fault> {
    let bytes = name.get_ref().as_bytes();
    let is_name = bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.len() <= MAX_RULE_NAME_CHARS
        && bytes
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if is_name {
        Ok(())
    } else {
        Err((name.span(), Problem::Name(name.get_ref().clone())))
    }
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
        ("first_words", keys.first_words),
        ("last_words", keys.last_words),
        ("first_turns", keys.first_turns),
        ("last_turns", keys.last_turns),
        ("from_ms", keys.from_ms),
        ("to_ms", keys.to_ms),
        ("from_percent", keys.from_percent),
        ("to_percent", keys.to_percent),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect();

    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
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
        [("first_words", n)] => Window::FirstWords(count(n)),
        [("last_words", n)] => Window::LastWords(count(n)),
        [("first_turns", n)] => Window::FirstTurns(count(n)),
        [("last_turns", n)] => Window::LastTurns(count(n)),
        [("from_ms", from_ms), ("to_ms", to_ms)] => Window::Between { from_ms, to_ms },
        [("from_percent", from), ("to_percent", to)] if to <= 100 => {
            Window::BetweenPercent { from, to }
        }
        [("from_percent", _), ("to_percent", percent)] => {
            return Err((at, Problem::Percent(percent)));
        }
        _ => {
            let names = given.into_iter().map(|(key, _)| key).collect();
            return Err((at, Problem::WindowKeys(names)));
        }
    };
    if window.is_possible() {
        Ok(window)
    } else {
        Err((at, Problem::WindowEmpty))
    }
}
