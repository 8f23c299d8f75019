//! Redacted copies end to end: a real engine process, a real recording, and words from a script that read a card number out.

use std::fs::{File, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use analysis::redact::Policy;
use earwitness::engine::{Engine, EngineSettings, RecognizerSource};
use earwitness::recognise::{Board, Recognised, recognise};
use earwitness::redact::{Copies, Original, Proving, redact};
use earwitness::results::{self, Results, Scoring};
use job_schema::engine::CallSpec;
use job_schema::job::Format;
use job_schema::redaction::{AudioStyle, Check, EntityKind, Redacted, Redaction, WithheldReason};
use job_schema::transcript::EngineFacts;
use job_schema::{ErrorCode, Failure};
use pipeline::assemble::Header;
use tokio_util::sync::CancellationToken;

const DIGITS: &str = r#"{"words": ["4111", "1111", "1111", "1111", "thanks"]}"#;

/// A number in every few seconds, amid words that do not repeat themselves, so that nothing is suppressed.
const AMID_TALK: &str = r#"{"words": ["apples", "and", "pears", "4111", "plums", "grow", "over", "there", "4111", "beside",
    "that", "old", "garden", "4111", "wall", "where", "nobody", "ever", "4111", "looks", "for", "them", "until", "4111",
    "autumn", "comes"]}"#;

struct Bench {
    engine: Engine,
    recording: Arc<File>,
    spec: CallSpec,
    dir: tempfile::TempDir,
}

/// An engine whose recogniser follows `script`, and a sample call.
fn bench(script: &str) -> Bench {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("script.json");
    std::fs::write(&path, script).expect("write script");
    let executable = PathBuf::from(env!("CARGO_BIN_EXE_earwitness"));
    let engine = engine(executable, path);
    let call = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/calls/cancel-plan.wav");
    Bench {
        engine,
        recording: Arc::new(File::open(call).expect("a sample call")),
        spec: CallSpec::default(),
        dir,
    }
}

fn engine(executable: PathBuf, script: PathBuf) -> Engine {
    Engine::new(EngineSettings {
        executable,
        recognizer: RecognizerSource::Script(script),
        slots: 2,
        memory_limit_bytes: 2 << 30,
        deadline_base: Duration::from_secs(60),
        deadline_factor: 4.0,
        require_sandbox: true,
    })
}

fn header() -> Header {
    let digest = "a".repeat(64);
    Header {
        tenant: "local".parse().expect("a name"),
        call: "c1".parse().expect("a name"),
        spec_sha256: digest.parse().expect("a digest"),
        size_bytes: 1,
        sha256: digest.parse().expect("a digest"),
        engine: EngineFacts {
            model: "scripted".into(),
            model_sha256: digest.parse().expect("a digest"),
            recognizer: "scripted 1".into(),
            worker: "test".into(),
            parameters: std::collections::BTreeMap::new(),
            confidence: None,
        },
    }
}

impl Bench {
    async fn transcribe(&self) -> Results {
        let (board, never) = (Board::default(), CancellationToken::new());
        let recording = Arc::clone(&self.recording);
        let run = recognise(&self.engine, recording, &self.spec, &board, &never).await;
        let Ok(Recognised::All(findings)) = run else {
            unreachable!("nothing stops the run, and the script has no fault: {run:?}")
        };
        results::compose(header(), *findings, &Scoring::default(), &[Format::Vtt])
    }

    async fn redact(
        &self,
        whole: &Results,
        options: Redaction,
        stop: &CancellationToken,
    ) -> Option<Copies> {
        let copies = self.try_redact(whole, options, stop).await;
        copies.expect("the engine lives")
    }

    async fn try_redact(
        &self,
        whole: &Results,
        options: Redaction,
        stop: &CancellationToken,
    ) -> Result<Option<Copies>, Failure> {
        self.prove(whole, options, &Proving::default(), stop).await
    }

    async fn prove(
        &self,
        whole: &Results,
        options: Redaction,
        proving: &Proving,
        stop: &CancellationToken,
    ) -> Result<Option<Copies>, Failure> {
        let policy = Arc::new(Policy::new(options).expect("no patterns"));
        let original = Original {
            recording: Arc::clone(&self.recording),
            spec: self.spec.clone(),
            transcript: Arc::new(whole.transcript.clone()),
            transcript_sha256: whole.analysis.transcript_sha256.clone(),
            scoring: Scoring::default(),
            formats: vec![Format::Vtt],
        };
        redact(&self.engine, &original, &policy, proving, stop).await
    }

