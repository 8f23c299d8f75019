//! The message catalogue: AsyncAPI 3.0 with AMQP 0-9-1 bindings 0.3.0, from a worker's point of view.
//! No input; names come from [`topology`], payloads are references to the schemas. Out: one JSON document. Cannot fail.

use serde_json::{Map, Value, json};

use super::topology::{
    DEAD, EVENTS_EXCHANGE, EVENTS_QUEUE, HEADER_CODE, HEADER_CONTENT_ATTEMPTS, HEADER_DETAIL,
    HEADER_INFRA_ATTEMPTS, HEADER_POINTER, HEADER_REPLAYED_AT, HEADER_REPLAYS, JOBS_EXCHANGE,
    RETRY_DELAYS, jobs_queue,
};
use crate::SCHEMA_VERSION;
use crate::event::{self, EventKind};
use crate::job::Lane;

const BINDING_VERSION: &str = "0.3.0";
const SCHEMA_FORMAT: &str = "application/schema+json;version=draft-2020-12";

pub fn asyncapi() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:earwitness:worker",
        "info": {
            "title": "Earwitness worker",
            "version": format!("{SCHEMA_VERSION}.0.0"),
            "description": "Jobs in, events out. `receive` and `send` are said from the worker's side: a producer sends to \
                `jobs.*`, a portal receives from `events`. No message carries speech.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "localhost:5672",
                "protocol": "amqp",
                "protocolVersion": "0-9-1",
                "description": "RabbitMQ 3.10 or later. Every queue is a durable quorum queue.",
            },
        },
        "channels": channels(),
        "operations": operations(),
        "components": { "messages": messages() },
    })
}

fn channels() -> Value {
    let mut out = Map::new();
    for lane in Lane::ALL {
        let channel = json!({
            "address": lane.as_str(),
            "title": format!("Submit to the {lane} lane"),
            "description": format!("Publish with `mandatory` and wait for the confirm. Routed to the queue `{}`.", jobs_queue(lane)),
            "messages": message_refs(&["job", "jobEvent"]),
            "bindings": exchange(JOBS_EXCHANGE, "direct"),
        });
        out.insert(format!("jobs.{lane}"), channel);
        let channel = json!({
            "address": jobs_queue(lane),
            "title": format!("Jobs waiting in the {lane} lane"),
            "messages": message_refs(&["job", "jobEvent"]),
            "bindings": queue(&jobs_queue(lane)),
        });
        out.insert(format!("queue.{lane}"), channel);
    }
    for retry in RETRY_DELAYS {
        let channel = json!({
            "address": retry.name,
            "title": format!("Jobs that wait {} s for their next attempt", retry.delay_ms / 1000),
            "description": format!(
                "Fanout to the queue of the same name, whose `x-message-ttl` of {} ms dead-letters into `{JOBS_EXCHANGE}`. \
                 The routing key is the job's lane, so it comes back to where it was.",
                retry.delay_ms
            ),
            "messages": message_refs(&["retriedJob"]),
            "bindings": exchange(retry.name, "fanout"),
        });
        out.insert(
            retry.name.trim_start_matches("earwitness.").to_owned(),
            channel,
        );
    }
    out.insert("dead".into(), json!({
        "address": DEAD,
        "title": "Jobs that failed for good",
        "description": "Fanout to the queue of the same name. The body is the original message, byte for byte; the headers say why.",
        "messages": message_refs(&["deadJob"]),
        "bindings": exchange(DEAD, "fanout"),
    }));
    out.insert("events".into(), json!({
        "address": "{type}.{tenant}",
        "title": "What became of each job",
        "description": format!("`{EVENTS_QUEUE}` is bound to all of it. The same fact may arrive twice, with the same `id`."),
        "parameters": {
            "type": {
                "description": "The event's type.",
                "enum": [EventKind::JobCompleted.as_str(), EventKind::JobFailed.as_str()],
            },
            "tenant": { "description": "The tenant's name. It may hold dots." },
        },
        "messages": message_refs(&["jobCompleted", "jobFailed"]),
        "bindings": exchange(EVENTS_EXCHANGE, "topic"),
    }));
    Value::Object(out)
}

fn operations() -> Value {
    let mut out = Map::new();
    for lane in Lane::ALL {
        let take = json!({
            "action": "receive",
            "channel": channel_ref(&format!("queue.{lane}")),
            "summary": "Acknowledged after the event is confirmed, never before.",
            "bindings": { "amqp": { "ack": true, "bindingVersion": BINDING_VERSION } },
        });
        out.insert(format!("take.{lane}"), take);
        let hand_over = send(
            &format!("jobs.{lane}"),
            "A worker that stops sends the job on, with a pointer to its checkpoint. Not an attempt.",
        );
        out.insert(format!("handOver.{lane}"), hand_over);
    }
    for retry in RETRY_DELAYS {
        let channel = retry.name.trim_start_matches("earwitness.");
        out.insert(
            channel.to_owned(),
            send(channel, "Another attempt after the delay."),
        );
    }
    out.insert(
        "deadLetter".into(),
        send("dead", "Permanent failures, and jobs out of attempts."),
    );
    out.insert(
        "announce".into(),
        send(
            "events",
            "Sent once the manifest, or the failure, is stored.",
        ),
    );
    Value::Object(out)
}

