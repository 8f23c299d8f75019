//! The service's handle on its engine: starts it, starts it again after it died, and drives one run at a time for each caller.
//! In: a recording's descriptor and a [`CallSpec`]. Out: replies as they come, then how the run ended.
//! Fails with a [`Failure`] the engine reported, a death, a missed deadline, or the host's failure to start it again.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use job_schema::engine::{CallSpec, CallSummary, EngineInfo, Reply, Request, RunId};
use job_schema::{ErrorCode, Failure};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::death::Death;
use super::process::{EngineSettings, Process, Stage, lock};

/// How long an abort may go unheard before the process is killed.
const ABORT_GRACE: Duration = Duration::from_secs(2);
/// Reading a large model from a slow disk.
const START_DEADLINE: Duration = Duration::from_secs(300);

/// Held for as long as a run is inside.
#[derive(Debug)]
#[expect(dead_code, reason = "held, and never looked at")]
enum Place<'a> {
    WithOthers(RwLockReadGuard<'a, ()>),
    Alone(RwLockWriteGuard<'a, ()>),
}

type Replies = mpsc::UnboundedReceiver<Reply>;

/// Cheap to clone; the process ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: EngineSettings,
    /// Up, or on its way.
    current: Mutex<Option<Arc<Process>>>,
    first: OnceLock<EngineInfo>,
    starts: watch::Sender<bool>,
    deaths: OnceLock<Counter>,
    /// Read by runs in company, written by a run that must be alone.
    company: RwLock<()>,
    next_run: AtomicU64,
}

#[derive(Debug)]
pub struct RunRequest {
    /// Read from its start, whatever its position is now.
    pub recording: Arc<File>,
    pub spec: CallSpec,
    /// Cancelled to make the engine finish the spans in hand and stop; before it has the recording, to give it up.
    pub stop: CancellationToken,
    /// Set when the engine is given the recording, unless it was before.
    pub begun_at: Arc<OnceLock<std::time::Instant>>,
}

/// Whether other runs may be inside the process at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    Welcome,
    /// After a death with several runs inside, each runs again alone, so that the blame falls on one.
    Alone,
}

