//! Who comes first where everybody waits. A thousand jobs of a batch, or as many as EARWITNESS_TEST_BACKLOG says.

use std::time::Instant;

use earwitness_tests::fleet::Fleet;
use earwitness_tests::recordings::excerpt;
use earwitness_tests::signals::until;
use serde_json::json;

use super::account::{Begun, begun, job_of, jobs_of, kept};
use super::{stop, wanted};

const SLOTS: usize = 2;
const KEY: &str = "acme/short.wav";

async fn fleet(delay_ms: u64) -> Fleet {
    let script = json!({ "words": ["one"], "delay_ms": delay_ms });
    let fleet = Fleet::start(&script).await.unwrap();
    fleet
        .upload(KEY, excerpt(1_000, 2_000).unwrap())
        .await
        .unwrap();
    fleet
}

/// Once there are this many.
async fn once_begun(fleet: &Fleet, count: usize) -> Vec<Begun> {
    until("jobs to be begun", async || {
        let begun = begun(fleet, "a");
        Ok((begun.len() >= count).then_some(begun))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn an_interactive_job_waits_for_no_more_than_what_is_in_hand() {
    let fleet = fleet(400).await;
    let backlog = wanted("EARWITNESS_TEST_BACKLOG", 1_000);
    fleet
        .publish_all_to("batch", &jobs_of("batch", backlog, KEY))
        .await
        .unwrap();
    let (key, path) = kept(&fleet, "a");
    let slots = SLOTS.to_string();
    let worker = fleet
        .worker("a", &[(key, &*path), ("engine.slots", &*slots)])
        .unwrap();
    once_begun(&fleet, 2 * SLOTS).await;
    let urgent = job_of("interactive", "urgent", KEY).to_string();
    let sent = Instant::now();
    fleet
        .publish_all_to("interactive", &[urgent.into_bytes()])
        .await
        .unwrap();
    // It is in its queue now: what began before that did not come first.
    let before = begun(&fleet, "a").len();
    let at = until("the interactive job to be begun", async || {
        let all = begun(&fleet, "a");
        Ok(all.iter().position(|job| job.call == "urgent"))
    })
    .await
    .unwrap();
    let first = at.saturating_sub(before);
    println!(
        "measured: begun after {:.2} s behind {backlog} jobs, {first} in between",
        sent.elapsed().as_secs_f64()
    );
    // As many as there are slots, and those that begin while the slots look for what has come.
    assert!(first <= 2 * SLOTS, "{first} jobs came first");
    drop(worker);
}

#[tokio::test]
async fn each_lane_has_its_share_when_all_are_full() {
    const TAKEN: usize = 60;
    let fleet = fleet(20).await;
    for lane in ["interactive", "standard", "batch"] {
        fleet
            .publish_all_to(lane, &jobs_of(lane, TAKEN as u64, KEY))
            .await
            .unwrap();
    }
    let (key, path) = kept(&fleet, "a");
    let worker = fleet.worker("a", &[(key, &*path)]).unwrap();
    let all = once_begun(&fleet, TAKEN).await;
    let share = |lane: &str| {
        all[..TAKEN]
            .iter()
            .filter(|job| job.call.starts_with(lane))
            .count()
    };
    let [interactive, standard, batch] = ["interactive", "standard", "batch"].map(share);
    println!(
        "measured: of {TAKEN} jobs {interactive} interactive, {standard} standard, {batch} batch"
    );
    // One in ten, but for the one that the tenth take would have been.
    assert!(batch >= TAKEN / 10 - 1 && standard >= batch && interactive > standard + batch);
    stop(worker).await;
}
