//! The service outlives its engine: a real child process that dies in each of the ways it can, on a real recording.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use earwitness::engine::{Engine, EngineSettings, RecognizerSource};
use earwitness::recognise::{Board, Recognised, recognise};
use job_schema::engine::{CallSpec, Limits};
use job_schema::{ErrorCode, Failure};
use tokio_util::sync::CancellationToken;

struct Bench {
    engine: Engine,
    recording: Arc<File>,
    _script: tempfile::TempDir,
}

/// An engine whose recogniser follows `script`, and a sample call.
fn bench(script: &str) -> Bench {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("script.json");
    std::fs::write(&path, script).expect("write script");
    let engine = Engine::new(EngineSettings {
        executable: PathBuf::from(env!("CARGO_BIN_EXE_earwitness")),
        recognizer: RecognizerSource::Script(path),
        slots: 2,
        memory_limit_bytes: 2 << 30,
        deadline_base: std::time::Duration::from_secs(120),
        deadline_factor: 4.0,
    });
    let call =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/calls/cancel-plan.wav");
    Bench {
        engine,
        recording: Arc::new(File::open(call).expect("a sample call")),
        _script: dir,
    }
}

impl Bench {
    async fn run(&self) -> Result<Recognised, Failure> {
        let (board, never) = (Board::default(), CancellationToken::new());
        let recording = Arc::clone(&self.recording);
        recognise(&self.engine, recording, &any_call(), &board, &never).await
    }

    /// Empty when the run did not complete.
    async fn words(&self) -> Vec<String> {
        let Ok(Recognised::All(findings)) = self.run().await else {
            return Vec::new();
        };
        let segments = findings.spans.into_iter().flat_map(|s| s.segments);
        segments.flat_map(|s| s.words).map(|w| w.text).collect()
    }
}

/// Nothing known of the call in advance.
fn any_call() -> CallSpec {
    CallSpec {
        channel_roles: Vec::new(),
        language: None,
        vocabulary: Vec::new(),
        raw_audio: None,
        extension: None,
        limits: Limits::default(),
        skip_spans_count: 0,
    }
}

fn with_fault(kind: &str) -> Bench {
    bench(&format!(
        r#"{{"words": ["one", "two"], "fault": {{"kind": "{kind}", "at_span": 1}}}}"#
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_manner_of_death_has_its_code_and_leaves_the_service_alive() {
    let cases = [
        ("abort", ErrorCode::EngineCrashed),
        ("segfault", ErrorCode::EngineCrashed),
        ("oom", ErrorCode::EngineOutOfMemory),
        ("error", ErrorCode::RecognitionFailed),
    ];
    for (kind, code) in cases {
        let bench = with_fault(kind);
        let failure = bench.run().await.expect_err(kind);
        assert_eq!(failure.code, code, "{kind}: {}", failure.detail);
        let info = bench.engine.ready().await.expect("a new engine starts");
        assert_eq!(info.slots_count, 2, "after {kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_recording_gives_the_same_words_whatever_ran_beside_it() {
    let bench = bench(r#"{"words": ["one", "two", "three"], "delay_ms": 5}"#);
    let alone = bench.words().await;
    assert!(!alone.is_empty(), "no words for a sample call");
    let (a, b) = tokio::join!(bench.words(), bench.words());
    assert_eq!((&a, &b), (&alone, &alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_read_is_refused_before_any_run() {
    let bench = bench("not a script");
    let failure = bench.engine.ready().await.expect_err("accepted");
    assert_eq!(failure.code, ErrorCode::UnknownModel);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_run_at_a_span_and_keeps_what_was_found() {
    let bench = bench(r#"{"words": ["one"], "delay_ms": 200}"#);
    let (board, stop) = (Board::default(), CancellationToken::new());
    stop.cancel();
    let recording = Arc::clone(&bench.recording);
    let ended = recognise(&bench.engine, recording, &any_call(), &board, &stop).await;
    assert!(matches!(ended, Ok(Recognised::Stopped)), "{ended:?}");
}
