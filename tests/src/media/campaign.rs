//! Mutated recordings through the real engine process, many at a time. In: a [`Plan`]. Out: a [`Report`]. The promise: this
//! process lives, every recording ends within its deadline in a named outcome, and the engine stays below its memory
//! limit. A finding is whatever breaks it, and what a user would not see as one: an engine that died, a panic that cost a
//! whole recording, and a recording's fault that is blamed on the host.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use earwitness::engine::{Engine, EngineSettings, RecognizerSource};
use earwitness::recognise::{Board, Recognised, recognise};
use futures_util::StreamExt;
use job_schema::engine::{CallSpec, Limits};
use job_schema::{ErrorCode, Failure};
use tokio_util::sync::CancellationToken;

use super::mutate::{Random, mutate};
use super::report::{Finding, Report};
use super::seeds::{self, Seed};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// Ten minutes decoded from a mutant say as much as four hours.
const MAX_DURATION_MS: u64 = 600_000;
const DEADLINE_BASE: Duration = Duration::from_secs(20);
const DEADLINE_FACTOR: f64 = 0.1;
/// The latest deadline, and what an abort and a kill may take after it.
const HANG: Duration = Duration::from_secs(20 + 60 + 10);

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// Numbers of the cases.
    pub cases: std::ops::Range<u64>,
    /// Recordings in the engine at the same time.
    pub at_once: usize,
    /// More recordings to damage, of somebody else.
    pub folder: Option<PathBuf>,
}

/// One damaged recording.
#[derive(Debug)]
pub struct Case {
    pub number: u64,
    pub format: String,
    pub extension: String,
    pub bytes: Vec<u8>,
}

/// What the plan starts from.
pub fn seeds(plan: &Plan) -> anyhow::Result<Vec<Seed>> {
    let mut all = seeds::own()?;
    if let Some(folder) = &plan.folder {
        all.extend(seeds::of_folder(folder)?);
    }
    Ok(all)
}

/// Depends on the seeds and the two numbers alone.
pub fn case(seeds: &[Seed], plan_seed: u64, number: u64) -> Case {
    let mut random = Random::of_case(plan_seed, number);
    // In turn, so that every format gets its share.
    let turn = usize::try_from(number).unwrap_or(0) % seeds.len();
    let (seed, other) = (&seeds[turn], &seeds[random.below(seeds.len())]);
    Case {
        number,
        format: seed.format.clone(),
        extension: seed.extension.clone(),
        bytes: mutate(seed.bytes.clone(), &other.bytes, &mut random),
    }
}

/// Runs all cases of the plan.
///
/// # Errors
/// The seeds cannot be read, or this machine gives no engine or no scratch file.
pub async fn run(plan: &Plan) -> anyhow::Result<Report> {
    let started = Instant::now();
    let seeds = seeds(plan)?;
    let scratch = tempfile::tempdir()?;
    let script = scratch.path().join("script.json");
    std::fs::write(&script, r#"{"words": ["one", "two", "three"]}"#)?;
    let engine = engine(script)?;
    let mut report = Report {
        seed: plan.seed,
        engine_limit_bytes: GIB,
        ..Report::default()
    };
    let mut pids = BTreeSet::new();
    let cases = plan.cases.clone().map(|number| {
        let (engine, case) = (&engine, case(&seeds, plan.seed, number));
        async move { (hear(engine, &case).await, case) }
    });
    let mut heard = futures_util::stream::iter(cases).buffer_unordered(plan.at_once);
    while let Some((heard, case)) = heard.next().await {
        let heard = heard?;
        pids.insert(heard.engine);
        report.engine_peak_bytes = report.engine_peak_bytes.max(heard.peak_bytes);
        report.add(case.number, &case.format, &heard.outcome, heard.took);
        let what = heard.finding.or_else(|| {
            (heard.peak_bytes > GIB).then(|| format!("{} MiB resident", heard.peak_bytes / MIB))
        });
        report.findings.extend(what.map(|what| Finding {
            case: case.number,
            format: case.format,
            what,
        }));
    }
    report.engines_count = pids.len();
    report.wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

fn engine(script: PathBuf) -> anyhow::Result<Engine> {
    Ok(Engine::new(EngineSettings {
        executable: crate::process::earwitness()?,
        recognizer: RecognizerSource::Script(script),
        slots: 2,
        memory_limit_bytes: GIB,
        deadline_base: DEADLINE_BASE,
        deadline_factor: DEADLINE_FACTOR,
        require_sandbox: false,
    }))
}

struct Heard {
    outcome: String,
    finding: Option<String>,
    took: Duration,
    engine: u32,
    peak_bytes: u64,
}

async fn hear(engine: &Engine, case: &Case) -> anyhow::Result<Heard> {
    let mut recording = tempfile::tempfile()?;
    recording.write_all(&case.bytes)?;
    let spec = CallSpec {
        extension: Some(case.extension.clone()),
        limits: Limits {
            max_duration_ms: MAX_DURATION_MS,
            ..Limits::default()
        },
        ..CallSpec::default()
    };
    let started = Instant::now();
    let (outcome, finding) = outcome(engine, recording, &spec).await;
    let took = started.elapsed();
    let ready = engine.ready().await.context("no engine")?;
    Ok(Heard {
        outcome,
        finding,
        took,
        engine: ready.pid,
        peak_bytes: peak_bytes(ready.pid)?,
    })
}

/// Its name, and what is wrong with it where something is.
async fn outcome(engine: &Engine, recording: File, spec: &CallSpec) -> (String, Option<String>) {
    let (board, never) = (Board::default(), CancellationToken::new());
    let run = recognise(engine, Arc::new(recording), spec, &board, &never);
    match tokio::time::timeout(HANG, run).await {
        Err(_) => (
            "hang".to_owned(),
            Some(format!("no end after {} s", HANG.as_secs())),
        ),
        Ok(Ok(Recognised::All(findings))) if findings.summary.warnings.is_empty() => {
            ("done".to_owned(), None)
        }
        Ok(Ok(Recognised::All(_))) => ("done_with_warnings".to_owned(), None),
        Ok(Ok(Recognised::Stopped)) => (
            "stopped".to_owned(),
            Some("nobody asked for a stop".to_owned()),
        ),
        Ok(Err(failure)) => (failure.code.as_str().to_owned(), broken_promise(&failure)),
    }
}

fn broken_promise(failure: &Failure) -> Option<String> {
    let is_ours = matches!(
        failure.code,
        ErrorCode::EngineCrashed
            | ErrorCode::EngineOutOfMemory
            | ErrorCode::EngineTimeout
            | ErrorCode::HostExhausted
            | ErrorCode::Internal
    );
    (is_ours || failure.detail.contains("panicked")).then(|| failure.to_string())
}

/// The most that a process has had in memory so far, as the kernel counts it.
fn peak_bytes(pid: u32) -> anyhow::Result<u64> {
    let status =
        std::fs::read_to_string(format!("/proc/{pid}/status")).context("look at the engine")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.context("no VmHWM")?.trim().parse()?;
    Ok(kib * 1024)
}
