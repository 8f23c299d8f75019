//! A worker whose jobs fail for its own sake: no room for a recording, no store, no engine. It fails fast, so it would take job
//! after job from those that are well, and use up their attempts. In: how jobs ended, over all slots. Out: how long to leave
//! jobs to others; the first success ends that for every slot.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// One failure is anybody's. From the second in a row on, pauses double.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// So many in a row, and the worker no longer calls itself ready.
const UNWELL: u32 = 5;

#[derive(Debug, Default)]
pub struct Ailing {
    failures_in_a_row: AtomicU32,
    well: Notify,
}

impl Ailing {
    /// A job failed, and not for its own sake. Returns whether the worker is to be called unwell from now.
    pub fn failed(&self) -> bool {
        let before = self.failures_in_a_row.fetch_add(1, Ordering::AcqRel);
        before.saturating_add(1) >= UNWELL
    }

    /// A job was done: store, engine and disk are there.
    pub fn succeeded(&self) {
        if self.failures_in_a_row.swap(0, Ordering::AcqRel) > 0 {
            self.well.notify_waiters();
        }
    }

    /// Returns at once while the worker is well.
    pub async fn recover(&self) {
        let well = self.well.notified();
        let pause = pause(self.failures_in_a_row.load(Ordering::Acquire));
        if !pause.is_zero() {
            // A success meanwhile is a reason to go on, not an error.
            let _ = tokio::time::timeout(pause, well).await;
        }
    }
}

fn pause(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        more => FIRST_PAUSE
            .saturating_mul(1_u32.checked_shl(more - 2).unwrap_or(u32::MAX))
            .min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_the_second_failure_on_and_have_an_end() {
        for (failures, ms) in [
            (0, 0),
            (1, 0),
            (2, 250),
            (3, 500),
            (9, 32_000),
            (10, 60_000),
            (u32::MAX, 60_000),
        ] {
            assert_eq!(
                pause(failures),
                Duration::from_millis(ms),
                "after {failures}"
            );
        }
    }

    #[tokio::test]
    async fn a_success_in_one_slot_is_one_for_all() {
        let ailing = Ailing::default();
        let unwell: Vec<bool> = (0..6).map(|_| ailing.failed()).collect();
        assert_eq!(unwell, [false, false, false, false, true, true]);
        let begun = std::time::Instant::now();
        tokio::join!(ailing.recover(), async { ailing.succeeded() });
        ailing.recover().await;
        assert!(begun.elapsed() < pause(6));
        assert!(!ailing.failed());
    }
}
