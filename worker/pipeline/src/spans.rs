//! Spans on their way through the slots. In: heard spans in their final order. Out: their results in the same order,
//! whichever slot was faster. Slots are given as many at once as their recogniser likes; that changes no result. Fails: with
//! the first span that fails. Holds a bounded number of spans, so that calls share the slots and memory does not grow.

use std::collections::VecDeque;
use std::sync::Arc;

use job_schema::engine::SpanResult;
use job_schema::{ErrorCode, Failure};

use crate::language::Assigned;
use crate::look::{SpanToRead, recognize_spans};
use crate::recognizer::{AbortFlag, RecognizeError};
use crate::slots::{SlotLost, SlotPool, Ticket};
use crate::timing::add_elapsed;
use crate::vocabulary::Terms;

/// Enough that a slot never waits for the next batch, and little enough that a second call soon gets its turn.
const IN_FLIGHT_PER_SLOT: usize = 2;
/// While slots end whole batches, a call's last spans follow in smaller and smaller ones, each this part of a slot's share of
/// those left, so that no slot runs dry long before another. A span alone would have the weights read for itself.
const PARTS_OF_LAST: usize = 2;
const LEAST_OF_LAST: usize = 2;

/// The results of a batch, and how long it took in microseconds.
type Answer = (Result<Vec<SpanResult>, RecognizeError>, u64);

pub(crate) struct SpanQueue<'a> {
    slots: &'a SlotPool,
    abort: AbortFlag,
    /// Of each channel.
    terms: Vec<Arc<Terms>>,
    /// Not yet a batch.
    gathered: Vec<SpanToRead>,
    in_flight: VecDeque<InFlight>,
    done: VecDeque<SpanResult>,
    /// Spans whose results have been handed out, and the ones before them that an earlier worker had.
    finished_count: u64,
    skip_count: u64,
    recognize_us: u64,
}

struct InFlight {
    start_ms: u64,
    answer: Ticket<Answer>,
}

impl<'a> SpanQueue<'a> {
    pub(crate) fn new(
        slots: &'a SlotPool,
        abort: &AbortFlag,
        terms: Vec<Arc<Terms>>,
        skip_count: u64,
    ) -> Self {
        Self {
            slots,
            abort: abort.clone(),
            terms,
            gathered: Vec::new(),
            in_flight: VecDeque::new(),
            done: VecDeque::new(),
            finished_count: 0,
            skip_count,
            recognize_us: 0,
        }
    }

    /// Takes the next span. Returns the oldest result when the queue is full.
    pub(crate) fn push(
        &mut self,
        (heard, language): Assigned,
    ) -> Result<Option<SpanResult>, Failure> {
        if self.finished_count < self.skip_count {
            self.finished_count += 1;
            return Ok(None);
        }
        let terms = self.terms.get(usize::from(heard.channel));
        self.gathered.push(SpanToRead {
            terms: terms.cloned().unwrap_or_default(),
            heard,
            language,
        });
        if self.gathered.len() >= self.slots.batch_size() + self.kept_back() {
            let batch = self.gathered.drain(..self.slots.batch_size()).collect();
            self.submit(batch);
        }
        if self.in_flight.len() <= IN_FLIGHT_PER_SLOT * self.slots.slots_count() {
            return Ok(self.hand_out());
        }
        self.next()
    }

    /// No span follows: what was gathered is shared out among the slots.
    pub(crate) fn finish(&mut self) {
        let slots = self.slots.slots_count().max(1);
        let all_begin_at_once = slots == 1 || self.in_flight.is_empty();
        let equal_share = self.gathered.len().div_ceil(slots);
        while !self.gathered.is_empty() {
            let left = self.gathered.len();
            let share = if all_begin_at_once {
                equal_share
            } else {
                left.div_ceil(PARTS_OF_LAST * slots).max(LEAST_OF_LAST)
            };
            let size = share.min(self.slots.batch_size()).min(left);
            let batch = self.gathered.drain(..size).collect();
            self.submit(batch);
        }
    }

    /// Gives up what no slot has been given.
    pub(crate) fn stop(&mut self) {
        self.gathered.clear();
    }

    /// Waits for the oldest span that a slot was given. `None` when there is none.
    pub(crate) fn next(&mut self) -> Result<Option<SpanResult>, Failure> {
        if self.done.is_empty()
            && let Some(oldest) = self.in_flight.pop_front()
        {
            let (results, took_us) = oldest.answer.wait()?;
            self.recognize_us += took_us;
            self.done.extend(results?);
        }
        Ok(self.hand_out())
    }

    pub(crate) fn recognize_us(&self) -> u64 {
        self.recognize_us
    }

    /// A count to resume from.
    pub(crate) fn finished_count(&self) -> u64 {
        self.finished_count.max(self.skip_count)
    }

    /// Start of the oldest span that was not handed out: nothing before it is open.
    pub(crate) fn oldest_ms(&self) -> Option<u64> {
        let done = self.done.front().map(|result| result.span.start_ms);
        let in_flight = || self.in_flight.front().map(|batch| batch.start_ms);
        let gathered = || Some(self.gathered.first()?.heard.span.start_ms);
        done.or_else(in_flight).or_else(gathered)
    }

    /// Spans that no slot is given before the recording has ended: enough to keep the others busy while one ends a whole batch.
    fn kept_back(&self) -> usize {
        (self.slots.batch_size() - 1) * self.slots.slots_count().saturating_sub(1)
    }

    fn hand_out(&mut self) -> Option<SpanResult> {
        let result = self.done.pop_front()?;
        self.finished_count += 1;
        Some(result)
    }

    fn submit(&mut self, batch: Vec<SpanToRead>) {
        let Some(first) = batch.first() else { return };
        let start_ms = first.heard.span.start_ms;
        let abort = self.abort.clone();
        let mapping = self.slots.model().confidence.clone();
        let answer = self.slots.submit(move |slot| {
            let mut took_us = 0;
            let results = add_elapsed(&mut took_us, || {
                recognize_spans(slot, &batch, mapping.as_ref(), &abort)
            });
            (results, took_us)
        });
        self.in_flight.push_back(InFlight { start_ms, answer });
    }
}

impl From<SlotLost> for Failure {
    fn from(lost: SlotLost) -> Self {
        Failure::new(ErrorCode::EngineCrashed, lost.to_string())
    }
}

impl From<RecognizeError> for Failure {
    fn from(error: RecognizeError) -> Self {
        let code = match &error {
            RecognizeError::Aborted => ErrorCode::Cancelled,
            RecognizeError::Engine(_) => ErrorCode::RecognitionFailed,
            RecognizeError::UnknownLanguage(_) => ErrorCode::BadJob,
        };
        Failure::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests;
