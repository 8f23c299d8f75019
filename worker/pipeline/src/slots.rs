//! The slots: one thread for each recogniser, taking work first come, first served. In: closures over a recogniser. Out:
//! a [`Ticket`] that yields the closure's answer. Fails: [`SlotLost`] when the thread that held the work has died.
//! Calls share the slots fairly because each keeps a bounded number of spans in flight.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use job_schema::transcript::ConfidenceMapping;

use crate::recognizer::Recognizer;

type Work = Box<dyn FnOnce(&mut dyn Recognizer) + Send>;

/// What the loaded model can do.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelTraits {
    /// ISO 639-1, the one to assume first. A model of one language lists one.
    pub languages: Vec<String>,
    /// How its probabilities become confidences, where that was measured.
    pub confidence: Option<ConfidenceMapping>,
}

impl ModelTraits {
    /// The language of a model that knows no other.
    pub fn only_language(&self) -> Option<&str> {
        match self.languages.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    pub fn knows(&self, language: &str) -> bool {
        self.languages.iter().any(|known| known == language)
    }
}

/// N threads, each with a recogniser of its own. Shared by all calls of an engine.
#[derive(Debug)]
pub struct SlotPool {
    /// `None` only while dropping.
    work: Option<Sender<Work>>,
    threads: Vec<JoinHandle<()>>,
    batch_size: usize,
    model: ModelTraits,
}

/// The slot's thread ended, by a panic in the engine, before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("wait for slot: its thread ended without an answer")]
pub struct SlotLost;

impl SlotPool {
    pub fn new(recognizers: Vec<Box<dyn Recognizer>>, model: ModelTraits) -> Self {
        let (work, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let batch_sizes = recognizers.iter().map(|recognizer| recognizer.batch_size());
        let batch_size = batch_sizes.min().unwrap_or(1).max(1);
        let threads = recognizers
            .into_iter()
            .map(|recognizer| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || serve(recognizer, &queue))
            })
            .collect();
        Self {
            work: Some(work),
            threads,
            batch_size,
            model,
        }
    }

    pub fn model(&self) -> &ModelTraits {
        &self.model
    }

    pub fn slots_count(&self) -> usize {
        self.threads.len()
    }

    /// Spans to give to a slot at once.
    pub(crate) fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Slots whose thread has died of a panic. An engine with any should end once its calls have.
    pub fn lost_count(&self) -> usize {
        self.threads.iter().filter(|t| t.is_finished()).count()
    }

    /// Queues `work` for the next free slot.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Recognizer) -> T + Send + 'static,
    ) -> Ticket<T> {
        let (answer, ticket) = mpsc::channel();
        let boxed: Work = Box::new(move |recognizer| {
            // A caller that has given up waiting has dropped its ticket: the answer is of no use then.
            let _ = answer.send(work(recognizer));
        });
        if let Some(queue) = &self.work {
            // Without a living slot the work is dropped here, and its ticket says so.
            let _ = queue.send(boxed);
        }
        Ticket(ticket)
    }
}

impl Drop for SlotPool {
    fn drop(&mut self) {
        self.work = None;
        for thread in self.threads.drain(..) {
            // A slot that panicked has told its caller already.
            let _ = thread.join();
        }
    }
}

/// Work handed to a slot.
#[derive(Debug)]
pub(crate) struct Ticket<T>(Receiver<T>);

impl<T> Ticket<T> {
    pub(crate) fn wait(self) -> Result<T, SlotLost> {
        self.0.recv().map_err(|_| SlotLost)
    }
}

fn serve(mut recognizer: Box<dyn Recognizer>, queue: &Mutex<Receiver<Work>>) {
    loop {
        // Nothing runs under the lock that could leave the queue half changed, so poison means nothing here.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        work(recognizer.as_mut());
    }
}
