//! The one who sends jobs. In: recordings in the store, how many jobs. Out: what was sent. Each job is sent until the broker
//! has confirmed it; a confirm that does not come makes it come twice, and nobody must notice. It keeps a backlog and no more,
//! so that it is at work as long as the fleet is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use earwitness::broker::{Broker, Publisher};
use earwitness::settle::Attempts;
use earwitness::spec::sha256;
use job_schema::{Job, JobId, Sha256};
use serde_json::json;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Options;
use super::bench::{Access, Bench};
use super::checker::Sent;
use crate::recordings::excerpt;
use crate::seed::Seeded;

pub(super) const TENANTS: [&str; 3] = ["acme", "bolt", "coda"];
const LANES: [&str; 5] = ["standard", "standard", "interactive", "batch", "batch"];
/// Jobs that wait or are in hand, over all lanes.
const BACKLOG: u64 = 300;
const RECORDINGS: usize = 24;
const PAUSE: Duration = Duration::from_millis(20);

type Sendings = (BTreeMap<JobId, Sent>, u64);

#[derive(Debug)]
pub(super) struct Producer {
    sending: JoinHandle<anyhow::Result<Sendings>>,
    finished: Arc<AtomicU64>,
}

struct Recording {
    key: String,
    sha256: Sha256,
}

impl Producer {
    pub(super) async fn start(bench: &Bench, options: &Options) -> anyhow::Result<Self> {
        let mut recordings = Vec::new();
        for tenant in TENANTS {
            for index in 0..RECORDINGS {
                // Different to the byte, so that a mistaken one is noticed; short, so that recognition takes no time.
                let wav = excerpt(1_000 + index * 400, 2_000 + index * 50)?;
                let key = format!("{tenant}/sample-{index}.wav");
                let sha256 = sha256(&wav);
                bench.upload(&key, wav).await?;
                recordings.push(Recording { key, sha256 });
            }
        }
        let finished = Arc::new(AtomicU64::new(0));
        let (access, ahead) = (bench.access(), Arc::clone(&finished));
        let (jobs, seed) = (options.jobs, options.seed);
        let sending = tokio::spawn(send(access, recordings, jobs, seed, ahead));
        Ok(Self { sending, finished })
    }

    pub(super) fn has_finished(&self, count: u64) {
        self.finished.store(count, Ordering::Relaxed);
    }

    pub(super) async fn finish(self) -> anyhow::Result<Sendings> {
        self.sending.await?
    }
}

async fn send(
    access: Access,
    recordings: Vec<Recording>,
    jobs: u64,
    seed: u64,
    finished: Arc<AtomicU64>,
) -> anyhow::Result<Sendings> {
    let mut numbers = Seeded::new(seed, "producer");
    let (mut sent, mut resends_count) = (BTreeMap::new(), 0);
    let mut open = None;
    for index in 0..jobs {
        while index >= finished.load(Ordering::Relaxed) + BACKLOG {
            tokio::time::sleep(PAUSE).await;
        }
        let chosen = numbers.below(recordings.len() as u64);
        let recording = recordings.get(usize::try_from(chosen)?);
        let recording = recording.context("a recording")?;
        let job = job(index, recording, numbers.number())?;
        let mut tries_count = 0;
        while let Err(e) = try_send(&access, &mut open, &job).await {
            tries_count += 1;
            resends_count += 1;
            anyhow::ensure!(tries_count < 1_000, "send job {index}: {e}");
            open = None;
            tokio::time::sleep(PAUSE * 10).await;
        }
        let note = Sent {
            call: format!("{}/{}", job.tenant, job.call),
            recording_sha256: recording.sha256.clone(),
            confirmed_at_once: tries_count == 0,
        };
        sent.insert(job.job_id, note);
    }
    Ok((sent, resends_count))
}

async fn try_send(
    access: &Access,
    open: &mut Option<(Broker, Publisher)>,
    job: &Job,
) -> anyhow::Result<()> {
    let (_, publisher) = match open {
        Some(open) => open,
        None => {
            let broker = access.connect("producer").await?;
            let publisher = broker.publisher().await?;
            open.insert((broker, publisher))
        }
    };
    Ok(publisher
        .publish_job(job, Attempts::default(), None)
        .await?)
}

fn job(index: u64, recording: &Recording, number: u64) -> anyhow::Result<Job> {
    let tenant = recording.key.split('/').next();
    let lane = LANES[usize::try_from(number % LANES.len() as u64)?];
    let mut source = json!({ "bucket": "recordings", "key": recording.key });
    // Where the job names no digest, the worker has to notice by itself what happened on the way.
    if number & 1 << 32 == 0 {
        source["sha256"] = json!(recording.sha256);
    }
    let document = json!({
        "schema_version": 1,
        "job_id": Uuid::now_v7(),
        "tenant": tenant,
        "call": format!("call-{index}"),
        "recording": source,
        "lane": lane,
        "submitted_at": jiff::Timestamp::now(),
    });
    Ok(serde_json::from_value(document)?)
}
