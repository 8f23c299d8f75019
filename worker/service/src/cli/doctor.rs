//! `earwitness doctor`: one line a check, with the fix beside what is wrong. Never green for what was not looked at.

use std::time::Instant;

use bytes::Bytes;
use job_schema::JobId;
use serde::Serialize;

use super::Global;
use super::common::{LocalEngine, ModelArgs, Shelf, settings};
use super::out;
use crate::broker::Broker;
use crate::config::Config;
use crate::engine::self_test::{self, Fence};
use crate::exit::{self, Exit};
use crate::signing::Gate;
use crate::store::{Location, PutMode, PutOutcome};
use crate::topology::Topology;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  earwitness doctor\n  earwitness doctor --offline --json")]
pub(super) struct DoctorArgs {
    /// Leave out broker and store.
    #[arg(long)]
    offline: bool,
    /// One JSON object a check.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
    Skipped,
}

#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    verdict: Verdict,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'static str>,
}

fn ok(check: &'static str, detail: impl Into<String>) -> Check {
    Check {
        check,
        verdict: Verdict::Ok,
        detail: detail.into(),
        fix: None,
    }
}

fn not_ok(
    check: &'static str,
    verdict: Verdict,
    detail: impl Into<String>,
    fix: &'static str,
) -> Check {
    Check {
        check,
        verdict,
        detail: detail.into(),
        fix: Some(fix),
    }
}

pub(super) async fn run(global: &Global, args: DoctorArgs) -> Result<u8, Exit> {
    let config = settings(global, &args.model.flags())?.config;
    let mut checks = vec![
        cpu(),
        disk(),
        signing(&config),
        sandbox(&config).await,
        model(&config).await,
    ];
    if args.offline {
        for check in ["broker", "store"] {
            checks.push(not_ok(
                check,
                Verdict::Skipped,
                "left out",
                "run without --offline",
            ));
        }
    } else {
        checks.push(broker(&config).await);
        checks.push(store(&config).await);
    }
    report(&checks, args.json)?;
    let failed = checks.iter().any(|c| c.verdict == Verdict::Fail);
    Ok(if failed { exit::SOME_FAILED } else { exit::OK })
}

/// The binary is built for x86-64-v3: on less it would end with SIGILL in the middle of a call.
fn cpu() -> Check {
    #[cfg(target_arch = "x86_64")]
    {
        let missing: Vec<&str> = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("f16c", is_x86_feature_detected!("f16c")),
            ("bmi2", is_x86_feature_detected!("bmi2")),
        ]
        .into_iter()
        .filter_map(|(name, has)| (!has).then_some(name))
        .collect();
        if !missing.is_empty() {
            let detail = format!("lacks {}", missing.join(", "));
            return not_ok(
                "cpu",
                Verdict::Fail,
                detail,
                "build on this host with the GGML_* flags of its CPU",
            );
        }
    }
    ok("cpu", models::whisper::system_info().trim().to_owned())
}

/// Recordings are copied to the temporary directory before they are decoded.
fn disk() -> Check {
    const ENOUGH_BYTES: u64 = 4 << 30;
    let dir = std::env::temp_dir();
    match rustix::fs::statvfs(&dir) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let detail = format!("{} GiB free in {}", free >> 30, dir.display());
            if free < ENOUGH_BYTES {
                not_ok(
                    "disk",
                    Verdict::Warn,
                    detail,
                    "free space, or set TMPDIR to a larger disk",
                )
            } else {
                ok("disk", detail)
            }
        }
        Err(e) => not_ok(
            "disk",
            Verdict::Fail,
            format!("{}: {e}", dir.display()),
            "set TMPDIR to a directory that exists",
        ),
    }
}

/// Off, whoever can publish to a lane can have any tenant's recordings transcribed.
fn signing(config: &Config) -> Check {
    const FIX: &str = "set security.signing_keys, on the workers and on whoever submits";
    match Gate::open(config) {
        Ok(gate) if gate.required => {
            let ids: Vec<&str> = gate.ring.ids().iter().map(|id| id.as_str()).collect();
            let detail = format!("required; signing with {}", ids.join(", verifying also "));
            ok("signing", detail)
        }
        Ok(_) => not_ok(
            "signing",
            Verdict::Warn,
            "OFF: EVERY JOB ON THE BROKER IS BELIEVED, as this broker is on this host; for development only",
            FIX,
        ),
        Err(e) => not_ok("signing", Verdict::Fail, e.to_string(), FIX),
    }
}

