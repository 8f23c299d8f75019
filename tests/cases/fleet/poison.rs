//! A recording that breaks whatever engine takes it, and the calls that wait behind it.

use earwitness_tests::fleet::Fleet;
use earwitness_tests::recordings::{SAMPLE_PEAK, spoken};
use job_schema::event::EventData;
use serde_json::{Value, json};

use super::{settled, stop};

/// Twice as loud as the sample call.
pub(crate) const LOUD: f32 = 2.0;

/// Dies of any span that is louder than the sample call ever is.
pub(crate) fn deadly_when_loud(kind: &str) -> Value {
    json!({ "words": ["one", "two"], "fault": { "kind": kind, "at_span": 0, "peak_above": SAMPLE_PEAK * 1.4 } })
}

#[tokio::test]
async fn a_recording_that_crashes_the_engine_is_buried_after_three_attempts() {
    buried_after_three_attempts("abort", "engine_crashed").await;
}

#[tokio::test]
async fn a_recording_that_eats_all_memory_is_buried_after_three_attempts() {
    buried_after_three_attempts("oom", "engine_out_of_memory").await;
}

#[tokio::test]
async fn a_recording_without_an_end_is_buried_after_three_attempts() {
    buried_after_three_attempts("hang", "engine_timeout").await;
}

async fn buried_after_three_attempts(kind: &str, code: &str) {
    let fleet = Fleet::start(&deadly_when_loud(kind)).await.unwrap();
    let hasty = [
        ("engine.deadline_base_s", "6"),
        ("engine.deadline_factor", "0.01"),
    ];
    let mut worker = fleet.worker("a", &hasty).unwrap();
    let poison = spoken(1, LOUD).unwrap();
    let job = fleet.submit("poison", poison).await.unwrap();
    let dead = fleet.dead_letter().await.unwrap();
    let header = |name: &str| dead.header(&format!("x-earwitness-{name}"));
    assert_eq!(header("code").as_deref(), Some(code));
    assert_eq!(header("content-attempts").as_deref(), Some("3"), "{kind}");
    assert_eq!(header("infra-attempts").as_deref(), Some("0"), "{kind}");
    let events = fleet.events(1).await.unwrap();
    let EventData::Failed(failed) = &events[0].data else {
        unreachable!("{kind}: {:?}", events[0].kind);
    };
    assert_eq!((failed.job_id, failed.code.as_str()), (job, code));

    fleet.submit("good", spoken(1, 1.0).unwrap()).await.unwrap();
    let events = fleet.events(1).await.unwrap();
    assert_eq!(events[0].subject, "acme/good", "{kind}");
    let manifest = fleet.result("good").await.unwrap();
    assert_eq!(manifest.processing.content_attempts, 0);
    assert_eq!(settled(&mut worker, "retried", code).await, 2.0, "{kind}");
    assert_eq!(fleet.keys("acme/calls/poison/").await.unwrap(), [""; 0]);
    stop(worker).await;
}
