//! A RabbitMQ node of the tests' own, and a plain client that can do what our broker module never would. The node is the
//! one of EARWITNESS_TEST_AMQP_URL; without that, `scripts/dev-up` starts one, once in a process, and it is stopped when
//! the process ends. Tests keep apart by the prefix of their names.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::OnceLock;

use anyhow::Context;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::keeper::Keeper;

pub const URL_VARIABLE: &str = "EARWITNESS_TEST_AMQP_URL";

/// Starts a node, tells its URL, waits for this process to end, and stops the node. Without a node it ends at once.
const KEEPER: &str = r#"
dir=$(mktemp -d "$1/earwitness-broker.XXXXXX") || exit
if scripts/dev-up --broker-only --dir "$dir" >&2; then
    . "$dir/env" && echo "$AMQP_URL"
    exec >/dev/null 2>&1
    cat
fi
scripts/dev-down --dir "$dir" >/dev/null 2>&1
rm -rf "$dir"
"#;

#[derive(Debug)]
pub struct RabbitNode {
    url: String,
    /// The end of this process is its sign to stop the node.
    _keeper: Option<Keeper>,
}

impl RabbitNode {
    /// The node of this process.
    ///
    /// # Errors
    /// None was named and none could be started.
    pub fn shared() -> anyhow::Result<&'static RabbitNode> {
        static NODE: OnceLock<Result<RabbitNode, String>> = OnceLock::new();
        let node = NODE.get_or_init(|| Self::find_or_start().map_err(|e| format!("{e:#}")));
        node.as_ref().map_err(|reason| anyhow::anyhow!("{reason}"))
    }

    /// One that somebody else starts and stops.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            _keeper: None,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        let authority = self
            .url
            .rsplit_once('@')
            .map_or(&*self.url, |(_, rest)| rest);
        let host_port = authority.split('/').next().context("URL without a host")?;
        let mut addresses = host_port.to_socket_addrs().context("URL without a port")?;
        addresses.next().context("the host has no address")
    }

    /// The URL with another address in it: a proxy's.
    pub fn url_through(&self, address: SocketAddr) -> anyhow::Result<String> {
        let own = self.address()?.to_string();
        let (before, after) = self
            .url
            .split_once(&own)
            .context("URL without its address")?;
        Ok(format!("{before}{address}{after}"))
    }

    fn find_or_start() -> anyhow::Result<Self> {
        if let Ok(url) = std::env::var(URL_VARIABLE) {
            return Ok(Self { url, _keeper: None });
        }
        let mut keeper = Keeper::start(KEEPER, &std::env::temp_dir())?;
        let url = keeper.first_line()?;
        anyhow::ensure!(!url.is_empty(), "scripts/dev-up started no broker");
        Ok(Self {
            url,
            _keeper: Some(keeper),
        })
    }
}

/// A producer or consumer that is not ours.
#[derive(Debug)]
pub struct PlainClient {
    connection: Connection,
}

/// What a message looks like to such a consumer.
#[derive(Debug)]
pub struct PlainMessage {
    pub body: Vec<u8>,
    pub routing_key: String,
    pub properties: BasicProperties,
}

impl PlainMessage {
    /// A header as text, whatever its type.
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = self.properties.headers().as_ref()?;
        headers.inner().get(name).map(as_text)
    }

    /// All of them, one a line.
    pub fn headers(&self) -> String {
        let headers = self.properties.headers().iter();
        let pairs = headers.flat_map(|table| table.inner());
        let lines: Vec<String> = pairs.map(|(k, v)| format!("{k}: {}", as_text(v))).collect();
        lines.join("\n")
    }
}

fn as_text(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::LongUInt(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

impl PlainClient {
    pub async fn connect(node: &RabbitNode) -> anyhow::Result<Self> {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(node.url(), properties).await?;
        Ok(Self { connection })
    }

    pub async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        body: &[u8],
        headers: &[(&str, AMQPValue)],
    ) -> anyhow::Result<()> {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert((*name).into(), value.clone());
        }
        let properties = BasicProperties::default().with_headers(table);
        let options = BasicPublishOptions::default();
        let channel = self.channel().await?;
        let (exchange, key) = (exchange.into(), routing_key.into());
        let sent = channel.basic_publish(exchange, key, options, body, properties);
        sent.await?;
        // A channel closes in order, so what was sent on it has been taken.
        channel.close(200, "done".into()).await?;
        Ok(())
    }

    /// Bodies without headers, one after the other. Each is in its queue when this returns: a channel that closes without
    /// confirms may take what a busy quorum queue has not yet stored with it.
    pub async fn publish_all(
        &self,
        exchange: &str,
        routing_key: &str,
        bodies: &[Vec<u8>],
    ) -> anyhow::Result<()> {
        let channel = self.channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let mut sent = Vec::new();
        for body in bodies {
            let (options, plain) = (BasicPublishOptions::default(), BasicProperties::default());
            let (exchange, key) = (exchange.into(), routing_key.into());
            let published = channel.basic_publish(exchange, key, options, body, plain);
            sent.push(published.await?);
        }
        for confirmed in sent {
            anyhow::ensure!(confirmed.await?.is_ack(), "the broker refused a message");
        }
        channel.close(200, "done".into()).await?;
        Ok(())
    }

    pub async fn take(&self, queue: &str) -> anyhow::Result<Option<PlainMessage>> {
        let options = BasicGetOptions { no_ack: true };
        let channel = self.channel().await?;
        let got = channel.basic_get(queue.into(), options).await?;
        channel.close(200, "done".into()).await?;
        Ok(got.map(|message| PlainMessage {
            routing_key: message.delivery.routing_key.to_string(),
            body: message.delivery.data,
            properties: message.delivery.properties,
        }))
    }

    pub async fn delete_queue(&self, queue: &str) -> anyhow::Result<()> {
        let options = QueueDeleteOptions::default();
        let channel = self.channel().await?;
        channel.queue_delete(queue.into(), options).await?;
        Ok(())
    }

    /// A queue as somebody else would make it: durable, classic, without arguments.
    pub async fn declare_classic_queue(&self, queue: &str) -> anyhow::Result<()> {
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let (channel, none) = (self.channel().await?, FieldTable::default());
        channel.queue_declare(queue.into(), options, none).await?;
        Ok(())
    }

    /// For many messages from one queue.
    pub async fn reader(&self, queue: &str) -> anyhow::Result<QueueReader> {
        Ok(QueueReader {
            channel: self.channel().await?,
            queue: queue.to_owned(),
        })
    }

    async fn channel(&self) -> anyhow::Result<Channel> {
        Ok(self.connection.create_channel().await?)
    }
}

/// Takes messages, and gives each back to the broker unless it was noted.
#[derive(Debug)]
pub struct QueueReader {
    channel: Channel,
    queue: String,
}

impl QueueReader {
    /// Hands the next body to `note` and acks it then: a broker that dies in between hands it out again.
    pub async fn next(&self, note: impl FnOnce(&[u8]) + Send) -> anyhow::Result<bool> {
        let options = BasicGetOptions { no_ack: false };
        let got = self.channel.basic_get(self.queue.as_str().into(), options);
        let Some(got) = got.await? else {
            return Ok(false);
        };
        note(&got.delivery.data);
        got.delivery.acker.ack(BasicAckOptions::default()).await?;
        Ok(true)
    }
}
