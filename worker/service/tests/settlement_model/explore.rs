//! Every state that can be reached, once. In: a state to begin from and what may follow a state. Out: how many states, steps
//! and ways from beginning to end there are, or the first way that breaks a promise, as the steps that lead there. A way that
//! comes back to where it was is broken too: without one every way has an end, so whatever happens, each job is settled.

use std::collections::HashMap;
use std::hash::Hash;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Explored {
    pub(crate) states_count: u64,
    pub(crate) steps_count: u64,
    pub(crate) ends_count: u64,
    /// Interleavings from the beginning to an end.
    pub(crate) ways_count: u128,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken<L> {
    pub(crate) promise: &'static str,
    /// The steps that lead there.
    pub(crate) way: Vec<L>,
}

/// What a step leads to.
pub(crate) type Outcome<W> = Result<W, &'static str>;

pub(crate) trait Protocol {
    type World: Clone + Eq + Hash;
    type Step: std::marker::Copy;

    /// All that may happen next.
    fn next(&self, world: &Self::World) -> Vec<(Self::Step, Outcome<Self::World>)>;
    fn broken(&self, world: &Self::World, is_end: bool) -> Option<&'static str>;
}

pub(crate) fn explore<P: Protocol>(
    protocol: &P,
    begin: P::World,
) -> Result<Explored, Broken<P::Step>> {
    let mut search = Search {
        protocol,
        known: HashMap::new(),
        way: Vec::new(),
        found: Explored::default(),
    };
    match search.ways_from(begin) {
        Ok(ways_count) => Ok(Explored {
            ways_count,
            ..search.found
        }),
        Err(promise) => Err(Broken {
            promise,
            way: search.way,
        }),
    }
}

struct Search<'a, P: Protocol> {
    protocol: &'a P,
    /// Ways from a state to an end; `None` while they are counted.
    known: HashMap<P::World, Option<u128>>,
    /// From the beginning to where the search is.
    way: Vec<P::Step>,
    found: Explored,
}

impl<P: Protocol> Search<'_, P> {
    fn ways_from(&mut self, world: P::World) -> Result<u128, &'static str> {
        match self.known.get(&world) {
            Some(Some(ways)) => return Ok(*ways),
            Some(None) => return Err("the job goes round for ever"),
            None => {}
        }
        let next = self.protocol.next(&world);
        if let Some(promise) = self.protocol.broken(&world, next.is_empty()) {
            return Err(promise);
        }
        self.found.states_count += 1;
        self.found.steps_count += next.len() as u64;
        if next.is_empty() {
            self.found.ends_count += 1;
            self.known.insert(world, Some(1));
            return Ok(1);
        }
        self.known.insert(world.clone(), None);
        let mut ways = 0_u128;
        for (step, outcome) in next {
            // Left there when a promise is broken: it is the way to it.
            self.way.push(step);
            ways = ways.saturating_add(self.ways_from(outcome?)?);
            self.way.pop();
        }
        self.known.insert(world, Some(ways));
        Ok(ways)
    }
}
