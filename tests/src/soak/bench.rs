//! The fleet that is struck: a broker and a store of its own, a proxy before the store, one before the broker for each
//! worker, and worker processes. In: [`Options`]. Out: [`Bench`], which knows how to hurt each part, and what is left in
//! queues. All of it lies in one temporary directory, which is kept when something went wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use earwitness::broker::{Broker, BrokerError};
use earwitness::config;
use earwitness::store::{self, BlobStore, Location, PutMode};
use earwitness::topology::Topology;
use tempfile::TempDir;

use super::Options;
use super::records::{AUDIT, LOG};
use crate::chaos::link::{Manner, Proxy};
use crate::chaos::store_link::StoreProxy;
use crate::chaos::weather::{Rates, Weather};
use crate::fleet::{self, RECORDINGS, RESULTS, variable};
use crate::node::Node;
use crate::process::{Setting, WorkerProcess};
use crate::s3::S3Server;
use crate::signals::until;

/// Pretended work of each job, in one span.
const JOB_MS: u64 = 20;

/// Short, so that a run of minutes sees what a fleet sees in weeks.
const SETTINGS: [(&str, &str); 9] = [
    ("broker.heartbeat_s", "5"),
    ("broker.confirm_timeout_s", "8"),
    ("broker.request_timeout_s", "8"),
    ("broker.connect_timeout_s", "8"),
    ("store.read_timeout_s", "2"),
    ("store.attempt_timeout_s", "3"),
    ("store.operation_timeout_s", "20"),
    ("retry.delays_s", "1"),
    ("worker.drain_timeout_s", "20"),
];

#[derive(Debug)]
pub struct Bench {
    seats: Vec<Seat>,
    slots: usize,
    settings: Vec<Setting>,
    weather: StoreProxy,
    direct: Arc<dyn BlobStore>,
    access: Access,
    _server: S3Server,
    node: Node,
    dir: TempDir,
}

/// A worker's place: its name and its way to the broker stay, its process does not.
#[derive(Debug)]
struct Seat {
    name: String,
    link: Proxy,
    process: WorkerProcess,
    starts_count: u32,
}

/// The broker without a proxy.
#[derive(Debug, Clone)]
pub(super) struct Access {
    broker: config::Broker,
    topology: Topology,
}

impl Access {
    pub(super) async fn connect(&self, name: &str) -> Result<Broker, BrokerError> {
        Broker::connect(&self.broker, self.topology.clone(), name).await
    }
}

