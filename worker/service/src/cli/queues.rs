//! `earwitness queues`: the topology on a live broker.

use super::out;
use super::{Global, common};
use crate::broker::Broker;
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
    /// Compare the live broker with what should be there; status 1 on a difference.
    #[command(after_help = "Example:\n  earwitness queues check --json")]
    Check {
        /// One JSON object for each queue and difference.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(global: &Global, args: QueuesArgs) -> Result<u8, Exit> {
    let config = common::settings(global, &[])?.config;
    let unreachable = |e| Exit::new(exit::UNREACHABLE, e);
    let topology = Topology::from(&config);
    let broker = Broker::connect(&config.broker, topology, "earwitness queues")
        .await
        .map_err(unreachable)?;
    let QueuesCommand::Check { json } = args.command else {
        broker.declare().await.map_err(unreachable)?;
        out::line(format_args!(
            "{} queues declared",
            broker.topology().queues().len()
        ));
        return Ok(exit::OK);
    };
    let drifts = broker.check().await.map_err(unreachable)?;
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
    if !drifts.is_empty() {
        return Ok(exit::SOME_FAILED);
    }
    for (queue, messages) in broker.depths().await.map_err(unreachable)? {
        if json {
            out::line(format_args!(
                "{}",
                serde_json::json!({ "queue": queue, "messages": messages })
            ));
        } else {
            out::line(format_args!("{queue:32} {messages:>8}"));
        }
    }
    Ok(exit::OK)
}
