//! Does to the fleet's hosts and broker what the schedule says. In: a fault. Out: the [`Loss`]es that it may have been,
//! with the slots and moves whose deliveries it may have cost. Fails when the broker does not come back.

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
    // Whoever sorts has jobs in hand too, in each lane; one worker of the fleet does.
    let moves = u64::from(MOVES_AT_ONCE) * LANES.len() as u64;
    let one = bench.slots();
    let all = one * bench.workers_count();
    let loss = |what, deliveries_count| {
        Some(Loss {
            what,
            deliveries_count,
            moves_count: moves,
        })
    };
    Ok(match fault {
        Fault::KillWorker(index) => {
            bench.kill_worker(index).await?;
            loss("worker killed", one)
        }
        Fault::CutConnections(index) => {
            bench.cut(index)?;
            loss("connections cut", one)
        }
        Fault::KillBroker => {
            bench.node().kill().await?;
            bench.node().start_again().await?;
            loss("broker killed", all)
        }
        Fault::MemoryAlarm { hold_ms } => {
            let key = "set_vm_memory_high_watermark";
            alarm(bench, [key, "0"], [key, MEMORY_AS_EVER], hold_ms).await?;
            loss("memory alarm", all)
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
            loss("disk alarm", all)
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
