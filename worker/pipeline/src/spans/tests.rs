use std::sync::{Mutex, PoisonError};

use super::*;
use crate::channel::HeardSpan;
use crate::recognizer::{LanguageGuess, Recognition, Recognizer, Request};
use crate::slots::ModelTraits;
use job_schema::transcript::TimeSpan;

const BATCH: usize = 8;

/// Hears nothing, and notes how many spans it was given at once.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<Mutex<Vec<usize>>>);

impl Recognizer for Counting {
    fn recognize(&mut self, _: &Request<'_>, _: &AbortFlag) -> Result<Recognition, RecognizeError> {
        Ok(Recognition::default())
    }

    fn batch_size(&self) -> usize {
        BATCH
    }

    fn recognize_all(
        &mut self,
        requests: &[Request<'_>],
        _: &AbortFlag,
    ) -> Result<Vec<Recognition>, RecognizeError> {
        // Second looks and names come with nothing here.
        if !requests.is_empty() {
            let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            sizes.push(requests.len());
        }
        Ok(vec![Recognition::default(); requests.len()])
    }

    fn detect_language(
        &mut self,
        _: &[f32],
        _: &AbortFlag,
    ) -> Result<Vec<LanguageGuess>, RecognizeError> {
        Ok(Vec::new())
    }
}

fn span(number: u64) -> Assigned {
    let heard = HeardSpan {
        channel: 0,
        span: TimeSpan {
            start_ms: number * 1_000,
            end_ms: number * 1_000 + 500,
        },
        speech: Vec::new(),
        pcm: vec![0.0; 8_000],
    };
    (heard, "en".to_owned())
}

/// The sizes of all batches of a call, the largest first, and where its results begin.
fn batches(slots_count: usize, spans_count: u64) -> (Vec<usize>, Vec<u64>) {
    let counting = Counting::default();
    let recognizers = (0..slots_count)
        .map(|_| Box::new(counting.clone()) as Box<dyn Recognizer>)
        .collect();
    let model = ModelTraits {
        languages: vec!["en".to_owned()],
        confidence: None,
    };
    let slots = SlotPool::new(recognizers, model);
    let mut queue = SpanQueue::new(&slots, &AbortFlag::default(), Vec::new(), 0);
    let mut starts = Vec::new();
    for number in 0..spans_count {
        starts.extend(queue.push(span(number)).unwrap());
    }
    queue.finish();
    while let Some(result) = queue.next().unwrap() {
        starts.push(result);
    }
    let mut sizes = counting.0.lock().unwrap().clone();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    (sizes, starts.iter().map(|r| r.span.start_ms).collect())
}

#[test]
fn a_call_ends_in_smaller_batches_where_slots_would_wait_for_each_other() {
    for (slots_count, spans_count, sizes) in [
        // One slot waits for nobody.
        (1, 20, vec![8, 8, 4]),
        // All are free and begin at once.
        (2, 3, vec![2, 1]),
        (2, 12, vec![6, 6]),
        (2, 30, vec![8, 8, 4, 3, 2, 2, 2, 1]),
        (4, 40, vec![8, 8, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1]),
    ] {
        let (given, starts) = batches(slots_count, spans_count);
        let what = format!("{spans_count} spans over {slots_count} slots");
        assert_eq!(given, sizes, "{what}");
        let in_order: Vec<u64> = (0..spans_count).map(|number| number * 1_000).collect();
        assert_eq!(starts, in_order, "{what}");
    }
}
