//! What runs inside the engine process: one thread reads requests, one thread a run drives the pipeline, one thread a slot
//! recognises. In: frames and descriptors on standard input, which is a socket. Out: frames on the same socket.
//! Ends when the socket does. Refuses to start without its confinement or a usable model.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use job_schema::engine::{CallSpec, EngineInfo, Reply, Request, RunId};
use job_schema::transcript::ConfidenceMapping;
use job_schema::{ErrorCode, Failure, Sha256};
use pipeline::scripted::Script;
use pipeline::{Control, Ended, ModelTraits, Output, Recognizer, SlotPool};
use sha2::Digest;

use super::confine::confine;
use super::death::{EXIT_PANICKED, EXIT_REFUSED};
use super::frame::{self, FrameError};
use super::self_test::Fence;
use super::{sandbox, self_test};

#[derive(Debug, clap::Args)]
pub struct EngineArgs {
    /// A verified ggml model file.
    #[arg(long, conflicts_with = "script", required_unless_present_any = ["script", "self_test"])]
    model: Option<PathBuf>,
    /// Read the model with the recogniser written for calls instead of whisper.cpp.
    #[arg(long, requires = "model")]
    native: bool,
    /// Words and faults for tests, in place of a model.
    #[arg(long)]
    script: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    slots: u16,
    #[arg(long)]
    memory_limit_bytes: u64,
    /// Start only where the whole sandbox stands.
    #[arg(long)]
    require_sandbox: bool,
    /// Try what the sandbox forbids, print a report, and end.
    #[arg(long)]
    self_test: Option<Fence>,
}

/// The whole life of the process.
pub fn main(args: &EngineArgs) -> ExitCode {
    if let Some(fence) = args.self_test {
        return self_test(fence, args.memory_limit_bytes);
    }
    let Ok(socket) = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from)
    else {
        return ExitCode::FAILURE;
    };
    let outbox = Arc::new(Outbox {
        socket,
        writing: Mutex::new(()),
    });
    match start(args) {
        Ok((slots, info)) => {
            outbox.send(&Reply::Ready { engine: info });
            serve(&outbox, &Arc::new(slots));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            outbox.send(&Reply::Refused { failure });
            ExitCode::from(u8::try_from(EXIT_REFUSED).unwrap_or(1))
        }
    }
}