#[derive(Debug)]
pub enum RunEnd {
    Done(Box<CallSummary>),
    Stopped,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineFault {
    /// The engine itself says what is wrong with the recording, the model or the spec.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The process died; `company` other runs were inside and any of them may be to blame.
    #[error("the engine process died with {company} other runs inside: {failure}")]
    Died { failure: Failure, company: usize },
}

impl Engine {
    pub fn new(settings: EngineSettings) -> Self {
        let shared = Shared {
            settings,
            current: Mutex::default(),
            first: OnceLock::new(),
            starts: watch::Sender::new(false),
            deaths: OnceLock::new(),
            company: RwLock::new(()),
            next_run: AtomicU64::new(1),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Starts the process if none is up, and waits until its model is loaded.
    pub async fn ready(&self) -> Result<EngineInfo, Failure> {
        let (_process, info) = self.process().await?;
        Ok(info)
    }

    /// Whether the process started when it was last asked for, with what it started with first.
    pub fn starts(&self) -> watch::Receiver<bool> {
        self.shared.starts.subscribe()
    }

    /// From now on each process that ended is counted there, when the next one is started.
    pub fn count_deaths(&self, counter: Counter) {
        self.shared.deaths.get_or_init(|| counter);
    }

    /// What other processes of the same kind are started with.
    pub(super) fn settings(&self) -> &EngineSettings {
        &self.shared.settings
    }

    /// One recording from start to end. `on_reply` sees progress, spans and peaks in the engine's order.
    pub async fn run(
        &self,
        request: RunRequest,
        company: Company,
        on_reply: &mut (dyn FnMut(Reply) + Send),
    ) -> Result<RunEnd, EngineFault> {
        let run = self.shared.next_run.fetch_add(1, Ordering::Relaxed);
        // The calls inside may be long, and the model slow to load.
        let entered = tokio::select! {
            entered = self.enter(run, company) => entered?,
            () = request.stop.cancelled() => return Ok(RunEnd::Stopped),
        };
        let (_place, process, replies) = entered;
        let mut inside = Inside {
            process: &process,
            run,
            replies,
        };
        let recording = reopen(&request.recording)?;
        let spec = Box::new(request.spec);
        request.begun_at.get_or_init(std::time::Instant::now);
        // A failed send means that the process is gone: waiting for replies then tells how it went.
        let _gone = process.send(&Request::Run { run, spec }, Some(&recording));
        drop(recording);
        let settings = &self.shared.settings;
        inside.drive(settings, &request.stop, on_reply).await
    }

    async fn enter(
        &self,
        run: RunId,
        company: Company,
    ) -> Result<(Place<'_>, Arc<Process>, Replies), Failure> {
        let place = match company {
            Company::Welcome => Place::WithOthers(self.shared.company.read().await),
            Company::Alone => Place::Alone(self.shared.company.write().await),
        };
        loop {
            let (process, _) = self.process().await.map_err(of_host)?;
            if let Some(replies) = process.join(run) {
                return Ok((place, process, replies));
            }
        }
    }

    /// The live process, or a new one where that has ended, once its model is loaded. A start outlives whoever waited for it.
    async fn process(&self) -> Result<(Arc<Process>, EngineInfo), Failure> {
        let process = self.current();
        let loaded = match &process {
            Ok(process) => loaded(process).await,
            Err(failure) => Err(failure.clone()),
        };
        let starts = loaded.as_ref().is_ok_and(|info| self.is_as_before(info));
        let is_news = |before: &mut bool| std::mem::replace(before, starts) != starts;
        self.shared.starts.send_if_modified(is_news);
        let (process, info) = (process?, loaded?);
        if starts {
            return Ok((process, info));
        }
        process.kill();
        Err(Failure::new(
            ErrorCode::HostExhausted,
            "the model or its recogniser is another than at the first start",
        ))
    }

    fn current(&self) -> Result<Arc<Process>, Failure> {
        let mut current = lock(&self.shared.current);
        match &*current {
            Some(process) if !process.is_over() => Ok(Arc::clone(process)),
            before => {
                if let (Some(_), Some(deaths)) = (before, self.shared.deaths.get()) {
                    deaths.inc();
                }
                let process = Process::start(&self.shared.settings)?;
                *current = Some(Arc::clone(&process));
                Ok(process)
            }
        }
    }

    /// Results are stored under what the first process said it was.
    fn is_as_before(&self, info: &EngineInfo) -> bool {
        let first = self.shared.first.get_or_init(|| info.clone());
        first.model_sha256 == info.model_sha256
            && first.recognizer == info.recognizer
            && first.decoding == info.decoding
            && first.confidence == info.confidence
    }
}

async fn loaded(process: &Process) -> Result<EngineInfo, Failure> {
    let mut stage = process.stage();
    let started = tokio::time::timeout_at(
        process.begun_at() + START_DEADLINE,
        stage.wait_for(|s| !matches!(s, Stage::Starting)),
    )
    .await;
    let Ok(Ok(seen)) = started else {
        process.kill();
        return Err(Failure::new(
            ErrorCode::Internal,
            format!("no model after {} s", START_DEADLINE.as_secs()),
        ));
    };
    match &*seen {
        Stage::Ready(info) => Ok(info.clone()),
        Stage::Refused(failure) => Err(failure.clone()),
        Stage::Dead(death) => Err(death.failure()),
        Stage::Starting => Err(Failure::new(
            ErrorCode::Internal,
            "the engine is still starting",
        )),
    }
}

/// An engine that is not ready has seen no recording, and a model that is gone was there when the worker began: whatever
/// keeps one from starting again is its host's.
fn of_host(failure: Failure) -> Failure {
    match failure.code {
        ErrorCode::SandboxUnavailable => failure,
        _ => Failure::new(
            ErrorCode::HostExhausted,
            format!("start engine: {}", failure.detail),
        ),
    }
}

/// A run inside a process; leaves it when dropped, also when the caller gives up half way.
struct Inside<'a> {
    process: &'a Arc<Process>,
    run: RunId,
    replies: Replies,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.process.leave(self.run);
        // Nobody waits for the rest; a process that is gone needs no abort.
        let _gone = self.process.send(&Request::Abort { run: self.run }, None);
    }
}

impl Inside<'_> {
    async fn drive(
        &mut self,
        settings: &EngineSettings,
        stop: &CancellationToken,
        on_reply: &mut (dyn FnMut(Reply) + Send),
    ) -> Result<RunEnd, EngineFault> {
        let started = Instant::now();
        let mut deadline = started + settings.deadline_base;
        let mut stopping = false;
        loop {
            let reply = tokio::select! {
                reply = self.replies.recv() => reply,
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    let _gone = self.process.send(&Request::Stop { run: self.run }, None);
                    continue;
                }
                () = tokio::time::sleep_until(deadline) => return Err(self.out_of_time(started).await),
            };
            match reply {
                None => return Err(self.died().await),
                Some(Reply::Done { summary, .. }) => return Ok(RunEnd::Done(summary)),
                Some(Reply::Stopped { .. }) => return Ok(RunEnd::Stopped),
                Some(Reply::Failed { failure, .. }) => return Err(failure.into()),
                Some(reply) => {
                    if let Reply::Progress { progress, .. } = &reply {
                        let audio = Duration::from_millis(progress.decoded_ms);
                        deadline = started
                            + settings.deadline_base
                            + audio.mul_f64(settings.deadline_factor);
                    }
                    on_reply(reply);
                }
            }
        }
    }

    /// By flag first, which spares the other runs inside; by SIGKILL if the flag goes unheard.
    async fn out_of_time(&mut self, started: Instant) -> EngineFault {
        let seconds = started.elapsed().as_secs();
        let _gone = self.process.send(&Request::Abort { run: self.run }, None);
        let ended = async {
            while self
                .replies
                .recv()
                .await
                .is_some_and(|r| !matches!(r, Reply::Failed { .. }))
            {}
        };
        if tokio::time::timeout(ABORT_GRACE, ended).await.is_err() {
            self.process.kill();
        }
        Failure::new(
            ErrorCode::EngineTimeout,
            format!("no end after {seconds} s"),
        )
        .into()
    }

    async fn died(&self) -> EngineFault {
        let mut stage = self.process.stage();
        let death = match stage
            .wait_for(|s| matches!(s, Stage::Dead(_)))
            .await
            .as_deref()
        {
            Ok(Stage::Dead(death)) => death.clone(),
            _ => Death {
                code: ErrorCode::EngineCrashed,
                how: "vanished".into(),
            },
        };
        // A kill of ours ended a run that had missed its deadline; this one only happened to be near.
        let others = self.process.runs_at_death().saturating_sub(1);
        let company = others.max(usize::from(self.process.was_killed()));
        EngineFault::Died {
            failure: death.failure(),
            company,
        }
    }
}

/// A descriptor of its own, read-only: duplicates would share one file position.
pub(super) fn reopen(recording: &File) -> Result<OwnedFd, Failure> {
    let path = format!("/proc/self/fd/{}", recording.as_raw_fd());
    let file = File::open(path).map_err(|e| {
        Failure::new(
            ErrorCode::HostExhausted,
            format!("reopen recording: {}", e.kind()),
        )
    })?;
    Ok(file.into())
}