impl Bench {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("soak-").tempdir()?;
        let script = serde_json::json!({ "words": ["one", "two", "three"], "delay_ms": JOB_MS });
        std::fs::write(dir.path().join("script.json"), script.to_string())?;
        std::fs::create_dir(dir.path().join("rules"))?;
        let node = Node::start(&dir.path().join("broker"), "").await?;
        let server = S3Server::start(&dir.path().join("s3"), &[RECORDINGS, RESULTS]).await?;
        let weather = Weather::new(options.seed, options.rates);
        let weather = StoreProxy::start(server.address(), weather).await?;
        let own = fleet::settings(dir.path(), node.broker().url(), &server.endpoint());
        let more = SETTINGS.map(|(key, value)| variable(key, value));
        let mut settings: Vec<Setting> = own.into_iter().chain(more).collect();
        let config = config::assemble(None, &settings, &[])?.config;
        let access = Access {
            topology: Topology::from(&config),
            broker: config.broker.clone(),
        };
        access.connect("bench").await?.declare().await?;
        settings.push(variable("store.endpoint", &weather.endpoint()));
        settings.push(variable("engine.slots", &options.slots.to_string()));
        let mut bench = Self {
            seats: Vec::new(),
            slots: options.slots,
            settings,
            weather,
            direct: store::open(&config.store).await?,
            access,
            _server: server,
            node,
            dir,
        };
        for index in 0..options.workers {
            bench.add_seat(index).await?;
        }
        Ok(bench)
    }

    async fn add_seat(&mut self, index: usize) -> anyhow::Result<()> {
        let link = Proxy::start(self.node.broker().address()?).await?;
        // Every other worker has a poor line: frames come late and in pieces.
        if index % 2 == 1 {
            link.set_manner(Manner {
                latency: Duration::from_millis(2),
                slice_bytes: 100,
                stalled: false,
            });
        }
        let name = format!("worker-{index}");
        let process = self.worker(&name, 0, &link)?;
        self.seats.push(Seat {
            name,
            link,
            process,
            starts_count: 1,
        });
        Ok(())
    }

    fn worker(&self, name: &str, start: u32, link: &Proxy) -> anyhow::Result<WorkerProcess> {
        let path = |ending: &str| self.dir.path().join(ending).display().to_string();
        let mut settings = self.settings.clone();
        settings.push(variable("worker.name", name));
        settings.push(variable("audit.file", &path(&format!("{name}.{AUDIT}"))));
        let url = self.node.broker().url_through(link.address())?;
        settings.push(variable("broker.url", &url));
        let log = self.dir.path().join(format!("{name}.{start}.{LOG}"));
        WorkerProcess::start(name, log, &settings)
    }

    /// SIGKILL, and a new process in its place. How many lanes the old one sorted.
    pub(super) async fn kill_worker(&mut self, index: usize) -> anyhow::Result<u64> {
        let seat = self.seats.get_mut(index).context("a worker of the bench")?;
        seat.process.kill().await?;
        let sorted = sorted_lanes(last_session(&seat.process.log()?));
        let start = seat.starts_count;
        seat.starts_count += 1;
        let seat = self.seats.get(index).context("a worker of the bench")?;
        let process = self.worker(&seat.name, start, &seat.link)?;
        if let Some(seat) = self.seats.get_mut(index) {
            seat.process = process;
        }
        Ok(sorted)
    }

    /// How many lanes the worker sorted by the connection that is gone.
    pub(super) fn cut(&self, index: usize) -> anyhow::Result<u64> {
        let seat = self.seats.get(index).context("a worker of the bench")?;
        let before = seat.process.log()?;
        seat.link.cut_all();
        // It may have begun to sort between the two.
        let log = seat.process.log()?;
        let began = before.len() - last_session(&before).len();
        Ok(sorted_lanes(log.get(began..).unwrap_or(&log)))
    }

    /// Fails if a worker has ended that nobody killed.
    pub(super) fn all_run(&mut self) -> anyhow::Result<()> {
        for seat in &mut self.seats {
            if seat.process.has_ended()? {
                let log = seat.process.log()?;
                let last = log.lines().last().unwrap_or("no log").to_owned();
                anyhow::bail!("{} ended by itself: {last}", seat.name);
            }
        }
        Ok(())
    }

    /// Fails if the store was left in peace where faults were to come: they go by the request, of which each job makes several.
    pub(super) fn had_its_weather(&self, rates: Rates) -> anyhow::Result<()> {
        const CERTAIN_COUNT: u64 = 20;
        let due_count = self.weather.requests_count() * rates.all_ppm() / 1_000_000;
        let came = !self.weather.faults().is_empty();
        anyhow::ensure!(
            came || due_count < CERTAIN_COUNT,
            "the store had no fault where {due_count} were due"
        );
        Ok(())
    }

    /// Until every lane and every retry queue is empty. Dead letters stay, and the checker finds them.
    pub(super) async fn settle_down(&self) -> anyhow::Result<()> {
        let dead = self.access.topology.dead_queue();
        until("the queues to be empty", async || {
            let left = self.left_over().await?;
            Ok(left.iter().all(|(name, _)| *name == dead).then_some(()))
        })
        .await
    }

    /// Drained, so that nothing is in hand.
    pub(super) async fn stop_workers(&mut self) -> anyhow::Result<()> {
        for seat in &self.seats {
            seat.process.terminate()?;
        }
        for seat in &mut self.seats {
            let status = seat.process.ended().await?;
            anyhow::ensure!(status.success(), "{} ended with {status}", seat.name);
        }
        Ok(())
    }

    /// Queues that hold something, without the events.
    pub(super) async fn left_over(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let events = self.access.topology.events_queue();
        let mut depths = self.depths().await?;
        depths.retain(|(name, count)| *name != events && *count > 0);
        Ok(depths)
    }

    pub(super) async fn depths(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let broker = self.access.connect("bench").await?;
        let depths = broker.depths().await?;
        broker.close().await;
        Ok(depths
            .into_iter()
            .map(|(n, count)| (n, count.into()))
            .collect())
    }

    pub(super) async fn upload(&self, key: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        let at = Location::new(RECORDINGS.parse()?, key.parse()?);
        let (bytes, mode) = (Bytes::from(bytes), PutMode::Overwrite);
        self.direct.put(&at, bytes, "audio/wav", mode).await?;
        Ok(())
    }

    /// Leaves the directory in its place.
    pub(super) fn keep(&mut self) -> PathBuf {
        self.dir.disable_cleanup(true);
        self.dir.path().to_owned()
    }

    pub(super) fn slots(&self) -> u64 {
        self.slots as u64
    }

    pub(super) fn workers_count(&self) -> u64 {
        self.seats.len() as u64
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn broker_url(&self) -> &str {
        self.node.broker().url()
    }

    pub(super) fn topology(&self) -> &Topology {
        &self.access.topology
    }

    pub(super) fn access(&self) -> Access {
        self.access.clone()
    }

    pub(super) fn weather(&self) -> &StoreProxy {
        &self.weather
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn results_dir(&self) -> PathBuf {
        self.dir.path().join("s3").join(RESULTS)
    }
}

/// What a worker's log says of its connection that it has or had last.
fn last_session(log: &str) -> &str {
    log.rsplit("broker connection lost").next().unwrap_or(log)
}

/// A worker says that it sorts once in each session and lane.
fn sorted_lanes(log: &str) -> u64 {
    log.matches("this worker sorts the lane").count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_count_that_a_worker_sorts_by_its_last_connection() {
        let sorts = |lane: &str| {
            format!("{{\"message\":\"this worker sorts the lane\",\"lane\":\"{lane}\"}}\n")
        };
        let lost = "{\"message\":\"broker connection lost\"}\n";
        let first = sorts("batch") + &sorts("standard");
        for (log, count) in [
            (String::new(), 0),
            (first.clone(), 2),
            (first.clone() + lost, 0),
            (first + lost + &sorts("interactive"), 1),
        ] {
            assert_eq!(sorted_lanes(last_session(&log)), count, "{log}");
        }
    }
}
