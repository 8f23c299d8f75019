//! The terms of a query: what stands between two operators. A speaker or window reads on through the relations behind it,
//! so that `agent: a NEAR b` is about the agent throughout. See [`super`] for what comes in and goes out.

use super::super::lex::{Kind, Lexeme};
use super::super::value::{fact_value, window};
use super::super::words::{MARKS, class, mark_before, marked, phrase};
use super::super::{
    At, Comparison, Element, Expr, ExprKind, Fault, MAX_REGEX_CHARS, Measure, QueryProblem, Value,
    problem,
};
use super::Parser;
use crate::rules::{SPEAKER_NAMES, Speaker};

impl Parser {
    pub(super) fn term(&mut self) -> Result<Expr, Fault> {
        let Some(Lexeme { at, kind }) = self.take() else {
            let last = self.lexemes.last().map_or(0..0, |last| last.at.clone());
            let written = match self.lexemes.last().map(|last| &last.kind) {
                Some(Kind::Operator(name, _)) => (*name).to_owned(),
                Some(Kind::Prefix(name)) => format!("{name}:"),
                _ => "(".to_owned(),
            };
            return Err((last.start..self.end, QueryProblem::MissingTerm(written)));
        };
        let here = |problem: QueryProblem| (at.clone(), problem);
        let elements = match kind {
            Kind::Word(word) => marked(&word).map_err(here)?,
            Kind::Quoted(text) => phrase(&text, at.start + 1)?,
            Kind::Class(inner) => vec![class(&inner).map_err(here)?],
            Kind::Regex(pattern) => vec![regex(pattern).map_err(here)?],
            Kind::Open => return self.group(at),
            Kind::TurnStart => {
                let inner = self.deeper(at.clone(), Self::term)?;
                let at = at.start..inner.at.end;
                return self.node(at, ExprKind::TurnStart(Box::new(inner)));
            }
            Kind::Prefix(word) => return self.prefix(at, &word),
            Kind::Window(name, inner) => {
                let window = window(&name, &inner).map_err(here)?;
                let inner = self.deeper(at.clone(), Self::pairs)?;
                let at = at.start..inner.at.end;
                return self.node(at, ExprKind::Window(window, Box::new(inner)));
            }
            Kind::Measure(name, of) => return self.measure(at, &name, of.as_deref()),
            Kind::Fact(name) => return self.fact(at, name),
            Kind::Operator("NOT", _) => return Err(here(QueryProblem::NoPlace("`NOT`"))),
            Kind::Operator(name, _) => return Err(here(QueryProblem::Unexpected(name.into()))),
            Kind::Comparison(sign) => return Err(here(QueryProblem::Unexpected(sign))),
            Kind::Close => return Err(here(QueryProblem::Unexpected(")".into()))),
        };
        self.node(at, ExprKind::Phrase(elements))
    }

    fn group(&mut self, opened: At) -> Result<Expr, Fault> {
        let mut inner = self.deeper(opened.clone(), Self::any)?;
        match self.take() {
            Some(Lexeme {
                at,
                kind: Kind::Close,
            }) => {
                inner.at = opened.start..at.end;
                Ok(inner)
            }
            Some(Lexeme {
                at,
                kind: Kind::Operator("THEN", _),
            }) => Err((at, QueryProblem::InnerThen)),
            Some(other) => Err((other.at, QueryProblem::NotClosed('('))),
            None => Err((opened, QueryProblem::NotClosed('('))),
        }
    }

    fn prefix(&mut self, at: At, word: &str) -> Result<Expr, Fault> {
        if let Some(speaker) = Speaker::parse(word) {
            let inner = self.deeper(at.clone(), Self::pairs)?;
            let at = at.start..inner.at.end;
            return self.node(at, ExprKind::Speaker(speaker, Box::new(inner)));
        }
        if word != "rule" && !MARKS.contains(&word) {
            let operators = ["NEAR", "ONEAR", "NOTNEAR", "AFTER", "BEFORE", "THEN"];
            let known = SPEAKER_NAMES.iter().chain(&MARKS).chain(&["rule"]);
            let known = known.chain(&operators);
            let nearest = problem::nearest(word, known.copied()).or_else(|| {
                operators
                    .into_iter()
                    .find(|name| word.eq_ignore_ascii_case(name))
            });
            let word = word.to_owned();
            return Err((at, QueryProblem::Prefix { word, nearest }));
        }
        let Some(Lexeme {
            at: word_at,
            kind: Kind::Word(marked),
        }) = self.take()
        else {
            return Err((at, QueryProblem::MissingTerm(format!("{word}:"))));
        };
        let whole = at.start..word_at.end;
        if word == "rule" {
            return self.node(whole, ExprKind::Rule(marked));
        }
        let element = mark_before(word, &marked).map_err(|problem| (word_at, problem))?;
        self.node(whole, ExprKind::Phrase(vec![element]))
    }

    fn fact(&mut self, at: At, name: String) -> Result<Expr, Fault> {
        let (comparison, value, end) = self.comparison(&at, &format!("${name}"))?;
        let value = match value {
            Kind::Quoted(text) => Value::Text(text.to_lowercase()),
            Kind::Word(word) => fact_value(&word),
            _ => return Err((at, QueryProblem::MissingComparison(format!("${name}")))),
        };
        let kind = ExprKind::Fact {
            name,
            comparison,
            value,
        };
        self.node(at.start..end, kind)
    }

    fn measure(&mut self, at: At, name: &str, of: Option<&str>) -> Result<Expr, Fault> {
        let here = |problem| (at.clone(), problem);
        let (measure, of) = Measure::parse(name, of).map_err(here)?;
        let of = match (measure.needs_speaker(), of) {
            (true, None) => return Err(here(QueryProblem::MeasureSpeaker(measure.name()))),
            (false, Some(_)) => return Err(here(QueryProblem::MeasureNoSpeaker(measure.name()))),
            (_, None) => None,
            (true, Some(of)) => {
                Some(Speaker::parse(of).ok_or_else(|| here(QueryProblem::Speaker(of.to_owned())))?)
            }
        };
        let (comparison, value, end) = self.comparison(&at, &format!("@{name}"))?;
        let Kind::Word(word) = value else {
            return Err(here(QueryProblem::MissingComparison(format!("@{name}"))));
        };
        let value_at = end - word.len()..end;
        let value = measure
            .value(&word)
            .map_err(|problem| (value_at, problem))?;
        let kind = ExprKind::Measure {
            measure,
            of,
            comparison,
            value,
        };
        self.node(at.start..end, kind)
    }

    /// The sign, what it compares with, and where that ends.
    fn comparison(&mut self, at: &At, left: &str) -> Result<(Comparison, Kind, usize), Fault> {
        let missing = (at.clone(), QueryProblem::MissingComparison(left.to_owned()));
        let sign = match self.peek().map(|lexeme| &lexeme.kind) {
            Some(Kind::Comparison(sign)) => Comparison::parse(sign),
            _ => None,
        };
        let Some(sign) = sign else {
            return Err(missing);
        };
        self.next += 1;
        match self.take() {
            Some(value) => Ok((sign, value.kind, value.at.end)),
            None => Err(missing),
        }
    }
}

fn regex(pattern: String) -> Result<Element, QueryProblem> {
    match pattern.chars().count() {
        0 => Err(QueryProblem::NoWord),
        1..=MAX_REGEX_CHARS => Ok(Element::Regex(pattern)),
        count => Err(QueryProblem::RegexTooLong(count)),
    }
}
