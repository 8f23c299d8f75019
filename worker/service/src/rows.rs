//! Whose turn it is within a lane. In: what was seen to wait in its rows, what was taken from where, whose job came. Out: the
//! places in the order to look at them, and the row that a tenant's job belongs into. Pure; each worker knows what it saw itself, and
//! what it does not know costs a tenant a turn and never a job. Rows take turns job by job: who was served longest ago comes first.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use job_schema::TenantId;
use job_schema::job::Lane;

use crate::topology::{Place, ROWS};

/// More tenants in one row are not told apart: the next job of theirs goes where least waits.
const MAX_TENANTS: usize = 256;

/// Whose job it is. What is no job, or not proven to be its tenant's, counts as one tenant's whoever it names: so it hurts
/// nobody but its like.
pub type Owner = Option<TenantId>;

/// The rows of one lane.
#[derive(Debug)]
pub struct Rows {
    rows: [Row; ROWS as usize],
    /// Turns so far: who was served at which is what orders the rows.
    turns_count: u64,
    intake_served: u64,
    /// Nobody sorts, so the intake takes turns as a row does.
    unsorted: bool,
}

#[derive(Debug, Default)]
struct Row {
    /// As seen last.
    waiting_count: u32,
    /// On the way into it.
    coming_count: u32,
    served: u64,
    owners: BTreeSet<Owner>,
    /// It was empty since these were its owners.
    former: bool,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            rows: std::array::from_fn(|_| Row::default()),
            turns_count: 0,
            intake_served: 0,
            unsorted: false,
        }
    }
}

impl Rows {
    /// Where to look for the next job, all places that may hold one. The intake comes last: what is sorted came before it.
    pub fn order(&self) -> Vec<Place> {
        let full = Place::rows()
            .zip(&self.rows)
            .filter(|(_, row)| row.waiting_count > 0);
        let mut order: Vec<(u64, Place)> = full.map(|(place, row)| (row.served, place)).collect();
        let intake = if self.unsorted {
            self.intake_served
        } else {
            u64::MAX
        };
        order.push((intake, Place::Intake));
        order.sort_unstable();
        order.into_iter().map(|(_, place)| place).collect()
    }

    /// A job was taken, and so many are left.
    pub fn took(&mut self, place: Place, left_count: u32) {
        self.turns_count += 1;
        let turn = self.turns_count;
        match self.row(place) {
            Some(row) => row.served = turn,
            None => self.intake_served = turn,
        }
        self.saw(place, left_count);
    }

    /// So many wait there.
    pub fn saw(&mut self, place: Place, waiting_count: u32) {
        let Some(row) = self.row(place) else { return };
        row.waiting_count = waiting_count;
        row.former |= row.is_free();
    }

    /// A row gave a job of this owner's.
    pub fn learn(&mut self, place: Place, owner: Owner) {
        if let Some(row) = self.row(place)
            && !row.is_free()
        {
            row.add(owner);
        }
    }

    /// The row for a job of this owner's: where others of his wait or waited last, else a free one, else where least waits.
    /// With a row of his before he keeps his turn: one who sends job by job is no newcomer each time.
    pub fn assign(&mut self, owner: &Owner) -> Place {
        let rank = |row: &Row| match (row.is_free(), row.owners.contains(owner)) {
            (false, true) => (0, 0, 0),
            (true, true) => (1, 0, row.served),
            (true, false) => (2, 0, row.served),
            (false, false) => (3, row.length(), row.served),
        };
        let best = Place::rows()
            .zip(&mut self.rows)
            .min_by_key(|(_, row)| rank(row));
        let (place, row) = best.expect("a lane has rows");
        row.add(owner.clone());
        row.coming_count = row.coming_count.saturating_add(1);
        place
    }

    /// Whether nothing else waits there than jobs of such owners, for all that is known.
    pub fn holds_only(&self, place: Place, such: impl Fn(&Owner) -> bool) -> bool {
        let row = Self::index(place).and_then(|index| self.rows.get(index));
        row.is_some_and(|row| !row.former && !row.owners.is_empty() && row.owners.iter().all(such))
    }

    /// What was taken from a row goes back to its end.
    pub fn return_to(&mut self, place: Place, owner: Owner) {
        let Some(row) = self.row(place) else { return };
        if row.is_free() {
            row.owners.clear();
        }
        row.add(owner);
        row.coming_count = row.coming_count.saturating_add(1);
    }

    /// The broker did not take what was to come.
    pub fn did_not_come(&mut self, place: Place) {
        if let Some(row) = self.row(place) {
            row.coming_count = row.coming_count.saturating_sub(1);
        }
    }

    /// The broker has what was assigned.
    pub fn arrived(&mut self, place: Place) {
        if let Some(row) = self.row(place) {
            row.coming_count = row.coming_count.saturating_sub(1);
            row.waiting_count = row.waiting_count.saturating_add(1);
        }
    }

    /// The connection is gone, and what was on its way with it: nobody will say that it arrived.
    pub fn forget_coming(&mut self) {
        for row in &mut self.rows {
            row.coming_count = 0;
        }
    }

    pub fn unsorted(&mut self, unsorted: bool) {
        self.unsorted = unsorted;
    }

    pub fn are_empty(&self) -> bool {
        self.rows.iter().all(Row::is_free)
    }

    fn row(&mut self, place: Place) -> Option<&mut Row> {
        self.rows.get_mut(Self::index(place)?)
    }

    fn index(place: Place) -> Option<usize> {
        match place {
            Place::Intake => None,
            Place::Row(number) => usize::from(number).checked_sub(1),
        }
    }
}

impl Row {
    fn length(&self) -> u32 {
        self.waiting_count.saturating_add(self.coming_count)
    }

    fn is_free(&self) -> bool {
        self.length() == 0
    }

    fn add(&mut self, owner: Owner) {
        if std::mem::take(&mut self.former) && !self.owners.contains(&owner) {
            self.owners.clear();
        }
        if self.owners.len() < MAX_TENANTS {
            self.owners.insert(owner);
        }
    }
}

/// The rows of all lanes, shared by whoever serves them in a worker. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LaneRows(Arc<[Mutex<Rows>; 3]>);

impl LaneRows {
    pub fn of(&self, lane: Lane) -> MutexGuard<'_, Rows> {
        let [interactive, standard, batch] = &*self.0;
        let rows = match lane {
            Lane::Interactive => interactive,
            Lane::Standard => standard,
            Lane::Batch => batch,
        };
        // Counts and names that a panic left half changed are seen anew within the second.
        rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
