//! The service outlives its engine: a real child process that dies in each of the ways it can, on a real recording.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use earwitness::engine::{Company, Engine, EngineSettings, RecognizerSource, RunEnd, RunRequest};
use earwitness::recognise::{Board, Recognised, recognise};
use job_schema::engine::CallSpec;
use job_schema::{ErrorCode, Failure};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

struct Bench {
    engine: Engine,
    recording: Arc<File>,
    dir: tempfile::TempDir,
}

/// An engine whose recogniser follows `script`, and a sample call.
fn bench(script: &str) -> Bench {
    bench_with_deadline(script, Duration::from_secs(120))
}

fn bench_with_deadline(script: &str, deadline_base: Duration) -> Bench {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("script.json");
    std::fs::write(&path, script).expect("write script");
    let engine = Engine::new(EngineSettings {
        executable: program(dir.path()),
        recognizer: RecognizerSource::Script(path),
        slots: 2,
        memory_limit_bytes: 2 << 30,
        deadline_base,
        deadline_factor: 0.01,
        require_sandbox: true,
    });
    let call = File::open(sample("cancel-plan.wav")).expect("a sample call");
    Bench {
        engine,
        recording: Arc::new(call),
        dir,
    }
}

/// Runs what is in the file `first`, and then as the real program.
fn program(dir: &Path) -> PathBuf {
    let (path, first) = (dir.join("program"), dir.join("first"));
    let real = env!("CARGO_BIN_EXE_earwitness");
    let lines = format!("#!/bin/sh\n. {}\nexec {real} \"$@\"\n", first.display());
    std::fs::write(first, "").expect("write what comes first");
    std::fs::write(&path, lines).expect("write program");
    let runs = Permissions::from_mode(0o700);
    std::fs::set_permissions(&path, runs).expect("make it run");
    path
}

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/data/calls")
        .join(name)
}

/// No sample call is as loud as this.
const LOUD: f32 = 0.6;

/// A script that fails in this manner at any loud span, and takes its time with others.
fn deadly_when_loud(kind: &str) -> String {
    format!(
        r#"{{"words": ["one", "two"], "delay_ms": 100,
            "fault": {{"kind": "{kind}", "at_span": 0, "peak_above": {LOUD}}}}}"#
    )
}

impl Bench {
    async fn run(&self) -> Result<Recognised, Failure> {
        self.run_over(Arc::clone(&self.recording)).await
    }

    async fn run_over(&self, recording: Arc<File>) -> Result<Recognised, Failure> {
        let (board, never) = (Board::default(), CancellationToken::new());
        recognise(&self.engine, recording, &any_call(), &board, &never).await
    }

    /// Another sample call, twice as loud as it is.
    fn loud_recording(&self) -> Arc<File> {
        let mut wav = std::fs::read(sample("gutter-quote.wav")).expect("a sample call");
        let data = wav.windows(4).position(|chunk| chunk == b"data");
        let start = data.expect("a WAV file has data") + 8;
        for bytes in wav[start..].chunks_exact_mut(2) {
            let sample = i16::from_le_bytes([bytes[0], bytes[1]]);
            bytes.copy_from_slice(&sample.saturating_mul(2).to_le_bytes());
        }
        let path = self.dir.path().join("loud.wav");
        std::fs::write(&path, wav).expect("write recording");
        Arc::new(File::open(path).expect("the recording just written"))
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("write file");
    }

