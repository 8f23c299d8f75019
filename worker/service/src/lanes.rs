//! Which lane a free slot looks at first. Pure: a sequence of takes in, an order of lanes out.
//! Interactive before standard before batch, except that a lane that has waited while others were served
//! `PATIENCE` times comes first once: so batch gets at least a tenth of the slots when all lanes are full, and an
//! interactive job never waits for more than the one job that its slot was working on.

use job_schema::job::Lane;

/// Takes from other lanes after which a lane is looked at first, by lane.
const PATIENCE: [(Lane, u32); 2] = [(Lane::Batch, 9), (Lane::Standard, 3)];

#[derive(Debug, Clone)]
pub struct LaneOrder {
    lanes: Vec<Lane>,
    /// Takes from other lanes since this one was last looked at first or served.
    passed_over: Vec<u32>,
}

impl LaneOrder {
    pub fn new(lanes: &[Lane]) -> Self {
        let mut lanes = lanes.to_vec();
        lanes.sort_unstable();
        lanes.dedup();
        let passed_over = vec![0; lanes.len()];
        Self { lanes, passed_over }
    }

    /// The lanes in the order to look at them now.
    pub fn order(&self) -> Vec<Lane> {
        let mut order = self.lanes.clone();
        for (lane, patience) in PATIENCE {
            let at = self.lanes.iter().position(|l| *l == lane);
            if at.is_some_and(|at| self.passed_over.get(at).is_some_and(|n| *n >= patience)) {
                order.retain(|l| *l != lane);
                order.insert(0, lane);
                break;
            }
        }
        order
    }

    /// Notes that a job of `taken` was started. `looked_at` are the lanes that were found empty on the way to it:
    /// nothing waited there, so nobody was passed over.
    pub fn served(&mut self, taken: Lane, found_empty: &[Lane]) {
        for (lane, passed_over) in self.lanes.iter().zip(&mut self.passed_over) {
            *passed_over = if *lane == taken || found_empty.contains(lane) {
                0
            } else {
                passed_over.saturating_add(1)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves `takes` jobs from the lanes for which `waiting` is true, and counts them by lane.
    fn serve(waiting: fn(Lane) -> bool, takes: u32) -> [u32; 3] {
        let mut order = LaneOrder::new(&Lane::ALL);
        let mut counts = [0; 3];
        for _ in 0..takes {
            let look = order.order();
            let at = look.iter().position(|l| waiting(*l)).unwrap();
            order.served(look[at], &look[..at]);
            counts[Lane::ALL.iter().position(|l| *l == look[at]).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn every_lane_gets_a_share_when_all_are_full() {
        let [interactive, standard, batch] = serve(|_| true, 1000);
        assert!(batch >= 100, "batch got {batch} of 1000");
        assert!(standard >= 200, "standard got {standard} of 1000");
        assert!(
            interactive > standard + batch,
            "interactive got {interactive} of 1000"
        );
    }

    #[test]
    fn an_idle_lane_takes_nothing_from_the_others() {
        assert_eq!(serve(|l| l == Lane::Batch, 50), [0, 0, 50]);
        let [_, standard, batch] = serve(|l| l != Lane::Interactive, 100);
        assert!(standard >= 85 && batch >= 10, "{standard} and {batch}");
    }

    #[test]
    fn an_interactive_job_comes_first_behind_a_batch_backlog() {
        let mut order = LaneOrder::new(&Lane::ALL);
        for _ in 0..500 {
            order.served(Lane::Batch, &[Lane::Interactive, Lane::Standard]);
            assert_eq!(order.order()[0], Lane::Interactive);
        }
    }

    #[test]
    fn lanes_that_a_worker_does_not_serve_are_never_looked_at() {
        assert_eq!(
            LaneOrder::new(&[Lane::Batch, Lane::Batch]).order(),
            [Lane::Batch]
        );
    }
}
