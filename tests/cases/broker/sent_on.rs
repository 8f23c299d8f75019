//! What was taken and is sent on, to another place or once more: what its message keeps, and whether a queue has it.

use earwitness::settle::Attempts;
use earwitness::topology::Place;
use job_schema::job::Lane;
use lapin::types::AMQPValue;

use super::{declared, ends, job, plain, take};

#[tokio::test]
async fn a_job_that_is_sent_again_keeps_what_its_message_carried() {
    let broker = declared().await;
    let (publisher, slot) = ends(&broker).await;
    let text = |text: &str| AMQPValue::LongString(text.into());
    let headers = [
        ("x-earwitness-replays", AMQPValue::LongUInt(2)),
        ("x-earwitness-replayed-at", text("2026-11-24T12:00:00Z")),
        ("x-earwitness-infra-attempts", AMQPValue::LongUInt(1)),
        ("traceparent", text("00-abc")),
        ("x-delivery-count", AMQPValue::LongLongInt(9)),
    ];
    let (job, lane) = (job(Lane::Standard), Lane::Standard);
    let body = serde_json::to_vec(&job).unwrap();
    let exchange = broker.topology().jobs_exchange();
    let sent = plain().await;
    sent.publish(&exchange, "standard", &body, &headers)
        .await
        .unwrap();
    let attempts = Attempts {
        content: 1,
        ..Attempts::default()
    };
    // To its lane, as a hand-over is, and then through a retry queue.
    for step in [None, Some(0)] {
        let taken = take(&slot, lane).await;
        let again = publisher.publish_again(&taken, &job, attempts, step);
        again.await.unwrap();
        taken.ack().await.unwrap();
    }
    let delivery = take(&slot, lane).await;
    assert_eq!(delivery.attempts, attempts, "those that it was sent with");
    assert_eq!(delivery.replays(), 2);
    assert!(delivery.header("x-earwitness-replayed-at").is_some());
    assert_eq!(delivery.header("traceparent"), Some("00-abc"));
    assert_eq!(delivery.message_id(), Some(&*job.job_id.to_string()));
    delivery.ack().await.unwrap();
}

/// A message that finds no queue is answered sooner than one that a queue has to store, whichever was sent first.
#[tokio::test]
async fn jobs_that_are_moved_together_are_each_told_whether_a_queue_has_them() {
    let (broker, lane) = (declared().await, Lane::Standard);
    let (publisher, slot) = ends(&broker).await;
    let plain = plain().await;
    let (there, gone) = (Place::Row(1), Place::Row(2));
    let missing = broker.topology().job_queue(lane, gone);
    plain.delete_queue(&missing).await.unwrap();
    let mut moves = Vec::new();
    for place in [there, there, gone, there, gone, there] {
        let job = job(lane);
        let sent = publisher.publish_job(&job, Attempts::default(), None);
        sent.await.unwrap();
        moves.push((take(&slot, lane).await, place));
    }
    let answers = publisher.publish_moved(&moves).await.unwrap();
    let mut ids = Vec::new();
    for ((delivery, place), answer) in moves.into_iter().zip(answers) {
        assert_eq!(answer.is_ok(), place == there, "{answer:?}");
        if answer.is_ok() {
            ids.push(delivery.message_id().unwrap().to_owned());
            delivery.ack().await.unwrap();
        } else {
            delivery.requeue().await.unwrap();
        }
    }
    let mut moved = Vec::new();
    while let Some((delivery, _)) = slot.try_take_at(lane, there).await.unwrap() {
        moved.push(delivery.message_id().unwrap().to_owned());
        delivery.ack().await.unwrap();
    }
    moved.sort();
    moved.dedup();
    ids.sort();
    assert_eq!(moved, ids, "each that was acked is in its row");
}
