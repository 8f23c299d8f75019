//! Does to the fleet's hosts and broker what the schedule says. In: a fault. Out: the [`Loss`]es that it may have been,
//! with the slots and moves whose deliveries it may have cost: moves only where it struck who sorts. Fails when the broker does not come back.

use std::time::Duration;

use earwitness::broker::MOVES_AT_ONCE;
use earwitness::topology::LANES;

use super::bench::Bench;
use super::checker::Loss;
use crate::chaos::schedule::Fault;

/// RabbitMQ's own default, and what `scripts/dev-up` sets.
const MEMORY_AS_EVER: &str = "0.4";
const DISK_AS_EVER: &str = "100MB";
/// More than any host has.
const DISK_NEVER_ENOUGH: &str = "999000GB";

pub(super) async fn strike(bench: &mut Bench, fault: Fault) -> anyhow::Result<Option<Loss>> {
    let one = bench.slots();
    let all = one * bench.workers_count();
    // Whoever sorts a lane has jobs of it in hand too; one worker of the fleet does.
    let lanes_count = LANES.len() as u64;
    let loss = |what, deliveries_count, sorted_lanes_count: u64| {
        Some(Loss {
            what,
            deliveries_count,
            moves_count: u64::from(MOVES_AT_ONCE) * sorted_lanes_count,
        })
    };
    Ok(match fault {
        Fault::KillWorker(index) => {
            let sorted = bench.kill_worker(index).await?;
            loss("worker killed", one, sorted)
        }
        Fault::CutConnections(index) => {
            let sorted = bench.cut(index)?;
            loss("connections cut", one, sorted)
        }
        Fault::KillBroker => {
            bench.node().kill().await?;
            bench.node().start_again().await?;
            loss("broker killed", all, lanes_count)
        }
        Fault::MemoryAlarm { hold_ms } => {
            let key = "set_vm_memory_high_watermark";
            alarm(bench, [key, "0"], [key, MEMORY_AS_EVER], hold_ms).await?;
            loss("memory alarm", all, lanes_count)
        }
        Fault::DiskAlarm { hold_ms } => {
            let key = "set_disk_free_limit";
            alarm(
                bench,
                [key, DISK_NEVER_ENOUGH],
                [key, DISK_AS_EVER],
                hold_ms,
            )
            .await?;
            loss("disk alarm", all, lanes_count)
        }
    })
}

async fn alarm(
    bench: &Bench,
    raise: [&str; 2],
    clear: [&str; 2],
    hold_ms: u64,
) -> anyhow::Result<()> {
    bench.node().control(&raise).await?;
    tokio::time::sleep(Duration::from_millis(hold_ms)).await;
    bench.node().control(&clear).await?;
    Ok(())
}
