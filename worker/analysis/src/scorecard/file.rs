//! From TOML to a checked form. The shapes below are the file's; [`super::Scorecard`] is what is left once they hold.

use std::collections::HashSet;
use std::num::NonZeroU32;

use job_schema::RuleSetId;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    Choice, Fails, Keyword, Question, Scorecard, Section, When, WhenInconclusive, measure,
};

const MAX_QUESTIONS: usize = 500;
const MAX_WEIGHT: f64 = 1e6;

/// Why a form cannot be used; `path` is the place in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    #[error("{0}")]
    Toml(String),
    #[error("{path}: {problem}")]
    Meaning { path: String, problem: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: RuleSetId,
    version: NonZeroU32,
    #[serde(default)]
    section: Vec<SectionTable>,
    #[serde(default)]
    keyword: Vec<KeywordTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionTable {
    name: String,
    #[serde(default = "one")]
    weight: f64,
    question: Vec<QuestionTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionTable {
    name: String,
    #[serde(default = "one")]
    weight: f64,
    rule: Option<String>,
    measure: Option<String>,
    #[serde(default = "one")]
    yes: f64,
    #[serde(default)]
    no: f64,
    /// Which answer of a rule question fails what.
    fail_on: Option<String>,
    fails: Option<Fails>,
    #[serde(default)]
    answers: Vec<AnswerTable>,
    not_applicable_if: Option<String>,
    #[serde(default)]
    inconclusive: WhenInconclusive,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerTable {
    answer: String,
    points: f64,
    rule: Option<String>,
    from: Option<f64>,
    to: Option<f64>,
    fails: Option<Fails>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeywordTable {
    name: String,
    rule: String,
    points: f64,
    #[serde(default = "least")]
    min: f64,
    #[serde(default = "most")]
    max: f64,
    #[serde(default)]
    per_minute: bool,
}

fn one() -> f64 {
    1.0
}

fn least() -> f64 {
    -MAX_WEIGHT
}

fn most() -> f64 {
    MAX_WEIGHT
}

fn wrong(path: &str, problem: impl Into<String>) -> CardError {
    CardError::Meaning {
        path: path.to_owned(),
        problem: problem.into(),
    }
}

pub(super) fn read(text: &str) -> Result<Scorecard, CardError> {
    let file: File = toml::from_str(text)
        .map_err(|error| CardError::Toml(error.to_string().trim_end().to_owned()))?;
    let questions: usize = file
        .section
        .iter()
        .map(|section| section.question.len())
        .sum();
    if !(1..=MAX_QUESTIONS).contains(&questions) {
        let problem = format!("has {questions} questions; write 1 to {MAX_QUESTIONS}");
        return Err(wrong("section", problem));
    }
    let mut names = HashSet::new();
    let mut sections = Vec::new();
    for table in file.section {
        check_name(&table.name, "section", &mut names)?;
        check_weight(table.weight, &table.name)?;
        let mut questions = Vec::new();
        let mut own = HashSet::new();
        for question in table.question {
            let path = format!("{}/{}", table.name, question.name);
            check_name(&question.name, &path, &mut own)?;
            questions.push(read_question(question, &path)?);
        }
        sections.push(Section {
            name: table.name,
            weight: table.weight,
            questions,
        });
    }
    let keywords = file
        .keyword
        .into_iter()
        .map(|table| read_keyword(table, &mut names));
    Ok(Scorecard {
        id: file.id,
        version: file.version,
        sha256: format!("{:x}", Sha256::digest(text))
            .parse()
            .expect("a SHA-256 in hexadecimal"),
        keywords: keywords.collect::<Result<_, _>>()?,
        sections,
    })
}

fn read_keyword(table: KeywordTable, names: &mut HashSet<String>) -> Result<Keyword, CardError> {
    check_name(&table.name, "keyword", names)?;
    let finite = [table.points, table.min, table.max]
        .iter()
        .all(|n| n.is_finite());
    if !finite || table.min > table.max {
        return Err(wrong(
            &table.name,
            "`points`, `min` and `max` are plain numbers, and `min` is not above `max`",
        ));
    }
    Ok(Keyword {
        name: table.name,
        rule: table.rule,
        points: table.points,
        least: table.min,
        most: table.max,
        per_minute: table.per_minute,
    })
}

fn read_question(table: QuestionTable, path: &str) -> Result<Question, CardError> {
    check_weight(table.weight, path)?;
    let measured = match &table.measure {
        Some(name) => {
            let parsed = name.parse().map_err(|()| {
                wrong(
                    path,
                    format!("no measure has this name: write {}", measure::NAMES),
                )
            });
            Some(parsed?)
        }
        None => None,
    };
    let answers = match (&table.rule, measured, table.answers.is_empty()) {
        (Some(rule), None, true) => yes_or_no(&table, rule, path)?,
        (None, Some(measured), false) => {
            let within = |answer: &AnswerTable| {
                let (from, to) = (
                    answer.from.unwrap_or(f64::NEG_INFINITY),
                    answer.to.unwrap_or(f64::INFINITY),
                );
                (answer.rule.is_none() && from < to).then_some(When::Measure(measured, from, to))
            };
            choices(table.answers, path, within)?
        }
        (None, None, false) => choices(table.answers, path, |answer| {
            match (&answer.rule, answer.from, answer.to) {
                (Some(rule), None, None) => Some(When::Rule(rule.clone())),
                (None, None, None) => Some(When::Otherwise),
                _ => None,
            }
        })?,
        _ => {
            return Err(wrong(
                path,
                "give `rule`, or `measure` with `answers`, or `answers` with rules",
            ));
        }
    };
    if !answers.iter().any(|choice| choice.points > 0.0) {
        return Err(wrong(
            path,
            "no answer gives points, so the question could not count",
        ));
    }
    Ok(Question {
        name: table.name,
        weight: table.weight,
        answers,
        not_applicable_if: table.not_applicable_if,
        inconclusive: table.inconclusive,
    })
}

fn yes_or_no(table: &QuestionTable, rule: &str, path: &str) -> Result<Vec<Choice>, CardError> {
    let fail_on = table.fail_on.as_deref();
    if !matches!(
        (fail_on, table.fails),
        (None, None) | (Some("yes" | "no"), Some(_))
    ) {
        return Err(wrong(
            path,
            "`fail_on` is `yes` or `no`, and goes with `fails`",
        ));
    }
    let choice = |answer: &str, points: f64, when: When| Choice {
        answer: answer.to_owned(),
        points,
        when,
        fails: table.fails.filter(|_| fail_on == Some(answer)),
    };
    let both = [
        choice("yes", table.yes, When::Rule(rule.to_owned())),
        choice("no", table.no, When::NotRule(rule.to_owned())),
    ];
    if both
        .iter()
        .any(|choice| !(0.0..=MAX_WEIGHT).contains(&choice.points))
    {
        return Err(wrong(path, "points are from 0 up"));
    }
    Ok(both.into())
}

fn choices(
    tables: Vec<AnswerTable>,
    path: &str,
    when: impl Fn(&AnswerTable) -> Option<When>,
) -> Result<Vec<Choice>, CardError> {
    let mut names = HashSet::new();
    let mut choices = Vec::new();
    for table in tables {
        let place = format!("{path}/{}", table.answer);
        if !names.insert(table.answer.clone()) {
            return Err(wrong(&place, "is there twice"));
        }
        if !(0.0..=MAX_WEIGHT).contains(&table.points) {
            return Err(wrong(&place, "points are from 0 up"));
        }
        let when = when(&table).ok_or_else(|| {
            wrong(
                &place,
                "give a `rule`, or `from` below `to` of a measure, or neither for the last",
            )
        })?;
        choices.push(Choice {
            answer: table.answer,
            points: table.points,
            when,
            fails: table.fails,
        });
    }
    Ok(choices)
}

fn check_name(name: &str, path: &str, names: &mut HashSet<String>) -> Result<(), CardError> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if name.is_empty() || name.len() > 80 || !plain {
        return Err(wrong(
            path,
            "a name is 1 to 80 letters, digits, `_`, `-` and `.`",
        ));
    }
    if !names.insert(name.to_owned()) {
        return Err(wrong(path, format!("the name `{name}` is there twice")));
    }
    Ok(())
}

fn check_weight(weight: f64, path: &str) -> Result<(), CardError> {
    if (0.0..=MAX_WEIGHT).contains(&weight) && weight > 0.0 {
        return Ok(());
    }
    Err(wrong(path, "a weight is above 0"))
}
