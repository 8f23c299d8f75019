//! A RabbitMQ node that may be killed: on data of its own, started by `scripts/dev-up` on the same port each time. In: a
//! directory and what is to be set in it. Out: [`Node`], which is killed, started, and told things by `rabbitmqctl`; it is
//! stopped when dropped, and when this process ends without that. Tests that only need a broker share the one of [`crate::rabbit`].

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use crate::keeper::Keeper;
use crate::process::is_alive;
use crate::rabbit::RabbitNode;
use crate::signals::until;

/// What Debian's wrapper wraps, which would change to the system node's user; then wherever others install it.
const CONTROL: [&str; 2] = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "rabbitmqctl"];
/// What of it was started is stopped, and what it stored deleted: the directory itself is somebody else's.
const KEEPER: &str = r#"
exec >/dev/null 2>&1
cat
scripts/dev-down --purge --dir "$1"
"#;

#[derive(Debug)]
pub struct Node {
    dir: PathBuf,
    broker: RabbitNode,
    _keeper: Keeper,
}

impl Node {
    /// `advanced` is a list of Erlang terms for the application `rabbit`, as `{consumer_timeout, 60000}`.
    ///
    /// # Errors
    /// `scripts/dev-up` failed; it says why on standard error.
    pub async fn start(dir: &Path, advanced: &str) -> anyhow::Result<Self> {
        let home = dir.join("rabbitmq");
        std::fs::create_dir_all(&home)?;
        let config = format!("[{{rabbit, [{advanced}]}}].\n");
        std::fs::write(home.join("advanced.config"), config)?;
        let keeper = Keeper::start(KEEPER, dir)?;
        up(dir).await?;
        let environment = std::fs::read_to_string(dir.join("env"))?;
        let mut urls = environment
            .lines()
            .filter_map(|line| line.strip_prefix("export AMQP_URL="));
        let url = urls.next().context("dev-up wrote no AMQP_URL")?;
        Ok(Self {
            dir: dir.to_owned(),
            broker: RabbitNode::at(url),
            _keeper: keeper,
        })
    }

    pub fn broker(&self) -> &RabbitNode {
        &self.broker
    }

    /// SIGKILL, and waits until nothing is left of it.
    pub async fn kill(&self) -> anyhow::Result<()> {
        let beam = self.number("rabbitmq/beam.pid")?;
        let wrapper = self.number("broker.pid")?;
        let pid = Pid::from_raw(beam).context("a process has a number")?;
        kill_process(pid, Signal::KILL)?;
        until("the killed broker to be gone", async || {
            let gone = [beam, wrapper].into_iter().all(|pid| !is_alive(pid));
            Ok(gone.then_some(()))
        })
        .await
    }

    /// On the data that it had. Returns when it answers.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        up(&self.dir).await
    }

    /// What `rabbitmqctl` answers.
    pub async fn control(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let installed = CONTROL.into_iter().find(|path| Path::new(path).is_file());
        let port = std::fs::read_to_string(self.dir.join("epmd.port"))?;
        let output = Command::new(installed.unwrap_or("rabbitmqctl"))
            .args(["--quiet", "--node", &self.name()?])
            .args(arguments)
            .env("HOME", self.dir.join("rabbitmq"))
            .env("ERL_EPMD_PORT", port.trim())
            .stdin(Stdio::null())
            .output()
            .await
            .context("run rabbitmqctl")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success(),
            "rabbitmqctl {arguments:?}: {text} {complaint}"
        );
        Ok(text)
    }

    /// As other nodes call it: its own folder of data bears the name.
    pub fn name(&self) -> anyhow::Result<String> {
        let folder = self.dir.join("rabbitmq/mnesia");
        let entries = std::fs::read_dir(&folder).context("look for the node's data")?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut own = names.filter(|name| name.ends_with("@localhost"));
        own.next().context("the node has no data")
    }

    fn number(&self, file: &str) -> anyhow::Result<i32> {
        let text = std::fs::read_to_string(self.dir.join(file))?;
        let number = text
            .split_whitespace()
            .next()
            .context("an empty pid file")?;
        Ok(number.parse()?)
    }
}

async fn up(dir: &Path) -> anyhow::Result<()> {
    let mut up = Command::new("scripts/dev-up");
    up.args(["--broker-only", "--dir"]).arg(dir);
    up.current_dir(crate::package_dir().join(".."));
    let output = up.output().await?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "scripts/dev-up: {complaint}");
    Ok(())
}