    /// Its first three seconds again and again, with pauses that make a span of each.
    fn many_spans(&self) -> File {
        const BYTES_PER_S: usize = 2 * 8_000;
        let mut call = Vec::new();
        let mut recording = &*self.recording;
        recording.read_to_end(&mut call).expect("read the call");
        let at = |id: &[u8]| call.windows(4).position(|four| four == id);
        let (fact, data) = (at(b"fact").expect("a fact"), at(b"data").expect("data"));
        let mut part = call.split_off(data + 8);
        part.truncate(3 * BYTES_PER_S);
        part.resize(9 * BYTES_PER_S, 0xff);
        let samples = part.repeat(10);
        let size = u32::try_from(samples.len()).expect("a megabyte");
        call[data + 4..].copy_from_slice(&size.to_le_bytes());
        call[fact + 8..fact + 12].copy_from_slice(&(size / 2).to_le_bytes());
        let path = self.dir.path().join("long.wav");
        std::fs::write(&path, [call, samples].concat()).expect("write the recording");
        File::open(path).expect("it was written")
    }

    /// From here on processes are started from a shell script.
    fn becomes(&mut self, program: &str) {
        let path = self.dir.path().join("program");
        std::fs::write(&path, format!("#!/bin/sh\n{program}\n")).expect("write program");
        let runs = Permissions::from_mode(0o700);
        std::fs::set_permissions(&path, runs).expect("make it run");
        self.engine = engine(path, self.dir.path().join("script.json"));
    }
}

