//! What a worker says of its engine's fence, beside what the kernel says of the same process.

use std::collections::BTreeMap;

use earwitness_tests::fleet::Fleet;

use super::{quick, stop};

const MEMORY_LIMIT_BYTES: &str = "1073741824";

fn of_process(pid: i32, page: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{page}")).unwrap()
}

#[tokio::test]
async fn a_worker_reports_the_fence_that_its_engine_is_behind() {
    let fleet = Fleet::start(&quick()).await.unwrap();
    let limited = [("engine.memory_limit_bytes", MEMORY_LIMIT_BYTES)];
    let mut worker = fleet.worker("a", &limited).unwrap();
    worker.ready().await.unwrap();
    let engine: i32 = worker.logged("engine ready", "pid").await.unwrap();

    let status = of_process(engine, "status");
    let fields = status.lines().filter_map(|line| line.split_once(':'));
    let fields: BTreeMap<_, _> = fields.map(|(name, value)| (name, value.trim())).collect();
    assert_eq!(fields["NoNewPrivs"], "1");
    // 2 is a filter; 0 is none.
    let seccomp = if fields["Seccomp"] == "2" {
        "on"
    } else {
        "off"
    };
    let page = worker.page("/metrics").await.unwrap().body;
    let mut lines = page
        .lines()
        .filter(|line| line.starts_with("earwitness_sandbox_info{"));
    let metric = lines.next().unwrap();
    assert!(
        metric.contains(&format!(r#"seccomp="{seccomp}""#)),
        "{metric}"
    );
    let sandbox: String = worker.logged("worker started", "sandbox").await.unwrap();
    assert!(sandbox.contains(&format!("seccomp {seccomp}")), "{sandbox}");
    let abi = metric.split("landlock_abi=\"").nth(1).unwrap();
    let abi = abi.split('"').next().unwrap();
    let landlock = if abi == "0" {
        "landlock off".to_owned()
    } else {
        format!("landlock ABI {abi}")
    };
    assert!(sandbox.contains(&landlock), "{sandbox}");

    let limits = of_process(engine, "limits");
    for (limit, value) in [
        ("Max address space", MEMORY_LIMIT_BYTES),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max open files", "256"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        let numbers: Vec<&str> = line[limit.len()..].split_whitespace().take(2).collect();
        assert_eq!(numbers, [value, value], "{limit}, soft and hard");
    }
    stop(worker).await;
}
