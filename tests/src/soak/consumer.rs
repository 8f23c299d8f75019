//! The portal: reads every event, and comes back whenever its connection is lost. In: the events queue. Out: all copies of
//! all events, and how many jobs are finished by now.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use earwitness::spec::sha256;
use job_schema::JobId;
use job_schema::event::{Event as Told, EventData};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use super::checker::Event;
use crate::rabbit::{PlainClient, RabbitNode};

const PAUSE: Duration = Duration::from_millis(30);

#[derive(Debug)]
pub(super) struct Consumer {
    reading: JoinHandle<()>,
    heard: Arc<Mutex<Heard>>,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Heard {
    events: Vec<Event>,
    finished: BTreeSet<JobId>,
    /// Bodies that are no events.
    foreign_count: u64,
}

impl Consumer {
    pub(super) fn start(bench: &Bench) -> Self {
        let (heard, stop) = (Arc::default(), CancellationToken::new());
        let (node, queue) = (
            RabbitNode::at(bench.broker_url()),
            bench.topology().events_queue(),
        );
        let reading = tokio::spawn(read(node, queue, Arc::clone(&heard), stop.clone()));
        Self {
            reading,
            heard,
            stop,
        }
    }

    pub(super) fn finished_count(&self) -> u64 {
        with(&self.heard, |heard| heard.finished.len() as u64)
    }

    /// The events, and how many other messages there were.
    pub(super) async fn finish(self) -> (Vec<Event>, u64) {
        self.stop.cancel();
        // A reader that panicked leaves what it heard, and the checker misses the rest.
        let _ = self.reading.await;
        with(&self.heard, |heard| {
            (std::mem::take(&mut heard.events), heard.foreign_count)
        })
    }
}

async fn read(node: RabbitNode, queue: String, heard: Arc<Mutex<Heard>>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // The broker is away now and then: that is what the run is about.
        let _ = read_on(&node, &queue, &heard, &stop).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn read_on(
    node: &RabbitNode,
    queue: &str,
    heard: &Mutex<Heard>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let client = PlainClient::connect(node).await?;
    let reader = client.reader(queue).await?;
    while !stop.is_cancelled() {
        if !reader.next(|body| note(heard, body)).await? {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

fn note(heard: &Mutex<Heard>, body: &[u8]) {
    let told = serde_json::from_slice::<Told>(body);
    with(heard, |heard| {
        let Ok(told) = told else {
            heard.foreign_count += 1;
            return;
        };
        let (job, manifest_sha256) = match told.data {
            EventData::Completed(data) => (data.job_id, Some(data.manifest_sha256)),
            EventData::Failed(data) => (data.job_id, None),
        };
        heard.finished.insert(job);
        heard.events.push(Event {
            id: told.id,
            job,
            manifest_sha256,
            sha256: sha256(body),
        });
    });
}

fn with<T>(heard: &Mutex<Heard>, f: impl FnOnce(&mut Heard) -> T) -> T {
    f(&mut heard.lock().unwrap_or_else(PoisonError::into_inner))
}
