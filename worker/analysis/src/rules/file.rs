//! From TOML to checked rules. The shapes below are the file's; [`super::Rule`] is what is left once they hold.

mod read;
mod vocabulary;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::ops::Range;

use job_schema::RuleSetId;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::json::as_toml;
use super::position::position;
use super::{
    MAX_FILE_BYTES, MAX_LIST_PHRASES, MAX_LISTS, MAX_RULES, Problem, Rule, RuleError, RuleSet,
    Speaker,
};
use crate::program::{Builder, Lists, References, evaluation_order};
use crate::query::QueryProblem;
use read::{Reader, check_name};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: RuleSetId,
    version: NonZeroU32,
    vocabulary: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    lists: BTreeMap<String, Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    rule: Vec<Spanned<RuleTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    name: Spanned<String>,
    phrases: Option<Spanned<Vec<Spanned<String>>>>,
    query: Option<Spanned<String>>,
    #[serde(default)]
    speaker: Speaker,
    window: Option<Spanned<WindowTable>>,
    weight: Option<Spanned<f64>>,
    #[serde(default)]
    negate: bool,
    min_confidence: Option<Spanned<f32>>,
    vocabulary: Option<Spanned<bool>>,
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
    first_words: Option<u64>,
    last_words: Option<u64>,
    first_turns: Option<u64>,
    last_turns: Option<u64>,
    from_ms: Option<u64>,
    to_ms: Option<u64>,
    from_percent: Option<u64>,
    to_percent: Option<u64>,
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
    let file: RuleFile = toml::from_str(&as_toml(text)).map_err(|error| {
        let message = error.message().trim().replace('\n', ", ");
        (error.span().unwrap_or(0..0), Problem::Toml(message))
    })?;
    match file.rule.len() {
        0 => return Err((text.len()..text.len(), Problem::NoRules)),
        1..=MAX_RULES => {}
        count => return Err((file.rule[MAX_RULES].span(), Problem::TooManyRules(count))),
    }
    let names = read_names(text, &file.rule)?;
    let mut reader = Reader {
        file: text,
        builder: Builder::new(Lists::new(), names),
    };
    reader.builder.lists = read_lists(&reader, file.lists)?;
    let mut rules = Vec::with_capacity(file.rule.len());
    let mut references = Vec::with_capacity(file.rule.len());
    let mut terms = vocabulary::of_file(file.vocabulary)?;
    for table in file.rule {
        let at = table.span();
        let vocabulary = table.get_ref().vocabulary.clone();
        let mut rule = reader.rule(at.clone(), table.into_inner())?;
        rule.id = format!("{}/{}@{}", file.id, rule.name, file.version);
        vocabulary::add_phrases(&mut terms, vocabulary, &rule)?;
        rules.push(rule);
        references.push(std::mem::take(&mut reader.builder.references));
        if reader.builder.is_full() {
            return Err((at, Problem::TooManySequences));
        }
    }
    check_places(&reader, &rules)?;
    let order = order(&rules, &references)?;
    let nodes = rules.iter_mut().map(|rule| &mut rule.node);
    let program = reader.builder.finish(order, nodes);
    Ok(RuleSet {
        id: file.id,
        version: file.version,
        sha256: format!("{:x}", Sha256::digest(text))
            .parse()
            .expect("a SHA-256 in hexadecimal"),
        rules,
        vocabulary: terms,
        program: program.map_err(|error| (0..0, Problem::Compile(error)))?,
    })
}

/// Each rule's index.
fn read_names(text: &str, rules: &[Spanned<RuleTable>]) -> Result<HashMap<String, usize>, Fault> {
    let mut names: HashMap<String, usize> = HashMap::with_capacity(rules.len());
    for (index, table) in rules.iter().enumerate() {
        let written = &table.get_ref().name;
        check_name(written)?;
        if let Some(first) = names.insert(written.get_ref().clone(), index) {
            let first_at = rules[first].get_ref().name.span().start;
            let (first_line, _) = position(text, first_at);
            let name = written.get_ref().clone();
            return Err((written.span(), Problem::NameTwice { name, first_line }));
        }
    }
    Ok(names)
}

fn read_lists(
    reader: &Reader<'_>,
    written: BTreeMap<String, Spanned<Vec<Spanned<String>>>>,
) -> Result<Lists, Fault> {
    let mut lists = Lists::new();
    if written.len() > MAX_LISTS {
        return Err((0..0, Problem::TooManyLists(written.len())));
    }
    for (name, phrases) in written {
        check_name(&Spanned::new(phrases.span(), name.clone()))?;
        match phrases.get_ref().len() {
            0 => return Err((phrases.span(), Problem::NoPhrases)),
            1..=MAX_LIST_PHRASES => {}
            count => return Err((phrases.span(), Problem::ListTooLong(count))),
        }
        let mut entries = Vec::new();
        for phrase in phrases.into_inner() {
            let read = crate::query::phrase(phrase.get_ref(), 0);
            entries.push(read.map_err(|fault| reader.in_query(&phrase, fault))?);
        }
        lists.insert(name, entries);
    }
    Ok(lists)
}

/// A rule whose places are asked for must be of a kind that has some.
fn check_places(reader: &Reader<'_>, rules: &[Rule]) -> Result<(), Fault> {
    for (rule, at) in &reader.builder.place_references {
        if !rules[*rule].has_places() {
            let problem = QueryProblem::NoPlace("this rule");
            return Err((at.clone(), Problem::Query(problem)));
        }
    }
    Ok(())
}

/// References as each rule made them, with their bytes in the file.
fn order(rules: &[Rule], references: &[Vec<(usize, Range<usize>)>]) -> Result<Vec<usize>, Fault> {
    let plain: References = references
        .iter()
        .map(|of_rule| of_rule.iter().map(|&(rule, _)| rule).collect())
        .collect();
    evaluation_order(&plain).map_err(|cycle| {
        let from = &references[cycle[0]];
        let at = from.iter().find(|(to, _)| *to == cycle[1]);
        let names: Vec<&str> = cycle
            .iter()
            .map(|&rule| rules[rule].name.as_str())
            .collect();
        let problem = QueryProblem::Cycle(names.join(" → "));
        (
            at.map_or(0..0, |(_, at)| at.clone()),
            Problem::Query(problem),
        )
    })
}
