//! The recogniser without a model: words from a script, evenly timed over the span, chosen by the samples alone. In:
//! a [`Script`], read from JSON. Out: the same words for the same span, always. Fails on request: a [`Fault`] acts for
//! real, so that supervision, limits and retries can be tested on the true thing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::recognizer::{
    AbortFlag, LanguageGuess, MAX_SPAN_MS, Recognition, RecognizeError, RecognizedSegment,
    RecognizedWord, Recognizer, Request, SAMPLE_RATE_HZ,
};

/// A slow speaker's pace: two and a half words a second.
const WORD_MS: u64 = 400;
/// How often a waiting recogniser looks at the abort flag.
const ABORT_POLL: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Pretended work for each span.
    #[serde(default)]
    pub delay_ms: u64,
    pub words: Vec<String>,
    /// What it knows, the likeliest first.
    #[serde(default = "only_english")]
    pub languages: Vec<String>,
    #[serde(default)]
    pub fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: FaultKind,
    /// The how-manieth recognition, over all slots of the process, is hit.
    pub at_span: u64,
    /// Only counts spans with a sample beyond this, so that one loud recording among many can be the poisoned one.
    #[serde(default)]
    pub peak_above: Option<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// What ggml does on a failed assertion.
    Abort,
    Segfault,
    /// Never answers, and does not look at the abort flag.
    Hang,
    /// Allocates until the system refuses.
    Oom,
    Panic,
    /// A typed engine error.
    Error,
}

/// One slot of a script.
#[derive(Debug)]
pub struct Scripted {
    script: Arc<Script>,
    /// Spans seen by all slots together.
    seen_count: Arc<AtomicU64>,
}

impl Script {
    /// Reads a script from its JSON text.
    ///
    /// # Errors
    /// serde_json's, with line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Slots that count their spans together.
    pub fn slots(self, count: usize) -> Vec<Box<dyn Recognizer>> {
        let (script, seen_count) = (Arc::new(self), Arc::new(AtomicU64::new(0)));
        (0..count)
            .map(|_| -> Box<dyn Recognizer> {
                Box::new(Scripted {
                    script: Arc::clone(&script),
                    seen_count: Arc::clone(&seen_count),
                })
            })
            .collect()
    }
}

impl Recognizer for Scripted {
    fn recognize(
        &mut self,
        request: &Request<'_>,
        abort: &AbortFlag,
    ) -> Result<Recognition, RecognizeError> {
        let languages = &self.script.languages;
        if !languages.iter().any(|known| known == request.language) {
            return Err(RecognizeError::UnknownLanguage(request.language.to_owned()));
        }
        let span_ms = duration_ms(request.pcm);
        if span_ms > MAX_SPAN_MS {
            let reason = format!("the span is {span_ms} ms long, the window {MAX_SPAN_MS} ms");
            return Err(RecognizeError::Engine(reason));
        }
        self.act_on_fault(request.pcm)?;
        wait(Duration::from_millis(self.script.delay_ms), abort)?;
        Ok(self.recite(request))
    }

    fn detect_language(
        &mut self,
        _pcm: &[f32],
        abort: &AbortFlag,
    ) -> Result<Vec<LanguageGuess>, RecognizeError> {
        wait(Duration::ZERO, abort)?;
        let languages = &self.script.languages;
        if languages.len() < 2 {
            return Ok(Vec::new());
        }
        let guess = |(i, code): (usize, &String)| LanguageGuess {
            code: code.clone(),
            probability: if i == 0 { 1.0 } else { 0.0 },
        };
        Ok(languages.iter().enumerate().map(guess).collect())
    }
}

impl Scripted {
    fn recite(&self, request: &Request<'_>) -> Recognition {
        let span_ms = duration_ms(request.pcm);
        let wanted = match self.script.words.as_slice() {
            [] => 0,
            _ => (span_ms / WORD_MS) as usize,
        };
        let count = wanted.min(request.max_tokens as usize);
        let cut_short = count < wanted;
        if count == 0 {
            return Recognition {
                cut_short,
                ..Recognition::default()
            };
        }
        let first = digest(request.pcm);
        let words = (0..count)
            .map(|i| RecognizedWord {
                text: pick(&self.script.words, first, i).to_owned(),
                start_ms: span_ms * i as u64 / count as u64,
                end_ms: span_ms * (i as u64 + 1) / count as u64,
                probability: 0.9,
            })
            .collect();
        Recognition {
            segments: vec![RecognizedSegment {
                words,
                avg_logprob: -0.2,
                no_speech_prob: 0.01,
                temperature: 0.0,
            }],
            cut_short,
        }
    }

    fn act_on_fault(&self, pcm: &[f32]) -> Result<(), RecognizeError> {
        let Some(fault) = self.script.fault else {
            return Ok(());
        };
        if let Some(limit) = fault.peak_above
            && !pcm.iter().any(|s| s.abs() > limit)
        {
            return Ok(());
        }
        if self.seen_count.fetch_add(1, Ordering::Relaxed) != fault.at_span {
            return Ok(());
        }
        match fault.kind {
            FaultKind::Abort => std::process::abort(),
            FaultKind::Segfault => segfault(),
            FaultKind::Hang => hang(),
            FaultKind::Oom => exhaust_memory(),
            FaultKind::Panic => scripted_panic(),
            FaultKind::Error => Err(RecognizeError::Engine("scripted error".into())),
        }
    }
}

fn wait(delay: Duration, abort: &AbortFlag) -> Result<(), RecognizeError> {
    let until = Instant::now() + delay;
    loop {
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(ABORT_POLL));
    }
}

fn only_english() -> Vec<String> {
    vec!["en".to_owned()]
}

fn duration_ms(pcm: &[f32]) -> u64 {
    pcm.len() as u64 * 1_000 / u64::from(SAMPLE_RATE_HZ)
}

/// FNV-1a over the samples' bits.
fn digest(pcm: &[f32]) -> u64 {
    pcm.iter().fold(0xcbf2_9ce4_8422_2325, |hash, sample| {
        (hash ^ u64::from(sample.to_bits())).wrapping_mul(0x0100_0000_01b3)
    })
}

fn pick(words: &[String], first: u64, i: usize) -> &str {
    let first = usize::try_from(first % words.len() as u64).unwrap_or(0);
    let at = first + i;
    &words[at % words.len()]
}

fn segfault() -> ! {
    let signal = rustix::process::Signal::SEGV;
    // A process may always signal itself; were it refused, the abort below is the next best death.
    let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    std::process::abort()
}

fn hang() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3_600));
    }
}

/// The memory is never touched: a limit on address space refuses it, and so does, in the end, any kernel.
fn exhaust_memory() -> ! {
    const CHUNK_BYTES: usize = 1 << 30;
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut chunk = Vec::new();
        if chunk.try_reserve_exact(CHUNK_BYTES).is_err() {
            let layout = std::alloc::Layout::new::<[u8; CHUNK_BYTES]>();
            std::alloc::handle_alloc_error(layout);
        }
        hoard.push(chunk);
    }
}

#[expect(clippy::panic, reason = "the fault that the script asks for")]
fn scripted_panic() -> ! {
    panic!("scripted panic")
}
