//! What the engine process may not do. In: the limits the service chose. Applied by the process to itself, before it
//! reads a model or a recording. Fails when the kernel refuses one of them: an unconfined engine does not start.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};

/// Enough for the socket, a model, a recording a slot and what the runtime keeps open.
const MAX_DESCRIPTORS: u64 = 256;

/// Gives up privileges and resources for good.
pub(super) fn confine(memory_limit_bytes: u64) -> io::Result<()> {
    // The engine writes no file at all.
    confine_writer(memory_limit_bytes, 0)
}

/// For the process that holds calls and credentials: it leaves no core file, and nobody but root looks into it.
pub(crate) fn leave_no_core() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limit(Resource::Core, 0)
}

/// For a process that writes one file, which its service gave it.
pub(super) fn confine_writer(memory_limit_bytes: u64, max_file_bytes: u64) -> io::Result<()> {
    // The engine must not outlive its service: nobody would read what it finds.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    leave_no_core()?;
    limit(Resource::As, memory_limit_bytes)?;
    limit(Resource::Nofile, MAX_DESCRIPTORS)?;
    limit(Resource::Fsize, max_file_bytes)
}

/// For work whose length is known: a decoder that goes round and round is ended by the kernel.
pub(super) fn limit_cpu(seconds: u64) -> io::Result<()> {
    limit(Resource::Cpu, seconds)
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let current = rustix::process::getrlimit(resource);
    let value = current.maximum.map_or(value, |hard| hard.min(value));
    rustix::process::setrlimit(
        resource,
        Rlimit {
            current: Some(value),
            maximum: Some(value),
        },
    )?;
    Ok(())
}
