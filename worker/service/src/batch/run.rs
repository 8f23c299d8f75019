//! Publishing a batch, and counting what becomes of it. In: its book, broker and store, a rate and a ceiling. Out: notes in the book.
//! Each item is noted as begun before it is published, so a run that dies knows which ones it may have sent; a job that was
//! sent twice has the same id and is done once. An item's own fault fails the item; a server that is away is waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use job_schema::job::{BucketName, Lane, Recording};
use job_schema::status::State as JobState;
use job_schema::{ErrorCode, Failure, Job, SCHEMA_VERSION};

use super::pace::Pace;
use super::rhythm::Rhythm;
use super::watch::{look, settle, status_of};
use super::{Book, BookError, Item, State};
use crate::broker::{Broker, BrokerError, Publisher};
use crate::layout::ResultKeys;
use crate::settle::Attempts;
use crate::signing::{KeyRing, Promise};
use crate::store::{BlobStore, Location, PutMode, Readiness};
use crate::topology::Topology;
use crate::{config, status, submit, tombstone};

/// Between two rounds, which ask for a status only where [`Rhythm`] says so.
const ROUND: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Requests to the store at the same time.
pub(super) const AT_ONCE: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Book(#[from] BookError),
    #[error("the keys of security.signing_keys are needed: this batch claims --phi or --baa")]
    Unsigned,
}

