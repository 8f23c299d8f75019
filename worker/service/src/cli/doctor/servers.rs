//! What a worker needs of its servers: the broker's version, queues and patience, the store's conditions and clock.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use job_schema::{JobId, TenantId};

use super::super::common::Shelf;
use super::{Check, Verdict, not_ok, ok};
use crate::broker::{Broker, ConsumerTimeout};
use crate::clock::ahead;
use crate::config::Config;
use crate::layout;
use crate::store::{self, Location, ObjectMeta, PutMode, PutOutcome, Scope, StoreError};
use crate::topology::Topology;

/// As `broker` and `store` give them.
pub(super) const NAMES: [&str; 5] = ["broker", "queues", "timeout", "store", "clock"];
/// Quorum queues that dead-letter at least once came with it.
const OLDEST_BROKER: (u32, u32) = (3, 10);

pub(super) async fn broker(config: &Config, rabbitmqctl: Option<&str>) -> [Check; 3] {
    [
        version(config).await,
        queues(config).await,
        timeout(config, rabbitmqctl).await,
    ]
}

async fn version(config: &Config) -> Check {
    const FIX: &str = "check broker.url and that RabbitMQ runs";
    let version = match Broker::version(&config.broker).await {
        Ok(Some(version)) => version,
        Ok(None) => {
            let detail = "version not known: TLS hides what the broker says of itself";
            let fix = "it must be RabbitMQ 3.10 or newer: look on its host";
            return not_ok("broker", Verdict::Skipped, detail, fix);
        }
        Err(e) => return not_ok("broker", Verdict::Fail, e.to_string(), FIX),
    };
    if is_too_old(&version) {
        let fix = "upgrade it to RabbitMQ 3.10 or newer";
        return not_ok("broker", Verdict::Fail, format!("version {version}"), fix);
    }
    ok("broker", format!("version {version}"))
}

/// A version that does not begin with two numbers is not one that we know.
fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < OLDEST_BROKER,
        _ => true,
    }
}

async fn queues(config: &Config) -> Check {
    let topology = Topology::from(config);
    let broker = match Broker::connect(&config.broker, topology, "earwitness doctor").await {
        Ok(broker) => broker,
        Err(e) => {
            let fix = "check broker.url, its user and its password";
            return not_ok("queues", Verdict::Fail, e.to_string(), fix);
        }
    };
    let drifts = broker.check().await;
    broker.close().await;
    match drifts {
        Ok(drifts) => {
            let Some(first) = drifts.first() else {
                return ok("queues", "all are as declared");
            };
            let more = match drifts.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let fix = "earwitness queues check, then queues declare";
            not_ok("queues", Verdict::Fail, format!("{first}{more}"), fix)
        }
        Err(e) => {
            let fix = "check the broker user's rights";
            not_ok("queues", Verdict::Fail, e.to_string(), fix)
        }
    }
}

async fn timeout(config: &Config, rabbitmqctl: Option<&str>) -> Check {
    let hold = config.worker.max_hold;
    let timeout = ConsumerTimeout::ask(rabbitmqctl).await;
    let detail = format!(
        "consumer timeout {timeout}; worker.max_hold_s is {}",
        hold.as_secs()
    );
    match timeout.allows(hold) {
        Some(true) => ok("timeout", detail),
        Some(false) => {
            let fix = "lower worker.max_hold_s, or raise the broker's consumer_timeout";
            not_ok("timeout", Verdict::Fail, detail, fix)
        }
        None => {
            let fix = "on the broker's host, run with --rabbitmqctl";
            not_ok("timeout", Verdict::Skipped, detail, fix)
        }
    }
}

/// Writes, refuses to overwrite, reads and deletes one object, as a job does, and looks for another with a tenant's rights;
/// its time shows the store's clock.
pub(super) async fn store(config: &Config) -> [Check; 2] {
    const FIX: &str = "check store.* settings, credentials and that the buckets exist";
    let failed = |detail: String, fix| {
        let clock = "no object to look at";
        [
            not_ok("store", Verdict::Fail, detail, fix),
            not_ok("clock", Verdict::Skipped, clock, "see store"),
        ]
    };
    let shelf = match Shelf::open(config).await {
        Ok(shelf) => shelf,
        Err(e) => return failed(e.told(), FIX),
    };
    let round = match try_round(&shelf).await {
        Ok(round) => round,
        Err(e) => return failed(e.to_string(), FIX),
    };
    let store = match (round.again, round.is_same) {
        (PutOutcome::AlreadyExists, true) => ok("store", "put, put if absent, get and delete work"),
        (PutOutcome::Created, _) => not_ok(
            "store",
            Verdict::Fail,
            "it overwrote an object that was to be left alone",
            "use a store that knows If-None-Match",
        ),
        (_, false) => {
            let detail = "it gave back other bytes than were put";
            not_ok("store", Verdict::Fail, detail, FIX)
        }
    };
    [store, clock(&round)]
}

struct Round {
    again: PutOutcome,
    is_same: bool,
    meta: ObjectMeta,
    /// Our clock before and after the object was written.
    wrote: (Timestamp, Timestamp),
}

async fn try_round(shelf: &Shelf) -> Result<Round, StoreError> {
    let key = format!("_doctor/{}", JobId::generate());
    let at = Location::new(
        shelf.results.clone(),
        key.parse()
            .expect("an underscore, letters and a UUID make a key"),
    );
    let body = Bytes::from_static(b"earwitness doctor\n");
    let put = || {
        shelf
            .store
            .put(&at, body.clone(), "text/plain", PutMode::IfAbsent)
    };
    let before = Timestamp::now();
    put().await?;
    let wrote = (before, Timestamp::now());
    let again = put().await?;
    look_as_a_job(shelf).await?;
    let meta = shelf.store.head(&at, None).await?;
    let read = shelf.store.get(&at, 1024).await?;
    shelf.store.delete(&at).await?;
    Ok(Round {
        again,
        is_same: read == body,
        meta,
        wrote,
    })
}

/// Where the store has a role for tenants, it is assumed for one that does not exist.
async fn look_as_a_job(shelf: &Shelf) -> Result<bool, StoreError> {
    let tenant: TenantId = "doctor".parse().expect("letters make a tenant's name");
    let scope = Scope {
        tenant: &tenant,
        recordings: &shelf.recordings,
        results: &shelf.results,
    };
    let at = Location::new(shelf.results.clone(), layout::tenant_tombstone(&tenant));
    store::of_tenant(&shelf.store, scope).exists(&at).await
}

/// S3 refuses signatures that are 15 minutes off, and `not_after` is read by the worker's clock.
fn clock(round: &Round) -> Check {
    const TOLERATED: SignedDuration = SignedDuration::from_secs(30);
    let Some(written_at) = round.meta.last_modified else {
        let detail = "the store does not say when it wrote an object";
        return not_ok("clock", Verdict::Skipped, detail, "look at both clocks");
    };
    let ahead = ahead(round.wrote, written_at);
    let detail = format!("{} s between this host and the store", ahead.as_secs());
    if ahead.abs() > TOLERATED {
        let fix = "set the clock of the one that is wrong, with NTP";
        return not_ok("clock", Verdict::Fail, detail, fix);
    }
    ok("clock", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_told_by_its_first_two_numbers() {
        for (version, too_old) in [
            ("3.10.8", false),
            ("3.9.29", true),
            ("4.1.0", false),
            ("3.13.0-rc.1", false),
            ("three", true),
        ] {
            assert_eq!(is_too_old(version), too_old, "{version}");
        }
    }
}
