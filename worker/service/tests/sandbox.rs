//! The sandbox of the processes that decode, from inside: a real engine process tries what a hijacked one would.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use earwitness::engine::self_test::{Fence, Report, in_child};
use job_schema::engine::Limits;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

const MEMORY_LIMIT_BYTES: u64 = 2 << 30;

async fn report(fence: Fence) -> Report {
    let executable = Path::new(env!("CARGO_BIN_EXE_earwitness"));
    in_child(executable, fence, MEMORY_LIMIT_BYTES)
        .await
        .expect("the self-test reports")
}

#[tokio::test]
async fn every_forbidden_action_is_denied_inside_the_sandbox() {
    let report = report(Fence::Sealed).await;
    if !report.sandbox.is_whole() {
        eprintln!(
            "skipped: every_forbidden_action_is_denied_inside_the_sandbox: this kernel gives {}",
            report.sandbox
        );
        return;
    }
    let allowed: Vec<_> = report.attempts.iter().filter(|a| !a.denied).collect();
    assert!(allowed.is_empty(), "{allowed:?}");
    assert!(report.denied_count() >= 12, "{report:?}");
}

/// Those that need no privilege: the rest may be refused to any process of this user.
#[tokio::test]
async fn it_is_the_sandbox_that_denies_them() {
    let report = report(Fence::Open).await;
    assert!(!report.sandbox.is_whole());
    for action in [
        "read a file",
        "list a directory",
        "write a file",
        "remove a file",
        "change a file's mode",
        "make a file in memory",
        "make a socket",
        "connect a socket it has",
        "listen on a socket it has",
        "become another program",
        "start a process",
        "copy the parent's memory",
        "signal the parent",
        "get a handle on the parent",
        "change its user",
        "show its memory again",
        "change a limit",
    ] {
        let attempt = report.attempts.iter().find(|a| a.action == action);
        let attempt = attempt.unwrap_or_else(|| panic!("`{action}` was not tried"));
        assert!(!attempt.denied, "{attempt:?}");
    }
}

/// A host without Landlock: everything started from here is told that the kernel has none.
fn without_landlock(command: &mut Command) -> Output {
    let refused = BTreeMap::from([(libc::SYS_landlock_create_ruleset, Vec::new())]);
    let answer = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH).expect("a known architecture");
    let filter = SeccompFilter::new(refused, SeccompAction::Allow, answer, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    // A filter is inherited from the thread that starts a process, and this thread ends with it.
    let started = std::thread::scope(|scope| {
        let start = || {
            seccompiler::apply_filter(&program).expect("a kernel with seccomp");
            command.output()
        };
        scope.spawn(start).join()
    });
    started.expect("no panic").expect("the command runs")
}

#[test]
fn a_host_that_gives_less_is_refused_where_the_whole_is_asked_for() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let script = dir.path().join("script.json");
    std::fs::write(&script, r#"{"words": ["one"]}"#).expect("write script");
    let call = sample_call();
    for (required, status) in [("true", 77), ("false", 0)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
        command.arg("transcribe").arg(&call);
        command.arg("--out").arg(dir.path().join(required));
        command.env("EARWITNESS__ENGINE__RECOGNIZER", "scripted");
        command.env("EARWITNESS__ENGINE__SCRIPT", &script);
        command.env("EARWITNESS__ENGINE__REQUIRE_SANDBOX", required);
        let output = without_landlock(&mut command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert_eq!(
            said.contains("this kernel gives seccomp on, landlock off"),
            required == "true",
            "{said}"
        );
    }
}

fn sample_call() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/calls/cancel-plan.wav")
}

const SAMPLE_CALL_MS: u64 = 43_787;

/// The process that makes a redacted recording, as the service starts it, with nothing to mute.
fn mute(require_sandbox: bool) -> Command {
    let order = serde_json::json!({
        "spans": [[], []],
        "style": "silence",
        "duration_ms": SAMPLE_CALL_MS,
        "extension": "wav",
        "raw_audio": null,
        "limits": Limits::default(),
        "memory_limit_bytes": MEMORY_LIMIT_BYTES,
        "require_sandbox": require_sandbox,
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
    command
        .args(["mute", "--order", &order.to_string()])
        .env_clear();
    command.stdin(File::open(sample_call()).expect("a sample call"));
    command
}

fn seccomp_filters_count(process: &str) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
    let count = status.lines().find_map(|line| {
        let count = line.strip_prefix("Seccomp_filters:")?;
        count.trim().parse().ok()
    });
    count.unwrap_or(0)
}

#[tokio::test]
async fn the_process_that_mutes_is_sealed_by_the_time_it_decodes() {
    if !report(Fence::Sealed).await.sandbox.seccomp {
        eprintln!(
            "skipped: the_process_that_mutes_is_sealed_by_the_time_it_decodes: this kernel has no seccomp"
        );
        return;
    }
    let mut command = mute(false);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    // It holds less than the recording, so that the process waits for us in mid-decoding.
    let mut pipe = child.stdout.take().expect("a pipe");
    pipe.read_exact(&mut [0; 4]).expect("a WAV file begins");
    let filters_count = seccomp_filters_count(&child.id().to_string());
    drop(pipe);
    child.wait().expect("it ends");
    assert!(filters_count > seccomp_filters_count("self"));
}

#[test]
fn a_host_that_gives_less_mutes_nothing_where_the_whole_is_asked_for() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (required, status) in [(true, 8), (false, 0)] {
        let path = dir.path().join(status.to_string());
        let mut command = mute(required);
        command.stdout(File::create(&path).expect("a scratch file"));
        let output = without_landlock(&mut command);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        let written = std::fs::metadata(&path).expect("the scratch file").len();
        assert_eq!(written == 0, required, "{written} bytes");
    }
}

/// The check fails where the whole is asked for, and else warns; either way it says what is in force.
#[test]
fn the_doctor_says_how_strong_the_sandbox_is_that_this_host_gives() {
    for (required, verdict) in [("true", "fail"), ("false", "warn")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
        command.args(["doctor", "--offline", "--json"]);
        command.env("EARWITNESS__ENGINE__REQUIRE_SANDBOX", required);
        let output = without_landlock(&mut command);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut checks = said.lines();
        let check = checks.find(|line| line.contains(r#""check":"sandbox""#));
        let check = check.expect("a check of the sandbox");
        assert!(
            check.contains(&format!(r#""verdict":"{verdict}""#)),
            "{check}"
        );
        assert!(check.contains("seccomp on, landlock off; "), "{check}");
    }
}
