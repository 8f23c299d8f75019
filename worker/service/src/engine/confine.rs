//! What the engine process may not do. In: the limits the service chose. Applied by the process to itself, before it
//! reads a model or a recording. Fails when the kernel refuses one of them: an unconfined engine does not start.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};

/// Enough for the socket, a model, a recording a slot and what the runtime keeps open.
const MAX_DESCRIPTORS: u64 = 256;

/// Gives up privileges and resources for good.
pub(super) fn confine(memory_limit_bytes: u64) -> io::Result<()> {
    // The engine must not outlive its service: nobody would read what it finds.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    // No core file, and nobody attaches: the memory holds private speech.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limit(Resource::Core, 0)?;
    limit(Resource::As, memory_limit_bytes)?;
    limit(Resource::Nofile, MAX_DESCRIPTORS)?;
    // The engine writes no file at all.
    limit(Resource::Fsize, 0)
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