fn self_test(fence: Fence, memory_limit_bytes: u64) -> ExitCode {
    let report = confine(memory_limit_bytes)
        .and_then(|()| self_test::run(fence))
        .and_then(|report| Ok(serde_json::to_writer(std::io::stdout(), &report)?));
    match report {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn start(args: &EngineArgs) -> Result<(SlotPool, EngineInfo), Failure> {
    confine(args.memory_limit_bytes)
        .map_err(|e| Failure::new(ErrorCode::HostExhausted, format!("confine the engine: {e}")))?;
    let started = Instant::now();
    let loaded = match (&args.model, &args.script) {
        (Some(path), _) if args.native => load_native(path, args.slots)?,
        (Some(path), _) => load_whisper(path, args.slots)?,
        (None, Some(path)) => load_script(path, args.slots)?,
        (None, None) => return Err(Failure::new(ErrorCode::UnknownModel, "no model was named")),
    };
    let model_load_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    // Everything that has to be opened is open, and no thread runs yet that would stay outside.
    let sandbox = sandbox::enter(args.require_sandbox)?;
    let info = EngineInfo {
        pid: std::process::id(),
        recognizer: loaded.name,
        model_sha256: loaded.sha256,
        system: loaded.system,
        languages: loaded.traits.languages.clone(),
        slots_count: args.slots,
        model_load_ms,
        sandbox: Some(sandbox),
        confidence: loaded.traits.confidence.clone(),
        decoding: loaded.decoding.clone(),
    };
    Ok((SlotPool::new(loaded.recognizers, loaded.traits), info))
}

struct Loaded {
    recognizers: Vec<Box<dyn Recognizer>>,
    traits: ModelTraits,
    name: String,
    sha256: Sha256,
    system: String,
    decoding: Option<String>,
}

fn refused(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::UnknownModel, format!("load model: {error}"))
}

fn traits(facts: &models::ggml::ModelFacts, confidence: ConfidenceMapping) -> ModelTraits {
    let languages = models::whisper::languages(facts);
    ModelTraits {
        languages: languages.map(str::to_owned).collect(),
        confidence: Some(confidence),
    }
}

fn load_native(path: &Path, slots: u16) -> Result<Loaded, Failure> {
    let sha256 = digest(path)?;
    let model = models::NativeModel::load(path).map_err(|e| refused(&e))?;
    let recognizers = (0..slots).map(|_| Box::new(model.slot()) as Box<dyn Recognizer>);
    Ok(Loaded {
        recognizers: recognizers.collect(),
        traits: traits(model.facts(), model.confidence()),
        name: models::native::engine_version(),
        sha256,
        system: models::native::instructions().to_owned(),
        decoding: Some(models::native::decoding()),
    })
}

/// Every model of `models` speaks through a slot's own state over the shared weights.
fn load_whisper(path: &Path, slots: u16) -> Result<Loaded, Failure> {
    let sha256 = digest(path)?;
    let model = models::whisper::WhisperModel::load(path).map_err(|e| refused(&e))?;
    let mut recognizers: Vec<Box<dyn Recognizer>> = Vec::new();
    for _ in 0..slots {
        recognizers.push(Box::new(model.slot().map_err(|e| refused(&e))?));
    }
    Ok(Loaded {
        recognizers,
        traits: traits(model.facts(), model.confidence()),
        name: models::whisper::engine_version(),
        sha256,
        system: models::whisper::system_info(),
        decoding: Some("greedy".to_owned()),
    })
}

fn load_script(path: &Path, slots: u16) -> Result<Loaded, Failure> {
    let refused = |e: &dyn std::fmt::Display| {
        Failure::new(ErrorCode::UnknownModel, format!("read script: {e}"))
    };
    let sha256 = digest(path)?;
    let text = std::fs::read_to_string(path).map_err(|e| refused(&e.kind()))?;
    let script = Script::from_json(&text).map_err(|e| refused(&e))?;
    let traits = ModelTraits {
        languages: script.languages.clone(),
        confidence: None,
    };
    let recognizers = script.slots(usize::from(slots));
    let system = "no model: scripted words".into();
    Ok(Loaded {
        recognizers,
        traits,
        name: "scripted 1".into(),
        sha256,
        system,
        decoding: None,
    })
}

/// Of what is really loaded, for manifests and the service's own check.
fn digest(path: &Path) -> Result<Sha256, Failure> {
    let mut hash = sha2::Sha256::new();
    File::open(path)
        .and_then(|mut file| std::io::copy(&mut file, &mut hash))
        .map_err(|e| Failure::new(ErrorCode::UnknownModel, format!("read model: {}", e.kind())))?;
    Ok(Sha256::try_from(hex::encode(hash.finalize()))
        .expect("a SHA-256 in hexadecimal has 64 digits"))
}

type Runs = Arc<Mutex<HashMap<RunId, Control>>>;

fn serve(outbox: &Arc<Outbox>, slots: &Arc<SlotPool>) {
    let runs: Runs = Arc::default();
    loop {
        match frame::receive::<Request>(&outbox.socket) {
            Ok((Request::Run { run, spec }, Some(recording))) => {
                begin(run, *spec, recording, outbox, slots, &runs)
            }
            Ok((Request::Run { run, .. }, None)) => {
                let failure = Failure::new(ErrorCode::Internal, "run request without a recording");
                outbox.send(&Reply::Failed { run, failure });
            }
            Ok((Request::Stop { run }, _)) => {
                if let Some(control) = lock(&runs).get(&run) {
                    control.stop.raise();
                }
            }
            Ok((Request::Abort { run }, _)) => {
                if let Some(control) = lock(&runs).get(&run) {
                    control.abort.raise();
                }
            }
            // The service went away or speaks another language: either way there is nobody to work for.
            Err(_) => std::process::exit(0),
        }
    }
}

fn begin(
    run: RunId,
    spec: CallSpec,
    recording: OwnedFd,
    outbox: &Arc<Outbox>,
    slots: &Arc<SlotPool>,
    runs: &Runs,
) {
    let control = Control::default();
    lock(runs).insert(run, control.clone());
    let (out, slots, all) = (Arc::clone(outbox), Arc::clone(slots), Arc::clone(runs));
    let drive = move || {
        let last = drive(run, &spec, File::from(recording), &slots, &control, &out);
        lock(&all).remove(&run);
        out.send(&last);
        // A slot's thread died of a panic: the model's state cannot be trusted, and the service starts another engine.
        if slots.lost_count() > 0 {
            std::process::exit(EXIT_PANICKED);
        }
    };
    if std::thread::Builder::new()
        .name(format!("run-{run}"))
        .spawn(drive)
        .is_err()
    {
        lock(runs).remove(&run);
        let failure = Failure::new(ErrorCode::HostExhausted, "no thread for the run");
        outbox.send(&Reply::Failed { run, failure });
    }
}

/// Runs the pipeline; a panic in it ends this run and no other.
fn drive(
    run: RunId,
    spec: &CallSpec,
    recording: File,
    slots: &SlotPool,
    control: &Control,
    out: &Outbox,
) -> Reply {
    let mut sink = |output: Output| {
        out.send(&match output {
            Output::Progress(progress) => Reply::Progress { run, progress },
            Output::Span(result) => Reply::Span { run, result },
            Output::Peaks(peaks) => Reply::Peaks { run, peaks },
        });
    };
    let pipeline =
        std::panic::AssertUnwindSafe(|| pipeline::run(recording, spec, slots, control, &mut sink));
    match std::panic::catch_unwind(pipeline) {
        Ok(Ok(Ended::Done(summary))) => Reply::Done { run, summary },
        Ok(Ok(Ended::Stopped { spans_count })) => Reply::Stopped { run, spans_count },
        Ok(Err(failure)) => Reply::Failed { run, failure },
        Err(_) => Reply::Failed {
            run,
            failure: Failure::new(ErrorCode::EngineCrashed, "the pipeline panicked"),
        },
    }
}

/// The way out, shared by all runs: one frame at a time.
#[derive(Debug)]
struct Outbox {
    socket: UnixStream,
    writing: Mutex<()>,
}

impl Outbox {
    fn send(&self, reply: &Reply) {
        let _whole_frame = lock(&self.writing);
        match frame::send(&self.socket, reply, None) {
            Ok(()) => {}
            Err(FrameError::TooLarge { .. }) => std::process::abort(), // would leave the service waiting for ever
            // The service is gone: the reading thread sees the same and ends the process.
            Err(_) => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
