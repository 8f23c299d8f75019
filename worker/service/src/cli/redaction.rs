//! The flags that ask for redacted copies, the same for `transcribe` and `submit`, and what a reader is told of the outcome.

use std::sync::Arc;

use analysis::redact::Policy;
use job_schema::redaction::{
    AudioStyle, DEFAULT_PADDING_MS, EntityKind, MAX_PADDING_MS, Redaction, RedactionReport,
};

use crate::exit::Exit;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct RedactArgs {
    /// Also make redacted copies without these: card_number, card_cvv, card_expiry, national_id, bank_account, phone,
    /// email, address, name, or all.
    #[arg(long, value_delimiter = ',', value_name = "KIND,…", value_parser = parse_kinds)]
    redact: Vec<Kinds>,
    /// Also make a redacted recording, with silence or a tone in place of what was removed.
    #[arg(
        long,
        value_name = "STYLE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "silence",
        value_parser = parse_style,
        requires = "redact"
    )]
    redact_audio: Option<AudioStyle>,
    /// Remove this much more before and after, in milliseconds.
    #[arg(
        long,
        value_name = "MS",
        default_value_t = DEFAULT_PADDING_MS,
        value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_PADDING_MS)),
        requires = "redact"
    )]
    redact_padding_ms: u32,
    /// A pattern over spoken digits and spelled letters, to remove as NAME; may be given again.
    #[arg(long, value_name = "NAME=REGEX", value_parser = parse_pattern, requires = "redact")]
    redact_pattern: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy)]
enum Kinds {
    All,
    One(EntityKind),
}

impl RedactArgs {
    /// What a job says; none when nothing was asked for.
    pub(super) fn options(&self) -> Option<Redaction> {
        if self.redact.is_empty() {
            return None;
        }
        let all = self.redact.iter().any(|kinds| matches!(kinds, Kinds::All));
        let kinds = self.redact.iter().filter_map(|kinds| match kinds {
            Kinds::One(kind) if !all => Some(*kind),
            _ => None,
        });
        Some(Redaction {
            entities: kinds.collect(),
            custom: self.redact_pattern.iter().cloned().collect(),
            audio: self.redact_audio,
            padding_ms: self.redact_padding_ms,
        })
    }

    pub(super) fn policy(&self) -> Result<Option<Arc<Policy>>, Exit> {
        let policy = self.options().map(Policy::new).transpose();
        let policy = policy.map_err(|e| Exit::new(2, e))?;
        Ok(policy.map(Arc::new))
    }
}

/// For people at a terminal: how much went, or why nothing may be read.
pub(super) fn told(report: &RedactionReport) -> String {
    match &report.withheld {
        None => format!("{} places redacted", report.redactions.len()),
        Some(withheld) => format!(
            "redacted copies withheld: {}: {} ({})",
            reason_name(withheld.reason),
            withheld.detail,
            withheld.reason.remedy()
        ),
    }
}

fn reason_name(reason: job_schema::redaction::WithheldReason) -> String {
    let json = serde_json::to_string(&reason).expect("a name serialises");
    json.trim_matches('"').to_owned()
}

fn parse_kinds(text: &str) -> Result<Kinds, String> {
    match text {
        "all" => Ok(Kinds::All),
        one => one.parse().map(Kinds::One),
    }
}

fn parse_style(text: &str) -> Result<AudioStyle, String> {
    match text {
        "silence" => Ok(AudioStyle::Silence),
        "tone" => Ok(AudioStyle::Tone),
        _ => Err("expected silence or tone".into()),
    }
}

fn parse_pattern(text: &str) -> Result<(String, String), String> {
    let (name, pattern) = text.split_once('=').ok_or("expected NAME=REGEX")?;
    Ok((name.to_owned(), pattern.to_owned()))
}
