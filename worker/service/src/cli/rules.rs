//! `earwitness rules`: rule sets without a worker. In: a rule file or scorecard, cases, a stored transcript. Out: what is wrong with
//! the file, which cases differ, or why each rule did or did not fire. `explain` prints speech: it is what was asked for.

mod show;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use analysis::{Facts, RuleSet, Scorecard, cases, explain, import};
use anyhow::Context;
use job_schema::RuleSetId;
use serde_json::json;

use super::common::attribute;
use super::out;
use crate::exit::{self, Exit};
use crate::rules::SCORECARD;

/// Transcripts of the longest calls are far smaller.
const MAX_FILE_BYTES: u64 = 512 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RulesCommand {
    /// Say whether a rule file or a scorecard can be used, or what is wrong and where; status 1 if it cannot.
    #[command(after_help = "\
Examples:
  earwitness rules check rules/call-quality@2.toml
  earwitness rules check rules/call-quality-form@2.scorecard.toml
  earwitness rules check --json mine.toml")]
    Check {
        /// The rule file, or a scorecard by its ending .scorecard.toml.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Apply the rules to the cases kept beside them; status 1 if one differs from what it expects.
    #[command(after_help = "\
Examples:
  earwitness rules test rules/call-quality@2.toml
  earwitness rules test mine.toml --cases other.cases.toml

A file of cases, beside NAME.toml as NAME.cases.toml:
  [[case]]
  name = \"greets\"
  dialogue = '''
  agent 0.5 Thank you for calling.
  customer 3.0 ???
  '''
  expect = { greeting = true, cancellation = \"inconclusive\" }")]
    Test {
        /// The rule file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The cases, when they do not lie beside the rules.
        #[arg(long, value_name = "FILE")]
        cases: Option<PathBuf>,
        /// One JSON object a case.
        #[arg(long)]
        json: bool,
    },
    /// Print categories of Amazon Transcribe Call Analytics as a rule file: one rule a category.
    #[command(after_help = "\
Example:
  aws transcribe list-call-analytics-categories > categories.json
  earwitness rules import categories.json --id from-aws > from-aws@1.toml")]
    Import {
        /// JSON of one category, of a list, or as the service answers.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The rule set's name.
        #[arg(long, value_name = "NAME")]
        id: RuleSetId,
        /// The rule set's version.
        #[arg(long, value_name = "N", default_value = "1")]
        version: NonZeroU32,
    },
    /// Print why each rule did or did not fire on a call, term by term.
    #[command(after_help = "\
Examples:
  earwitness rules explain rules/call-quality@2.toml --transcript out/call.wav/transcript.json
  earwitness rules explain mine.toml --transcript t.json --rule greeting \\
      --attribute direction=inbound")]
    Explain {
        /// The rule file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A stored transcript.json.
        #[arg(long, value_name = "FILE")]
        transcript: PathBuf,
        /// Only this rule; may be given again.
        #[arg(long, value_name = "NAME")]
        rule: Vec<String>,
        /// Something known of the call, for rules that compare `$NAME`; may be given again.
        #[arg(long, alias = "fact", value_name = "NAME=VALUE", value_parser = attribute)]
        attribute: Vec<(String, String)>,
        /// One JSON object a rule.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: RulesArgs) -> Result<u8, Exit> {
    match args.command {
        RulesCommand::Check { file, json } => check(&file, json),
        RulesCommand::Test { file, cases, json } => test(&file, cases, json),
        RulesCommand::Import { file, id, version } => {
            let rules = import::call_analytics(&read(&file)?, &id, version);
            out::write(
                rules
                    .with_context(|| file.display().to_string())?
                    .as_bytes(),
            );
            Ok(exit::OK)
        }
        RulesCommand::Explain {
            file,
            transcript,
            rule,
            attribute,
            json,
        } => {
            let rules = rule_set(&file)?;
            let text = read(&transcript)?;
            let transcript = serde_json::from_str(&text)
                .with_context(|| format!("read {} as a transcript", transcript.display()))?;
            known(&rules, &rule)?;
            let facts: Facts = attribute.into_iter().collect();
            let wanted = |r: &analysis::Rule| rule.is_empty() || rule.contains(&r.name);
            for explanation in explain::explain(&transcript, &rules, &facts, wanted) {
                if json {
                    out::line(show::explanation_json(&explanation));
                } else {
                    out::line(show::explanation(&explanation));
                }
            }
            Ok(exit::OK)
        }
    }
}

fn check(file: &Path, json: bool) -> Result<u8, Exit> {
    let text = read(file)?;
    if file.to_string_lossy().ends_with(SCORECARD) {
        return Ok(check_scorecard(file, &text, json));
    }
    let (line, status) = match RuleSet::parse(&text) {
        Ok(rules) if json => {
            let ok = json!({
                "ok": true, "id": rules.id(), "version": rules.version(),
                "rules": rules.rules().len(), "sha256": rules.sha256(),
            });
            (ok.to_string(), exit::OK)
        }
        Ok(rules) => {
            let count = rules.rules().len();
            (
                format!("{}@{}: {count} rules", rules.id(), rules.version()),
                exit::OK,
            )
        }
        Err(error) if json => {
            let wrong = json!({
                "ok": false, "line": error.line, "column": error.column,
                "problem": error.problem.to_string(), "hint": error.problem.hint(),
            });
            (wrong.to_string(), exit::SOME_FAILED)
        }
        Err(error) => (format!("{}: {error}", file.display()), exit::SOME_FAILED),
    };
    out::line(line);
    Ok(status)
}

fn check_scorecard(file: &Path, text: &str, json: bool) -> u8 {
    let (line, status) = match Scorecard::parse(text) {
        Ok(card) => {
            let (id, version) = (&card.id, card.version);
            let questions: usize = card.sections.iter().map(|s| s.questions.len()).sum();
            let ok = json!({
                "ok": true, "id": id, "version": version,
                "questions": questions, "sha256": card.sha256,
            });
            let told = format!("{id}@{version}: {questions} questions");
            (if json { ok.to_string() } else { told }, exit::OK)
        }
        Err(error) if json => {
            let wrong = json!({ "ok": false, "problem": error.to_string() });
            (wrong.to_string(), exit::SOME_FAILED)
        }
        Err(error) => (format!("{}: {error}", file.display()), exit::SOME_FAILED),
    };
    out::line(line);
    status
}

fn test(file: &Path, cases_file: Option<PathBuf>, json: bool) -> Result<u8, Exit> {
    let rules = rule_set(file)?;
    let cases_file = cases_file.unwrap_or_else(|| file.with_extension("cases.toml"));
    let read_cases = cases::parse(&read(&cases_file)?, &rules);
    let cases = read_cases.with_context(|| cases_file.display().to_string())?;
    let mut failed_count = 0;
    for case in &cases {
        let differences = cases::run(case, &rules);
        failed_count += usize::from(!differences.is_empty());
        if json {
            out::line(show::case_json(&case.name, &differences));
        } else {
            out::line(show::case(&case.name, &differences));
        }
    }
    if !json {
        out::line(format_args!("{} cases, {failed_count} failed", cases.len()));
    }
    Ok(if failed_count == 0 {
        exit::OK
    } else {
        exit::SOME_FAILED
    })
}

fn known(rules: &RuleSet, wanted: &[String]) -> Result<(), Exit> {
    let is_rule = |name: &&String| rules.rules().iter().any(|rule| &&rule.name == name);
    match wanted.iter().find(|name| !is_rule(name)) {
        Some(name) => {
            Err(anyhow::anyhow!("{}@{} has no rule `{name}`", rules.id(), rules.version()).into())
        }
        None => Ok(()),
    }
}

fn rule_set(file: &Path) -> Result<RuleSet, Exit> {
    let rules = RuleSet::parse(&read(file)?);
    Ok(rules.with_context(|| file.display().to_string())?)
}

fn read(file: &Path) -> Result<String, Exit> {
    let read = || -> anyhow::Result<String> {
        let size_bytes = std::fs::metadata(file)?.len();
        anyhow::ensure!(
            size_bytes <= MAX_FILE_BYTES,
            "{size_bytes} bytes, the limit is {MAX_FILE_BYTES}"
        );
        Ok(std::fs::read_to_string(file)?)
    };
    Ok(read().with_context(|| format!("read {}", file.display()))?)
}
