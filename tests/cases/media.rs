//! Recordings made to hurt, through a real engine process: a short form of `scripts/fuzz-media`, and how soon an aborted
//! run is gone. Kept apart from the fleet's tests, since neither broker nor store is needed.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use earwitness::engine::{Engine, EngineSettings, RecognizerSource};
use earwitness::recognise::{Board, recognise};
use earwitness_tests::media::campaign::{self, Plan};
use earwitness_tests::process::{earwitness, is_alive};
use earwitness_tests::recordings::spoken;
use earwitness_tests::recordings::wav::{Coding, written};
use earwitness_tests::signals::until;
use job_schema::ErrorCode;
use job_schema::engine::CallSpec;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const GIB: u64 = 1 << 30;

#[tokio::test(flavor = "multi_thread")]
async fn every_damaged_recording_ends_in_a_named_outcome_and_in_little_memory() {
    let plan = Plan {
        seed: 2,
        cases: 0..300,
        at_once: 4,
        folder: None,
    };
    let report = campaign::run(&plan).await.unwrap();
    println!("{}", report.table());
    assert_eq!(report.findings, [], "{}", report.table());
    assert_eq!(report.cases_count, 300);
    assert_eq!(report.engines_count, 1, "an engine died");
    assert!(report.formats.len() >= 20, "{}", report.table());
    assert!(report.engine_peak_bytes < GIB);
    // Neither may be all there is: a campaign that only refuses would test no decoder.
    let heard = report.total("done") + report.total("done_with_warnings");
    assert!((60..280).contains(&heard), "{}", report.table());
}

/// How long a run of this recording outlives its deadline, and the engine's number. Whatever follows the script.
async fn overtime(script: &Value, recording: File) -> (Duration, u32, Engine) {
    const DEADLINE: Duration = Duration::from_millis(1_500);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.json");
    std::fs::write(&path, script.to_string()).unwrap();
    let engine = Engine::new(EngineSettings {
        executable: earwitness().unwrap(),
        recognizer: RecognizerSource::Script(path),
        slots: 1,
        memory_limit_bytes: GIB,
        deadline_base: DEADLINE,
        // What is decoded earns no more time.
        deadline_factor: 0.0,
        require_sandbox: false,
    });
    let pid = engine.ready().await.unwrap().pid;
    let (board, never) = (Board::default(), CancellationToken::new());
    let spec = CallSpec::default();
    let started = Instant::now();
    let ended = recognise(&engine, Arc::new(recording), &spec, &board, &never).await;
    let took = started.elapsed();
    let failure = ended.expect_err("it ended by itself");
    assert_eq!(failure.code, ErrorCode::EngineTimeout, "{failure}");
    (took.saturating_sub(DEADLINE), pid, engine)
}

fn stored(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Hours of silence that take no room: the header, and a hole for the samples.
fn endless() -> File {
    let header = written(&[], Coding::S16).unwrap();
    let file = stored(&header);
    file.set_len(200 << 20).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_run_is_gone_within_two_seconds_and_its_engine_lives() {
    let slow = json!({ "words": ["one"], "delay_ms": 60_000 });
    let quick = json!({ "words": ["one"] });
    let cases = [
        ("recognising", slow, stored(&spoken(1, 1.0).unwrap())),
        ("decoding", quick, endless()),
    ];
    for (stage, script, recording) in cases {
        let (overtime, pid, engine) = overtime(&script, recording).await;
        println!("{stage}: gone after {} ms", overtime.as_millis());
        assert!(overtime < Duration::from_secs(2), "{stage}: {overtime:?}");
        let after = engine.ready().await.unwrap().pid;
        assert_eq!(after, pid, "{stage}: the engine was killed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_heed_an_abort_is_killed_within_five_seconds() {
    let deaf = json!({ "words": ["one"], "fault": { "kind": "hang", "at_span": 0 } });
    let (overtime, pid, _engine) = overtime(&deaf, stored(&spoken(1, 1.0).unwrap())).await;
    let killed = Instant::now();
    let pid = i32::try_from(pid).unwrap();
    until("the engine's end", async || {
        Ok((!is_alive(pid)).then_some(()))
    })
    .await
    .unwrap();
    let gone = overtime + killed.elapsed();
    println!("gone after {} ms", gone.as_millis());
    assert!(gone < Duration::from_secs(5), "{gone:?}");
}
