//! When to look at what is in flight. In: the time, and what was seen. Out: whether to look now. Cannot fail, and reads no clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two looks at every status, right after something changed.
const SHORTEST: Duration = Duration::from_millis(500);
/// The same, when nothing has changed for long: whoever waits for a batch does not notice.
const LONGEST: Duration = Duration::from_secs(10);
/// Between two looks at an item's recording and result, which are several requests.
const CLOSELY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Rhythm {
    pause: Duration,
    next: Option<Instant>,
    /// When the recording and result of an item in flight were looked at.
    closely: BTreeMap<usize, Instant>,
}

impl Rhythm {
    pub(super) fn new() -> Self {
        Self {
            pause: SHORTEST,
            next: None,
            closely: BTreeMap::new(),
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    /// Every status was read.
    pub(super) fn looked(&mut self, now: Instant, has_changed: bool) {
        if has_changed {
            self.pause = SHORTEST;
        }
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 2).min(LONGEST);
    }

    /// More was published, which may end soon.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.pause = SHORTEST;
        let soon = now + SHORTEST;
        self.next = self.next.map(|next| next.min(soon));
    }

    pub(super) fn may_look_closely(&self, item: usize, now: Instant) -> bool {
        let last = self.closely.get(&item);
        last.is_none_or(|last| now.duration_since(*last) >= CLOSELY)
    }

    pub(super) fn looked_closely(&mut self, item: usize, now: Instant) {
        self.closely.insert(item, now);
    }

    /// The item has ended.
    pub(super) fn forget(&mut self, item: usize) {
        self.closely.remove(&item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next look at or after `now`, in steps of a tenth of a second.
    fn next(rhythm: &Rhythm, mut now: Instant) -> Instant {
        while !rhythm.is_due(now) {
            now += Duration::from_millis(100);
        }
        now
    }

    #[test]
    fn looks_grow_rarer_while_nothing_changes_and_frequent_again_when_something_does() {
        let (mut rhythm, mut now) = (Rhythm::new(), Instant::now());
        let mut pauses = Vec::new();
        for round in 0..12 {
            rhythm.looked(now, round == 8);
            let then = next(&rhythm, now);
            pauses.push(then.duration_since(now).as_millis());
            now = then;
        }
        let expected = [
            500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 500, 1_000, 2_000, 4_000,
        ];
        assert_eq!(pauses, expected);
        rhythm.looked(now, false);
        now += Duration::from_secs(1);
        rhythm.hurry(now);
        assert_eq!(next(&rhythm, now).duration_since(now), SHORTEST);
        rhythm.hurry(now + Duration::from_millis(400));
        assert_eq!(next(&rhythm, now).duration_since(now), SHORTEST, "put off");
    }

    #[test]
    fn an_item_is_looked_at_closely_once_a_minute_whatever_happens_to_others() {
        let (mut rhythm, start) = (Rhythm::new(), Instant::now());
        let mut looks = Vec::new();
        for second in 0..200 {
            let now = start + Duration::from_secs(second);
            rhythm.looked(now, true);
            if rhythm.may_look_closely(1, now) {
                rhythm.looked_closely(1, now);
                looks.push(second);
            }
            rhythm.forget(2);
        }
        assert_eq!(looks, [0, 60, 120, 180]);
        assert!(rhythm.may_look_closely(2, start));
        rhythm.forget(1);
        assert!(rhythm.closely.is_empty(), "ended items are kept in memory");
    }
}
