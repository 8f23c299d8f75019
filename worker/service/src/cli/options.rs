//! What a recording is to become, as flags: for a single job and for a batch.

use job_schema::job::{Format, Options, RawAudio, Role, RuleSetRef};

use super::common::attribute;
use super::raw_layout;
use super::redaction::RedactArgs;

/// What a call is spoken in, wherever it is transcribed.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LanguageArgs {
    /// ISO 639-1 code of the language; detected when absent.
    #[arg(long, value_name = "CODE")]
    pub(super) language: Option<String>,
    /// Detect one of these languages and no other; the model has to know them all.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "CODE,…",
        conflicts_with = "language"
    )]
    pub(super) languages: Vec<String>,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct OptionArgs {
    /// Who speaks on each channel: agent, customer, ivr, mixed or unknown.
    #[arg(long, value_delimiter = ',', value_name = "ROLE,…")]
    channels: Vec<Role>,
    /// A rule set that the workers have.
    #[arg(long, value_name = "ID@VERSION", value_parser = parse_rules)]
    rules: Option<RuleSetRef>,
    /// A scorecard that the workers have, with the --rules that its questions read. What a rule is missing for is inconclusive.
    #[arg(long, value_name = "ID@VERSION", value_parser = parse_rules)]
    scorecard: Option<RuleSetRef>,
    /// Something known of the call, which rules compare as `$NAME`; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    attribute: Vec<(String, String)>,
    #[command(flatten)]
    language: LanguageArgs,
    /// Names and products to expect.
    #[arg(long, value_delimiter = ',', value_name = "TERM,…")]
    vocabulary: Vec<String>,
    /// Layout of headerless recordings, CODEC:RATE:CHANNELS with CODEC mulaw, alaw, pcm_s16le, g722 or gsm.
    #[arg(long, value_name = "LAYOUT", value_parser = raw_layout::parse)]
    raw: Option<RawAudio>,
    /// Refuse the job on workers that run another model.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Formats to write beside transcript.json and analysis.json.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "FORMAT,…",
        default_value = "vtt,srt,txt"
    )]
    format: Vec<Format>,
    #[command(flatten)]
    redact: RedactArgs,
}

impl OptionArgs {
    pub(super) fn options(self) -> Options {
        Options {
            model: self.model,
            language: self.language.language,
            languages: self.language.languages,
            channel_roles: self.channels,
            rules: self.rules,
            vocabulary: self.vocabulary,
            raw_audio: self.raw,
            formats: self.format,
            redaction: self.redact.options(),
            scorecard: self.scorecard,
            attributes: self.attribute.into_iter().collect(),
        }
    }
}

fn parse_rules(text: &str) -> Result<RuleSetRef, String> {
    let (id, version) = text
        .rsplit_once('@')
        .ok_or("expected ID@VERSION, for instance call-quality@2")?;
    let id = id.parse().map_err(|e| format!("rule set {e}"))?;
    let version = version
        .parse()
        .map_err(|_| format!("`{version}` is not a version number from 1"))?;
    Ok(RuleSetRef { id, version })
}
