//! One engine process, seen from the service. A thread of its own starts it, reads its frames and buries it: the kernel
//! kills the child when the *thread* that started it ends, so that thread has to live as long as the child.
//! Fails to start when the executable, the model or the confinement is refused.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use job_schema::engine::{EngineInfo, Reply, Request, RunId};
use job_schema::{ErrorCode, Failure};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::death::{Death, says_out_of_memory};
use super::frame::{self, FrameError};

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The binary to run; its hidden subcommand `engine` is called.
    pub executable: PathBuf,
    pub recognizer: RecognizerSource,
    pub slots: u16,
    pub memory_limit_bytes: u64,
    /// Processing may take this long,
    pub deadline_base: Duration,
    /// and this many times the decoded audio's duration beside it.
    pub deadline_factor: f64,
    /// Refuse a kernel that gives less than the whole sandbox.
    pub require_sandbox: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecognizerSource {
    /// A ggml model file that has been verified.
    Whisper(PathBuf),
    /// The same kind of file, read by the recogniser written for calls.
    Native(PathBuf),
    /// Words from a script, for delivery tests and soak runs.
    Script(PathBuf),
}

/// What is known of a process: it goes forward through these and never back.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    Starting,
    Ready(EngineInfo),
    Refused(Failure),
    Dead(Death),
}

#[derive(Debug)]
pub(super) struct Process {
    begun_at: Instant,
    socket: UnixStream,
    /// Frames of one request are written together.
    writing: Mutex<()>,
    /// None once the process has ended: nobody would wake a run that joined later.
    runs: Mutex<Option<HashMap<RunId, mpsc::UnboundedSender<Reply>>>>,
    stage: watch::Sender<Stage>,
    killed: AtomicBool,
    runs_at_death: AtomicUsize,
    pid: Mutex<Option<rustix::process::Pid>>,
}

impl Process {
    /// Returns at once; [`Process::stage`] tells how the start went.
    pub(super) fn start(settings: &EngineSettings) -> Result<Arc<Self>, Failure> {
        let exhausted = |e: std::io::Error| {
            Failure::new(
                ErrorCode::HostExhausted,
                format!("socket or thread of the engine: {}", e.kind()),
            )
        };
        let (ours, theirs) = UnixStream::pair().map_err(exhausted)?;
        let process = Arc::new(Self {
            begun_at: Instant::now(),
            socket: ours,
            writing: Mutex::new(()),
            runs: Mutex::new(Some(HashMap::new())),
            stage: watch::Sender::new(Stage::Starting),
            killed: AtomicBool::new(false),
            runs_at_death: AtomicUsize::new(0),
            pid: Mutex::default(),
        });
        let settings = settings.clone();
        let thread = Arc::clone(&process);
        std::thread::Builder::new()
            .name("engine-reader".into())
            .spawn(move || thread.live(&settings, theirs.into()))
            .map_err(exhausted)?;
        Ok(process)
    }

    pub(super) fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    pub(super) fn begun_at(&self) -> Instant {
        self.begun_at
    }

    /// Whether nobody is to join it any more.
    pub(super) fn is_over(&self) -> bool {
        let refused = matches!(*self.stage.borrow(), Stage::Refused(_));
        refused || self.was_killed() || lock(&self.runs).is_none()
    }

    /// How many runs were inside when the process ended.
    pub(super) fn runs_at_death(&self) -> usize {
        self.runs_at_death.load(Ordering::Acquire)
    }

