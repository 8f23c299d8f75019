//! The part of the call that a rule searches. In: a window and a call. Out: a time span, cut to the call. Words and turns
//! are counted among those of the searched speakers; times and shares are of the recording. Nothing fails: a window that
//! lies beyond the call is empty.

use job_schema::transcript::TimeSpan;

/// A part of a call, from its start, from its end, or between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Window {
    #[default]
    Whole,
    FirstMs(u64),
    LastMs(u64),
    /// 1 to 100.
    FirstPercent(u64),
    /// 1 to 100.
    LastPercent(u64),
    /// `from_ms` lies before `to_ms`.
    Between {
        from_ms: u64,
        to_ms: u64,
    },
    /// 0 to 100, `from` below `to`.
    BetweenPercent {
        from: u64,
        to: u64,
    },
    FirstWords(u32),
    LastWords(u32),
    FirstTurns(u32),
    LastTurns(u32),
}

/// Where the searched speakers' words and turns start, in time order.
pub(crate) trait Marks {
    fn word_starts(&self) -> Vec<u64>;
    fn turns(&self) -> Vec<TimeSpan>;
}

impl Window {
    /// False where no call of any length has this part.
    pub(crate) fn is_possible(self) -> bool {
        let share = 1..=100;
        match self {
            Window::Whole => true,
            Window::FirstMs(n) | Window::LastMs(n) => n > 0,
            Window::FirstPercent(n) | Window::LastPercent(n) => share.contains(&n),
            Window::Between { from_ms, to_ms } => from_ms < to_ms,
            Window::BetweenPercent { from, to } => from < to && share.contains(&to),
            Window::FirstWords(n) | Window::LastWords(n) => n > 0,
            Window::FirstTurns(n) | Window::LastTurns(n) => n > 0,
        }
    }

    /// The window on a call of `duration_ms`, cut to the call. Empty where it lies beyond the call's end.
    pub(crate) fn on(self, duration_ms: u64, marks: &impl Marks) -> TimeSpan {
        let share = |percent: u64| {
            let part = u128::from(duration_ms) * u128::from(percent.min(100)) / 100;
            u64::try_from(part).expect("at most the duration")
        };
        let (start_ms, end_ms) = match self {
            Window::Whole => (0, duration_ms),
            Window::FirstMs(ms) => (0, ms),
            Window::LastMs(ms) => (duration_ms.saturating_sub(ms), duration_ms),
            Window::FirstPercent(percent) => (0, share(percent)),
            Window::LastPercent(percent) => (duration_ms - share(percent), duration_ms),
            Window::Between { from_ms, to_ms } => (from_ms, to_ms),
            Window::BetweenPercent { from, to } => (share(from), share(to)),
            // A window ends where the first word starts that is no longer in it.
            Window::FirstWords(n) => (0, nth(&marks.word_starts(), n).unwrap_or(duration_ms)),
            Window::LastWords(n) => (nth_last(&marks.word_starts(), n).unwrap_or(0), duration_ms),
            Window::FirstTurns(n) => {
                let ends: Vec<u64> = marks.turns().iter().map(|turn| turn.end_ms).collect();
                (0, nth(&ends, n - 1).unwrap_or(duration_ms))
            }
            Window::LastTurns(n) => {
                let starts: Vec<u64> = marks.turns().iter().map(|turn| turn.start_ms).collect();
                (nth_last(&starts, n).unwrap_or(0), duration_ms)
            }
        };
        TimeSpan {
            start_ms: start_ms.min(duration_ms),
            end_ms: end_ms.min(duration_ms),
        }
    }
}

fn nth(times: &[u64], n: u32) -> Option<u64> {
    times.get(usize::try_from(n).ok()?).copied()
}

/// The `n`th from the end, from 1.
fn nth_last(times: &[u64], n: u32) -> Option<u64> {
    let index = times.len().checked_sub(usize::try_from(n).ok()?)?;
    times.get(index).copied()
}