fn names(copies: &Copies) -> Vec<&str> {
    copies.objects.iter().map(|object| &*object.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_is_redacted_in_every_document_and_the_original_is_left_alone() {
    let bench = bench(DIGITS);
    let whole = bench.transcribe().await;
    let copies = bench
        .redact(&whole, Redaction::default(), &CancellationToken::new())
        .await
        .expect("not stopped");
    assert_eq!(copies.report.withheld, None, "{:?}", copies.report);
    assert_eq!(copies.report.verdict.text, Check::Clean);
    assert_eq!(copies.report.verdict.audio, Check::NotDone);
    assert!(!copies.report.redactions.is_empty());
    assert_eq!(
        names(&copies),
        [
            "redacted/redaction.json",
            "redacted/transcript.json",
            "redacted/analysis.json",
            "redacted/transcript.vtt"
        ]
    );
    for object in &copies.objects[1..] {
        let text = String::from_utf8_lossy(&object.bytes);
        assert!(!text.contains("1111"), "{}", object.name);
    }
    assert!(
        whole
            .objects
            .iter()
            .any(|object| String::from_utf8_lossy(&object.bytes).contains("1111"))
    );
}

fn waveform(objects: &[results::Object], name: &str) -> serde_json::Value {
    let peaks = objects.iter().find(|object| object.name == name);
    serde_json::from_slice(&peaks.expect("a waveform").bytes).expect("JSON")
}

/// The greatest sample of a waveform where something was removed.
fn loudest(waveform: &serde_json::Value, one: &Redacted) -> i64 {
    let number = |name: &str| waveform[name].as_u64().expect("a number");
    let points_per_second = number("sample_rate") / number("samples_per_pixel");
    let (channels, channel) = (number("channels"), u64::from(one.channel));
    let point_at = |ms: u64| ms * points_per_second / 1_000;
    let data = waveform["data"].as_array().expect("points");
    let greatest = (point_at(one.span.start_ms)..point_at(one.span.end_ms)).map(|point| {
        let at = usize::try_from(2 * (point * channels + channel) + 1).expect("an index");
        data[at].as_i64().expect("a sample")
    });
    greatest.max().expect("it lasts some time")
}

/// Everything for five seconds around every number: nothing is left of the call.
fn all_of_it() -> Redaction {
    Redaction {
        audio: Some(AudioStyle::Silence),
        padding_ms: 5_000,
        ..Redaction::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_proved_itself_is_handed_out() {
    let bench = bench(DIGITS);
    let whole = bench.transcribe().await;
    let copies = bench
        .redact(&whole, all_of_it(), &CancellationToken::new())
        .await
        .expect("not stopped");
    assert_eq!(copies.report.withheld, None, "{:?}", copies.report.verdict);
    assert_eq!(copies.report.verdict.audio, Check::Clean);
    let recording = copies.objects.last().expect("objects");
    assert_eq!(recording.name, "redacted/recording.wav");
    assert!(recording.bytes.starts_with(b"RIFF"));
    let redacted = waveform(&copies.objects, "redacted/peaks.json");
    let original = waveform(&whole.objects, "peaks.json");
    assert_eq!(redacted["length"], original["length"]);
    for one in &copies.report.redactions {
        assert_eq!(loudest(&redacted, one), 0, "{:?}", one.span);
        assert!(loudest(&original, one) > 0, "{:?}", one.span);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_still_says_it_is_withheld_with_everything_else() {
    let bench = bench(AMID_TALK);
    let whole = bench.transcribe().await;
    // A fault of the policy's own: a part of the number goes, and the script reads all of it out wherever it hears speech.
    let partly = Redaction {
        entities: vec![EntityKind::Email],
        custom: [("part".to_owned(), "4111".to_owned())].into(),
        padding_ms: 0,
        ..all_of_it()
    };
    let copies = bench
        .redact(&whole, partly, &CancellationToken::new())
        .await
        .expect("not stopped");
    let reason = copies.report.withheld.as_ref().map(|w| w.reason);
    assert_eq!(
        reason,
        Some(WithheldReason::LeakInAudio),
        "{:?}",
        copies.report.verdict
    );
    assert_eq!(copies.report.verdict.audio, Check::Leaks);
    assert!(!copies.report.verdict.leaks.is_empty());
    assert_eq!(names(&copies), ["redacted/redaction.json"]);
    assert!(copies.readable.is_none());
    assert!(!String::from_utf8_lossy(&copies.objects[0].bytes).contains("pears"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_is_not_the_transcripts_is_withheld() {
    let mut bench = bench(DIGITS);
    let whole = bench.transcribe().await;
    let other =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/calls/gutter-quote.wav");
    bench.recording = Arc::new(File::open(other).expect("a sample call"));
    let copies = bench
        .redact(&whole, all_of_it(), &CancellationToken::new())
        .await
        .expect("not stopped");
    let reason = copies.report.withheld.as_ref().map(|w| w.reason);
    assert_eq!(reason, Some(WithheldReason::AudioNotMade));
    assert_eq!(names(&copies), ["redacted/redaction.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_the_sandbox_that_is_asked_for_is_blamed_and_nothing_is_withheld() {
    let mut bench = bench(DIGITS);
    let whole = bench.transcribe().await;
    // As the process that mutes ends where it is given less.
    bench.becomes("exit 8");
    let never = CancellationToken::new();
    let failed = bench.try_redact(&whole, all_of_it(), &never).await;
    let failure = failed.expect_err("it cannot be sealed");
    assert_eq!(failure.code, ErrorCode::SandboxUnavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_during_the_proof_leaves_nothing_half_proved_and_the_next_worker_goes_on() {
    let slow = AMID_TALK.replacen('{', r#"{"delay_ms": 200, "#, 1);
    let mut bench = bench(&slow);
    bench.recording = Arc::new(bench.many_spans());
    let whole = bench.transcribe().await;
    let partly = || Redaction {
        padding_ms: 0,
        custom: [("part".to_owned(), "4111".to_owned())].into(),
        entities: vec![EntityKind::Email],
        ..all_of_it()
    };
    let heard = |proving: &Proving| proving.so_far().map_or(0, |proof| proof.spans.len());
    let (proving, stop) = (Proving::default(), CancellationToken::new());
    let stopping = async {
        for _ in 0..12_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if heard(&proving) > 0 {
                break;
            }
        }
        stop.cancel();
    };
    let (copies, ()) = tokio::join!(bench.prove(&whole, partly(), &proving, &stop), stopping);
    assert!(copies.expect("the engine lives").is_none());
    assert!(proving.progressed());

    let kept = proving.so_far().expect("what was heard");
    let (next, never) = (Proving::resumed(Some(kept)), CancellationToken::new());
    let going_on = async {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            match heard(&next) {
                0 => return false,
                _ if next.progressed() => return true,
                _ => {}
            }
        }
    };
    let (copies, goes_on) = tokio::join!(bench.prove(&whole, partly(), &next, &never), going_on);
    assert!(goes_on, "the proof began anew");
    let resumed = copies.expect("the engine lives").expect("to its end");
    let at_once = bench.redact(&whole, partly(), &never).await;
    let bytes =
        |copies: Copies| -> Vec<Vec<u8>> { copies.objects.into_iter().map(|o| o.bytes).collect() };
    assert_eq!(bytes(resumed), bytes(at_once.expect("to its end")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_process_that_mutes() {
    let mut bench = bench(DIGITS);
    let whole = bench.transcribe().await;
    let gate = bench.dir.path().join("gate");
    let made = Command::new("mkfifo").arg(&gate).status();
    assert!(made.expect("mkfifo runs").success());
    bench.becomes(&format!("echo $$ > {}; exec sleep 600", gate.display()));
    let stop = CancellationToken::new();
    let told = tokio::task::spawn_blocking(move || std::fs::read_to_string(gate));
    let stopping = async {
        let pid = told.await.expect("no panic").expect("a pipe");
        stop.cancel();
        pid
    };
    let (copies, pid) = tokio::join!(bench.redact(&whole, all_of_it(), &stop), stopping);
    assert!(copies.is_none());
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "it lives on");
}
