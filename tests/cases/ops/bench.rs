//! What the tests of the operators' commands share: queues of their own, a store in a directory, and the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use earwitness::broker::{Broker, SlotChannel};
use earwitness::config;
use earwitness::topology::Topology;
use earwitness_tests::rabbit::RabbitNode;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Bench {
    pub(crate) settings: config::Broker,
    pub(crate) topology: Topology,
    pub(crate) broker: Broker,
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let url = RabbitNode::shared().unwrap().url().to_owned();
        let prefix = format!("test-{}", Uuid::now_v7().simple());
        let flags = [("broker.url", url), ("broker.prefix", prefix)];
        let config = config::assemble(None, &[], &flags).unwrap().config;
        let topology = Topology::from(&config);
        let broker = Broker::connect(&config.broker, topology.clone(), "test")
            .await
            .unwrap();
        broker.declare().await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        for bucket in ["recordings", "results"] {
            std::fs::create_dir(dir.path().join(bucket)).unwrap();
        }
        Self {
            settings: config.broker,
            topology,
            broker,
            dir,
        }
    }

    /// A connection of its own, for what happens after another one was lost.
    pub(crate) async fn connect(&self) -> Broker {
        Broker::connect(&self.settings, self.topology.clone(), "test")
            .await
            .unwrap()
    }

    pub(crate) async fn slot(&self) -> SlotChannel {
        self.broker.slot_channel().await.unwrap()
    }

    /// Asks until so many wait: what is given back is there again a moment later.
    pub(crate) async fn waits(&self, queue: &str, count: u32) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let depths = self.broker.depths().await.unwrap();
            let depth = depths.iter().find(|(name, _)| name == queue).unwrap().1;
            if depth == count {
                return;
            }
            assert!(Instant::now() < deadline, "{depth} wait and not {count}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, &[])
    }

    pub(crate) fn command_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Output {
        let mut command = Command::new(binary());
        command.args(arguments).env_clear();
        let settings = [
            ("BROKER__URL", RabbitNode::shared().unwrap().url().into()),
            ("BROKER__PREFIX", self.settings.prefix.clone()),
            ("STORE__KIND", "dir".into()),
            ("STORE__DIR", self.dir.path().display().to_string()),
            ("STORE__RECORDINGS_BUCKET", "recordings".into()),
            ("STORE__RESULTS_BUCKET", "results".into()),
            ("ENGINE__RECOGNIZER", "scripted".into()),
            ("ENGINE__SCRIPT", self.script().display().to_string()),
        ];
        for (name, value) in settings {
            command.env(format!("EARWITNESS__{name}"), value);
        }
        for (name, value) in more {
            command.env(format!("EARWITNESS__{name}"), value);
        }
        command.output().unwrap()
    }

    fn script(&self) -> PathBuf {
        let path = self.dir.path().join("script.json");
        std::fs::write(&path, r#"{"words": ["one", "two"]}"#).unwrap();
        path
    }
}

/// Beside the test's own executable, two folders up.
fn binary() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().with_file_name("earwitness")
}

pub(crate) fn call() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    Path::new(&package).join("data/calls/cancel-plan.wav")
}
