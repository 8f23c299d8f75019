//! Drives the engine over one recording and keeps what it finds. In: a recording, a spec, spans of an earlier worker.
//! Out: findings, or the spans so far when the work was stopped. While it runs, anyone may look at [`Board`].
//! Fails as the engine does; a death among several runs is tried again alone first.

use std::fs::File;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use job_schema::Failure;
use job_schema::engine::{CallSpec, PeaksChunk, Progress, Reply, SpanResult};
use tokio_util::sync::CancellationToken;

use crate::engine::{Company, Engine, EngineFault, RunEnd, RunRequest};
use crate::results::Findings;

/// What is known so far: written by the run, read by whoever shows progress or keeps checkpoints.
#[derive(Debug, Clone, Default)]
pub struct Board {
    noted: Arc<Mutex<Noted>>,
    begun_at: Arc<OnceLock<Instant>>,
}

#[derive(Debug, Default)]
struct Noted {
    spans: Vec<SpanResult>,
    peaks: Vec<PeaksChunk>,
    progress: Option<Progress>,
}

impl Board {
    pub fn resumed(spans: Vec<SpanResult>) -> Self {
        let noted = Noted {
            spans,
            ..Noted::default()
        };
        Self {
            noted: Arc::new(Mutex::new(noted)),
            begun_at: Arc::default(),
        }
    }

    /// Since the engine was first given the recording; zero if it never was.
    pub fn recognised(&self) -> Duration {
        self.begun_at.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    pub fn spans_count(&self) -> u64 {
        self.with(|noted| noted.spans.len() as u64)
    }

    pub fn spans(&self) -> Vec<SpanResult> {
        self.with(|noted| noted.spans.clone())
    }

    pub fn progress(&self) -> Option<Progress> {
        self.with(|noted| noted.progress)
    }

    fn note(&self, reply: Reply) {
        self.with(|noted| match reply {
            Reply::Progress { progress, .. } => noted.progress = Some(progress),
            Reply::Span { result, .. } => noted.spans.push(result),
            Reply::Peaks { peaks, .. } => noted.peaks.push(peaks),
            // The engine handle keeps these to itself.
            Reply::Ready { .. }
            | Reply::Refused { .. }
            | Reply::Done { .. }
            | Reply::Stopped { .. }
            | Reply::Failed { .. } => {}
        });
    }

    fn with<T>(&self, f: impl FnOnce(&mut Noted) -> T) -> T {
        f(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
pub enum Recognised {
    All(Box<Findings>),
    /// Stopped on request; the board holds the spans so far.
    Stopped,
}

pub async fn recognise(
    engine: &Engine,
    recording: Arc<File>,
    spec: &CallSpec,
    board: &Board,
    stop: &CancellationToken,
) -> Result<Recognised, Failure> {
    let mut company = Company::Welcome;
    loop {
        // Decoding starts over each time, so its peaks do too; finished spans are kept.
        board.with(|noted| noted.peaks.clear());
        let spec = CallSpec {
            skip_spans_count: board.spans_count(),
            ..spec.clone()
        };
        let request = RunRequest {
            recording: Arc::clone(&recording),
            spec,
            stop: stop.clone(),
            begun_at: Arc::clone(&board.begun_at),
        };
        match engine
            .run(request, company, &mut |reply| board.note(reply))
            .await
        {
            Ok(RunEnd::Stopped) => return Ok(Recognised::Stopped),
            Ok(RunEnd::Done(summary)) => {
                let noted = board.with(std::mem::take);
                let findings = Findings {
                    spans: noted.spans,
                    summary: *summary,
                    peaks: noted.peaks,
                };
                return Ok(Recognised::All(Box::new(findings)));
            }
            Err(EngineFault::Died {
                company: others, ..
            }) if others > 0 && company == Company::Welcome => {
                tracing::warn!(
                    others,
                    "the engine died with several runs inside: running this one again alone"
                );
                company = Company::Alone;
            }
            Err(EngineFault::Died { failure, .. } | EngineFault::Failed(failure)) => {
                return Err(failure);
            }
        }
    }
}
