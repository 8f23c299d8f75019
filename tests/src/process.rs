//! The real binary as a process of its own. In: arguments and settings as environment variables. Out: [`WorkerProcess`],
//! which can be asked, signalled and killed, and [`run`] for a command that ends by itself. What a worker logs goes to a
//! file, whose lines are one of the signals that tests wait for. Nothing outlives the test: dropping kills.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::str::FromStr;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::signals::{PATIENCE, until};

/// A variable and its value.
pub type Setting = (String, String);

#[derive(Debug)]
pub struct WorkerProcess {
    pub name: String,
    child: Child,
    log: PathBuf,
}

/// What the admin port answered.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub body: String,
}

/// The binary under test: a test lies in deps/ below it, a command of this package beside it.
///
/// # Errors
/// It is not built.
pub fn earwitness() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("find this program")?;
    let folders = own.ancestors().skip(1).take(2);
    let mut paths = folders.map(|folder| folder.join("earwitness"));
    paths
        .find(|path| path.is_file())
        .context("earwitness is not built: cargo build -p earwitness")
}

/// Nothing of the caller's environment but what is given. `under` is a command that ends by running another.
fn command(under: &[&str], arguments: &[&str], settings: &[Setting]) -> anyhow::Result<Command> {
    let earwitness = earwitness()?;
    let mut command = match under {
        [] => Command::new(earwitness),
        [program, rest @ ..] => {
            let mut command = Command::new(program);
            command.args(rest).arg(earwitness);
            command
        }
    };
    command
        .args(arguments)
        .env_clear()
        .envs(settings.iter().cloned())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// A command that goes on by itself; dropping kills it. What it says goes nowhere.
///
/// # Errors
/// It cannot be started.
pub fn spawn(arguments: &[&str], settings: &[Setting]) -> anyhow::Result<Child> {
    let mut command = command(&[], arguments, settings)?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("start command")
}

/// A command to its end.
///
/// # Errors
/// It cannot be started or does not end.
pub async fn run(arguments: &[&str], settings: &[Setting]) -> anyhow::Result<Output> {
    run_under(&[], arguments, settings).await
}

/// The same, run by a command that ends by running another.
///
/// # Errors
/// As [`run`].
pub async fn run_under(
    under: &[&str],
    arguments: &[&str],
    settings: &[Setting],
) -> anyhow::Result<Output> {
    let output = command(under, arguments, settings)?.output();
    let ended = tokio::time::timeout(PATIENCE, output).await;
    Ok(ended.context("the command does not end")??)
}

/// What another program than ours wrote, once it has ended well.
pub(crate) async fn output_of(mut command: Command, what: &str) -> anyhow::Result<String> {
    let output = command
        .output()
        .await
        .with_context(|| format!("run {what}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{what}: {complaint}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A port of this host that nobody has at the moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl WorkerProcess {
    /// Starts `earwitness worker` and returns at once.
    pub fn start(name: &str, log: PathBuf, settings: &[Setting]) -> anyhow::Result<Self> {
        Self::start_under(&[], name, log, settings)
    }

    /// The same, run by a command that ends by running another.
    pub fn start_under(
        under: &[&str],
        name: &str,
        log: PathBuf,
        settings: &[Setting],
    ) -> anyhow::Result<Self> {
        let file = std::fs::File::create(&log).context("make the worker's log")?;
        let mut command = command(under, &["worker"], settings)?;
        command.stdout(file.try_clone()?).stderr(file);
        Self::begin(name, log, command)
    }

    /// A worker that logs to something else than a file, so that nothing of it can be waited for here.
    pub fn start_logging_to(
        log: impl Into<Stdio>,
        name: &str,
        settings: &[Setting],
    ) -> anyhow::Result<Self> {
        let mut command = command(&[], &["worker"], settings)?;
        command.stdout(Stdio::null()).stderr(log);
        Self::begin(name, PathBuf::from("/dev/null"), command)
    }

    fn begin(name: &str, log: PathBuf, mut command: Command) -> anyhow::Result<Self> {
        let child = command.spawn().context("start worker")?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// All that the worker wrote so far.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned())
    }

    /// A field of the first line with this message.
    pub async fn logged<T: FromStr>(&mut self, message: &str, field: &str) -> anyhow::Result<T> {
        let what = format!("{field} in `{message}` in the log of {}", self.name);
        until(&what, async || {
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("{} ended with {status}: {}", self.name, self.log()?);
            }
            let log = self.log()?;
            let lines = log
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let mut found = lines.filter(|line| line["message"] == message);
            Ok(found
                .next()
                .and_then(|line| plain(&line[field]).parse().ok()))
        })
        .await
    }

    /// Until it can take jobs.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let what = format!("{} to be ready", self.name);
        let address = self.admin().await?;
        until(&what, async || {
            Ok((get(address, "/readyz").await?.status == 200).then_some(()))
        })
        .await
    }

    pub async fn admin(&mut self) -> anyhow::Result<SocketAddr> {
        self.logged("admin port open", "address").await
    }

    pub async fn page(&mut self, path: &str) -> anyhow::Result<Page> {
        get(self.admin().await?, path).await
    }

    /// A line of the metrics page, by all that stands before its value; 0 when there is none.
    pub async fn metric(&mut self, name: &str) -> anyhow::Result<f64> {
        let page = self.page("/metrics").await?.body;
        let mut values = page.lines().filter_map(|line| line.strip_prefix(name));
        let value = values.next().map_or(Ok(0.0), |value| value.trim().parse());
        value.with_context(|| format!("{name} has no number"))
    }

    pub fn terminate(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.pid()?, Signal::TERM)?)
    }

    /// As a failed assertion in C does: a death that may leave a core.
    pub fn abort(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.pid()?, Signal::ABORT)?)
    }

    /// SIGKILL: no handler, no goodbye.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// How it ended, once it has.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended
            .with_context(|| format!("{} does not end", self.name))?
            .context("wait for worker")
    }

    /// As a host does that hangs: nothing is closed, nothing answers.
    pub fn freeze(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.pid()?, Signal::STOP)?)
    }

    pub fn thaw(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.pid()?, Signal::CONT)?)
    }

    /// Whether it has ended, without waiting for it.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// The number of the process.
    pub fn id(&self) -> anyhow::Result<i32> {
        Ok(i32::try_from(
            self.child.id().context("the worker has ended")?,
        )?)
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Pid::from_raw(self.id()?).context("a process has a number")
    }
}

/// Whether a process with this number is there.
pub fn is_alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

async fn get(address: SocketAddr, path: &str) -> anyhow::Result<Page> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: worker\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n");
    Ok(Page {
        status: status.context("no status line")?,
        body: body.context("no end of the headers")?.1.to_owned(),
    })
}
