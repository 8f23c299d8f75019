//! What a host does to its worker: a log that nobody reads, no room for recordings, a clock that is wrong.

use std::io::Write;

use earwitness_tests::fleet::Fleet;
use earwitness_tests::process::run_under;
use earwitness_tests::recordings::{spoken, tone};
use earwitness_tests::signals::until;
use tokio::process::Command;

use super::{quick, settled, stop};

/// Less than what a pipe holds by default, so that filling it does not wait.
const NEARLY_A_PIPE: usize = 60 << 10;

async fn work_is_done(fleet: &Fleet) {
    for call in ["call-1", "call-2", "call-3"] {
        fleet.submit(call, spoken(2, 1.0).unwrap()).await.unwrap();
    }
    fleet.events(3).await.unwrap();
    for call in ["call-1", "call-2", "call-3"] {
        fleet.result(call).await.unwrap();
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_job() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![b'x'; NEARLY_A_PIPE]).unwrap();
    let fleet = Fleet::start(&quick()).await.unwrap();
    let worker = fleet
        .worker_logging_to(writer, "a", &[("log.level", "trace")])
        .unwrap();
    work_is_done(&fleet).await;
    stop(worker).await;
    drop(reader);
}

#[tokio::test]
async fn a_log_whose_reader_went_away_holds_up_no_job() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let fleet = Fleet::start(&quick()).await.unwrap();
    let worker = fleet.worker_logging_to(writer, "a", &[]).unwrap();
    work_is_done(&fleet).await;
    stop(worker).await;
}

const MOUNT: &str = r#"/bin/mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@""#;

/// A folder with room for 64 KiB, which only the program that this runs sees.
fn in_a_small_folder(dir: &str) -> Vec<&str> {
    let unshare = ["/usr/bin/unshare", "--map-root-user", "--mount"];
    let shell = ["/bin/sh", "-c", MOUNT, dir];
    [&unshare[..], &shell].concat()
}

#[tokio::test]
async fn a_worker_without_room_for_a_recording_leaves_the_jobs_to_others() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let small = fleet.path("small");
    std::fs::create_dir(&small).unwrap();
    let tmp = format!("TMPDIR={small}");
    let under = [&in_a_small_folder(&small)[..], &["/usr/bin/env", &tmp]].concat();
    let mut full = fleet.worker_under(&under, "full", &[]).unwrap();
    full.ready().await.unwrap();
    let calls: Vec<String> = (0..6).map(|n| format!("call-{n}")).collect();
    for call in &calls {
        fleet.submit(call, spoken(1, 1.0).unwrap()).await.unwrap();
    }
    until("the worker to say that it is of no use", async || {
        let page = full.page("/readyz").await?;
        Ok((page.status == 503 && page.body.contains("jobs fail here")).then_some(()))
    })
    .await
    .unwrap();

    let well = fleet.worker("well", &[]).unwrap();
    fleet.events(calls.len()).await.unwrap();
    let mut failures = 0;
    for call in &calls {
        let made = fleet.result(call).await.unwrap().processing;
        assert_eq!(made.content_attempts, 0, "{call}");
        failures += made.infra_attempts;
    }
    // Five make a worker unwell; without pauses it would have tried each job once a second and more.
    assert!(
        (5..=12).contains(&failures),
        "{failures} attempts were spent on it"
    );
    assert_eq!(settled(&mut full, "dead", "host_exhausted").await, 0.0);
    stop(well).await;

    // What it has room for it does, and is well again.
    fleet.submit("small", tone().unwrap()).await.unwrap();
    fleet.events(1).await.unwrap();
    full.ready().await.unwrap();
    stop(full).await;
}

/// What makes a program believe that it is ten years later, by the clock on the wall alone. `faketime` itself would stand
/// between us and the worker. Nothing where it is not installed.
async fn ten_years_on() -> Option<Vec<String>> {
    let shown = Command::new("faketime")
        .args(["-f", "+10y", "env"])
        .output()
        .await
        .ok()?;
    let shown = String::from_utf8(shown.stdout).unwrap();
    let library = shown.lines().find(|line| line.starts_with("LD_PRELOAD="));
    let words = [
        "/usr/bin/env",
        "DONT_FAKE_MONOTONIC=1",
        "FAKETIME=+10y",
        library.unwrap(),
    ];
    Some(words.map(str::to_owned).to_vec())
}

#[tokio::test]
async fn a_host_whose_clock_runs_ahead_deletes_nothing_that_is_still_kept() {
    let Some(later) = ten_years_on().await else {
        println!(
            "skipped: a_host_whose_clock_runs_ahead_deletes_nothing_that_is_still_kept: faketime is not installed"
        );
        return;
    };
    let later: Vec<&str> = later.iter().map(String::as_str).collect();
    let fleet = Fleet::start(&quick()).await.unwrap();
    let kept = [
        ("retention.days", "30"),
        ("retention.sweep_interval_s", "0"),
    ];
    let worker = fleet.worker("a", &kept).unwrap();
    fleet
        .submit("call-1", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    fleet.events(1).await.unwrap();
    stop(worker).await;

    let settings = fleet.settings(&kept);
    let sweep = run_under(&later, &["sweep", "--json"], &settings);
    let swept = sweep.await.unwrap();
    let complaint = String::from_utf8(swept.stderr).unwrap();
    assert_eq!(swept.status.code(), Some(75), "{complaint}");
    assert!(
        complaint.contains("set the one that is wrong"),
        "{complaint}"
    );
    fleet.result("call-1").await.unwrap();

    let sweeping = [kept[0], ("retention.sweep_interval_s", "4")];
    let mut ahead = fleet.worker_under(&later, "ahead", &sweeping).unwrap();
    let said: String = ahead
        .logged("the sweep for overdue calls failed", "error")
        .await
        .unwrap();
    assert!(said.contains("nobody knows what is overdue"), "{said}");
    // Work itself goes by nobody's clock.
    fleet
        .submit("call-2", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    fleet.events(1).await.unwrap();
    fleet.result("call-1").await.unwrap();
    fleet.result("call-2").await.unwrap();
    let receipts = fleet.keys("_receipts/").await.unwrap();
    assert_eq!(receipts, [""; 0], "something was deleted");
    stop(ahead).await;
}

/// Fewer descriptors than a worker with its connections wants.
const FEW_DESCRIPTORS: [&str; 2] = ["/usr/bin/prlimit", "--nofile=20"];

#[tokio::test]
async fn a_worker_with_too_few_descriptors_loses_no_job() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let mut starved = fleet
        .worker_under(&FEW_DESCRIPTORS, "starved", &[])
        .unwrap();
    fleet
        .submit("call-1", spoken(1, 1.0).unwrap())
        .await
        .unwrap();
    until("the worker to complain, to end or to do it", async || {
        let complains = starved.log()?.contains("WARN") || starved.has_ended()?;
        Ok((complains || fleet.result("call-1").await.is_ok()).then_some(()))
    })
    .await
    .unwrap();
    let well = fleet.worker("well", &[]).unwrap();
    fleet.events(1).await.unwrap();
    fleet.result("call-1").await.unwrap();
    stop(well).await;
    starved.kill().await.unwrap();
}
