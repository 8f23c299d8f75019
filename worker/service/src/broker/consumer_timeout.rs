//! How long the broker lets a delivery go unacked. AMQP does not tell, nor does RabbitMQ's HTTP API: only its own
//! `rabbitmqctl` does, on a host and as a user that may run it. In: that command, or none. Out: [`ConsumerTimeout`], which
//! says plainly when it is not known. Source: `consumer_timeout` in RabbitMQ's rabbit.app, in milliseconds.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// The broker looks once a minute, and a span that has begun is finished first.
const MARGIN: Duration = Duration::from_secs(120);
/// It starts an Erlang machine of its own, which takes a second on a quiet host.
const PATIENCE: Duration = Duration::from_secs(30);
const QUESTION: &str = "application:get_env(rabbit, consumer_timeout).";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerTimeout {
    After(Duration),
    Never,
    /// Nobody was asked.
    NotAsked,
    /// Why the answer is no answer.
    Unknown(String),
}

impl ConsumerTimeout {
    /// Asks through `rabbitmqctl`, with this process's environment: RABBITMQ_NODENAME and HOME say which node and cookie.
    pub async fn ask(rabbitmqctl: Option<&str>) -> Self {
        let Some(program) = rabbitmqctl else {
            return Self::NotAsked;
        };
        let asked = Command::new(program)
            .args(["-q", "eval", QUESTION])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(output)) => output,
            Ok(Err(e)) => return Self::Unknown(format!("run {program}: {}", e.kind())),
            Err(_) => return Self::Unknown(format!("{program} did not answer")),
        };
        if !output.status.success() {
            return Self::Unknown(format!("{program} ended with {}", output.status));
        }
        parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// Whether a delivery may be held this long; `None` when that is not known.
    pub fn allows(&self, hold: Duration) -> Option<bool> {
        match self {
            Self::After(timeout) => Some(hold + MARGIN <= *timeout),
            Self::Never => Some(true),
            Self::NotAsked | Self::Unknown(_) => None,
        }
    }

    pub fn as_seconds(&self) -> Option<u64> {
        match self {
            Self::After(timeout) => Some(timeout.as_secs()),
            Self::Never | Self::NotAsked | Self::Unknown(_) => None,
        }
    }
}

impl fmt::Display for ConsumerTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(timeout) => write!(f, "{} s", timeout.as_secs()),
            Self::Never => f.write_str("none"),
            Self::NotAsked => f.write_str("not known: AMQP does not show it (1800 s by default)"),
            Self::Unknown(reason) => write!(f, "not known: {reason}"),
        }
    }
}

/// Reads an Erlang term: `{ok,1800000}`, `{ok,undefined}` or `undefined`.
fn parse(answer: &str) -> ConsumerTimeout {
    let term = answer.trim();
    let value = term
        .strip_prefix("{ok,")
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(term);
    match (value, value.parse()) {
        ("undefined" | "false", _) => ConsumerTimeout::Never,
        (_, Ok(ms)) => ConsumerTimeout::After(Duration::from_millis(ms)),
        _ => ConsumerTimeout::Unknown("rabbitmqctl gave another answer than a number".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_rabbitmq_writes_it() {
        let hold = Duration::from_secs(1_200);
        for (answer, shown, allows) in [
            ("{ok,1800000}\n", "1800 s", Some(true)),
            ("{ok,1320000}", "1320 s", Some(true)),
            ("{ok,1319000}", "1319 s", Some(false)),
            ("{ok,undefined}", "none", Some(true)),
            ("undefined", "none", Some(true)),
            ("Error: no node", "not known: rabbitmqctl gave", None),
            ("", "not known: rabbitmqctl gave", None),
        ] {
            let timeout = parse(answer);
            assert!(timeout.to_string().starts_with(shown), "{timeout}");
            assert_eq!(timeout.allows(hold), allows, "{answer}");
        }
        assert_eq!(ConsumerTimeout::NotAsked.allows(hold), None);
    }
}
