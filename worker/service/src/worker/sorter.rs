//! Keeps the rows of one lane. In: the lane, as the broker has it. Out: this worker's knowledge of what waits in which row
//! ([`crate::rows`]); and on the one worker of a fleet that sorts the lane, jobs moved from its intake into rows by tenant, published first
//! and acked last. A lane in which no two jobs wait is left alone. Fails as the broker does, and ends its session with it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use job_schema::job::Lane;
use job_schema::parse;

use super::Worker;
use super::session::Session;
use crate::broker::{BrokerError, Delivery, Intake, LaneWatch, Publisher};
use crate::crash::{self, Point};
use crate::rows::Owner;
use crate::topology::Place;

/// Between looks at the intake by whoever sorts, and at the rows while some wait there. A quiet lane is looked at less often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOK_AT_ROWS_EVERY: Duration = Duration::from_millis(250);
const LOOK_AT_EMPTY_ROWS_EVERY: Duration = Duration::from_secs(1);
/// What waits no longer than this waits for a slot that rests, and not for one that works.
const CONTESTED_AFTER: Duration = Duration::from_millis(300);
/// Rows that were in use a moment ago fill again.
const LIVELY_FOR: Duration = Duration::from_secs(5);
/// A sorter that is gone is followed by another within this.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// What waits longer than this to be sorted waits for a sorter that is frozen: then slots take from the intake in turn.
const UNSORTED_AFTER: Duration = Duration::from_secs(2);
/// A row that is full has room again once slots have taken from it.
const REFUSED_FOR: Duration = Duration::from_secs(5);

pub(super) struct Sorter {
    worker: Arc<Worker>,
    session: Arc<Session>,
    lane: Lane,
    watch: LaneWatch,
    publisher: Publisher,
    looked_at_rows: Instant,
    /// Since when several jobs wait to be sorted.
    contested_since: Option<Instant>,
    /// When some row was last seen not to be empty, or several jobs to wait to be sorted.
    lively: Option<Instant>,
    /// Since when something waits to be sorted.
    unsorted_since: Option<Instant>,
    /// When a queue would not have a job.
    refused: Option<Instant>,
    /// Something was sent that an alarm of the broker kept from being confirmed.
    unconfirmed: bool,
}

impl Sorter {
    /// With a first look at the rows: what was sorted comes before what was not.
    pub(super) async fn open(
        worker: Arc<Worker>,
        session: Arc<Session>,
        lane: Lane,
    ) -> Result<Self, BrokerError> {
        let watch = session.broker.lane_watch(lane).await?;
        let publisher = session.broker.publisher().await?;
        worker.rows.of(lane).forget_coming();
        let mut sorter = Self {
            worker,
            session,
            lane,
            watch,
            publisher,
            looked_at_rows: Instant::now(),
            contested_since: None,
            lively: None,
            unsorted_since: None,
            refused: None,
            unconfirmed: false,
        };
        sorter.look_at_rows().await?;
        Ok(sorter)
    }

    pub(super) async fn run(mut self) -> Result<(), BrokerError> {
        let (mut sorts, mut asked) = (false, None::<Instant>);
        while !self.session.drain.is_cancelled() {
            if !sorts && asked.is_none_or(|at| at.elapsed() >= ASK_EVERY) {
                asked = Some(Instant::now());
                sorts = self.may_sort().await?;
                if sorts {
                    tracing::info!(lane = %self.lane, "this worker sorts the lane");
                }
            }
            self.look_at_rows_if_due().await?;
            let waiting_count = self.watch.waiting_count(Place::Intake).await?;
            self.judge(waiting_count);
            if self.is_contested(waiting_count) && sorts && self.may_move() {
                self.contested_since = None;
                self.session.sorting.fetch_add(1, Ordering::AcqRel);
                let sorted = self.sort().await;
                self.session.sorting.fetch_sub(1, Ordering::AcqRel);
                sorted?;
                continue;
            }
            let rest = if sorts {
                LOOK_EVERY
            } else {
                LOOK_AT_ROWS_EVERY
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.session.drain.cancelled() => {}
            }
        }
        if sorts {
            self.watch.leave_sorting().await?;
        }
        Ok(())
    }

    async fn may_sort(&self) -> Result<bool, BrokerError> {
        match self.is_sorted().await? {
            Some(false) => self.session.broker.may_sort(self.lane).await,
            Some(true) | None => Ok(false),
        }
    }

    /// A broker that takes no messages cannot be asked. That it has just stopped to is seen from what it leaves unanswered, which is
    /// no reason to end the session.
    pub(super) async fn is_sorted(&self) -> Result<Option<bool>, BrokerError> {
        if self.session.broker.is_blocked() {
            return Ok(None);
        }
        let asked = tokio::time::timeout(ASK_EVERY, self.publisher.is_sorted(self.lane));
        asked.await.ok().transpose()
    }

    /// Where one job waits alone, or a slot is about to look, there is nobody to be fair to.
    fn is_contested(&mut self, waiting_count: u32) -> bool {
        let now = Instant::now();
        if waiting_count < 2 {
            self.contested_since = None;
        } else {
            self.contested_since.get_or_insert(now);
            self.lively = Some(now);
        }
        let since = self.contested_since;
        let for_long = since.is_some_and(|since| now - since >= CONTESTED_AFTER);
        for_long || (waiting_count > 0 && !self.worker.rows.of(self.lane).are_empty())
    }

