//! How many jobs may be published now. In: a rate in jobs a second, and what was published. Out: a number of jobs. Cannot fail.

use std::time::Instant;

/// A bucket of tokens that holds a second's worth.
pub(super) struct Pace {
    rate: f64,
    tokens: f64,
    since: Instant,
}

impl Pace {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            tokens: rate.max(1.0),
            since: Instant::now(),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "tokens lie between 0 and a second's worth, or no limit is set"
    )]
    pub(super) fn allows(&mut self) -> usize {
        let now = Instant::now();
        let earned = now.duration_since(self.since).as_secs_f64() * self.rate;
        self.since = now;
        self.tokens = (self.tokens + earned).min(self.rate.max(1.0));
        self.tokens as usize
    }

    #[expect(clippy::cast_precision_loss, reason = "some hundreds at most")]
    pub(super) fn used(&mut self, count: usize) {
        self.tokens = (self.tokens - count as f64).max(0.0);
    }
}
