//! Logs: JSON or text lines on stderr. Speech, numbers and names are never logged (see docs/LOGGING.md), and the clients
//! that could print message bodies are held at `info` whatever the filter asks for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::LogFormat;

/// Crates whose `debug` or `trace` lines carry frames, headers or bodies.
const TALKATIVE: [&str; 9] = [
    "lapin",
    "amq_protocol",
    "async_rs",
    "aws",
    "aws_sdk_s3",
    "aws_smithy_runtime",
    "hyper",
    "hyper_util",
    "rustls",
];

/// `filter` as `RUST_LOG` writes it.
///
/// # Errors
/// When the filter does not parse, or a subscriber is already installed.
pub fn init(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let asked =
        EnvFilter::try_new(filter).map_err(|e| anyhow::anyhow!("log filter `{filter}`: {e}"))?;
    let mut ceiling = Targets::new().with_default(LevelFilter::TRACE);
    for target in TALKATIVE {
        ceiling = ceiling.with_target(target, LevelFilter::INFO);
    }
    let registry = tracing_subscriber::registry().with(asked);
    match format {
        LogFormat::Text => {
            registry
                .with(
                    fmt::layer()
                        .with_writer(std::io::stderr)
                        .with_ansi(std::io::stderr().is_terminal())
                        .with_target(false)
                        .with_filter(ceiling),
                )
                .try_init()?;
        }
        LogFormat::Json => {
            let layer = fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false);
            registry
                .with(layer.with_writer(std::io::stderr).with_filter(ceiling))
                .try_init()?;
        }
    }
    Ok(())
}
