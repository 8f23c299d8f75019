//! `earwitness dlq`: dead letters. Prints ids, codes, counts and times, never a message; `export` writes messages to a file.

mod print;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use job_schema::ErrorCode;

use super::{Global, common, out};
use crate::broker::Broker;
use crate::dlq::{self, Filter, Letter, Taken};
use crate::exit::{self, Exit};
use crate::topology::Topology;

#[derive(Debug, clap::Args)]
pub(super) struct DlqArgs {
    #[command(subcommand)]
    command: DlqCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DlqCommand {
    /// One line a dead letter, the oldest first.
    #[command(
        after_help = "Example:\n  earwitness dlq list --reason store_unavailable --older-than 2h"
    )]
    List(Look),
    /// All that is known of each: code, detail, attempts, times.
    #[command(
        after_help = "Example:\n  earwitness dlq show --id 01930000-0000-7000-8000-000000000001"
    )]
    Show(Look),
    /// Counts by reason and lane.
    #[command(after_help = "Example:\n  earwitness dlq stats --json")]
    Stats(Look),
    /// Put jobs back into the lanes they came from, with no attempts counted.
    #[command(
        after_help = "Examples:\n  earwitness dlq replay --reason store_unavailable --dry-run\n  earwitness dlq replay --tenant acme --limit 100\n\nA result that exists is not made again."
    )]
    Replay(Change),
    /// Remove dead letters for good.
    #[command(
        after_help = "Example:\n  earwitness dlq drop --reason recording_empty --older-than 30d"
    )]
    Drop(Change),
    /// Write the original messages to a file, one JSON object a line; they stay where they are.
    #[command(
        after_help = "Example:\n  earwitness dlq export --reason bad_job --out bad-jobs.jsonl"
    )]
    Export {
        /// A new file, readable by its owner only: messages may name calls by phone number.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        filter: FilterArgs,
    },
}

#[derive(Debug, clap::Args)]
struct Look {
    #[command(flatten)]
    filter: FilterArgs,
    /// JSON lines.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Change {
    #[command(flatten)]
    filter: FilterArgs,
    /// Print what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Without a filter: yes, all of them.
    #[arg(long)]
    yes: bool,
    /// JSON lines.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct FilterArgs {
    /// Of this job or message.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// With this error code; `delivery_limit` for what the broker gave up.
    #[arg(long, value_name = "CODE", alias = "code", value_parser = reason)]
    reason: Option<String>,
    /// Of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Dead for at least this long: 90s, 2h, 30d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<SignedDuration>,
    /// At most so many, the oldest first.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl From<FilterArgs> for Filter {
    fn from(args: FilterArgs) -> Self {
        Self {
            id: args.id,
            reason: args.reason,
            tenant: args.tenant,
            older_than: args.older_than,
            limit: args.limit,
        }
    }
}

pub(super) async fn run(global: &Global, args: DlqArgs) -> Result<u8, Exit> {
    let desk = Desk::open(global).await?;
    match args.command {
        DlqCommand::List(look) => desk.look(look, print::list).await,
        DlqCommand::Show(look) => desk.look(look, print::show).await,
        DlqCommand::Stats(look) => desk.look(look, print::stats).await,
        DlqCommand::Replay(change) => desk.change(change, Doing::Replay).await,
        DlqCommand::Drop(change) => desk.change(change, Doing::Drop).await,
        DlqCommand::Export { out, filter } => desk.export(&out, filter.into()).await,
    }
}

#[derive(Debug, Clone, Copy)]
enum Doing {
    Replay,
    Drop,
}

/// A connection to work at.
struct Desk {
    broker: Broker,
    now: Timestamp,
}

impl Desk {
    async fn open(global: &Global) -> Result<Self, Exit> {
        let config = common::settings(global, &[])?.config;
        let topology = Topology::from(&config);
        let broker = Broker::connect(&config.broker, topology, "earwitness dlq").await?;
        let now = Timestamp::now();
        Ok(Self { broker, now })
    }

    async fn take(&self, filter: &Filter) -> Result<Taken, Exit> {
        let slot = self.broker.slot_channel().await?;
        Ok(dlq::take(&slot, filter, self.now).await?)
    }

    async fn look(self, look: Look, print: fn(&[Letter], bool) -> Result<(), Exit>) -> Done {
        let taken = self.take(&look.filter.into()).await?;
        print(&taken.matching, look.json)?;
        taken.give_back().await?;
        self.broker.close().await;
        Ok(exit::OK)
    }

    async fn change(self, change: Change, doing: Doing) -> Done {
        let filter = Filter::from(change.filter);
        if filter.is_empty() && !change.yes && !change.dry_run {
            let error = anyhow::anyhow!("this means every dead letter: filter, or say --yes");
            return Err(Exit::new(2, error));
        }
        let mut taken = self.take(&filter).await?;
        if change.dry_run {
            print::list(&taken.matching, change.json)?;
        } else {
            let publisher = self.broker.publisher().await?;
            for letter in taken.matching.drain(..) {
                if let Doing::Replay = doing {
                    letter.publish_again(&publisher, self.now).await?;
                }
                print::list(std::slice::from_ref(&letter), change.json)?;
                letter.bury_for_good().await?;
            }
        }
        taken.give_back().await?;
        self.broker.close().await;
        Ok(exit::OK)
    }

    async fn export(self, to: &Path, filter: Filter) -> Done {
        let taken = self.take(&filter).await?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(to);
        let mut file = file.with_context(|| format!("create {}", to.display()))?;
        for letter in &taken.matching {
            let line = print::exported(letter)?;
            file.write_all(line.as_bytes()).context("write export")?;
        }
        file.sync_all().context("write export")?;
        out::line(format_args!("{} exported", taken.matching.len()));
        taken.give_back().await?;
        self.broker.close().await;
        Ok(exit::OK)
    }
}

type Done = Result<u8, Exit>;

/// A code that no job ends with would find nothing, and look as if all were well.
fn reason(text: &str) -> Result<String, String> {
    let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
    let known: Vec<&str> = codes.chain([dlq::DELIVERY_LIMIT]).collect();
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("no such code; there are {}", known.join(", ")))
}

/// Days are 24 hours here: nobody asks for dead letters by the calendar.
fn age(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "expected a number and a unit: 90s, 15m, 2h or 30d".to_owned();
    if let Some(days) = text.strip_suffix('d') {
        let days: u32 = days.parse().map_err(|_| wrong())?;
        return Ok(SignedDuration::from_hours(24 * i64::from(days)));
    }
    text.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_code_that_there_is() {
        for known in ["store_unavailable", "delivery_limit"] {
            assert_eq!(reason(known).as_deref(), Ok(known));
        }
        let unknown = reason("store_unavailble").unwrap_err();
        assert!(
            unknown.contains("store_unavailable, transfer_damaged"),
            "{unknown}"
        );
    }

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        assert_eq!(age("90s"), Ok(SignedDuration::from_secs(90)));
        assert_eq!(age("2h"), Ok(SignedDuration::from_hours(2)));
        assert_eq!(age("30d"), Ok(SignedDuration::from_hours(720)));
        for text in ["", "90", "d", "-1d", "soon"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
