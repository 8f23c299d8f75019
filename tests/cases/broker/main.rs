//! The broker module against a real RabbitMQ: what it takes, gives back, publishes and keeps, and that each fault is an
//! error that the caller sees.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod sent_on;

use std::time::{Duration, Instant};

use earwitness::broker::{Broker, BrokerError, Delivery, Drift, Publisher, SlotChannel};
use earwitness::config;
use earwitness::settle::Attempts;
use earwitness::topology::{LANES, Place, Topology};
use earwitness_tests::chaos::link::Proxy;
use earwitness_tests::rabbit::{PlainClient, RabbitNode};
use job_schema::event::Event;
use job_schema::job::Lane;
use job_schema::{ErrorCode, Failure, Job};
use lapin::types::AMQPValue;
use serde_json::json;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(20);

fn topology() -> Topology {
    let prefix = format!("test-{}", Uuid::now_v7().simple());
    Topology::new(
        prefix,
        [Duration::from_millis(300), Duration::from_secs(3_600)],
    )
}

fn settings(url: &str) -> config::Broker {
    let flags = [
        ("broker.url", url.to_owned()),
        ("broker.connect_timeout_s", "5".to_owned()),
        ("broker.request_timeout_s", "5".to_owned()),
        ("broker.confirm_timeout_s", "5".to_owned()),
    ];
    config::assemble(None, &[], &flags).unwrap().config.broker
}

async fn connect(topology: &Topology) -> Broker {
    let node = RabbitNode::shared().unwrap();
    let settings = settings(node.url());
    Broker::connect(&settings, topology.clone(), "test")
        .await
        .unwrap()
}

async fn declared() -> Broker {
    let broker = connect(&topology()).await;
    broker.declare().await.unwrap();
    broker
}

async fn plain() -> PlainClient {
    let node = RabbitNode::shared().unwrap();
    PlainClient::connect(node).await.unwrap()
}

async fn ends(broker: &Broker) -> (Publisher, SlotChannel) {
    let publisher = broker.publisher().await.unwrap();
    (publisher, broker.slot_channel().await.unwrap())
}

fn job(lane: Lane) -> Job {
    let document = json!({
        "schema_version": 1,
        "job_id": Uuid::now_v7(),
        "tenant": "acme",
        "call": "call-1",
        "recording": { "bucket": "recordings", "key": "acme/call-1.wav" },
        "lane": lane,
        "submitted_at": "2026-11-24T12:00:00Z",
    });
    serde_json::from_value(document).unwrap()
}

fn event(kind: &str) -> Event {
    let document = json!({
        "specversion": "1.0",
        "id": Uuid::now_v7(),
        "source": "/earwitness/test",
        "type": kind,
        "subject": "acme/call-1",
        "time": "2026-11-24T12:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "x",
        "data": {
            "job_id": Uuid::now_v7(), "tenant": "acme", "call": "call-1", "code": "bad_job", "class": "permanent",
            "detail": "x", "remedy": "y", "content_attempts": 0, "infra_attempts": 0,
        },
    });
    serde_json::from_value(document).unwrap()
}

