//! Categories of Amazon Transcribe Call Analytics as a rule set. In: their JSON, one category, a list, or what the service
//! answers. Out: a rule file's text with one rule a category, checked. Fails on what the service
//! would refuse too. Where the service's documents contradict each other, the interrupter is meant, and milliseconds.

use std::fmt::Write;
use std::num::NonZeroU32;

use job_schema::RuleSetId;
use job_schema::job::Role;
use serde::Deserialize;

use crate::rules::{RuleError, RuleSet};
use crate::words::tokens;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("read categories: {0}")]
    Json(#[from] serde_json::Error),
    #[error("category `{category}`, rule {rule}: {what}")]
    Rule {
        category: String,
        /// From 1.
        rule: usize,
        what: &'static str,
    },
    #[error("the rules that came out: {0}")]
    Rules(#[from] RuleError),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Document {
    #[serde(rename_all = "PascalCase")]
    Many {
        categories: Vec<Category>,
    },
    #[serde(rename_all = "PascalCase")]
    Answer {
        category_properties: Category,
    },
    One(Category),
    List(Vec<Category>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Category {
    category_name: String,
    rules: Vec<Filters>,
}

/// Exactly one of them is there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filters {
    transcript_filter: Option<Filter>,
    non_talk_time_filter: Option<Filter>,
    interruption_filter: Option<Filter>,
    sentiment_filter: Option<Filter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    transcript_filter_type: Option<String>,
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    sentiments: Vec<String>,
    /// Milliseconds.
    threshold: Option<u64>,
    participant_role: Option<String>,
    absolute_time_range: Option<Range>,
    relative_time_range: Option<Range>,
    #[serde(default)]
    negate: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Range {
    #[serde(alias = "StartPercentage")]
    start_time: Option<u64>,
    #[serde(alias = "EndPercentage")]
    end_time: Option<u64>,
    first: Option<u64>,
    last: Option<u64>,
}

/// A rule file with a rule for each category: true where all of the category's rules match.
///
/// # Errors
/// [`ImportError`] for JSON of another shape and for filters that have no counterpart.
pub fn call_analytics(
    text: &str,
    id: &RuleSetId,
    version: NonZeroU32,
) -> Result<String, ImportError> {
    let categories = match serde_json::from_str(text)? {
        Document::Many { categories } | Document::List(categories) => categories,
        Document::Answer {
            category_properties: category,
        }
        | Document::One(category) => vec![category],
    };
    let mut file = format!("id = \"{id}\"\nversion = {version}\n");
    for category in categories {
        let mut parts = Vec::new();
        for (index, filters) in category.rules.into_iter().enumerate() {
            parts.push(part(filters).map_err(|what| ImportError::Rule {
                category: category.category_name.clone(),
                rule: index + 1,
                what,
            })?);
        }
        let (name, query) = (&category.category_name, parts.join("\nAND "));
        // Writing to a string cannot fail.
        let _ = write!(
            file,
            "\n[[rule]]\nname = {name:?}\nquery = '''\n{query}'''\n"
        );
    }
    RuleSet::parse(&file)?;
    Ok(file)
}

fn part(filters: Filters) -> Result<String, &'static str> {
    let (filter, term) = match (
        filters.transcript_filter,
        filters.non_talk_time_filter,
        filters.interruption_filter,
        filters.sentiment_filter,
    ) {
        (Some(filter), None, None, None) => (words(&filter)?, filter),
        (None, Some(filter), None, None) => {
            let at_least = filter.threshold.filter(|&ms| ms > 0);
            let value = at_least.map_or("> 0ms".to_owned(), |ms| format!(">= {ms}ms"));
            (format!("@silence {value}"), filter)
        }
        (None, None, Some(filter), None) => {
            let who = role(&filter)?.map_or("any", Role::as_str);
            let term = match filter.threshold.filter(|&ms| ms > 0) {
                Some(ms) => format!("@interruption_time_by({who}) >= {ms}ms"),
                None => format!("@interruptions_by({who}) >= 1"),
            };
            (term, filter)
        }
        (None, None, None, Some(filter)) => (sentiment(&filter)?, filter),
        _ => return Err("exactly one filter is expected"),
    };
    let not = if term.negate { "NOT " } else { "" };
    Ok(format!("{not}{}{filter}", window(&term)?))
}

fn words(filter: &Filter) -> Result<String, &'static str> {
    if filter.transcript_filter_type.as_deref() != Some("EXACT") {
        return Err("TranscriptFilterType is EXACT, the only one there is");
    }
    let phrase = |target: &String| -> String { tokens(target).collect::<Vec<_>>().join(" ") };
    let phrases: Vec<String> = filter.targets.iter().map(phrase).collect();
    if phrases.is_empty() || phrases.iter().any(String::is_empty) {
        return Err("Targets needs words");
    }
    let speaker = role(filter)?.map_or(String::new(), |role| format!("{}: ", role.as_str()));
    Ok(format!("{speaker}(\"{}\")", phrases.join("\" | \"")))
}

/// The service counts a filter as matched from half of the turns up.
fn sentiment(filter: &Filter) -> Result<String, &'static str> {
    let mut wanted: Vec<&str> = Vec::new();
    for sentiment in &filter.sentiments {
        wanted.push(match sentiment.as_str() {
            "POSITIVE" => "positive",
            "NEGATIVE" => "negative",
            "NEUTRAL" => "neutral",
            "MIXED" => "mixed",
            _ => return Err("Sentiments are POSITIVE, NEGATIVE, NEUTRAL or MIXED"),
        });
    }
    if wanted.is_empty() {
        return Err("Sentiments needs one of POSITIVE, NEGATIVE, NEUTRAL, MIXED");
    }
    let who = role(filter)?.map_or("any", Role::as_str);
    Ok(format!("@sentiment({}, {who}) >= 50%", wanted.join("|")))
}

fn role(filter: &Filter) -> Result<Option<Role>, &'static str> {
    match filter.participant_role.as_deref() {
        None => Ok(None),
        Some("AGENT") => Ok(Some(Role::Agent)),
        Some("CUSTOMER") => Ok(Some(Role::Customer)),
        Some(_) => Err("ParticipantRole is AGENT or CUSTOMER"),
    }
}

fn window(filter: &Filter) -> Result<String, &'static str> {
    let (range, unit, end) = match (&filter.absolute_time_range, &filter.relative_time_range) {
        (None, None) => return Ok(String::new()),
        (Some(range), None) => (range, "ms", 24 * 60 * 60 * 1_000),
        (None, Some(range)) => (range, "%", 100),
        (Some(_), Some(_)) => return Err("a filter has one time range"),
    };
    Ok(
        match (range.start_time, range.end_time, range.first, range.last) {
            (None, None, Some(first), None) => format!("first({first}{unit}): "),
            (None, None, None, Some(last)) => format!("last({last}{unit}): "),
            (None, Some(to), None, None) => format!("first({to}{unit}): "),
            (Some(from), to, None, None) => {
                format!("between({from}{unit},{}{unit}): ", to.unwrap_or(end))
            }
            _ => return Err("a time range is a start and an end, or First, or Last"),
        },
    )
}
