//! The fence around the processes that decode: the engine once its model is loaded, the one that mutes at once; both before
//! they read a recording. In: whether less than the whole will do. Out: what the kernel really enforces ([`Sandbox`]). Fails
//! when it is put up too late, or is less than what was asked.
//! Two fences, since each covers what the other cannot: Landlock knows paths, seccomp knows system calls.

mod filter;

use job_schema::engine::Sandbox;
use job_schema::{ErrorCode, Failure};
use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};

/// The newest ABI whose rights are asked for; an older kernel enforces those it knows.
const LANDLOCK_RIGHTS: ABI = ABI::V6;

#[derive(Debug, thiserror::Error)]
pub(super) enum SandboxError {
    /// Landlock binds the calling thread and what it starts, so another thread would stay outside.
    #[error("{0} threads run before the sandbox is up")]
    TooLate(usize),
    #[error("count threads: {0}")]
    Threads(std::io::ErrorKind),
    #[error("landlock: {0}")]
    Landlock(#[from] RulesetError),
    #[error("seccomp: {0}")]
    Filter(#[from] seccompiler::Error),
}

/// A kernel that lacks a part is told of, and refused where the whole is asked for.
pub(super) fn enter(required: bool) -> Result<Sandbox, Failure> {
    let refused = |detail: String| Failure::new(ErrorCode::SandboxUnavailable, detail);
    let sandbox = seal().map_err(|e| refused(format!("enter the sandbox: {e}")))?;
    if required && !sandbox.is_whole() {
        return Err(refused(format!("this kernel gives {sandbox}")));
    }
    Ok(sandbox)
}

/// Seals the process for good. A kernel without one of the two is no error here: the answer says what is in force.
pub(super) fn seal() -> Result<Sandbox, SandboxError> {
    let threads = std::fs::read_dir("/proc/self/task")
        .map_err(|e| SandboxError::Threads(e.kind()))?
        .count();
    if threads != 1 {
        return Err(SandboxError::TooLate(threads));
    }
    let landlock_abi = deny_paths()?;
    let seccomp = filter::install()?;
    Ok(Sandbox {
        seccomp,
        landlock_abi,
    })
}

/// No rule follows: every file, port, signal and abstract socket is refused. What is open stays open.
fn deny_paths() -> Result<u32, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK_RIGHTS))?
        .handle_access(AccessNet::from_all(LANDLOCK_RIGHTS))?
        .scope(Scope::from_all(LANDLOCK_RIGHTS))?
        .create()?
        .restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => 0,
        (_, LandlockStatus::Available { effective_abi, .. }) => effective_abi as u32,
        (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => 0,
    })
}
