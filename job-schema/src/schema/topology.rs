//! Names on the broker: exchanges, queues, routing keys and the headers that are ours. No input; constants and small
//! functions of a lane or delay. Cannot fail. What they are for is in `asyncapi.json`, which is made from them.

use crate::event::EventKind;
use crate::ids::TenantId;
use crate::job::Lane;

/// Direct; routed by the lane's name.
pub const JOBS_EXCHANGE: &str = "earwitness.jobs";
/// Fanout, like its queue of the same name.
pub const DEAD: &str = "earwitness.dead";
/// Topic; routed by [`event_routing_key`].
pub const EVENTS_EXCHANGE: &str = "earwitness.events";
/// Bound to every event, so that none is lost before a consumer exists.
pub const EVENTS_QUEUE: &str = "earwitness.events.all";

/// Times that the recording broke the engine. Absent means 0.
pub const HEADER_CONTENT_ATTEMPTS: &str = "x-earwitness-content-attempts";
/// Times that a store, broker or host failed. Absent means 0.
pub const HEADER_INFRA_ATTEMPTS: &str = "x-earwitness-infra-attempts";
/// On retried and dead jobs: the error code.
pub const HEADER_CODE: &str = "x-earwitness-code";
/// On dead jobs: the JSON pointer of the field at fault, if one is.
pub const HEADER_POINTER: &str = "x-earwitness-pointer";
/// On jobs that came back from the dead: how often.
pub const HEADER_REPLAYS: &str = "x-earwitness-replays";
/// On jobs that came back from the dead: when they last did.
pub const HEADER_REPLAYED_AT: &str = "x-earwitness-replayed-at";
/// On retried and dead jobs: numbers and names, never speech.
pub const HEADER_DETAIL: &str = "x-earwitness-detail";

/// A fanout exchange and its queue of the same name; the queue's time to live leads back to [`JOBS_EXCHANGE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryDelay {
    pub name: &'static str,
    pub delay_ms: u32,
}

/// Shortest first.
pub const RETRY_DELAYS: [RetryDelay; 3] = [
    RetryDelay {
        name: "earwitness.retry.30s",
        delay_ms: 30_000,
    },
    RetryDelay {
        name: "earwitness.retry.5m",
        delay_ms: 300_000,
    },
    RetryDelay {
        name: "earwitness.retry.30m",
        delay_ms: 1_800_000,
    },
];

/// The queue in which a lane's jobs wait.
pub fn jobs_queue(lane: Lane) -> String {
    format!("{JOBS_EXCHANGE}.{lane}")
}

/// A tenant's name may hold dots, so a consumer binds `earwitness.job.*.acme` or `earwitness.job.completed.#`.
pub fn event_routing_key(kind: EventKind, tenant: &TenantId) -> String {
    format!("{}.{tenant}", kind.as_str())
}