    /// The next run finds no engine up.
    async fn engine_dies(&self) {
        let failure = self.run().await.expect_err("it has a fault");
        assert_eq!(failure.code, ErrorCode::EngineCrashed);
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
    CallSpec::default()
}

fn with_fault(kind: &str) -> Bench {
    bench(&faulty(kind))
}

fn faulty(kind: &str) -> String {
    format!(r#"{{"words": ["one", "two"], "fault": {{"kind": "{kind}", "at_span": 1}}}}"#)
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
async fn of_several_recordings_in_a_dying_engine_one_is_blamed_and_the_others_are_done() {
    let cases = [
        ("abort", ErrorCode::EngineCrashed),
        ("oom", ErrorCode::EngineOutOfMemory),
    ];
    for (kind, code) in cases {
        let bench = bench(&deadly_when_loud(kind));
        let alone = bench.words().await;
        assert!(!alone.is_empty(), "no words for a sample call");
        let before = bench.engine.ready().await.expect("an engine").pid;
        let loud = bench.run_over(bench.loud_recording());
        let (a, blamed, b) = tokio::join!(bench.words(), loud, bench.words());
        assert_eq!((&a, &b), (&alone, &alone), "{kind}");
        let failure = blamed.expect_err(kind);
        assert_eq!(failure.code, code, "{kind}: {}", failure.detail);
        let after = bench.engine.ready().await.expect("a new engine").pid;
        assert_ne!(before, after, "{kind}: the engine did not die");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_hangs_is_cut_at_its_deadline_and_its_neighbour_is_done() {
    let script = deadly_when_loud("hang");
    let unhurried = bench(&script);
    let started = Instant::now();
    let alone = unhurried.words().await;
    // Long enough for the neighbour, however busy this machine is.
    let deadline = started.elapsed() * 4 + Duration::from_secs(2);
    let bench = bench_with_deadline(&script, deadline);
    let started = Instant::now();
    let hanging = bench.run_over(bench.loud_recording());
    let (cut, beside) = tokio::join!(hanging, bench.words());
    let failure = cut.expect_err("it ended");
    assert_eq!(failure.code, ErrorCode::EngineTimeout, "{}", failure.detail);
    assert!(started.elapsed() >= deadline, "cut too early");
    assert_eq!(beside, alone);
    assert_eq!(bench.words().await, alone, "and so is the next");
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
async fn an_engine_that_does_not_start_again_is_its_hosts_failure_and_no_recordings() {
    let cases = [
        ("first", "kill -KILL $$", ""),
        ("first", "kill -ABRT $$", ""),
        ("first", "exit 1", ""),
        ("script.json", "no script", &faulty("abort")),
    ];
    for (file, broken, mended) in cases {
        let (bench, deaths) = (with_fault("abort"), Counter::default());
        bench.engine.count_deaths(deaths.clone());
        bench.engine_dies().await;
        assert!(*bench.engine.starts().borrow());
        bench.write(file, broken);
        for _ in 0..2 {
            let failure = bench.run().await.expect_err(broken);
            assert_eq!(failure.code, ErrorCode::HostExhausted, "{failure}");
            assert!(failure.detail.starts_with("start engine: "), "{failure}");
        }
        assert!(!*bench.engine.starts().borrow(), "{broken}");
        bench.write(file, mended);
        bench.engine_dies().await;
        assert!(*bench.engine.starts().borrow(), "{broken}");
        assert_eq!(deaths.get(), 3, "the last one has none after it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_goes_away_or_is_replaced_makes_no_result_and_no_recording_is_blamed() {
    let bench = with_fault("abort");
    bench.engine_dies().await;
    let script = bench.dir.path().join("script.json");
    std::fs::remove_file(script).expect("remove script");
    let failure = bench.run().await.expect_err("it is gone");
    assert_eq!(failure.code, ErrorCode::HostExhausted, "{failure}");
    // A script that would do, under another digest.
    bench.write("script.json", r#"{"words": ["three"]}"#);
    for _ in 0..2 {
        let failure = bench.run().await.expect_err("it is another");
        assert_eq!(failure.code, ErrorCode::HostExhausted, "{failure}");
        assert!(failure.detail.contains("another"), "{failure}");
    }
    assert!(!*bench.engine.starts().borrow());
    bench.write("script.json", &faulty("abort"));
    bench.engine_dies().await;
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

/// A pipe with a name, at which a program waits for us or we for it.
fn gate(dir: &Path) -> PathBuf {
    let path = dir.join("gate");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo runs").success());
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_model_that_loads_and_the_next_run_has_its_engine() {
    let bench = bench(r#"{"words": ["one"]}"#);
    let gate = gate(bench.dir.path());
    bench.write("first", &format!("read -r line < {}\n", gate.display()));
    let (board, stop) = (Board::default(), CancellationToken::new());
    let recording = Arc::clone(&bench.recording);
    let spec = any_call();
    let run = recognise(&bench.engine, recording, &spec, &board, &stop);
    // Opened for writing once the program reads, which is before it loads anything.
    let opening = tokio::task::spawn_blocking(move || File::options().write(true).open(gate));
    let stopping = async {
        let gate = opening.await.expect("no panic").expect("a pipe");
        stop.cancel();
        gate
    };
    let (ended, mut gate) = tokio::join!(run, stopping);
    assert!(matches!(ended, Ok(Recognised::Stopped)), "{ended:?}");
    assert_eq!(board.recognised(), Duration::ZERO);
    bench.write("first", "exit 1");
    gate.write_all(b"go\n").expect("it reads");
    assert!(!bench.words().await.is_empty(), "another one was started");
    assert!(*bench.engine.starts().borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_the_calls_that_are_inside() {
    let bench = bench(r#"{"words": ["one"], "delay_ms": 100}"#);
    let request = |stop: &CancellationToken| RunRequest {
        recording: Arc::clone(&bench.recording),
        spec: any_call(),
        stop: stop.clone(),
        begun_at: Arc::default(),
    };
    let (stop, inside) = (CancellationToken::new(), Notify::new());
    let never = CancellationToken::new();
    let mut tell = |_| inside.notify_one();
    let long = bench
        .engine
        .run(request(&never), Company::Welcome, &mut tell);
    let waiting = async {
        inside.notified().await;
        stop.cancel();
        let alone = request(&stop);
        let begun_at = Arc::clone(&alone.begun_at);
        let ended = bench.engine.run(alone, Company::Alone, &mut |_| {}).await;
        assert!(matches!(ended, Ok(RunEnd::Stopped)), "{ended:?}");
        assert!(begun_at.get().is_none());
    };
    tokio::select! {
        ended = long => panic!("it waited: {ended:?}"),
        () = waiting => {}
    }
}
