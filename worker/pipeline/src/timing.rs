//! CPU time by stage, for metrics and benches. The only clock in this crate besides the scripted recogniser's: nothing
//! that it measures reaches a transcript.

use std::time::Instant;

/// Runs `work` and adds its wall time to `total_us`.
pub(crate) fn add_elapsed<T>(total_us: &mut u64, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *total_us += elapsed_us(started);
    done
}

pub(crate) fn elapsed_us(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}
