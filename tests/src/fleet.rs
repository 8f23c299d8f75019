//! A fleet on one machine: queues of its own on the real broker, an S3 API of its own, and worker processes on both. In:
//! what the recogniser says and a worker's settings. Out: [`Fleet`], which plays the producer and the portal: it uploads,
//! publishes, and reads manifests, status, events and dead letters from outside.

mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use earwitness::broker::Broker;
use earwitness::config::{self, Config};
use earwitness::layout;
use earwitness::settle::Attempts;
use earwitness::spec::sha256;
use earwitness::store::{self, BlobStore, Location, PutMode, StoreError};
use earwitness::topology::Topology;
use job_schema::event::Event;
use job_schema::job::BucketName;
use job_schema::manifest::Manifest;
use job_schema::status::{State, Status};
use job_schema::{Job, JobId, TenantId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::process::{Setting, WorkerProcess};
use crate::rabbit::{PlainClient, PlainMessage, RabbitNode};
use crate::s3::S3Server;
use crate::signals::until;
pub(crate) use settings::{settings, variable};

pub const TENANT: &str = "acme";
pub const RECORDINGS: &str = "recordings";
pub const RESULTS: &str = "results";
const MAX_READ_BYTES: u64 = 64 << 20;

#[derive(Debug)]
pub struct Fleet {
    server: S3Server,
    dir: TempDir,
    settings: Vec<Setting>,
    topology: Topology,
    plain: PlainClient,
    broker: Broker,
    store: Arc<dyn BlobStore>,
}

impl Fleet {
    /// Servers and queues, and no worker yet. `script` is what the scripted recogniser says.
    pub async fn start(script: &Value) -> anyhow::Result<Self> {
        Self::start_on(RabbitNode::shared()?, script).await
    }

    /// The same on a broker that the test has to itself, and may kill.
    pub async fn start_on(node: &RabbitNode, script: &Value) -> anyhow::Result<Self> {
        Self::start_led_by(node, node, script).await
    }

    /// On a broker of several nodes: the queues are declared at one, which then leads them, and used through another.
    pub async fn start_led_by(
        leader: &RabbitNode,
        node: &RabbitNode,
        script: &Value,
    ) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("script.json"), script.to_string())?;
        std::fs::create_dir(dir.path().join("rules"))?;
        let server = S3Server::start(&dir.path().join("s3"), &[RECORDINGS, RESULTS]).await?;
        let settings = settings(dir.path(), node.url(), &server.endpoint());
        let config = config::assemble(None, &settings, &[])?.config;
        let topology = Topology::from(&config);
        declare_at(leader, &config).await?;
        let broker = Broker::connect(&config.broker, topology.clone(), "fleet test").await?;
        Ok(Self {
            server,
            dir,
            store: store::open(&config.store).await?,
            settings,
            topology,
            plain: PlainClient::connect(node).await?,
            broker,
        })
    }

    /// Own connections anew, after the broker was away. The workers see to theirs.
    ///
    /// # Errors
    /// The broker does not answer.
    pub async fn reconnect(&mut self, node: &RabbitNode) -> anyhow::Result<()> {
        let config = config::assemble(None, &self.settings, &[])?.config;
        let topology = self.topology.clone();
        self.broker = Broker::connect(&config.broker, topology, "fleet test").await?;
        self.plain = PlainClient::connect(node).await?;
        Ok(())
    }

    /// A worker process with one slot; `more` are settings by their keys, which win over the fleet's.
    pub fn worker(&self, name: &str, more: &[(&str, &str)]) -> anyhow::Result<WorkerProcess> {
        self.worker_under(&[], name, more)
    }

    /// The same, run by a command that ends by running another.
    pub fn worker_under(
        &self,
        under: &[&str],
        name: &str,
        more: &[(&str, &str)],
    ) -> anyhow::Result<WorkerProcess> {
        let log = self.dir.path().join(format!("{name}.log"));
        WorkerProcess::start_under(under, name, log, &self.workers_settings(name, more))
    }

    /// A worker whose log goes elsewhere.
    pub fn worker_logging_to(
        &self,
        log: impl Into<Stdio>,
        name: &str,
        more: &[(&str, &str)],
    ) -> anyhow::Result<WorkerProcess> {
        WorkerProcess::start_logging_to(log, name, &self.workers_settings(name, more))
    }

    fn workers_settings(&self, name: &str, more: &[(&str, &str)]) -> Vec<Setting> {
        let mut settings = self.settings(more);
        settings.push(variable("worker.name", name));
        settings
    }

    /// Takes one of this fleet's queues away, as `jobs.standard`, with all that is in it.
    pub async fn delete_queue(&self, queue: &str) -> anyhow::Result<()> {
        let name = format!("{}.{queue}", self.queue_prefix());
        self.plain.delete_queue(&name).await
    }

    /// Makes what is missing of the queues, as `earwitness queues declare` does.
    pub async fn declare(&self) -> anyhow::Result<()> {
        Ok(self.broker.declare().await?)
    }

    /// As environment variables, for a command.
    pub fn settings(&self, more: &[(&str, &str)]) -> Vec<Setting> {
        let more = more.iter().map(|(key, value)| variable(key, value));
        self.settings.iter().cloned().chain(more).collect()
    }

    /// What the names of this fleet's queues begin with.
    pub fn queue_prefix(&self) -> String {
        let events = self.topology.events_queue();
        events.split('.').next().unwrap_or_default().to_owned()
    }

    pub fn add_rules(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(
            self.dir.path().join("rules").join(name),
            text,
        )?)
    }

    /// A file of this fleet's own, as a command takes it.
    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    pub async fn upload(&self, key: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        let at = Location::new(bucket(RECORDINGS)?, key.parse()?);
        let mode = PutMode::Overwrite;
        let put = self.store.put(&at, Bytes::from(bytes), "audio/wav", mode);
        put.await?;
        Ok(())
    }

    /// Uploads a recording and queues its job.
    pub async fn submit(&self, call: &str, recording: Vec<u8>) -> anyhow::Result<JobId> {
        let job = job(call);
        self.upload(&format!("{TENANT}/{call}.wav"), recording)
            .await?;
        self.publish(job.to_string().as_bytes()).await?;
        Ok(serde_json::from_value(job["job_id"].clone())?)
    }

    /// Any bytes, as any producer may send them.
    pub async fn publish(&self, body: &[u8]) -> anyhow::Result<()> {
        self.publish_to("standard", body).await
    }

    pub async fn publish_to(&self, lane: &str, body: &[u8]) -> anyhow::Result<()> {
        let exchange = self.topology.jobs_exchange();
        self.plain.publish(&exchange, lane, body, &[]).await
    }

    /// The same many times over, on one channel.
    pub async fn publish_all(&self, bodies: &[Vec<u8>]) -> anyhow::Result<()> {
        self.publish_all_to("standard", bodies).await
    }

    pub async fn publish_all_to(&self, lane: &str, bodies: &[Vec<u8>]) -> anyhow::Result<()> {
        let exchange = self.topology.jobs_exchange();
        self.plain.publish_all(&exchange, lane, bodies).await
    }

    /// Puts a job into its lane as our own producers do: confirmed, and within `broker.confirm_timeout`.
    pub async fn publish_confirmed(&self, job: &Value) -> anyhow::Result<()> {
        let job: Job = serde_json::from_value(job.clone())?;
        let publisher = self.broker.publisher().await?;
        Ok(publisher
            .publish_job(&job, Attempts::default(), None)
            .await?)
    }

    /// For a proxy before the store.
    pub fn store_address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What anybody has asked the store for so far, as `bucket/key`.
    pub fn touched(&self) -> Vec<String> {
        self.server.touched()
    }

    /// A file that the fleet's processes may write.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub async fn status(&self, job: JobId) -> anyhow::Result<Option<Status>> {
        self.read(layout::status(&tenant()?, job).as_str()).await
    }

    /// What `pick` makes of a job's state, once it makes something of it.
    pub async fn state<T>(
        &self,
        job: JobId,
        what: &str,
        pick: impl Fn(State) -> Option<T>,
    ) -> anyhow::Result<T> {
        until(what, async || {
            Ok(self
                .status(job)
                .await?
                .and_then(|status| pick(status.state)))
        })
        .await
    }

    /// Keys in the results bucket, without those by which workers say that they are there.
    pub async fn keys(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let mut keys = self.keys_in(RESULTS, prefix).await?;
        keys.retain(|key| !key.starts_with(layout::WORKERS_PREFIX));
        Ok(keys)
    }

    /// Keys in the recordings bucket.
    pub async fn recordings(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        self.keys_in(RECORDINGS, prefix).await
    }

    async fn keys_in(&self, name: &str, prefix: &str) -> anyhow::Result<Vec<String>> {
        let (bucket, limit) = (bucket(name)?, 1_000);
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list(&bucket, prefix, after.as_deref(), limit);
            let page = page.await?;
            keys.extend(page.objects.into_iter().map(|o| String::from(o.key)));
            match page.next_after {
                Some(next) => after = Some(next),
                None => return Ok(keys),
            }
        }
    }

    /// Overwrites an object of the results bucket, as nobody but a test does.
    pub async fn put(&self, key: &str, bytes: Bytes) -> anyhow::Result<()> {
        let at = Location::new(bucket(RESULTS)?, key.parse()?);
        let put = self.store.put(&at, bytes, "text/plain", PutMode::Overwrite);
        put.await?;
        Ok(())
    }

    /// The one manifest of a call. Checks that what it names is there, whole, and all that there is.
    pub async fn result(&self, call: &str) -> anyhow::Result<Manifest> {
        let keys = self.keys(&format!("{TENANT}/calls/{call}/")).await?;
        let mut manifests = keys.iter().filter(|key| key.ends_with("/manifest.json"));
        let key = manifests.next().context("no manifest")?;
        anyhow::ensure!(manifests.next().is_none(), "several manifests: {keys:?}");
        let manifest: Manifest = self.read(key).await?.context("the manifest went away")?;
        for object in &manifest.objects {
            let bytes = self.bytes(object.key.as_str()).await?;
            let bytes = bytes.with_context(|| format!("{} is not there", object.name))?;
            anyhow::ensure!(sha256(&bytes) == object.sha256, "{} differs", object.name);
        }
        let expected = manifest.objects.len() + 1;
        anyhow::ensure!(keys.len() == expected, "not of the result: {keys:?}");
        Ok(manifest)
    }

    /// Takes this many events.
    pub async fn events(&self, count: usize) -> anyhow::Result<Vec<Event>> {
        let messages = self.event_messages(count).await?;
        let events = messages.iter().map(|m| serde_json::from_slice(&m.body));
        Ok(events.collect::<Result<_, _>>()?)
    }

    /// As many, as any consumer sees them.
    pub async fn event_messages(&self, count: usize) -> anyhow::Result<Vec<PlainMessage>> {
        let mut messages = Vec::new();
        while messages.len() < count {
            messages.push(self.message(&self.topology.events_queue()).await?);
        }
        Ok(messages)
    }

    /// Takes one dead letter.
    pub async fn dead_letter(&self) -> anyhow::Result<PlainMessage> {
        self.message(&self.topology.dead_queue()).await
    }

    /// Queues that hold something, as `jobs.standard`, with how much.
    pub async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let depths = self.broker.depths().await?;
        let own = |name: String| {
            name.split_once('.')
                .map_or(name.clone(), |n| n.1.to_owned())
        };
        let full = depths.into_iter().filter(|(_, count)| *count > 0);
        Ok(full
            .map(|(name, count)| (own(name), count.into()))
            .collect())
    }

    async fn message(&self, queue: &str) -> anyhow::Result<PlainMessage> {
        until(&format!("a message in {queue}"), async || {
            self.plain.take(queue).await
        })
        .await
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> anyhow::Result<Option<T>> {
        let bytes = self.bytes(key).await?;
        Ok(bytes.map(|b| serde_json::from_slice(&b)).transpose()?)
    }

    /// An object of the results bucket.
    pub async fn bytes(&self, key: &str) -> anyhow::Result<Option<Bytes>> {
        let at = Location::new(bucket(RESULTS)?, key.parse()?);
        match self.store.get(&at, MAX_READ_BYTES).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

async fn declare_at(node: &RabbitNode, config: &Config) -> anyhow::Result<()> {
    let mut settings = config.broker.clone();
    settings.url = Some(node.url().to_owned().into());
    let broker = Broker::connect(&settings, Topology::from(config), "fleet test").await?;
    broker.declare().await?;
    broker.close().await;
    Ok(())
}

/// A job as a producer writes it, for a recording under the call's name.
pub fn job(call: &str) -> Value {
    json!({
        "schema_version": 1,
        "job_id": Uuid::now_v7(),
        "tenant": TENANT,
        "call": call,
        "recording": { "bucket": RECORDINGS, "key": format!("{TENANT}/{call}.wav") },
        "submitted_at": "2026-11-24T12:00:00Z",
    })
}

fn bucket(name: &str) -> anyhow::Result<BucketName> {
    Ok(name.parse()?)
}

fn tenant() -> anyhow::Result<TenantId> {
    Ok(TENANT.parse()?)
}