    /// A broker that takes no messages confirms none, nor does a queue that is full.
    fn may_move(&self) -> bool {
        let was_refused = self.refused.is_some_and(|at| at.elapsed() < REFUSED_FOR);
        !was_refused
            && !self.session.drain.is_cancelled()
            && !self.session.broker.is_blocked()
            && !self.worker.pauses.is_paused(self.lane)
    }

    /// Moves what is in the intake and what comes, until nothing has come for a while and no row holds anything.
    async fn sort(&mut self) -> Result<(), BrokerError> {
        if std::mem::take(&mut self.unconfirmed) {
            // What an alarm left is answered now, and must not be taken for an answer to what is sent next.
            self.publisher = self.session.broker.publisher().await?;
        }
        let mut intake = self.watch.open_intake(&self.session.broker).await?;
        while self.may_move() {
            let batch = intake.next(LOOK_EVERY).await?;
            let has_come = !batch.is_empty();
            if let Some(refusal) = self.move_all(batch).await? {
                // What was not moved goes back with the channel.
                self.be_refused(&refusal);
                return Ok(());
            }
            if self.looked_at_rows.elapsed() < LOOK_AT_ROWS_EVERY {
                continue;
            }
            self.look_at_rows().await?;
            let waiting_count = match has_come {
                true => 0,
                false => self.watch.waiting_count(Place::Intake).await?,
            };
            // A consumer that died without a word brings nothing, although something waits: the next one will.
            let is_dead = self.judge(waiting_count);
            if is_dead || (!has_come && self.worker.rows.of(self.lane).are_empty()) {
                break;
            }
        }
        self.leave(intake).await
    }

    async fn leave(&mut self, intake: Intake) -> Result<(), BrokerError> {
        if self.session.broker.is_blocked() {
            // What was sent goes back with the channel, as nobody would confirm it.
            return Ok(());
        }
        let rest = intake.close().await?;
        if let Some(refusal) = self.move_all(rest).await? {
            self.be_refused(&refusal);
        }
        Ok(())
    }

    /// Slots take from the intake in turn until there is room again.
    fn be_refused(&mut self, refusal: &BrokerError) {
        tracing::warn!(error = %refusal, lane = %self.lane, "jobs cannot be sorted");
        self.worker.rows.of(self.lane).forget_coming();
        self.refused = Some(Instant::now());
    }

    /// Gives the first refusal, of a queue or of a broker that takes no messages now. What was refused is not acked.
    async fn move_all(&mut self, batch: Vec<Delivery>) -> Result<Option<BrokerError>, BrokerError> {
        if batch.is_empty() {
            return Ok(None);
        }
        let assigned = |delivery: Delivery| {
            let owner = self.owner(&delivery);
            let place = self.worker.rows.of(self.lane).assign(&owner);
            (delivery, place)
        };
        let moves: Vec<(Delivery, Place)> = batch.into_iter().map(assigned).collect();
        let answers = match self.publisher.publish_moved(&moves).await {
            // Slots have jobs in hand, which would be lost with the session.
            Err(e) if e.is_timeout() && self.session.broker.is_blocked() => {
                self.unconfirmed = true;
                return Ok(Some(e));
            }
            answers => answers?,
        };
        crash::at(Point::Sorted);
        let mut refusal = None;
        for ((delivery, place), answer) in moves.into_iter().zip(answers) {
            if let Err(e) = answer {
                refusal.get_or_insert(e);
                continue;
            }
            self.worker.rows.of(self.lane).arrived(place);
            delivery.ack().await?;
        }
        Ok(refusal)
    }

    /// A tenant is believed only where the slots would believe it.
    fn owner(&self, delivery: &Delivery) -> Owner {
        let job = parse::job(&delivery.body).ok()?;
        self.worker.gate.check(&job).ok()?;
        Some(job.tenant)
    }

    async fn look_at_rows_if_due(&mut self) -> Result<(), BrokerError> {
        let is_lively = self.lively.is_some_and(|at| at.elapsed() < LIVELY_FOR);
        let every = match is_lively {
            true => LOOK_AT_ROWS_EVERY,
            false => LOOK_AT_EMPTY_ROWS_EVERY,
        };
        if self.looked_at_rows.elapsed() < every {
            return Ok(());
        }
        self.look_at_rows().await
    }

    async fn look_at_rows(&mut self) -> Result<(), BrokerError> {
        for place in Place::rows() {
            let waiting_count = self.watch.waiting_count(place).await?;
            self.worker.rows.of(self.lane).saw(place, waiting_count);
        }
        self.looked_at_rows = Instant::now();
        if !self.worker.rows.of(self.lane).are_empty() {
            self.lively = Some(self.looked_at_rows);
        }
        Ok(())
    }

    /// Whether something has waited in the intake for too long, which the slots then know too.
    fn judge(&mut self, waiting_count: u32) -> bool {
        let since = match waiting_count {
            0 => None,
            _ => Some(self.unsorted_since.unwrap_or_else(Instant::now)),
        };
        self.unsorted_since = since;
        let is_late = since.is_some_and(|since| since.elapsed() >= UNSORTED_AFTER);
        self.worker.rows.of(self.lane).unsorted(is_late);
        is_late
    }
}