/// Pulls until a message comes: there is no signal to wait for where one pulls.
async fn take(slot: &SlotChannel, lane: Lane) -> Delivery {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(delivery) = slot.try_take(lane).await.unwrap() {
            return delivery;
        }
        assert!(
            Instant::now() < deadline,
            "nothing came within {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn declaring_twice_leaves_nothing_to_complain_of() {
    let broker = connect(&topology()).await;
    let objects_count = broker.topology().exchanges().len() + broker.topology().queues().len();
    assert_eq!(broker.check().await.unwrap().len(), objects_count);
    broker.declare().await.unwrap();
    broker.declare().await.unwrap();
    assert_eq!(broker.check().await.unwrap(), []);
    let depths = broker.depths().await.unwrap();
    assert_eq!(depths.len(), broker.topology().queues().len());
    assert!(depths.iter().all(|(_, count)| *count == 0), "{depths:?}");
    broker.close().await;
}

#[tokio::test]
async fn a_check_tells_what_is_missing_and_what_differs() {
    let broker = declared().await;
    let plain = plain().await;
    let topology = broker.topology();
    let (missing, classic) = (
        topology.events_queue(),
        topology.job_queue(Lane::Batch, Place::Intake),
    );
    plain.delete_queue(&missing).await.unwrap();
    plain.delete_queue(&classic).await.unwrap();
    plain.declare_classic_queue(&classic).await.unwrap();
    let drifts = broker.check().await.unwrap();
    assert_eq!(drifts.len(), 2, "{drifts:?}");
    assert!(drifts.contains(&Drift::MissingQueue(missing)));
    let differs = |d: &Drift| matches!(d, Drift::Different { name, reason } if *name == classic && reason.contains("x-"));
    assert!(drifts.iter().any(differs), "{drifts:?}");
    let error = broker.declare().await.unwrap_err();
    assert!(matches!(error, BrokerError::Failed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_job_waits_in_its_own_lane_until_it_is_acked() {
    let broker = declared().await;
    let (publisher, slot) = ends(&broker).await;
    for lane in LANES {
        let job = job(lane);
        let before = Attempts {
            content: 1,
            infra: 2,
            redelivered: 3,
        };
        publisher.publish_job(&job, before, None).await.unwrap();
        for other in LANES.into_iter().filter(|other| *other != lane) {
            assert!(slot.try_take(other).await.unwrap().is_none());
        }
        let delivery = take(&slot, lane).await;
        assert_eq!(job_schema::parse::job(&delivery.body).unwrap(), job);
        assert_eq!(delivery.attempts, before.folded());
        assert_eq!(delivery.message_id(), Some(&*job.job_id.to_string()));
        assert!(
            !format!("{delivery:?}").contains("acme"),
            "the body is printed"
        );
        delivery.ack().await.unwrap();
        assert!(slot.try_take(lane).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_delivery_that_goes_back_counts_as_redelivered() {
    let broker = declared().await;
    let publisher = broker.publisher().await.unwrap();
    publisher
        .publish_job(&job(Lane::Batch), Attempts::default(), None)
        .await
        .unwrap();
    let first = broker.slot_channel().await.unwrap();
    take(&first, Lane::Batch).await.requeue().await.unwrap();
    let second = take(&first, Lane::Batch).await;
    assert_eq!(
        second.attempts,
        Attempts {
            redelivered: 1,
            ..Attempts::default()
        }
    );
    // A worker that dies says nothing: its connections close with the delivery in hand.
    let topology = broker.topology().clone();
    broker.close().await;
    assert!(second.is_lease_lost());
    let error = second.ack().await.unwrap_err();
    assert!(matches!(error, BrokerError::LeaseLost { .. }), "{error:?}");
    let broker = connect(&topology).await;
    let third = take(&broker.slot_channel().await.unwrap(), Lane::Batch).await;
    assert_eq!(third.attempts.redelivered, 2);
    third.ack().await.unwrap();
}

#[tokio::test]
async fn a_cut_connection_is_noticed_and_the_job_comes_back() {
    let node = RabbitNode::shared().unwrap();
    let proxy = Proxy::start(node.address().unwrap()).await.unwrap();
    let topology = topology();
    let through = settings(&node.url_through(proxy.address()).unwrap());
    let broker = Broker::connect(&through, topology.clone(), "test")
        .await
        .unwrap();
    broker.declare().await.unwrap();
    let publisher = broker.publisher().await.unwrap();
    publisher
        .publish_job(&job(Lane::Standard), Attempts::default(), None)
        .await
        .unwrap();
    let slot = broker.slot_channel().await.unwrap();
    let delivery = take(&slot, Lane::Standard).await;
    proxy.cut_all();
    assert!(slot.try_take(Lane::Standard).await.is_err());
    assert!(delivery.ack().await.is_err(), "acked into the void");
    let again = publisher
        .publish_job(&job(Lane::Standard), Attempts::default(), None)
        .await;
    assert!(again.is_err(), "published into the void");
    assert!(!broker.is_connected());
    let broker = connect(&topology).await;
    let again = take(&broker.slot_channel().await.unwrap(), Lane::Standard).await;
    assert_eq!(again.attempts.redelivered, 1);
}

#[tokio::test]
async fn a_retry_waits_for_its_delay_and_comes_back_to_its_lane() {
    let broker = declared().await;
    let (publisher, slot) = ends(&broker).await;
    let attempts = Attempts {
        content: 1,
        ..Attempts::default()
    };
    // Twice, since a message that expires into a queue it was in before must not be taken for a loop.
    for _ in 0..2 {
        let sent_at = Instant::now();
        publisher
            .publish_job(&job(Lane::Interactive), attempts, Some(0))
            .await
            .unwrap();
        let delivery = take(&slot, Lane::Interactive).await;
        assert!(sent_at.elapsed() >= Duration::from_millis(300));
        assert_eq!(delivery.attempts, attempts);
        delivery.ack().await.unwrap();
    }
    let error = publisher
        .publish_job(&job(Lane::Batch), attempts, Some(2))
        .await
        .unwrap_err();
    assert!(matches!(error, BrokerError::NoSuchStep(2)), "{error:?}");
}

#[tokio::test]
async fn a_dead_letter_is_the_original_message_and_the_reason() {
    let broker = declared().await;
    let plain = plain().await;
    let body = b"\xff\x00 not a job";
    let headers = [
        ("traceparent", AMQPValue::LongString("00-abc".into())),
        (
            "x-earwitness-content-attempts",
            AMQPValue::LongString("many".into()),
        ),
        ("x-delivery-count", AMQPValue::LongLongInt(9)),
    ];
    let topology = broker.topology();
    plain
        .publish(&topology.jobs_exchange(), "batch", body, &headers)
        .await
        .unwrap();
    let slot = broker.slot_channel().await.unwrap();
    let delivery = take(&slot, Lane::Batch).await;
    assert_eq!(delivery.attempts.content, 0);
    let failure = Failure::at(ErrorCode::BadJob, "/tenant", "missing");
    let publisher = broker.publisher().await.unwrap();
    publisher
        .publish_dead(&delivery, &failure, Attempts::default())
        .await
        .unwrap();
    delivery.ack().await.unwrap();
    let dead = slot.try_take_dead().await.unwrap().unwrap();
    assert_eq!(dead.body, body);
    for (name, value) in [
        ("traceparent", Some("00-abc")),
        ("x-earwitness-code", Some("bad_job")),
        ("x-earwitness-pointer", Some("/tenant")),
        ("x-earwitness-detail", Some("missing")),
        ("x-earwitness-lane", Some("batch")),
    ] {
        assert_eq!(dead.header(name), value, "{name}");
    }
    assert!(dead.header("x-earwitness-dead-at").is_some());
    dead.ack().await.unwrap();
}

#[tokio::test]
async fn an_event_always_finds_a_queue_and_says_what_it_is() {
    let broker = declared().await;
    let plain = plain().await;
    let (publisher, event) = (
        broker.publisher().await.unwrap(),
        event("earwitness.job.failed"),
    );
    publisher.publish_event(&event).await.unwrap();
    let queue = broker.topology().events_queue();
    let message = plain.take(&queue).await.unwrap().unwrap();
    assert_eq!(message.routing_key, "earwitness.job.failed.acme");
    assert_eq!(
        serde_json::from_slice::<Event>(&message.body).unwrap(),
        event
    );
    assert_eq!(message.header("ce-id"), Some(event.id.to_string()));
    assert_eq!(
        message.header("ce-type").as_deref(),
        Some("earwitness.job.failed")
    );
    let properties = &message.properties;
    assert_eq!(*properties.delivery_mode(), Some(2));
    let content_type = properties.content_type().as_ref().unwrap().as_str();
    assert_eq!(content_type, job_schema::event::CONTENT_TYPE);
    plain.delete_queue(&queue).await.unwrap();
    let error = publisher.publish_event(&event).await.unwrap_err();
    assert!(matches!(error, BrokerError::Unroutable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_broker_that_cannot_be_used_is_told_apart_without_its_password() {
    let node = RabbitNode::shared().unwrap();
    let wrong_password = format!("amqp://guest:hush@{}/%2f", node.address().unwrap());
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for url in [
        wrong_password,
        format!("amqp://u:hush@{closed}/"),
        String::new(),
    ] {
        let refused = Broker::connect(&settings(&url), topology(), "test")
            .await
            .unwrap_err();
        let text = format!("{refused} {refused:?}");
        assert!(!text.contains("hush"), "{text}");
        assert_eq!(refused.failure().code, ErrorCode::BrokerUnavailable);
    }
}

#[tokio::test]
async fn a_host_that_takes_connections_and_says_nothing_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(&format!("amqp://u:p@{}/", silent.local_addr().unwrap()));
    settings.connect_timeout = Duration::from_millis(300);
    let error = Broker::connect(&settings, topology(), "test")
        .await
        .unwrap_err();
    assert!(matches!(error, BrokerError::Timeout { .. }), "{error:?}");
}
