//! Spans on their way through the slots. In: heard spans in their final order. Out: their results in the same order,
//! whichever slot was faster. Fails: with the first span that fails. Holds a bounded number of spans, so that calls share
//! the slots and memory does not grow.

use std::collections::VecDeque;

use job_schema::engine::SpanResult;
use job_schema::{ErrorCode, Failure};

use crate::channel::HeardSpan;
use crate::look::recognize_span;
use crate::recognizer::{AbortFlag, RecognizeError};
use crate::slots::{SlotLost, SlotPool, Ticket};
use crate::timing::add_elapsed;

/// Enough that a slot never waits for the next span, and little enough that a second call soon gets its turn.
const IN_FLIGHT_PER_SLOT: usize = 2;

/// The result, and how long it took in microseconds.
type Answer = (Result<SpanResult, RecognizeError>, u64);

pub(crate) struct SpanQueue<'a> {
    slots: &'a SlotPool,
    abort: AbortFlag,
    prompt: String,
    in_flight: VecDeque<InFlight>,
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
        prompt: String,
        skip_count: u64,
    ) -> Self {
        Self {
            slots,
            abort: abort.clone(),
            prompt,
            in_flight: VecDeque::new(),
            finished_count: 0,
            skip_count,
            recognize_us: 0,
        }
    }

    /// Takes the next span. Returns the oldest result when the queue is full.
    pub(crate) fn push(
        &mut self,
        span: HeardSpan,
        language: &str,
    ) -> Result<Option<SpanResult>, Failure> {
        if self.finished_count < self.skip_count {
            self.finished_count += 1;
            return Ok(None);
        }
        let (language, prompt, abort) =
            (language.to_owned(), self.prompt.clone(), self.abort.clone());
        let start_ms = span.span.start_ms;
        let answer = self.slots.submit(move |slot| {
            let mut took_us = 0;
            let result = add_elapsed(&mut took_us, || {
                recognize_span(slot, &span, &language, &prompt, &abort)
            });
            (result, took_us)
        });
        self.in_flight.push_back(InFlight { start_ms, answer });
        if self.in_flight.len() <= IN_FLIGHT_PER_SLOT * self.slots.slots_count() {
            return Ok(None);
        }
        self.next()
    }

    /// Waits for the oldest span. `None` when nothing is in flight.
    pub(crate) fn next(&mut self) -> Result<Option<SpanResult>, Failure> {
        let Some(oldest) = self.in_flight.pop_front() else {
            return Ok(None);
        };
        let (result, took_us) = oldest.answer.wait()?;
        self.recognize_us += took_us;
        let result = result?;
        self.finished_count += 1;
        Ok(Some(result))
    }

    pub(crate) fn recognize_us(&self) -> u64 {
        self.recognize_us
    }

    /// A count to resume from.
    pub(crate) fn finished_count(&self) -> u64 {
        self.finished_count.max(self.skip_count)
    }

    /// Start of the oldest span in flight: nothing before it is open.
    pub(crate) fn oldest_ms(&self) -> Option<u64> {
        self.in_flight.front().map(|span| span.start_ms)
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
