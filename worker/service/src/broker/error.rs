//! What can go wrong with the broker, and the deadline on everything that is asked of it.

use std::future::Future;
use std::time::Duration;

use job_schema::{ErrorCode, Failure};

#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("connect to broker: {0}")]
    Settings(String),
    /// The broker's certificate is for another host, out of date, or from an authority that nobody here knows.
    #[error(
        "connect to broker: {reason}: check the certificate's host and dates; for an authority of your own set broker.ca_file"
    )]
    Untrusted { reason: String },
    #[error("{action}: no answer within {after:?}")]
    Timeout {
        action: &'static str,
        after: Duration,
    },
    /// The connection or channel is gone, or the broker refused.
    #[error("{action}: {reason}")]
    Failed {
        action: &'static str,
        reason: String,
    },
    /// The delivery belongs to somebody else by now: whatever is known of its job is to be dropped.
    #[error("{action}: the channel is gone, and the delivery with it")]
    LeaseLost { action: &'static str },
    /// The message reached no queue.
    #[error("publish to {exchange}: no queue is bound for {routing_key}")]
    Unroutable {
        exchange: String,
        routing_key: String,
    },
    /// The broker did not take the message on.
    #[error("publish to {exchange}: rejected by the broker")]
    Rejected { exchange: String },
    #[error("publish to {exchange}: write body: {reason}")]
    Body { exchange: String, reason: String },
    #[error("publish job: there is no retry step {0}")]
    NoSuchStep(usize),
}

impl BrokerError {
    /// Whether the connection is sound and a queue would not have the message, or there is none.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Unroutable { .. } | Self::Rejected { .. })
    }

    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    pub fn failure(&self) -> Failure {
        Failure::new(ErrorCode::BrokerUnavailable, self.to_string())
    }
}

/// Waits for an answer of the broker, and not longer.
pub(super) async fn answered<T>(
    action: &'static str,
    limit: Duration,
    question: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    within(action, limit, asked(action, question)).await
}

/// Waits for an answer of the broker for as long as the caller likes.
pub(super) async fn asked<T>(
    action: &'static str,
    question: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    question.await.map_err(|error| BrokerError::Failed {
        action,
        reason: error.to_string(),
    })
}

pub(super) async fn within<T>(
    action: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, BrokerError>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(BrokerError::Timeout {
            action,
            after: limit,
        }),
    }
}
