//! Steps that have to follow one another. In: each step's places. Out: the places of the earliest chain that reaches the
//! last step, or for each step how it went wrong: late, said by the other side, missing, or not heard. A step may start
//! when the one before it has ended. Every way through is tried: an earlier "hello" does not spoil a later one.

use job_schema::analysis::{Outcome, StepOutcome};

use super::{Evaluation, Place, StepFound, Value};
use crate::program::StepNode;
use crate::query::Limit;

impl Evaluation<'_> {
    pub(super) fn sequence(&self, steps: &[StepNode], least: f32) -> Value {
        let values: Vec<Value> = steps
            .iter()
            .map(|step| self.value(&step.node, least))
            .collect();
        let chain = self.chain(steps, &values, |value| value.sure.clone());
        if chain.len() == steps.len() {
            return Value {
                outcome: Outcome::True,
                steps: done(steps, &chain),
                sure: chain,
                ..Value::default()
            };
        }
        let found = self.account(steps, &values, chain, least);
        let absent = values.iter().any(|value| value.whole && value.is_empty());
        let possible = self.chain(steps, &values, |value| {
            let mut places = [value.sure.as_slice(), &value.maybe].concat();
            places.sort_unstable_by_key(Place::key);
            places
        });
        let all_heard = values.iter().all(|value| value.whole);
        let is_false = absent || (all_heard && possible.len() < steps.len());
        let why = values.into_iter().find_map(|value| value.why);
        Value {
            outcome: if is_false {
                Outcome::False
            } else {
                Outcome::Inconclusive
            },
            why: why.filter(|_| !is_false),
            whole: is_false,
            steps: found,
            ..Value::default()
        }
    }

    /// The earliest chain, as far as one reaches.
    fn chain(
        &self,
        steps: &[StepNode],
        values: &[Value],
        places_of: impl Fn(&Value) -> Vec<Place>,
    ) -> Vec<Place> {
        // For each step the places that a chain reaches.
        let mut reached: Vec<Vec<Place>> = Vec::new();
        for (step, value) in steps.iter().zip(values) {
            let mut places = places_of(value);
            if let Some(before) = reached.last() {
                places.retain(|place| before.iter().any(|b| self.in_time(b, place, step.limit)));
            }
            if places.is_empty() {
                break;
            }
            places.sort_by_key(|place| (self.start_ms(place), place.channel, place.first_token));
            reached.push(places);
        }
        let mut chain: Vec<Place> = Vec::new();
        for (index, places) in reached.iter().enumerate().rev() {
            let fits = |place: &&Place| {
                let next = chain.last();
                next.is_none_or(|next| self.in_time(place, next, steps[index + 1].limit))
            };
            chain.extend(places.iter().find(fits));
        }
        chain.reverse();
        chain
    }

    fn in_time(&self, before: &Place, place: &Place, limit: Limit) -> bool {
        self.is_before(before, place) && self.is_within(before, place, limit)
    }

    /// What became of each step where no chain reaches the last. Later steps are looked for after what was found.
    fn account(
        &self,
        steps: &[StepNode],
        values: &[Value],
        chain: Vec<Place>,
        least: f32,
    ) -> Vec<StepFound> {
        let mut found = done(steps, &chain);
        let mut last = chain.last().copied();
        for (step, value) in steps.iter().zip(values).skip(chain.len()) {
            let after = |place: &&Place| last.is_none_or(|last| self.is_before(&last, place));
            let in_time =
                |place: &&Place| last.is_none_or(|last| self.in_time(&last, place, step.limit));
            let said = value
                .sure
                .iter()
                .filter(after)
                .min_by_key(|place| self.start_ms(place));
            let anywhere = || self.first_of(step.anywhere.as_ref(), least, last.as_ref());
            let other_side = || {
                let value = self.value(step.other_side.as_ref()?, least);
                let mut places = value.sure.iter().filter(in_time);
                places.next().copied()
            };
            let (outcome, place) = if let Some(place) = said.filter(in_time) {
                (StepOutcome::Done, Some(*place))
            } else if let Some(place) = said.copied().or_else(anywhere) {
                (StepOutcome::Late, Some(place))
            } else if let Some(place) = other_side() {
                (StepOutcome::OtherSide, Some(place))
            } else if value.whole && value.maybe.is_empty() {
                (StepOutcome::Missing, None)
            } else {
                (StepOutcome::Inconclusive, None)
            };
            last = place.or(last);
            found.push(StepFound {
                term: step.node.term,
                outcome,
                place,
            });
        }
        found
    }

    /// The first place of a step without its windows, behind `last`.
    fn first_of(
        &self,
        node: Option<&crate::program::Node>,
        least: f32,
        last: Option<&Place>,
    ) -> Option<Place> {
        let value = self.value(node?, least);
        let mut places = value.sure;
        places.retain(|place| last.is_none_or(|last| self.is_before(last, place)));
        places.into_iter().min_by_key(|place| self.start_ms(place))
    }
}

fn done(steps: &[StepNode], chain: &[Place]) -> Vec<StepFound> {
    let found = steps.iter().zip(chain);
    found
        .map(|(step, place)| StepFound {
            term: step.node.term,
            outcome: StepOutcome::Done,
            place: Some(*place),
        })
        .collect()
}
