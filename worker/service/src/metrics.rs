//! What the fleet counts, for Prometheus. Base units, one prefix, and no label that can take a customer's values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use job_schema::engine::Sandbox;
use job_schema::job::Lane;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::telemetry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct JobLabels {
    pub lane: &'static str,
    /// completed, rescored, already_done, retried, dead, cancelled, handed_over.
    pub outcome: &'static str,
    /// An error code, or empty.
    pub reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LaneLabel {
    pub lane: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StageLabel {
    pub stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BuildLabels {
    pub version: &'static str,
    pub model: String,
    pub model_sha256: String,
    pub recognizer: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SandboxLabels {
    /// on or off.
    pub seccomp: &'static str,
    /// 0 for none.
    pub landlock_abi: u32,
}

type StageSeconds = Family<StageLabel, Histogram, fn() -> Histogram>;

/// Cheap to clone: every metric is shared.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    pub jobs: Family<JobLabels, Counter>,
    pub audio_seconds: Family<LaneLabel, Counter<f64, AtomicU64>>,
    pub stage_seconds: StageSeconds,
    pub real_time_factor: Histogram,
    pub queue_wait_seconds: Histogram,
    pub running_jobs: Gauge,
    pub lane_paused: Family<LaneLabel, Gauge>,
    pub retention_overdue: Gauge,
    pub slots: Gauge,
    pub broker_connected: Gauge,
    pub engine_deaths: Counter,
    pub suppressed_spans: Counter,
    pub put_off_jobs: Counter,
    log_lines_lost: Counter,
    pub build_info: Family<BuildLabels, Gauge>,
    pub sandbox_info: Family<SandboxLabels, Gauge>,
}

/// One job in hand until this is dropped, however the work on it ends.
#[derive(Debug)]
pub struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub fn new() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.01, 2.0, 18));
        let mut metrics = Self {
            registry: Arc::new(Registry::default()),
            jobs: Family::default(),
            audio_seconds: Family::default(),
            stage_seconds: Family::new_with_constructor(seconds),
            real_time_factor: Histogram::new(exponential_buckets(0.005, 1.6, 16)),
            queue_wait_seconds: Histogram::new(exponential_buckets(0.1, 2.5, 14)),
            running_jobs: Gauge::default(),
            lane_paused: Family::default(),
            retention_overdue: Gauge::default(),
            slots: Gauge::default(),
            broker_connected: Gauge::default(),
            engine_deaths: Counter::default(),
            suppressed_spans: Counter::default(),
            put_off_jobs: Counter::default(),
            log_lines_lost: Counter::default(),
            build_info: Family::default(),
            sandbox_info: Family::default(),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics
    }

    pub fn running(&self) -> Running {
        self.running_jobs.inc();
        Running(self.running_jobs.clone())
    }

    fn register(&self) -> Registry {
        let mut r = Registry::with_prefix("earwitness");
        self.register_jobs(&mut r);
        self.register_worker(&mut r);
        r
    }

    fn register_jobs(&self, r: &mut Registry) {
        r.register(
            "jobs",
            "Deliveries settled, by lane, outcome and reason",
            self.jobs.clone(),
        );
        r.register(
            "audio_seconds",
            "Recording time transcribed",
            self.audio_seconds.clone(),
        );
        r.register(
            "stage_duration_seconds",
            "Time spent in each stage of a job",
            self.stage_seconds.clone(),
        );
        r.register(
            "realtime_factor",
            "Processing time over recording time",
            self.real_time_factor.clone(),
        );
        r.register(
            "queue_wait_seconds",
            "From submission to a slot",
            self.queue_wait_seconds.clone(),
        );
        r.register("running_jobs", "Jobs in hand", self.running_jobs.clone());
        r.register(
            "put_off_jobs",
            "Jobs that waited on because their tenant had all the slots it may",
            self.put_off_jobs.clone(),
        );
        r.register(
            "suppressed_spans",
            "Stretches of text left out, with a reason",
            self.suppressed_spans.clone(),
        );
    }

    fn register_worker(&self, r: &mut Registry) {
        r.register(
            "lane_paused",
            "1 while nobody is to take from the lane",
            self.lane_paused.clone(),
        );
        r.register(
            "retention_overdue",
            "Calls whose retention time is over and that are still there",
            self.retention_overdue.clone(),
        );
        r.register(
            "slots",
            "Jobs that may be in hand at once",
            self.slots.clone(),
        );
        r.register(
            "broker_connected",
            "1 while both connections are up",
            self.broker_connected.clone(),
        );
        r.register(
            "engine_deaths",
            "Engine processes that ended, each counted when the next one is started",
            self.engine_deaths.clone(),
        );
        r.register(
            "log_lines_lost",
            "Lines that whoever reads the log did not take in time",
            self.log_lines_lost.clone(),
        );
        r.register("build_info", "What is running", self.build_info.clone());
        r.register(
            "sandbox_info",
            "What the kernel enforces on the engine",
            self.sandbox_info.clone(),
        );
    }

    pub fn settled(&self, lane: Lane, outcome: &'static str, reason: &'static str) {
        self.jobs
            .get_or_create(&JobLabels {
                lane: lane.as_str(),
                outcome,
                reason,
            })
            .inc();
    }

    pub fn paused(&self, lane: Lane, is_paused: bool) {
        let label = LaneLabel {
            lane: lane.as_str(),
        };
        let gauge = self.lane_paused.get_or_create(&label);
        gauge.set(i64::from(is_paused));
    }

    pub fn stage(&self, stage: &'static str, seconds: f64) {
        self.stage_seconds
            .get_or_create(&StageLabel { stage })
            .observe(seconds);
    }

    pub fn sandbox(&self, sandbox: Sandbox) {
        self.sandbox_info
            .get_or_create(&SandboxLabels {
                seccomp: if sandbox.seccomp { "on" } else { "off" },
                landlock_abi: sandbox.landlock_abi,
            })
            .set(1);
    }

    /// The OpenMetrics text.
    pub fn render(&self) -> String {
        let lost = telemetry::lost_lines();
        self.log_lines_lost.inner().store(lost, Ordering::Relaxed);
        let mut text = String::new();
        // Writing to a string cannot fail; half a page would be worse than none.
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_in_hand_no_longer_than_the_work_on_it_even_where_that_panics() {
        let metrics = Metrics::new();
        let (own, running) = (metrics.clone(), metrics.running());
        let panicked = std::thread::spawn(move || {
            let _running = own.running();
            assert_eq!(own.running_jobs.get(), 1, "two are in hand");
        });
        assert!(panicked.join().is_err());
        assert_eq!(metrics.running_jobs.get(), 1);
        drop(running);
        assert_eq!(metrics.running_jobs.get(), 0);
    }

    #[test]
    fn the_page_shows_what_was_counted() {
        let metrics = Metrics::new();
        metrics.settled(Lane::Batch, "dead", "unsupported_codec");
        metrics.stage("fetch", 0.2);
        metrics.sandbox(Sandbox {
            seccomp: true,
            landlock_abi: 6,
        });
        let page = metrics.render();
        assert!(
            page.contains(
                r#"earwitness_jobs_total{lane="batch",outcome="dead",reason="unsupported_codec"} 1"#
            ),
            "{page}"
        );
        assert!(
            page.contains(r#"earwitness_stage_duration_seconds_count{stage="fetch"} 1"#),
            "{page}"
        );
        assert!(
            page.contains(r#"earwitness_sandbox_info{seccomp="on",landlock_abi="6"} 1"#),
            "{page}"
        );
        assert!(page.ends_with("# EOF\n"));
    }
}
