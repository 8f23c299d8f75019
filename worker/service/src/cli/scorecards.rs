//! `earwitness scorecards`: what people answer to the questions of a form, beside what the machine answered. Comments are
//! stored and shown, and written into no log.

mod show;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::pin;

use analysis::Scorecard;
use analysis::scorecard::Agreement;
use anyhow::Context;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use job_schema::ids::ReviewerId;
use job_schema::review::{HumanAnswer, MAX_COMMENT_BYTES, Review};
use job_schema::scorecard::ScorecardResult;
use job_schema::{CallId, ErrorCode, Failure, SCHEMA_VERSION, TenantId};

use super::common::{Shelf, audit_log, settings};
use super::{Global, out};
use crate::audit::{AuditLog, Event};
use crate::exit::{self, Exit};
use crate::review::Reviews;
use crate::rules::load_scorecard;

/// What a person writes for an answer that leaves the denominator.
const NOT_APPLICABLE: &str = "not_applicable";

#[derive(Debug, clap::Args)]
pub(super) struct ScorecardsArgs {
    #[command(subcommand)]
    command: ScorecardsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ScorecardsCommand {
    /// Store what a person answered about a call. Nothing is overwritten: who thinks again answers again.
    #[command(after_help = "\
Examples:
  earwitness scorecards answer --tenant acme --call 2026-11-24-0815 --reviewer r-17 \\
      --scorecard rules/call-quality-form@2.scorecard.toml \\
      opening/greeting=yes conversation/empathy=not_applicable
  earwitness scorecards answer … opening/greeting=no --comment 'said, but to somebody else'")]
    Answer {
        #[command(flatten)]
        form: FormArgs,
        /// The call.
        #[arg(long, value_name = "NAME")]
        call: CallId,
        /// Who answers, by an id that says no name.
        #[arg(long, value_name = "ID")]
        reviewer: ReviewerId,
        /// For people who read the review.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
        /// A question of the form and one of its answers, or `not_applicable`.
        #[arg(required = true, value_name = "SECTION/QUESTION=ANSWER", value_parser = super::common::name_and_value)]
        answers: Vec<(String, String)>,
    },
    /// Show both sides of a call's form: the machine's answers, and people's.
    #[command(after_help = "\
Example:
  earwitness scorecards show --tenant acme --call 2026-11-24-0815 \\
      --scorecard rules/call-quality-form@2.scorecard.toml")]
    Show {
        #[command(flatten)]
        form: FormArgs,
        /// The call.
        #[arg(long, value_name = "NAME")]
        call: CallId,
        /// One JSON object: both results, and every review.
        #[arg(long)]
        json: bool,
    },
    /// Count for each question how often people and the machine agree, over all calls that were reviewed.
    #[command(after_help = "\
Examples:
  earwitness scorecards agreement --tenant acme --scorecard form.scorecard.toml
  earwitness scorecards agreement --tenant acme --scorecard form.scorecard.toml \\
      --prefix 2026-11 --json
  earwitness scorecards agreement --tenant acme --scorecard form.scorecard.toml \\
      --call c-17 --call c-18

To find the calls that were reviewed, the keys of all the tenant's calls are listed, a request for
a thousand of them; --prefix lists those of its calls alone, and with --call nothing but these
calls is looked at.")]
    Agreement {
        #[command(flatten)]
        form: FormArgs,
        /// Only calls whose names begin with this.
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
        /// Only this call. May be given again.
        #[arg(long, value_name = "NAME", conflicts_with = "prefix")]
        call: Vec<CallId>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct FormArgs {
    /// The customer account that the calls belong to.
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// The form that the machine filled in.
    #[arg(long, value_name = "FILE")]
    scorecard: PathBuf,
}

pub(super) async fn run(global: &Global, args: ScorecardsArgs) -> Result<u8, Exit> {
    let form = match &args.command {
        ScorecardsCommand::Answer { form, .. }
        | ScorecardsCommand::Show { form, .. }
        | ScorecardsCommand::Agreement { form, .. } => form,
    };
    let card = load_scorecard(&form.scorecard).await;
    let card = card.map_err(|failure| Exit::new(exit::CONFIG, failure))?;
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let reviews = Reviews {
        store: shelf.store.as_ref(),
        results: &shelf.results,
        tenant: &form.tenant,
        card: &card,
    };
    match &args.command {
        ScorecardsCommand::Answer {
            call,
            reviewer,
            comment,
            answers,
            ..
        } => {
            let review = Review {
                schema_version: SCHEMA_VERSION,
                tenant: form.tenant.clone(),
                call: call.clone(),
                scorecard: card.id.clone(),
                version: card.version,
                scorecard_sha256: card.sha256.clone(),
                reviewer: reviewer.clone(),
                reviewed_at: Timestamp::now(),
                answers: answers.iter().map(|given| human(&card, given)).collect(),
                comment: comment.clone(),
            };
            let audit = audit_log(&config, "scorecards")?;
            answer(reviews, &audit, review).await
        }
        ScorecardsCommand::Show { call, json, .. } => show_call(reviews, call, *json).await,
        ScorecardsCommand::Agreement {
            prefix, call, json, ..
        } => {
            let named: BTreeSet<_> = call.iter().cloned().collect();
            match named.is_empty() {
                true => agreement(reviews, reviews.calls(prefix), *json).await,
                false => agreement(reviews, stream::iter(named).map(Ok), *json).await,
            }
        }
    }
}

fn human(card: &Scorecard, (question, answer): &(String, String)) -> HumanAnswer {
    HumanAnswer {
        id: format!("{}/{question}@{}", card.id, card.version),
        answer: (answer != NOT_APPLICABLE).then(|| answer.clone()),
    }
}

async fn answer(reviews: Reviews<'_>, audit: &AuditLog, review: Review) -> Result<u8, Exit> {
    let too_long = |text: &String| text.len() > MAX_COMMENT_BYTES;
    if review.comment.as_ref().is_some_and(too_long) {
        let error = anyhow::anyhow!("--comment is longer than {MAX_COMMENT_BYTES} bytes");
        return Err(Exit::new(2, error));
    }
    let machine = machine(reviews, &review.call).await?;
    let usage = |error| Exit::new(2, error);
    let card = reviews.card;
    card.review(&machine, std::slice::from_ref(&review))
        .map_err(usage)?;
    reviews.write(&review).await.map_err(failed)?;
    let recorded = audit.record(Event::reviewed(&review)).await;
    recorded.map_err(anyhow::Error::from)?;
    let count = review.answers.len();
    out::line(format_args!(
        "stored {count} answers of {} about {}",
        review.reviewer, review.call
    ));
    Ok(exit::OK)
}

fn failed(failure: Failure) -> Exit {
    let status = match failure.code {
        ErrorCode::StoreUnavailable => exit::UNREACHABLE,
        _ => exit::SOME_FAILED,
    };
    Exit::new(status, failure)
}

async fn machine(reviews: Reviews<'_>, call: &CallId) -> Result<ScorecardResult, Exit> {
    let found = reviews.machine(call).await.map_err(failed)?;
    let (id, version) = (&reviews.card.id, reviews.card.version);
    Ok(found.with_context(|| {
        format!(
            "no result of {call} holds this {id}@{version}: see `earwitness rescore --scorecard`"
        )
    })?)
}

async fn show_call(reviews: Reviews<'_>, call: &CallId, json: bool) -> Result<u8, Exit> {
    let machine = machine(reviews, call).await?;
    let given = reviews.of(call).await.map_err(failed)?;
    let reviewed = reviews
        .card
        .review(&machine, &given)
        .map_err(anyhow::Error::from)?;
    if json {
        out::line(show::both_json(&reviewed, &given));
    } else {
        out::write(show::both(&reviewed, &given).as_bytes());
    }
    Ok(exit::OK)
}

async fn agreement(
    reviews: Reviews<'_>,
    calls: impl Stream<Item = Result<CallId, Failure>>,
    json: bool,
) -> Result<u8, Exit> {
    let mut agreement = Agreement::default();
    let mut calls = pin!(calls);
    while let Some(call) = calls.try_next().await.map_err(failed)? {
        // A call whose results were made anew without the form has nothing to compare with.
        let Some(machine) = reviews.machine(&call).await.map_err(failed)? else {
            continue;
        };
        agreement.add(&machine, &reviews.of(&call).await.map_err(failed)?);
    }
    if json {
        out::line(show::agreement_json(&agreement));
    } else {
        out::write(show::agreement(&agreement).as_bytes());
    }
    Ok(exit::OK)
}
