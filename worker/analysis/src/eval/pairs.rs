//! Operators that relate two places. In: the values of both sides. Out: the places that stand in the relation; those that
//! rest on a doubtful place are doubtful. `NEAR`, `ONEAR`, `NOTNEAR`, `NOTIN` and `SAMETURN` relate places of one channel,
//! `AFTER` and `BEFORE` those of the whole call. `docs/rules.md` defines each.

use job_schema::transcript::TimeSpan;

use super::{Evaluation, Place, Value};
use crate::heard::heard;
use crate::program::TermId;
use crate::query::{Limit, PairOp};

/// Pairs that one operator lists; past this its result is in doubt instead of slow.
const MAX_PAIRS: usize = 200_000;

impl Evaluation<'_> {
    pub(super) fn pair(
        &self,
        op: PairOp,
        limit: Limit,
        term: TermId,
        left: Value,
        right: Value,
    ) -> Value {
        match op {
            PairOp::OrderedNear => self.joining(term, left, right, |a, b, add| {
                self.ordered(limit, a, b, add);
            }),
            PairOp::Near => self.joining(term, left, right, |a, b, add| {
                self.ordered(limit, a, b, add);
                self.ordered(limit, b, a, &mut |second, first| add(first, second));
            }),
            PairOp::SameTurn => self.joining(term, left, right, |a, b, add| {
                self.same_turn(a, b, add);
            }),
            PairOp::After => {
                self.filtered(left, right, |a, anchors| self.follows(a, anchors, limit))
            }
            PairOp::Before => {
                self.filtered(left, right, |a, anchors| self.precedes(a, anchors, limit))
            }
            PairOp::NotIn => self.unblocked(left, right, overlap, |_| true),
            PairOp::NotNear => {
                let near = |a: &Place, b: &Place| {
                    !overlap(a, b)
                        && (self.gap_is_within(a, b, limit) || self.gap_is_within(b, a, limit))
                };
                self.unblocked(left, right, near, |a| self.was_heard_around(a, limit))
            }
        }
    }

    /// Operators whose places reach from the one side to the other.
    fn joining(
        &self,
        term: TermId,
        left: Value,
        right: Value,
        related: impl Fn(&[Place], &[Place], &mut dyn FnMut(&Place, &Place)),
    ) -> Value {
        let mut joined = Value {
            whole: nothing_more(&left, &right),
            ..Value::default()
        };
        let mut pairs_count = 0;
        let sides = [
            (&left.sure, &right.sure, true),
            (&left.sure, &right.maybe, false),
            (&left.maybe, &right.sure, false),
            (&left.maybe, &right.maybe, false),
        ];
        for (a, b, is_sure) in sides {
            related(a, b, &mut |first, second| {
                pairs_count += 1;
                let places = match is_sure {
                    true => &mut joined.sure,
                    false => &mut joined.maybe,
                };
                if pairs_count <= MAX_PAIRS {
                    places.push(stretch(first, second, term));
                }
            });
        }
        joined.why = left.why.or(right.why);
        if pairs_count > MAX_PAIRS {
            joined.whole = false;
            joined.why = Some(format!("more than {MAX_PAIRS} pairs of places"));
        }
        joined.blocked = [left.blocked, right.blocked].concat();
        joined.settle()
    }

    /// Operators that keep those of the left places for which `holds` of the right ones.
    fn filtered(
        &self,
        left: Value,
        right: Value,
        holds: impl Fn(&Place, &[Vec<Place>]) -> bool,
    ) -> Value {
        let channels_count = self.call.channels.len();
        let sure = by_channel(right.sure.iter(), channels_count);
        let any = by_channel(right.sure.iter().chain(&right.maybe), channels_count);
        let mut kept = Value {
            whole: nothing_more(&left, &right),
            ..Value::default()
        };
        for place in &left.sure {
            if holds(place, &sure) {
                kept.sure.push(*place);
            } else if holds(place, &any) {
                kept.maybe.push(*place);
            }
        }
        let in_doubt = left.maybe.iter().filter(|&place| holds(place, &any));
        kept.maybe.extend(in_doubt);
        kept.why = left.why.or(right.why);
        kept.blocked = [left.blocked, right.blocked].concat();
        kept.settle()
    }

    /// Operators that keep those of the left places that no right place blocks.
    fn unblocked(
        &self,
        left: Value,
        right: Value,
        blocks: impl Fn(&Place, &Place) -> bool,
        is_certain: impl Fn(&Place) -> bool,
    ) -> Value {
        let mut kept = Value {
            whole: left.whole,
            why: left.why,
            blocked: left.blocked,
            ..Value::default()
        };
        for place in left.sure {
            if let Some(blocker) = right.sure.iter().find(|&blocker| blocks(&place, blocker)) {
                kept.blocked.push((place, *blocker));
            } else if !is_certain(&place) || right.maybe.iter().any(|b| blocks(&place, b)) {
                let why = "what would rule the place out was not heard well enough";
                kept.why.get_or_insert_with(|| why.to_owned());
                kept.maybe.push(place);
            } else {
                kept.sure.push(place);
            }
        }
        let open = |place: &Place| !right.sure.iter().any(|blocker| blocks(place, blocker));
        kept.maybe.extend(left.maybe.into_iter().filter(open));
        kept.settle()
    }

    /// Each place of `a` with each of `b` that follows it within the limit.
    fn ordered(&self, limit: Limit, a: &[Place], b: &[Place], add: &mut dyn FnMut(&Place, &Place)) {
        for first in a {
            let from = (first.channel, first.end_token);
            let next = b.partition_point(|place| (place.channel, place.first_token) < from);
            for second in &b[next..] {
                if !self.gap_is_within(first, second, limit) {
                    break; // They are sorted: the rest is farther away.
                }
                add(first, second);
            }
        }
    }

    fn same_turn(&self, a: &[Place], b: &[Place], add: &mut dyn FnMut(&Place, &Place)) {
        let turn_of = |place: &Place| {
            let turns = &self.call.channels[place.channel].turn_of;
            let turn = turns[place.first_word];
            turn.filter(|_| turns[place.last_word] == turn)
        };
        let mut in_turn: std::collections::HashMap<usize, Vec<&Place>> = Default::default();
        for place in b {
            if let Some(turn) = turn_of(place) {
                in_turn.entry(turn).or_default().push(place);
            }
        }
        for first in a {
            let others = turn_of(first).and_then(|turn| in_turn.get(&turn));
            for second in others
                .into_iter()
                .flatten()
                .filter(|second| !overlap(first, second))
            {
                add(first, second);
            }
        }
    }

    /// Whether `second` begins on the channel of `first` after its end, with no more than the limit between.
    fn gap_is_within(&self, first: &Place, second: &Place, limit: Limit) -> bool {
        if first.channel != second.channel || second.first_token < first.end_token {
            return false;
        }
        match limit {
            Limit::None => true,
            Limit::Words(most) => {
                let between = second.first_word.saturating_sub(first.last_word + 1);
                u32::try_from(between).is_ok_and(|between| between <= most)
            }
            Limit::Ms(most) => {
                let gap_ms = self.start_ms(second).saturating_sub(self.end_ms(first));
                gap_ms <= most
            }
        }
    }

    /// Some anchor ends before the place begins. The nearest of each channel decides.
    fn follows(&self, place: &Place, anchors: &[Vec<Place>], limit: Limit) -> bool {
        anchors.iter().any(|of_channel| {
            let past = of_channel.partition_point(|anchor| self.is_before(anchor, place));
            let nearest = past.checked_sub(1).map(|last| &of_channel[last]);
            nearest.is_some_and(|anchor| self.is_within(anchor, place, limit))
        })
    }

    /// Some anchor begins after the place has ended.
    fn precedes(&self, place: &Place, anchors: &[Vec<Place>], limit: Limit) -> bool {
        anchors.iter().any(|of_channel| {
            let mut later = of_channel
                .iter()
                .filter(|anchor| self.is_before(place, anchor));
            later.any(|anchor| self.is_within(place, anchor, limit))
        })
    }

    pub(super) fn is_before(&self, first: &Place, second: &Place) -> bool {
        if first.channel == second.channel {
            first.end_token <= second.first_token
        } else {
            self.end_ms(first) <= self.start_ms(second)
        }
    }

    /// Of two places in order: words are counted on their channel, or in the whole call if they are of two.
    pub(super) fn is_within(&self, first: &Place, second: &Place, limit: Limit) -> bool {
        let Limit::Words(most) = limit else {
            let gap_ms = self.start_ms(second).saturating_sub(self.end_ms(first));
            return limit == Limit::None || matches!(limit, Limit::Ms(most) if gap_ms <= most);
        };
        let between = if first.channel == second.channel {
            second.first_word.saturating_sub(first.last_word + 1)
        } else {
            let last = self.call.order(first.channel, first.last_word);
            self.call
                .order(second.channel, second.first_word)
                .saturating_sub(last + 1)
        };
        u32::try_from(between).is_ok_and(|between| between <= most)
    }

    fn was_heard_around(&self, place: &Place, limit: Limit) -> bool {
        let words = self.call.words(place.channel);
        let (mut start_ms, mut end_ms) = (self.start_ms(place), self.end_ms(place));
        match limit {
            Limit::Words(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let last = (place.last_word.saturating_add(count)).min(words.len() - 1);
                start_ms = words[place.first_word.saturating_sub(count)].start_ms;
                end_ms = words[last].end_ms;
            }
            Limit::Ms(ms) => {
                start_ms = start_ms.saturating_sub(ms);
                end_ms = end_ms.saturating_add(ms);
            }
            Limit::None => {}
        }
        let duration_ms = self.transcript().audio.decoded.duration_ms;
        let around = TimeSpan {
            start_ms,
            end_ms: end_ms.min(duration_ms.max(start_ms + 1)),
        };
        heard(self.transcript(), &[place.channel], around).is_ok()
    }

    pub(super) fn start_ms(&self, place: &Place) -> u64 {
        self.call.words(place.channel)[place.first_word].start_ms
    }

    pub(super) fn end_ms(&self, place: &Place) -> u64 {
        self.call.words(place.channel)[place.last_word].end_ms
    }
}

/// No further pair can exist if one side is empty for certain, or both are known in full.
fn nothing_more(left: &Value, right: &Value) -> bool {
    let is_absent = |side: &Value| side.whole && side.is_empty();
    (left.whole && right.whole) || is_absent(left) || is_absent(right)
}

fn overlap(a: &Place, b: &Place) -> bool {
    a.channel == b.channel && a.first_token < b.end_token && b.first_token < a.end_token
}

fn stretch(a: &Place, b: &Place, term: TermId) -> Place {
    Place {
        channel: a.channel,
        first_token: a.first_token.min(b.first_token),
        end_token: a.end_token.max(b.end_token),
        first_word: a.first_word.min(b.first_word),
        last_word: a.last_word.max(b.last_word),
        term,
        how: a.how.max(b.how),
        distance: a.distance + b.distance,
    }
}

/// Each channel's places by their end.
fn by_channel<'a>(
    places: impl Iterator<Item = &'a Place>,
    channels_count: usize,
) -> Vec<Vec<Place>> {
    let mut sorted = vec![Vec::new(); channels_count];
    for place in places {
        sorted[place.channel].push(*place);
    }
    for of_channel in &mut sorted {
        of_channel.sort_unstable_by_key(|place| place.end_token);
    }
    sorted
}