pub struct Settings {
    pub store: Arc<dyn BlobStore>,
    pub results: BucketName,
    pub broker: config::Broker,
    pub topology: Topology,
    pub ring: KeyRing,
    pub signature_lifetime: Duration,
    /// Published and not ended, at most.
    pub in_flight: usize,
    /// Published in a second, at most.
    pub rate: f64,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

/// Goes on until every item has ended. `tell` hears of the book after each round, and of outages.
pub async fn run(
    settings: &Settings,
    book: &mut Book,
    tell: &mut (dyn FnMut(&Book, Option<&str>) + Send),
) -> Result<(), RunError> {
    if (book.frozen.phi || book.frozen.baa) && settings.ring.is_empty() {
        return Err(RunError::Unsigned);
    }
    // What failed may have been put right, or replayed from the dead letters: it is looked at once more.
    let failed: Vec<usize> = book.in_state(|s| matches!(s, State::Failed(_))).collect();
    reopen(settings, book, &failed).await?;
    let (mut pace, mut rhythm) = (Pace::new(settings.rate), Rhythm::new());
    let (mut pause, mut line) = (ROUND, None);
    loop {
        let round = round(settings, book, (&mut pace, &mut rhythm), &mut line).await?;
        tell(book, round.as_ref().err().map(String::as_str));
        pause = match round {
            Ok(()) => ROUND,
            Err(_) => (pause * 2).min(LONGEST_PAUSE),
        };
        let counts = book.counts();
        if counts.waiting == 0 && counts.in_flight == 0 {
            if let Some((broker, _)) = line {
                broker.close().await;
            }
            return Ok(());
        }
        tokio::time::sleep(pause).await;
    }
}

/// To the broker, while it holds.
type Connected = Option<(Broker, Publisher)>;

/// An outage is the inner error; its item stays where it was.
async fn round(
    settings: &Settings,
    book: &mut Book,
    (pace, rhythm): (&mut Pace, &mut Rhythm),
    line: &mut Connected,
) -> Result<Result<(), String>, BookError> {
    if let Err(e) = settle(settings, book, rhythm).await? {
        return Ok(Err(e));
    }
    let begun: Vec<usize> = book.in_state(|s| s == State::Begun).collect();
    let room = settings.in_flight.saturating_sub(book.counts().in_flight);
    let next: Vec<usize> = book
        .in_state(|s| s == State::Waiting)
        .take(room.min(pace.allows()))
        .collect();
    if begun.is_empty() && next.is_empty() {
        return Ok(Ok(()));
    }
    let mut sending = Vec::new();
    for n in begun {
        // Only a run that died, or an outage, leaves some; of these one at most was published.
        if is_under_way(settings, &book.frozen, &book.items[n]).await {
            book.note(&[(n, State::Sent)])?;
            continue;
        }
        match prepare(settings, &book.frozen, &book.items[n]).await {
            Ok(Prepared::Job(job)) => sending.push((n, job)),
            Ok(Prepared::Done) => book.note(&[(n, State::Completed)])?,
            Err(failure) if is_outage(&failure) => return Ok(Err(failure.to_string())),
            Err(failure) => book.note(&[(n, State::Failed(failure.code))])?,
        }
    }
    let prepared: Vec<_> = stream::iter(next)
        .map(|n| {
            let (frozen, item) = (&book.frozen, &book.items[n]);
            async move { (n, prepare(settings, frozen, item).await) }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let (mut notes, mut outage) = (Vec::new(), None);
    for (n, prepared) in prepared {
        match prepared {
            Ok(Prepared::Done) => notes.push((n, State::Skipped)),
            Ok(Prepared::Job(job)) => {
                notes.push((n, State::Begun));
                sending.push((n, job));
            }
            Err(failure) if is_outage(&failure) => outage = Some(failure.to_string()),
            Err(failure) => notes.push((n, State::Failed(failure.code))),
        }
    }
    book.note(&notes)?;
    pace.used(sending.len());
    if !sending.is_empty() {
        rhythm.hurry(Instant::now());
    }
    if let Err(e) = send(settings, book, sending, line).await? {
        outage = Some(e);
    }
    Ok(outage.map_or(Ok(()), Err))
}

pub(super) enum Prepared {
    Job(Box<Job>),
    /// The result is there.
    Done,
}

/// Looks at the recording as a worker will, and makes the job for just that object.
pub(super) async fn prepare(
    settings: &Settings,
    frozen: &super::Frozen,
    item: &Item,
) -> Result<Prepared, Failure> {
    let at = Location::new(item.bucket.clone(), item.key.clone());
    let meta = settings.store.head(&at, item.version_id.as_deref()).await;
    let meta = meta.map_err(|e| e.recording_failure())?;
    if let Readiness::Archived(tier) = &meta.readiness {
        let detail = format!("the object is in the tier {tier}");
        return Err(Failure::new(ErrorCode::RecordingNotReadable, detail));
    }
    let spec = frozen.spec_sha256(item, &meta);
    let manifest = ResultKeys::new(&frozen.tenant, &item.call, &spec).manifest();
    let manifest = Location::new(settings.results.clone(), manifest);
    let is_done = settings.store.exists(&manifest).await;
    if is_done.map_err(|e| e.failure())? {
        return Ok(Prepared::Done);
    }
    let stands = tombstone::stands(
        settings.store.as_ref(),
        &settings.results,
        &frozen.tenant,
        &item.call,
    );
    if stands.await.map_err(|e| e.failure())? {
        return Err(Failure::new(ErrorCode::Deleted, "the call has a tombstone"));
    }
    let now = Timestamp::now();
    let mut job = Job {
        schema_version: SCHEMA_VERSION,
        job_id: item.job_id,
        tenant: frozen.tenant.clone(),
        call: item.call.clone(),
        recording: Recording {
            bucket: item.bucket.clone(),
            key: item.key.clone(),
            etag: meta.etag,
            version_id: meta.version_id.or(item.version_id.clone()),
            sha256: None,
        },
        lane: Lane::Batch,
        options: frozen.options.clone(),
        submitted_at: now,
        not_after: None,
        checkpoint: None,
        rescore: None,
        signature: None,
    };
    if !settings.ring.is_empty() {
        job.not_after = now.checked_add(settings.signature_lifetime).ok();
        let promise = Promise {
            phi: frozen.phi,
            baa: frozen.baa,
        };
        settings.ring.sign(&mut job, promise);
    }
    submit::check(&job)?;
    Ok(Prepared::Job(Box::new(job)))
}

async fn send(
    settings: &Settings,
    book: &mut Book,
    jobs: Vec<(usize, Box<Job>)>,
    line: &mut Connected,
) -> Result<Result<(), String>, BookError> {
    for (n, job) in jobs {
        if let Err(e) = send_one(settings, line, &job).await {
            // After any error everything that came from a connection is dropped.
            *line = None;
            return Ok(Err(e.to_string()));
        }
        book.note(&[(n, State::Sent)])?;
    }
    Ok(Ok(()))
}

async fn connect(settings: &Settings) -> Result<(Broker, Publisher), BrokerError> {
    let topology = settings.topology.clone();
    let broker = Broker::connect(&settings.broker, topology, "earwitness batch").await?;
    let publisher = broker.publisher().await?;
    Ok((broker, publisher))
}

async fn send_one(settings: &Settings, line: &mut Connected, job: &Job) -> Result<(), BrokerError> {
    let (_, publisher) = match line {
        Some(line) => line,
        None => line.insert(connect(settings).await?),
    };
    // Queued, unless a run that died had sent it and a worker is further already.
    let (store, results) = (settings.store.as_ref(), &settings.results);
    let put = status::write(store, results, job, JobState::Queued, PutMode::IfAbsent);
    // A view for people: the job is what counts, and the worker writes it anew.
    drop(put.await);
    publisher.publish_job(job, Attempts::default(), None).await
}

/// Whether a worker has the job. If that cannot be told it is sent again, and its result is made once all the same.
async fn is_under_way(settings: &Settings, frozen: &super::Frozen, item: &Item) -> bool {
    let found = status_of(settings, frozen, item).await;
    found.is_ok_and(|found| found.is_some_and(|status| status.state != JobState::Queued))
}

/// Failed before it was published: waits again. Published, and by its status in progress or done since: counted anew.
async fn reopen(settings: &Settings, book: &mut Book, failed: &[usize]) -> Result<(), BookError> {
    let mut notes = Vec::new();
    for n in failed.iter().copied() {
        if !book.was_published(n) {
            notes.push((n, State::Waiting));
            continue;
        }
        match look(settings, &book.frozen, &book.items[n]).await {
            Ok(None) => notes.push((n, State::Sent)),
            Ok(Some(note)) => notes.push((n, note)),
            // It stays as it was counted.
            Err(_) => {}
        }
    }
    book.note(&notes)
}

pub(super) fn is_outage(failure: &Failure) -> bool {
    failure.class() == job_schema::Class::Infra
}
