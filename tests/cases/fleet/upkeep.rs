//! What a worker keeps of the jobs it has done: nothing. 120 of them, or as many as EARWITNESS_TEST_UPKEEP says.

use std::fs;
use std::path::Path;

use earwitness_tests::fleet::Fleet;
use earwitness_tests::process::WorkerProcess;
use earwitness_tests::recordings::excerpt;

use super::account::jobs_of;
use super::{quick, stop, wanted};

/// A page cache or an arena may settle; an hour's recordings may not.
const GRANTED_KIB: u64 = 32 << 10;

#[derive(Debug)]
struct Kept {
    descriptors_count: usize,
    children_count: usize,
    resident_kib: u64,
}

/// Of the worker and its engine together.
fn kept_by(worker: &WorkerProcess) -> Kept {
    let own = worker.id().unwrap();
    let children = children(own);
    let mut kept = Kept {
        descriptors_count: 0,
        children_count: children.len(),
        resident_kib: 0,
    };
    for pid in children.into_iter().chain([own]) {
        kept.descriptors_count += fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|text| text.trim().strip_suffix(" kB"));
        kept.resident_kib += kib.unwrap().parse::<u64>().unwrap();
    }
    kept
}

fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let numbers: Vec<String> = lists.collect();
    numbers
        .iter()
        .flat_map(|list| list.split_whitespace())
        .map(|number| number.parse().unwrap())
        .collect()
}

/// Calls are named by their lane: none of one is of the other.
async fn done(fleet: &Fleet, lane: &str, count: u64) {
    fleet
        .publish_all_to(lane, &jobs_of(lane, count, "acme/call.wav"))
        .await
        .unwrap();
    fleet.events(usize::try_from(count).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_worker_keeps_nothing_of_the_jobs_it_has_done() {
    let jobs = wanted("EARWITNESS_TEST_UPKEEP", 120);
    let fleet = Fleet::start(&quick()).await.unwrap();
    fleet
        .upload("acme/call.wav", excerpt(0, 4_000).unwrap())
        .await
        .unwrap();
    let scratch = fleet.path("tmp");
    fs::create_dir(&scratch).unwrap();
    let tmp = format!("TMPDIR={scratch}");
    let worker = fleet
        .worker_under(&["/usr/bin/env", &tmp], "a", &[])
        .unwrap();
    // Allocators, threads and caches are there after some.
    done(&fleet, "interactive", jobs / 4).await;
    let before = kept_by(&worker);
    done(&fleet, "standard", jobs).await;
    let after = kept_by(&worker);
    println!(
        "measured: after {} and {} jobs {before:?} and {after:?}",
        jobs / 4,
        jobs + jobs / 4
    );
    assert_eq!(before.children_count, after.children_count);
    assert!(
        after.descriptors_count <= before.descriptors_count,
        "descriptors are left open"
    );
    assert!(
        after.resident_kib <= before.resident_kib + GRANTED_KIB,
        "memory is kept"
    );
    assert_eq!(
        fs::read_dir(Path::new(&scratch)).unwrap().count(),
        0,
        "files are left"
    );
    stop(worker).await;
}
