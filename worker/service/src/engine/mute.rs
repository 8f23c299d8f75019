//! The process that makes a redacted recording, and the service's side of it. It decodes hostile bytes, so it is a child like
//! the engine: no environment, no credentials, confined and sealed, with the recording as standard input and an unnamed file
//! as standard output. In: spans by channel, on its command line; they are times and no speech. Out: the file, or [`MuteError`].

use std::fs::File;
use std::io::BufWriter;
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use job_schema::Failure;
use job_schema::engine::{CallSpec, Limits};
use job_schema::job::RawAudio;
use job_schema::redaction::AudioStyle;
use job_schema::transcript::TimeSpan;
use pipeline::decode::Hints;
use pipeline::redact_audio::{Muting, RedactAudioError, redact};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::confine::{confine_writer, limit_cpu};
use super::host::{Engine, reopen};
use super::sandbox;

/// The kernel takes 128 KiB an argument.
const MAX_ORDER_BYTES: usize = 120 << 10;
/// A WAV header cannot say more.
const MAX_FILE_BYTES: u64 = u32::MAX as u64;
/// Decoding takes a hundredth of the audio's duration; what takes a tenth and a minute goes round and round.
const CPU_BASE_S: u64 = 60;
const CPU_SHARE: u64 = 10;

/// How soon an end, of the process or by a stop, is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const EXIT_REFUSED: u8 = 2;
const EXIT_NOT_DECODED: u8 = 3;
const EXIT_DAMAGED: u8 = 4;
const EXIT_DIFFERENT: u8 = 5;
const EXIT_TOO_LARGE: u8 = 6;
const EXIT_NOT_WRITTEN: u8 = 7;
const EXIT_UNSEALED: u8 = 8;

#[derive(Debug, clap::Args)]
pub struct MuteArgs {
    /// What to do, as JSON.
    #[arg(long)]
    order: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    /// Of each channel: start and end in milliseconds.
    spans: Vec<Vec<TimeSpan>>,
    style: AudioStyle,
    duration_ms: u64,
    extension: Option<String>,
    raw_audio: Option<RawAudio>,
    limits: Limits,
    memory_limit_bytes: u64,
    require_sandbox: bool,
}

/// Why there is no redacted recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MuteError {
    #[error("{count} spans are more than can be handed over")]
    TooManySpans { count: usize },
    #[error("{0}")]
    Refused(&'static str),
    #[error("the process that mutes died")]
    Died,
    /// The host's trouble, and no reason to withhold anything.
    #[error("the process that mutes is given less than the whole sandbox")]
    Unsealed,
    /// As above.
    #[error("make the redacted recording: {0}")]
    Host(std::io::ErrorKind),
}

/// The whole life of the process.
pub fn main(args: &MuteArgs) -> ExitCode {
    ExitCode::from(match obey(args) {
        Ok(()) => 0,
        Err(status) => status,
    })
}

fn obey(args: &MuteArgs) -> Result<(), u8> {
    let order: Order = serde_json::from_str(&args.order).map_err(|_| EXIT_REFUSED)?;
    let cpu_s = CPU_BASE_S + order.duration_ms / 1_000 / CPU_SHARE;
    confine_writer(order.memory_limit_bytes, MAX_FILE_BYTES)
        .and_then(|()| limit_cpu(cpu_s))
        .map_err(|_| EXIT_REFUSED)?;
    let own = |stream: std::io::Result<std::os::fd::OwnedFd>| {
        stream.map(File::from).map_err(|_| EXIT_REFUSED)
    };
    let recording = own(std::io::stdin().as_fd().try_clone_to_owned())?;
    let out = own(std::io::stdout().as_fd().try_clone_to_owned())?;
    // Everything that has to be opened is open, and no byte of the recording is read yet.
    sandbox::enter(order.require_sandbox).map_err(|_| EXIT_UNSEALED)?;
    let hints = Hints {
        extension: order.extension,
        raw_audio: order.raw_audio,
    };
    let muting = Muting {
        spans: &order.spans,
        style: order.style,
        duration_ms: order.duration_ms,
    };
    redact(
        recording,
        &hints,
        &order.limits,
        &muting,
        &mut BufWriter::new(out),
    )
    .map_err(|e| match e {
        RedactAudioError::Decode(_) => EXIT_NOT_DECODED,
        RedactAudioError::Damaged => EXIT_DAMAGED,
        RedactAudioError::Channels { .. } | RedactAudioError::Duration { .. } => EXIT_DIFFERENT,
        RedactAudioError::TooLarge => EXIT_TOO_LARGE,
        RedactAudioError::Write(_) => EXIT_NOT_WRITTEN,
    })
}

/// What a caller wants muted.
#[derive(Debug)]
pub struct MuteRequest {
    pub spans: Vec<Vec<TimeSpan>>,
    pub style: AudioStyle,
    pub duration_ms: u64,
}

impl Engine {
    /// Writes a redacted copy of `recording`, WAV, into a file without a name; none where `stop` came first. Blocks until
    /// the process has ended: the kernel ends the child with the thread that started it.
    pub fn mute(
        &self,
        recording: &File,
        spec: &CallSpec,
        request: MuteRequest,
        stop: &CancellationToken,
    ) -> Result<Option<File>, MuteError> {
        let count = request.spans.iter().map(Vec::len).sum();
        let order = Order {
            spans: request.spans,
            style: request.style,
            duration_ms: request.duration_ms,
            extension: spec.extension.clone(),
            raw_audio: spec.raw_audio,
            limits: spec.limits,
            memory_limit_bytes: self.settings().memory_limit_bytes,
            require_sandbox: self.settings().require_sandbox,
        };
        let order = serde_json::to_string(&order).expect("numbers and names serialise");
        if order.len() > MAX_ORDER_BYTES {
            return Err(MuteError::TooManySpans { count });
        }
        let host = |e: std::io::Error| MuteError::Host(e.kind());
        let gone = |_: Failure| MuteError::Host(std::io::ErrorKind::NotFound);
        let out = tempfile::tempfile().map_err(host)?;
        let mut child = Command::new(&self.settings().executable)
            .args(["mute", "--order", &order])
            .env_clear()
            .stdin(Stdio::from(reopen(recording).map_err(gone)?))
            .stdout(Stdio::from(out.try_clone().map_err(host)?))
            // It could only hold what a panicking decoder says.
            .stderr(Stdio::null())
            .spawn()
            .map_err(host)?;
        let Some(status) = ended(&mut child, stop).map_err(host)? else {
            return Ok(None);
        };
        match status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(0) => Ok(Some(out)),
            Some(EXIT_NOT_DECODED) => Err(MuteError::Refused(
                "the recording could not be decoded again",
            )),
            Some(EXIT_DAMAGED) => Err(MuteError::Refused("the recording is truncated or damaged")),
            Some(EXIT_DIFFERENT) => Err(MuteError::Refused(
                "the recording has other channels or another length than its transcript",
            )),
            Some(EXIT_TOO_LARGE) => Err(MuteError::Refused(
                "the redacted recording would be larger than 4 GiB",
            )),
            Some(EXIT_NOT_WRITTEN) => Err(MuteError::Host(std::io::ErrorKind::StorageFull)),
            Some(EXIT_UNSEALED) => Err(MuteError::Unsealed),
            _ => Err(MuteError::Died),
        }
    }
}

/// Ends the process where `stop` comes first.
fn ended(child: &mut Child, stop: &CancellationToken) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop.is_cancelled() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
