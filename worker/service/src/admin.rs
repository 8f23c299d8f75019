//! The admin port: `/livez`, `/readyz`, `/metrics`. Alive means that it answers; ready means that jobs can be
//! taken now. A busy worker is alive, and a worker without its broker is alive but not ready: restarting it would not help.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// What the probes report, set by the worker.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<HealthFlags>);

#[derive(Debug, Default)]
struct HealthFlags {
    engine: AtomicBool,
    broker: AtomicBool,
    draining: AtomicBool,
    unwell: AtomicBool,
}

impl Health {
    pub fn engine(&self, ready: bool) {
        self.0.engine.store(ready, Ordering::Release);
    }

    /// Keeps to what is told of the engine's starts.
    pub async fn follow_engine(self, mut starts: watch::Receiver<bool>) {
        loop {
            self.engine(*starts.borrow_and_update());
            if starts.changed().await.is_err() {
                return;
            }
        }
    }

    pub fn broker(&self, connected: bool) {
        self.0.broker.store(connected, Ordering::Release);
    }

    /// Whether one job after the other fails here, and not for its own sake.
    pub fn unwell(&self, unwell: bool) {
        self.0.unwell.store(unwell, Ordering::Release);
    }

    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// What stands in the way of taking a job, if anything does.
    fn obstacle(&self) -> Option<&'static str> {
        let is = |flag: &AtomicBool| flag.load(Ordering::Acquire);
        match () {
            () if is(&self.0.draining) => Some("draining"),
            () if !is(&self.0.engine) => Some("engine not ready"),
            () if !is(&self.0.broker) => Some("broker not connected"),
            () if is(&self.0.unwell) => {
                Some("jobs fail here: see the log for store, disk or engine")
            }
            () => None,
        }
    }
}

#[derive(Debug, Clone)]
struct Pages {
    health: Health,
    metrics: Metrics,
}

/// Binds before it returns, so that a taken port is an error at start and not a line in a log.
pub async fn serve(
    listen: SocketAddr,
    health: Health,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_page))
        .with_state(Pages { health, metrics });
    tokio::spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await;
        if let Err(e) = served {
            tracing::error!(error = %e, "the admin port stopped");
        }
    });
    Ok(address)
}

async fn readyz(State(pages): State<Pages>) -> impl IntoResponse {
    match pages.health.obstacle() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(obstacle) => (StatusCode::SERVICE_UNAVAILABLE, format!("{obstacle}\n")),
    }
}

async fn metrics_page(State(pages): State<Pages>) -> impl IntoResponse {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, OPEN_METRICS)],
        pages.metrics.render(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_needs_engine_and_broker_and_no_trouble_and_no_drain() {
        let health = Health::default();
        assert_eq!(health.obstacle(), Some("engine not ready"));
        health.engine(true);
        assert_eq!(health.obstacle(), Some("broker not connected"));
        health.broker(true);
        assert_eq!(health.obstacle(), None);
        health.unwell(true);
        assert!(health.obstacle().unwrap().contains("see the log"));
        health.unwell(false);
        assert_eq!(health.obstacle(), None);
        health.drain();
        assert_eq!(health.obstacle(), Some("draining"));
    }

    #[tokio::test]
    async fn a_worker_whose_engine_does_not_start_is_not_ready_until_it_does() {
        let health = Health::default();
        health.broker(true);
        let starts = watch::Sender::new(true);
        let follow = health.clone().follow_engine(starts.subscribe());
        let changes = async {
            for (does, obstacle) in [
                (true, None),
                (false, Some("engine not ready")),
                (true, None),
            ] {
                starts.send_replace(does);
                tokio::task::yield_now().await;
                assert_eq!(health.obstacle(), obstacle);
            }
            drop(starts);
        };
        tokio::join!(biased; follow, changes);
    }
}
