//! `earwitness worker`: checks what it needs, then takes jobs until it is told to stop.

use job_schema::job::Lane;
use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use super::common::{LocalEngine, ModelArgs, Shelf, audit_log, languages, settings};
use crate::admin::{self, Health};
use crate::audit::AuditLog;
use crate::broker::Broker;
use crate::config::{Config, RecognizerKind};
use crate::exit::{self, Exit};
use crate::job::Fleet;
use crate::metrics::{BuildLabels, Metrics};
use crate::pause::Pauses;
use crate::presence::Activity;
use crate::retention::Retention;
use crate::rows::LaneRows;
use crate::rules::RuleBook;
use crate::settle::Policy;
use crate::signing::Gate;
use crate::telemetry;
use crate::topology::Topology;
use crate::worker::{self, Ailing, InHand, Shutdown, Sweeping, Until, Worker};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness worker
  earwitness worker --lanes interactive,standard --model base
  earwitness worker --exit-when-empty

SIGTERM and Ctrl-C drain: no new job is taken, jobs in hand go on for worker.drain_timeout_s and
are then handed over. A second signal ends the process at once; the broker then gives its jobs out
again.")]
pub(super) struct WorkerArgs {
    /// Lanes to serve; overrides worker.lanes.
    #[arg(long, value_delimiter = ',', value_name = "LANE,…")]
    lanes: Vec<Lane>,
    /// Take one job, then exit.
    #[arg(long, conflicts_with_all = ["exit_when_empty", "max_jobs"])]
    once: bool,
    /// Take this many jobs, then exit.
    #[arg(long, value_name = "N", conflicts_with = "exit_when_empty")]
    max_jobs: Option<u64>,
    /// Exit when every lane is empty.
    #[arg(long)]
    exit_when_empty: bool,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) async fn run(global: &Global, args: WorkerArgs) -> Result<u8, Exit> {
    let mut flags = args.model.flags();
    if !args.lanes.is_empty() {
        let lanes: Vec<&str> = args.lanes.iter().map(|lane| lane.as_str()).collect();
        flags.push(("worker.lanes", lanes.join(",")));
    }
    let config = settings(global, &flags)?.config;
    let _log = telemetry::init_worker(
        config.log.format,
        global.log.as_deref().unwrap_or(&config.log.level),
    )
    .map_err(|e| Exit::new(exit::CONFIG, e))?;
    let guards = Guards::open(&config)?;
    let shelf = Shelf::open(&config).await?;
    let local = LocalEngine::start(&config).await?;
    if config.engine.recognizer == RecognizerKind::Scripted {
        tracing::warn!("the recogniser follows a script: what it writes was not spoken");
    }
    let (metrics, health) = (Metrics::new(), Health::default());
    local.engine.count_deaths(metrics.engine_deaths.clone());
    tokio::spawn(health.clone().follow_engine(local.engine.starts()));
    let shutdown = Shutdown::default();
    open_admin_port(&config, &health, &metrics, &shutdown).await?;
    let worker = assemble(
        &config,
        shelf,
        &local,
        metrics,
        health.clone(),
        guards,
        until(&args),
    );
    tracing::info!(
        worker = worker.fleet.worker,
        slots = worker.slots,
        model = local.model.name,
        sandbox = %local.sandbox,
        "worker started"
    );
    tokio::spawn(heed_signals(shutdown.clone(), health));
    let settled = worker::run(worker, shutdown).await;
    tracing::info!(settled_count = settled, "worker stopped");
    Ok(exit::OK)
}

fn until(args: &WorkerArgs) -> Until {
    match (args.once, args.max_jobs) {
        (true, _) => Until::Jobs(1),
        (false, Some(limit)) => Until::Jobs(limit.max(1)),
        (false, None) if args.exit_when_empty => Until::Empty,
        (false, None) => Until::Stopped,
    }
}

fn assemble(
    config: &Config,
    shelf: Shelf,
    local: &LocalEngine,
    metrics: Metrics,
    health: Health,
    guards: Guards,
    until: Until,
) -> Worker {
    let model = &local.model;
    metrics.slots.set(i64::from(local.slots));
    let labels = BuildLabels {
        version: env!("CARGO_PKG_VERSION"),
        model: model.name.clone(),
        model_sha256: model.sha256.to_string(),
        recognizer: model.recognizer.clone(),
    };
    metrics.build_info.get_or_create(&labels).set(1);
    metrics.sandbox(local.sandbox);
    let fleet = Fleet {
        worker: name(config),
        own_store: shelf.store,
        results_bucket: shelf.results,
        engine: local.engine.clone(),
        model: model.clone(),
        rules: RuleBook::new(config.rules.dir.clone().unwrap_or_else(|| "rules".into())),
        retention: retention(config),
        languages: languages(config),
        limits: config.limits,
        checkpoint_interval: config.worker.checkpoint_interval,
        metrics,
    };
    Worker {
        fleet,
        broker: config.broker.clone(),
        topology: Topology::from(config),
        lanes: config.worker.lanes.clone(),
        slots: local.slots,
        policy: Policy::from(&config.retry),
        poll_interval: config.worker.poll_interval,
        max_hold: config.worker.max_hold,
        drain_timeout: config.worker.drain_timeout,
        until,
        health,
        gate: guards.gate,
        audit: guards.audit,
        pauses: Pauses::default(),
        rows: LaneRows::default(),
        in_hand: InHand::at_most(config.worker.tenant_slots),
        activity: Activity::default(),
        ailing: Ailing::default(),
        sweeping: (!config.retention.sweep_interval.is_zero()).then_some(Sweeping {
            recordings: shelf.recordings,
            every: config.retention.sweep_interval,
        }),
    }
}

fn retention(config: &Config) -> Retention {
    Retention::read(config.retention.days, &config.retention.tenants)
        .expect("the settings were checked when they were loaded")
}

async fn open_admin_port(
    config: &Config,
    health: &Health,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> Result<(), Exit> {
    let Some(listen) = config.admin.listen else {
        return Ok(());
    };
    let served = admin::serve(
        listen,
        health.clone(),
        metrics.clone(),
        shutdown.hand_over.clone(),
    )
    .await;
    let address = served.map_err(|e| {
        Exit::new(
            exit::CONFIG,
            anyhow::anyhow!("open admin port {listen}: {e}"),
        )
    })?;
    tracing::info!(%address, "admin port open");
    Ok(())
}

async fn heed_signals(shutdown: Shutdown, health: Health) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be heard: the worker can only be killed");
        return;
    };
    let mut heard = 0;
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        heard += 1;
        if heard == 1 {
            tracing::info!("draining");
            health.drain();
            shutdown.drain.cancel();
        } else {
            // What is unacked goes back to the broker with the connection.
            tracing::warn!("second signal: ending at once");
            std::process::exit(130);
        }
    }
}

/// Who may have work done, and the record of it: refused before anything is opened or started.
struct Guards {
    gate: Gate,
    audit: AuditLog,
}

impl Guards {
    fn open(config: &Config) -> Result<Self, Exit> {
        Broker::check_settings(&config.broker)?;
        let gate = Gate::open(config).map_err(|e| Exit::new(exit::CONFIG, e))?;
        let audit = audit_log(config, &name(config))?;
        Ok(Self { gate, audit })
    }
}

fn name(config: &Config) -> String {
    config.worker.name.clone().unwrap_or_else(host_name)
}

fn host_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
