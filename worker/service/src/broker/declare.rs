//! Making the topology, and comparing a broker with it. In: the topology. Out: nothing, or what differs ([`Drift`]).
//! AMQP shows neither bindings nor the arguments of a queue: declaring it again with ours tells whether they agree.

use lapin::options::{
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ErrorKind, ExchangeKind};
use uuid::Uuid;

use super::Broker;
use super::error::{BrokerError, answered};
use crate::topology::{Argument, Exchange, ExchangeType, Queue};

/// Should we die between making a queue that is for nothing and deleting it, the broker deletes it.
const USELESS_EXPIRES_MS: i64 = 60_000;

/// One difference between a broker and the topology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Drift {
    #[error("exchange {0} is missing: run `earwitness queues declare`")]
    MissingExchange(String),
    #[error("queue {0} is missing: run `earwitness queues declare`")]
    MissingQueue(String),
    /// `reason` is the broker's own sentence, which names the property that differs.
    #[error("{name} differs: {reason}")]
    Different { name: String, reason: String },
    #[error("{0} exists, and this user may not compare it")]
    Unchecked(String),
}

/// How a declaration ended that the broker answered.
enum Answer<T> {
    Agreed(T),
    Missing,
    Differs(String),
    NotAllowed,
}

impl Broker {
    /// Makes what is missing. What is there already is left alone if it agrees.
    ///
    /// # Errors
    /// [`BrokerError::Failed`] with the broker's sentence where something is there and differs.
    pub async fn declare(&self) -> Result<(), BrokerError> {
        let channel = self.channel(&self.publishing).await?;
        for exchange in self.topology.exchanges() {
            let declared = declare_exchange(&channel, &exchange, false);
            answered("declare exchange", self.request_timeout, declared).await?;
        }
        for queue in self.topology.queues() {
            let declared = declare_queue(&channel, &queue, false);
            answered("declare queue", self.request_timeout, declared).await?;
            let (name, to) = (queue.name.as_str().into(), queue.bound_to.as_str().into());
            let key = queue.routing_key.as_str().into();
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            let bound = channel.queue_bind(name, to, key, options, none);
            answered("bind queue", self.request_timeout, bound).await?;
        }
        self.write_down(&channel).await
    }

    /// RabbitMQ 3.10 keeps the names of its quorum queues in a table that it writes with a delay of seconds, or before the
    /// next change: killed in between, it has lost the messages of the queue declared last, confirmed ones too, and
    /// confirms none ever after. A queue made and deleted is such a change.
    async fn write_down(&self, channel: &Channel) -> Result<(), BrokerError> {
        let useless = self
            .topology
            .useless_queue(&Uuid::now_v7(), USELESS_EXPIRES_MS);
        let declared = declare_queue(channel, &useless, false);
        answered("declare queue", self.request_timeout, declared).await?;
        let (name, options) = (useless.name.as_str().into(), QueueDeleteOptions::default());
        let deleted = channel.queue_delete(name, options);
        answered("delete queue", self.request_timeout, deleted).await?;
        Ok(())
    }

    /// Compares exchanges and queues; bindings cannot be seen over AMQP.
    ///
    /// # Errors
    /// The broker is gone or does not answer.
    pub async fn check(&self) -> Result<Vec<Drift>, BrokerError> {
        let mut drifts = Vec::new();
        for exchange in self.topology.exchanges() {
            let name = exchange.name.clone();
            let mut answer = self.try_exchange(&exchange, true).await?;
            if let Answer::Agreed(()) = answer {
                answer = self.try_exchange(&exchange, false).await?;
            }
            drifts.extend(drift(answer, name, Drift::MissingExchange));
        }
        for queue in self.topology.queues() {
            let name = queue.name.clone();
            let mut answer = self.try_queue(&queue, true).await?;
            if let Answer::Agreed(_) = answer {
                answer = self.try_queue(&queue, false).await?;
            }
            drifts.extend(drift(answer, name, Drift::MissingQueue));
        }
        Ok(drifts)
    }

    /// Messages that wait in each queue, those in hand left out. Missing queues are left out too.
    ///
    /// # Errors
    /// The broker is gone or does not answer.
    pub async fn depths(&self) -> Result<Vec<(String, u32)>, BrokerError> {
        let mut depths = Vec::new();
        for queue in self.topology.queues() {
            if let Answer::Agreed(count) = self.try_queue(&queue, true).await? {
                depths.push((queue.name, count));
            }
        }
        Ok(depths)
    }

    // A refusal closes the channel, so each question has its own.

    async fn try_exchange(
        &self,
        exchange: &Exchange,
        passive: bool,
    ) -> Result<Answer<()>, BrokerError> {
        let channel = self.channel(&self.publishing).await?;
        let declared = async {
            let result = declare_exchange(&channel, exchange, passive).await;
            understood(result)
        };
        let answer = answered("check exchange", self.request_timeout, declared).await?;
        self.done_with(&channel).await;
        Ok(answer)
    }

    async fn try_queue(&self, queue: &Queue, passive: bool) -> Result<Answer<u32>, BrokerError> {
        let channel = self.channel(&self.publishing).await?;
        let declared = async {
            let result = declare_queue(&channel, queue, passive).await;
            understood(result)
        };
        let answer = answered("check queue", self.request_timeout, declared).await?;
        self.done_with(&channel).await;
        Ok(answer)
    }

    async fn done_with(&self, channel: &Channel) {
        let closed = channel.close(200, "done".into());
        // It may be closed already, by the refusal.
        let _ = answered("close channel", self.request_timeout, closed).await;
    }
}

async fn declare_exchange(
    channel: &Channel,
    exchange: &Exchange,
    passive: bool,
) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions {
        passive,
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let kind = match exchange.kind {
        ExchangeType::Direct => ExchangeKind::Direct,
        ExchangeType::Fanout => ExchangeKind::Fanout,
        ExchangeType::Topic => ExchangeKind::Topic,
    };
    let name = exchange.name.as_str().into();
    channel
        .exchange_declare(name, kind, options, FieldTable::default())
        .await
}

/// Gives the number of messages that wait.
async fn declare_queue(channel: &Channel, queue: &Queue, passive: bool) -> lapin::Result<u32> {
    let options = QueueDeclareOptions {
        passive,
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let mut arguments = FieldTable::default();
    for (name, value) in &queue.arguments {
        let value = match value {
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
        };
        arguments.insert((*name).into(), value);
    }
    let name = queue.name.as_str().into();
    let declared = channel.queue_declare(name, options, arguments).await?;
    Ok(declared.message_count())
}

/// Tells a refusal, which is an answer, from a broker that cannot be talked to.
fn understood<T>(result: lapin::Result<T>) -> lapin::Result<Answer<T>> {
    let error = match result {
        Ok(value) => return Ok(Answer::Agreed(value)),
        Err(error) => error,
    };
    let ErrorKind::ProtocolError(refusal) = error.kind() else {
        return Err(error);
    };
    match refusal.kind() {
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => Ok(Answer::Missing),
        AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => {
            Ok(Answer::Differs(refusal.get_message().to_string()))
        }
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Ok(Answer::NotAllowed),
        _ => Err(error),
    }
}

fn drift<T>(answer: Answer<T>, name: String, missing: fn(String) -> Drift) -> Option<Drift> {
    match answer {
        Answer::Agreed(_) => None,
        Answer::Missing => Some(missing(name)),
        Answer::Differs(reason) => Some(Drift::Different { name, reason }),
        Answer::NotAllowed => Some(Drift::Unchecked(name)),
    }
}
