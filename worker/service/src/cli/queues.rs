//! `earwitness queues`: the topology on a live broker.

use std::time::Duration;

use super::out;
use super::{Global, common, lanes};
use crate::broker::{Broker, ConsumerTimeout};
use crate::exit::{self, Exit};
use crate::topology::Topology;

#[derive(Debug, clap::Args)]
pub(super) struct QueuesArgs {
    #[command(subcommand)]
    command: QueuesCommand,
}

#[derive(Debug, clap::Subcommand)]
enum QueuesCommand {
    /// Create the exchanges and queues that are missing.
    #[command(after_help = "Example:\n  earwitness queues declare")]
    Declare,
    /// Compare the live broker with what should be there, and its consumer timeout with worker.max_hold_s; status 1 on a
    /// difference.
    #[command(after_help = "\
Examples:
  earwitness queues check --json
  RABBITMQ_NODENAME=rabbit@mq1 earwitness queues check --rabbitmqctl

AMQP does not show the consumer timeout. On the broker's host --rabbitmqctl asks for it; anywhere
else it stays unknown.")]
    Check {
        /// One JSON object for each queue and difference.
        #[arg(long)]
        json: bool,
        /// Ask this command for the consumer timeout.
        #[arg(long, value_name = "COMMAND", num_args = 0..=1, default_missing_value = "rabbitmqctl")]
        rabbitmqctl: Option<String>,
    },
}

pub(super) async fn run(global: &Global, args: QueuesArgs) -> Result<u8, Exit> {
    let config = common::settings(global, &[])?.config;
    let topology = Topology::from(&config);
    let broker = Broker::connect(&config.broker, topology, "earwitness queues").await?;
    let QueuesCommand::Check { json, rabbitmqctl } = args.command else {
        broker.declare().await?;
        out::line(format_args!(
            "{} queues declared",
            broker.topology().queues().len()
        ));
        return Ok(exit::OK);
    };
    let drifts = broker.check().await?;
    for drift in &drifts {
        if json {
            out::line(format_args!(
                "{}",
                serde_json::json!({ "drift": drift.to_string() })
            ));
        } else {
            out::line(format_args!("{drift}"));
        }
    }
    let timeout = ConsumerTimeout::ask(rabbitmqctl.as_deref()).await;
    let held = say_timeout(&timeout, config.worker.max_hold, json);
    if !drifts.is_empty() {
        return Ok(exit::SOME_FAILED);
    }
    lanes::say_paused(&config, json).await?;
    for (queue, messages) in broker.depths().await? {
        if json {
            out::line(format_args!(
                "{}",
                serde_json::json!({ "queue": queue, "messages": messages })
            ));
        } else {
            out::line(format_args!("{queue:32} {messages:>8}"));
        }
    }
    Ok(if held { exit::OK } else { exit::SOME_FAILED })
}

/// Whether nothing speaks against the worker's hold. Asked for and not found out does.
fn say_timeout(timeout: &ConsumerTimeout, hold: Duration, json: bool) -> bool {
    let hold_s = hold.as_secs();
    let allows = timeout.allows(hold);
    if json {
        let line = serde_json::json!({
            "consumer_timeout": timeout.to_string(),
            "consumer_timeout_s": timeout.as_seconds(),
            "max_hold_s": hold_s,
            "max_hold_allowed": allows,
        });
        out::line(format_args!("{line}"));
    } else {
        let fix = match allows {
            Some(false) => {
                ": too long, so lower worker.max_hold_s or raise the broker's consumer_timeout"
            }
            _ => "",
        };
        out::line(format_args!(
            "consumer timeout: {timeout}; worker.max_hold_s is {hold_s}{fix}"
        ));
    }
    allows.unwrap_or(*timeout == ConsumerTimeout::NotAsked)
}
