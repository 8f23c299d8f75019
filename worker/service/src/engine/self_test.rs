//! What a hijacked engine would try, tried from inside. In: whether to seal first. Out: what the kernel answered to each
//! action, and the sandbox in force. Fails when nothing can be tried. Every action is harmless where it succeeds, so that
//! a run without the sandbox can show that it is the sandbox which refuses.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use job_schema::engine::Sandbox;
use nix::sys::ptrace;
use rustix::fs::{MemfdFlags, Mode};
use rustix::io::Errno;
use rustix::mount::MountFlags;
use rustix::net::{AddressFamily, SocketType};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Uid};
use serde::{Deserialize, Serialize};

use super::sandbox::seal;

/// Whether the sandbox is put up before the actions are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Fence {
    Sealed,
    Open,
}

/// What was tried, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub action: String,
    pub denied: bool,
    pub answer: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub sandbox: Sandbox,
    pub attempts: Vec<Attempt>,
}

impl Report {
    pub fn denied_count(&self) -> usize {
        self.attempts.iter().filter(|a| a.denied).count()
    }
}

/// What the actions need, made before the sandbox is up, so that it is the action itself that is refused.
struct Made {
    parent: Pid,
    scratch: PathBuf,
    program: PathBuf,
    unconnected: OwnedFd,
    unbound: OwnedFd,
    user: Uid,
}

type Action = fn(&Made) -> io::Result<()>;

const ACTIONS: [(&str, Action); 22] = [
    ("read a file", |_| std::fs::read("/etc/passwd").map(drop)),
    ("list a directory", |_| std::fs::read_dir("/etc").map(drop)),
    ("read the parent's environment", |made| {
        std::fs::read(of_parent(made, "environ")).map(drop)
    }),
    ("open the parent's memory", |made| {
        std::fs::File::open(of_parent(made, "mem")).map(drop)
    }),
    ("write a file", |made| std::fs::write(&made.scratch, [])),
    ("remove a file", |made| std::fs::remove_file(&made.scratch)),
    ("change a file's mode", |made| {
        let mode = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
        Ok(rustix::fs::chmod(&made.program, mode)?)
    }),
    ("make a file in memory", |_| {
        Ok(rustix::fs::memfd_create("x", MemfdFlags::CLOEXEC).map(drop)?)
    }),
    ("make a socket", |_| stream_socket().map(drop)),
    ("connect a socket it has", |made| {
        let nobody = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        Ok(rustix::net::connect(&made.unconnected, &nobody)?)
    }),
    ("listen on a socket it has", |made| {
        rustix::net::bind(&made.unbound, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        Ok(rustix::net::listen(&made.unbound, 1)?)
    }),
    ("become another program", |made| {
        Err(Command::new(made.scratch.join("nothing")).exec())
    }),
    ("start a process", |_| {
        // Nothing redirected: opening /dev/null would be refused first.
        Command::new("true").status().map(drop)
    }),
    ("trace the parent", |made| {
        let parent = nix::unistd::Pid::from_raw(made.parent.as_raw_nonzero().get());
        Ok(ptrace::seize(parent, ptrace::Options::empty())?)
    }),
    ("copy the parent's memory", |made| {
        let parent = nix::unistd::Pid::from_raw(made.parent.as_raw_nonzero().get());
        Ok(nix::sys::uio::process_vm_readv(parent, &mut [], &[]).map(drop)?)
    }),
    ("signal the parent", |made| {
        Ok(rustix::process::test_kill_process(made.parent)?)
    }),
    ("get a handle on the parent", |made| {
        Ok(rustix::process::pidfd_open(made.parent, PidfdFlags::empty()).map(drop)?)
    }),
    ("change its user", |made| {
        Ok(rustix::thread::set_thread_uid(made.user)?)
    }),
    ("mount a file system", |made| {
        let at = made.scratch.join("nothing");
        Ok(rustix::mount::mount(
            "none",
            at,
            "tmpfs",
            MountFlags::empty(),
            None,
        )?)
    }),
    ("change its root", |_| Ok(rustix::process::chroot("/")?)),
    ("show its memory again", |_| {
        Ok(rustix::process::set_dumpable_behavior(
            DumpableBehavior::Dumpable,
        )?)
    }),
    ("change a limit", |_| {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        Ok(rustix::process::setrlimit(Resource::Core, none)?)
    }),
];

/// Runs the self-test in an engine process, as a worker would start one.
pub async fn in_child(
    executable: &Path,
    fence: Fence,
    memory_limit_bytes: u64,
) -> io::Result<Report> {
    let fence = match fence {
        Fence::Sealed => "sealed",
        Fence::Open => "open",
    };
    let output = tokio::process::Command::new(executable)
        .args(["engine", "--self-test", fence, "--memory-limit-bytes"])
        .arg(memory_limit_bytes.to_string())
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await?;
    if !output.status.success() {
        return Err(io::Error::other(format!("it ended with {}", output.status)));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Tries everything in this process, which is of no use afterwards.
pub(super) fn run(fence: Fence) -> io::Result<Report> {
    let made = Made {
        parent: rustix::process::getppid().ok_or(io::ErrorKind::NotFound)?,
        scratch: std::env::temp_dir().join(format!("earwitness-{}", std::process::id())),
        program: std::env::current_exe()?,
        unconnected: stream_socket()?,
        unbound: stream_socket()?,
        user: rustix::process::getuid(),
    };
    let sandbox = match fence {
        Fence::Sealed => seal().map_err(io::Error::other)?,
        Fence::Open => Sandbox::default(),
    };
    let tried = ACTIONS.map(|(action, act)| attempt(action, act(&made)));
    Ok(Report {
        sandbox,
        attempts: tried.into(),
    })
}

fn attempt(action: &str, answer: io::Result<()>) -> Attempt {
    let (denied, answer) = match answer {
        Ok(()) => (false, "done".to_owned()),
        Err(e) => {
            let refusal = matches!(Errno::from_io_error(&e), Some(Errno::PERM | Errno::ACCESS));
            (refusal, e.to_string())
        }
    };
    Attempt {
        action: action.to_owned(),
        denied,
        answer,
    }
}

fn of_parent(made: &Made, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", made.parent.as_raw_nonzero()))
}

fn stream_socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket(
        AddressFamily::INET,
        SocketType::STREAM,
        None,
    )?)
}