fn messages() -> Value {
    let job = payload("./schemas/job.schema.json");
    let event = payload("./schemas/event.schema.json");
    let in_event = inline(json!({
        "description": "A CloudEvent in structured mode, with the job as its data.",
        "type": "object",
        "required": ["specversion", "data"],
        "properties": { "specversion": { "const": "1.0" }, "data": { "$ref": "./schemas/job.schema.json" } },
    }));
    let original = inline(json!({ "description": "The original body, which need not be a job." }));
    let json_type = "application/json";
    json!({
        "job": message("A job", json_type, &job_headers(&[]), &job),
        "jobEvent": message("A job in a CloudEvent", event::CONTENT_TYPE, &job_headers(&[]), &in_event),
        "retriedJob": message("A job after a failed attempt", json_type, &job_headers(&[HEADER_CODE, HEADER_DETAIL]), &original),
        "deadJob": message("A job that failed for good", json_type, &job_headers(&[HEADER_CODE, HEADER_POINTER, HEADER_DETAIL]), &original),
        "jobCompleted": message("A job is done", event::CONTENT_TYPE, &event_headers(EventKind::JobCompleted), &event),
        "jobFailed": message("A job failed for good", event::CONTENT_TYPE, &event_headers(EventKind::JobFailed), &event),
    })
}

/// Attempts are counted in headers, because a worker's memory is lost with the worker.
fn job_headers(reasons: &[&str]) -> Value {
    let mut properties = Map::new();
    for name in [
        HEADER_CONTENT_ATTEMPTS,
        HEADER_INFRA_ATTEMPTS,
        HEADER_REPLAYS,
    ] {
        properties.insert(
            name.into(),
            json!({ "type": "integer", "minimum": 0, "default": 0 }),
        );
    }
    for &name in reasons {
        properties.insert(name.into(), json!({ "type": "string" }));
    }
    for name in [HEADER_REPLAYED_AT, "traceparent", "tracestate"] {
        properties.insert(name.into(), json!({ "type": "string" }));
    }
    // A body that could not be parsed still has a code; everything else may be missing.
    let required: Vec<&str> = reasons
        .iter()
        .copied()
        .filter(|&h| h == HEADER_CODE)
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// CloudEvents has no AMQP 0-9-1 binding; its attributes are repeated here so that a router can filter without the body.
fn event_headers(kind: EventKind) -> Value {
    json!({
        "type": "object",
        "required": ["ce-specversion", "ce-id", "ce-source", "ce-type"],
        "properties": {
            "ce-specversion": { "type": "string", "const": "1.0" },
            "ce-id": { "type": "string", "format": "uuid" },
            "ce-source": { "type": "string" },
            "ce-type": { "type": "string", "const": kind.as_str() },
            "traceparent": { "type": "string" },
            "tracestate": { "type": "string" },
        },
    })
}

fn message(title: &str, content_type: &str, headers: &Value, payload: &Value) -> Value {
    json!({ "title": title, "contentType": content_type, "headers": headers, "payload": payload })
}

fn payload(file: &str) -> Value {
    inline(json!({ "$ref": file }))
}

fn inline(schema: Value) -> Value {
    json!({ "schemaFormat": SCHEMA_FORMAT, "schema": schema })
}

fn send(channel: &str, summary: &str) -> Value {
    json!({
        "action": "send",
        "channel": channel_ref(channel),
        "summary": summary,
        "bindings": { "amqp": { "deliveryMode": 2, "mandatory": true, "bindingVersion": BINDING_VERSION } },
    })
}

fn channel_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/channels/{name}") })
}

fn message_refs(names: &[&str]) -> Value {
    let refs = names.iter().map(|&name| {
        let reference = format!("#/components/messages/{name}");
        (name.to_owned(), json!({ "$ref": reference }))
    });
    Value::Object(refs.collect())
}

fn exchange(name: &str, kind: &str) -> Value {
    let exchange = json!({ "name": name, "type": kind, "durable": true, "autoDelete": false });
    json!({ "amqp": { "is": "routingKey", "exchange": exchange, "bindingVersion": BINDING_VERSION } })
}

fn queue(name: &str) -> Value {
    let queue = json!({ "name": name, "durable": true, "exclusive": false, "autoDelete": false });
    json!({ "amqp": { "is": "queue", "queue": queue, "bindingVersion": BINDING_VERSION } })
}