/// Not what the kernel says it can do, but what it refused just now.
async fn sandbox(config: &Config) -> Check {
    const FIX: &str = "use a kernel with seccomp and Landlock, and let the container use both";
    let limit = config.engine.memory_limit_bytes;
    let tested = match std::env::current_exe() {
        Ok(executable) => self_test::in_child(&executable, Fence::Sealed, limit).await,
        Err(e) => Err(e),
    };
    let report = match tested {
        Ok(report) => report,
        Err(e) => return not_ok("sandbox", Verdict::Fail, format!("self-test: {e}"), FIX),
    };
    let (denied, tried) = (report.denied_count(), report.attempts.len());
    let detail = format!(
        "{}; {denied} of {tried} forbidden actions denied",
        report.sandbox
    );
    if denied == tried && report.sandbox.is_whole() {
        return ok("sandbox", detail);
    }
    let verdict = if config.engine.require_sandbox {
        Verdict::Fail
    } else {
        Verdict::Warn
    };
    not_ok("sandbox", verdict, detail, FIX)
}

async fn model(config: &Config) -> Check {
    let started = Instant::now();
    match LocalEngine::start(config).await {
        Ok(local) => {
            let seconds = started.elapsed().as_secs_f64();
            let sha256 = local.model.sha256.as_str();
            let digest = sha256.get(..12).unwrap_or(sha256);
            ok(
                "model",
                format!(
                    "{} ({digest}…) verified and loaded in {seconds:.1} s by {}",
                    local.model.name, local.model.recognizer
                ),
            )
        }
        Err(e) => not_ok(
            "model",
            Verdict::Fail,
            format!("{:#}", e.error),
            "earwitness models pull NAME",
        ),
    }
}

async fn broker(config: &Config) -> Check {
    let connected =
        Broker::connect(&config.broker, Topology::from(config), "earwitness doctor").await;
    let drifts = match &connected {
        Ok(broker) => broker.check().await,
        Err(e) => {
            return not_ok(
                "broker",
                Verdict::Fail,
                e.to_string(),
                "check broker.url and that RabbitMQ runs",
            );
        }
    };
    match drifts {
        Ok(drifts) if drifts.is_empty() => {
            ok("broker", "connected, and all queues are as declared")
        }
        Ok(drifts) => {
            let all: Vec<String> = drifts.iter().map(ToString::to_string).collect();
            not_ok(
                "broker",
                Verdict::Fail,
                all.join("; "),
                "earwitness queues declare",
            )
        }
        Err(e) => not_ok(
            "broker",
            Verdict::Fail,
            e.to_string(),
            "check the broker user's rights",
        ),
    }
}

/// Writes, refuses to overwrite, reads and deletes one object, as a job does.
async fn store(config: &Config) -> Check {
    const FIX: &str = "check store.* settings, credentials and that the buckets exist";
    let shelf = match Shelf::open(config).await {
        Ok(shelf) => shelf,
        Err(e) => return not_ok("store", Verdict::Fail, format!("{:#}", e.error), FIX),
    };
    let key = format!("_doctor/{}", JobId::generate());
    let at = Location::new(
        shelf.results.clone(),
        key.parse()
            .expect("an underscore, letters and a UUID make a key"),
    );
    let body = Bytes::from_static(b"earwitness doctor\n");
    let round = async {
        shelf
            .store
            .put(&at, body.clone(), "text/plain", PutMode::IfAbsent)
            .await?;
        let again = shelf
            .store
            .put(&at, body.clone(), "text/plain", PutMode::IfAbsent)
            .await?;
        let read = shelf.store.get(&at, 1024).await?;
        shelf.store.delete(&at).await?;
        Ok::<_, crate::store::StoreError>((again, read == body))
    };
    match round.await {
        Ok((PutOutcome::AlreadyExists, true)) => {
            ok("store", "put, put if absent, get and delete work")
        }
        Ok((PutOutcome::Created, _)) => not_ok(
            "store",
            Verdict::Fail,
            "it overwrote an object that was to be left alone",
            "use a store that knows If-None-Match",
        ),
        Ok((_, false)) => not_ok(
            "store",
            Verdict::Fail,
            "it gave back other bytes than were put",
            FIX,
        ),
        Err(e) => not_ok("store", Verdict::Fail, e.to_string(), FIX),
    }
}

fn report(checks: &[Check], json: bool) -> Result<(), Exit> {
    for check in checks {
        if json {
            out::line(format_args!(
                "{}",
                serde_json::to_string(check).map_err(anyhow::Error::from)?
            ));
            continue;
        }
        let verdict = match check.verdict {
            Verdict::Ok => "OK",
            Verdict::Warn => "WARN",
            Verdict::Fail => "FAIL",
            Verdict::Skipped => "SKIPPED",
        };
        let fix = check
            .fix
            .map_or_else(String::new, |fix| format!(" -> {fix}"));
        out::line(format_args!(
            "{verdict:8} {:8} {}{fix}",
            check.check, check.detail
        ));
    }
    Ok(())
}
