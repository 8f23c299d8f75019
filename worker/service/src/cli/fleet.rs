//! `earwitness status` without a job: lanes, workers and dead letters, once or again and again, as plain text or JSON lines.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use job_schema::job::Lane;

use super::common::Shelf;
use super::{lanes, out};
use crate::broker::Broker;
use crate::config::Config;
use crate::exit::{self, Exit};
use crate::fleet::{LaneView, Look, View, view};
use crate::topology::{Place, Topology};
use crate::{pause, presence};

/// Rates are told over about this long: shorter they jump, longer they lag.
const RATE_OVER_S: f64 = 60.0;

/// Looks until `ticks` are over, or for ever.
pub(super) async fn run(
    config: &Config,
    ticks: Option<u32>,
    interval: Duration,
    json: bool,
) -> Result<u8, Exit> {
    let shelf = Shelf::open(config).await?;
    let topology = Topology::from(config);
    let broker = Broker::connect(&config.broker, topology, "earwitness status").await?;
    let mut looks: VecDeque<Look> = VecDeque::new();
    let mut left = ticks;
    loop {
        let now = look(&shelf, &broker).await?;
        let is_old = |first: &Look| now.at.duration_since(first.at).as_secs_f64() > RATE_OVER_S;
        while looks.len() > 1 && looks.get(1).is_some_and(is_old) {
            looks.pop_front();
        }
        show(&view(&now, looks.front()), json)?;
        looks.push_back(now);
        left = left.map(|n| n.saturating_sub(1));
        if left == Some(0) {
            broker.close().await;
            return Ok(exit::OK);
        }
        tokio::time::sleep(interval).await;
    }
}

async fn look(shelf: &Shelf, broker: &Broker) -> Result<Look, Exit> {
    let depths = broker.depths().await?;
    let topology = broker.topology();
    let count = |name: &str| {
        let found = depths.iter().find(|(queue, _)| queue == name);
        found.map_or(0, |(_, count)| u64::from(*count))
    };
    let unreachable = |e| Exit::new(exit::UNREACHABLE, e);
    let (store, results, at) = (shelf.store.as_ref(), &shelf.results, Timestamp::now());
    let retries = (0..).map_while(|step| topology.retry_exchange(step));
    Ok(Look {
        at,
        waiting: Lane::ALL
            .into_iter()
            .flat_map(|lane| Place::all().map(move |place| (lane, place)))
            .map(|at| (at, count(&topology.job_queue(at.0, at.1))))
            .collect(),
        // Each retry queue is named as its exchange.
        retrying_count: retries.map(|name| count(&name)).sum(),
        dead_count: count(&topology.dead_queue()),
        workers: presence::alive(store, results, at)
            .await
            .map_err(unreachable)?,
        pauses: pause::pauses(store, results).await.map_err(unreachable)?,
    })
}

fn show(view: &View, json: bool) -> Result<(), Exit> {
    if json {
        let line = serde_json::to_string(view).map_err(anyhow::Error::from)?;
        out::line(line);
        return Ok(());
    }
    out::line(format_args!(
        "{}  {} workers, {} of {} slots busy, {} waiting for a retry, {} dead",
        view.at,
        view.workers_count,
        view.running_count,
        view.slots_count,
        view.retrying_count,
        view.dead_count
    ));
    for lane in &view.lanes {
        out::line(format_args!("  {}", sentence(lane)));
    }
    Ok(())
}

fn sentence(lane: &LaneView) -> String {
    let unknown = || "-".to_owned();
    let seconds = |s: Option<u64>| s.map_or_else(unknown, |s| format!("{s} s"));
    let rate = lane.settled_per_minute;
    let rate = rate.map_or_else(unknown, |rate| format!("{rate:.1}"));
    let paused = lane.paused.as_ref();
    let paused = paused.map_or_else(String::new, |p| format!("  {}", lanes::sentence(p)));
    format!(
        "{:12} {:>8} waiting  oldest <= {:>8}  {:>8} a minute  empty in {:>8}{paused}",
        lane.lane.as_str(),
        lane.waiting_count,
        seconds(lane.oldest_at_most_s),
        rate,
        seconds(lane.empty_in_s)
    )
}
