//! The seam to the model. In: one span of speech, 16 kHz mono f32 in −1..1, 0.1 to 30 s. Out: words with times from the
//! span's first sample. Fails: the model's own errors, or the caller's stop. Three implementations: whisper.cpp's and
//! the native one in the crate `models`, and [`crate::scripted`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use job_schema::writing::{Writing, ends_latin};

/// The rate that every recogniser takes.
pub const SAMPLE_RATE_HZ: u32 = 16_000;
/// The model's window: a span is never longer.
pub const MAX_SPAN_MS: u64 = 30_000;

/// One slot: a model's working state, owned by one thread.
///
/// The same request gives the same recognition whatever was asked before it.
pub trait Recognizer: Send {
    /// Writes down one span.
    ///
    /// # Errors
    /// [`RecognizeError::Aborted`] soon after `abort` is raised; [`RecognizeError::Engine`] with the engine's own words.
    fn recognize(
        &mut self,
        request: &Request<'_>,
        abort: &AbortFlag,
    ) -> Result<Recognition, RecognizeError>;

    /// How many spans are best given at once.
    fn batch_size(&self) -> usize {
        1
    }

    /// Writes down several spans: to each the answer that [`Recognizer::recognize`] gives to it alone.
    ///
    /// # Errors
    /// As [`Recognizer::recognize`].
    fn recognize_all(
        &mut self,
        requests: &[Request<'_>],
        abort: &AbortFlag,
    ) -> Result<Vec<Recognition>, RecognizeError> {
        let each = requests.iter();
        each.map(|request| self.recognize(request, abort)).collect()
    }

    /// Probabilities of the languages that the model knows, the likeliest first; empty for a model of one language.
    ///
    /// # Errors
    /// As [`Recognizer::recognize`].
    fn detect_language(
        &mut self,
        pcm: &[f32],
        abort: &AbortFlag,
    ) -> Result<Vec<LanguageGuess>, RecognizeError>;
}

#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub pcm: &'a [f32],
    /// How many of the samples are the span: after them it is filled up with silence, in which no word belongs.
    pub spoken: usize,
    /// ISO 639-1; must be one that the model knows.
    pub language: &'a str,
    /// Text that sets vocabulary and style. Empty for none. The recogniser cuts it to what its window allows.
    pub prompt: &'a str,
    /// Greatest number of tokens to write, from the span's duration.
    pub max_tokens: u32,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recognition {
    /// In time order.
    pub segments: Vec<RecognizedSegment>,
    /// Decoding ended at `max_tokens` and not by the model's own end.
    pub cut_short: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RecognizedSegment {
    /// Whole words, punctuation attached, in order.
    pub words: Vec<RecognizedWord>,
    pub avg_logprob: f32,
    pub no_speech_prob: f32,
    pub temperature: f32,
}

impl RecognizedSegment {
    pub fn text(&self, writing: Writing) -> String {
        writing.join(self.words.iter().map(|word| &word.text))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct RecognizedWord {
    pub text: String,
    /// From the span's first sample. May be rough: the pipeline mends order and bounds.
    pub start_ms: u64,
    pub end_ms: u64,
    /// Mean probability of its tokens, 0 to 1.
    pub probability: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LanguageGuess {
    pub code: String,
    pub probability: f32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecognizeError {
    #[error("recognise span: aborted")]
    Aborted,
    #[error("recognise span: {0}")]
    Engine(String),
    #[error("recognise span: the model does not know the language `{0}`")]
    UnknownLanguage(String),
}

/// Raised from another thread to end a recognition that is under way.
#[derive(Debug, Clone, Default)]
pub struct AbortFlag(Arc<AtomicBool>);

impl AbortFlag {
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// For an engine's C callback, which may outlive any borrow.
    pub fn shared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
