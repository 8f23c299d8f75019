//! What keeps hostile recordings and forged jobs out. In: the configuration. Out: one check each. Cannot fail: what goes
//! wrong is the check's verdict.

use jiff::Timestamp;

use super::super::common::Shelf;
use super::{Check, Verdict, not_ok, ok};
use crate::config::Config;
use crate::engine::self_test::{self, Fence};
use crate::retention::{self, Retention};
use crate::signing::Gate;

/// Off, whoever can publish to a lane can have any tenant's recordings transcribed.
pub(super) fn signing(config: &Config) -> Check {
    const FIX: &str = "set security.signing_keys, on the workers and on whoever submits";
    if config.broker.url.is_none() {
        let detail = "no broker is set";
        return not_ok("signing", Verdict::Skipped, detail, "set broker.url");
    }
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
pub(super) async fn sandbox(config: &Config) -> Check {
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

/// Whether what is to go does go.
pub(super) async fn retention(config: &Config, offline: bool) -> Check {
    const FIX: &str = "earwitness sweep, and look why workers did not";
    let settings = &config.retention;
    let limits = Retention::read(settings.days, &settings.tenants);
    if limits.is_ok_and(|limits| limits.is_empty()) {
        return ok("retention", "no limit is set: results are kept for ever");
    }
    if offline {
        let fix = "run without --offline";
        return not_ok("retention", Verdict::Skipped, "left out", fix);
    }
    let shelf = match Shelf::open(config).await {
        Ok(shelf) => shelf,
        Err(e) => {
            let detail = e.told();
            return not_ok("retention", Verdict::Fail, detail, "see store");
        }
    };
    match retention::due(shelf.places(), Timestamp::now()).await {
        Ok(due) if due.is_empty() => ok("retention", "nothing is overdue"),
        Ok(due) => {
            let detail = format!("{} calls are overdue", due.len());
            not_ok("retention", Verdict::Warn, detail, FIX)
        }
        Err(e) => not_ok("retention", Verdict::Fail, e.to_string(), "see store"),
    }
}