    /// `None` where the process has ended: this run was not inside, and is not to blame.
    pub(super) fn join(&self, run: RunId) -> Option<mpsc::UnboundedReceiver<Reply>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        lock(&self.runs).as_mut()?.insert(run, sender);
        Some(receiver)
    }

    pub(super) fn leave(&self, run: RunId) {
        if let Some(runs) = lock(&self.runs).as_mut() {
            runs.remove(&run);
        }
    }

    pub(super) fn send(
        &self,
        request: &Request,
        descriptor: Option<&OwnedFd>,
    ) -> Result<(), FrameError> {
        let _whole_frame = lock(&self.writing);
        frame::send(&self.socket, request, descriptor.map(AsFd::as_fd))
    }

    /// The last word when an abort went unheard.
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        if let Some(pid) = *lock(&self.pid) {
            // Fails only when the process is gone already, which is what was wanted.
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    pub(super) fn was_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    fn live(&self, settings: &EngineSettings, theirs: OwnedFd) {
        let death = match self.spawn(settings, theirs) {
            Ok(mut child) => {
                let stderr = child
                    .stderr
                    .take()
                    .map(|pipe| std::thread::spawn(move || listen(pipe)));
                self.read_frames();
                let status = child.wait().ok();
                // The process is reaped: its number may belong to another one from here on.
                *lock(&self.pid) = None;
                let allocation_failed = stderr.is_some_and(|thread| thread.join().unwrap_or(false));
                Death::classify(status, allocation_failed)
            }
            Err(e) => Death {
                code: ErrorCode::HostExhausted,
                how: format!("could not be started: {}", e.kind()),
            },
        };
        let runs = lock(&self.runs).take().unwrap_or_default();
        self.runs_at_death.store(runs.len(), Ordering::Release);
        tracing::debug!(how = death.how, runs = runs.len(), code = %death.code, "engine process ended");
        let refused = matches!(*self.stage.borrow(), Stage::Refused(_));
        if !refused {
            self.stage.send_replace(Stage::Dead(death));
        }
        // Dropping the senders, after the stage is known, wakes the runs.
        drop(runs);
    }

    fn spawn(&self, settings: &EngineSettings, theirs: OwnedFd) -> std::io::Result<Child> {
        let mut command = Command::new(&settings.executable);
        command.arg("engine");
        match &settings.recognizer {
            RecognizerSource::Whisper(path) => command.arg("--model").arg(path),
            RecognizerSource::Native(path) => command.arg("--native").arg("--model").arg(path),
            RecognizerSource::Script(path) => command.arg("--script").arg(path),
        };
        command
            .arg("--slots")
            .arg(settings.slots.to_string())
            .arg("--memory-limit-bytes")
            .arg(settings.memory_limit_bytes.to_string());
        if settings.require_sandbox {
            command.arg("--require-sandbox");
        }
        command
            // Credentials live in the environment. ggml would run a debugger on its own crash.
            .env_clear()
            .env("GGML_NO_BACKTRACE", "1")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn()?;
        *lock(&self.pid) = i32::try_from(child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        Ok(child)
    }

    fn read_frames(&self) {
        loop {
            match frame::receive::<Reply>(&self.socket) {
                Ok((reply, _)) => self.route(reply),
                Err(FrameError::Closed) => return,
                Err(e) => {
                    tracing::warn!(error = %e, "engine sent a bad frame and is ended");
                    self.kill();
                    return;
                }
            }
        }
    }

    fn route(&self, reply: Reply) {
        let run = match &reply {
            Reply::Ready { engine } => {
                tracing::info!(
                    pid = engine.pid,
                    slots = engine.slots_count,
                    model_load_ms = engine.model_load_ms,
                    "engine ready"
                );
                return drop(self.stage.send_replace(Stage::Ready(engine.clone())));
            }
            Reply::Refused { failure } => {
                return drop(self.stage.send_replace(Stage::Refused(failure.clone())));
            }
            Reply::Progress { run, .. }
            | Reply::Span { run, .. }
            | Reply::Peaks { run, .. }
            | Reply::Done { run, .. }
            | Reply::Stopped { run, .. }
            | Reply::Failed { run, .. } => *run,
        };
        if let Some(sender) = lock(&self.runs).as_ref().and_then(|runs| runs.get(&run)) {
            // A receiver that went away has given the run up; what still comes for it is dropped.
            let _given_up = sender.send(reply);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The engine ends when it reads the end of its socket.
        let _closed = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

/// Reads the engine's stderr to its end, and tells whether it complained about memory.
fn listen(pipe: ChildStderr) -> bool {
    let mut out_of_memory = false;
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        out_of_memory |= says_out_of_memory(&line);
        tracing::debug!(target: "earwitness::engine", bytes = line.len(), "engine wrote to stderr");
    }
    out_of_memory
}

/// A poisoned lock guards plain maps here: they are whole whatever the thread that panicked was doing.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
