//! The pipeline with a real model, in this process. In: a ggml file, a recogniser and a number of slots; then recordings. Out:
//! what was heard, and the transcript's bytes. Fails as the model's loading and the pipeline do.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use job_schema::engine::{CallSpec, CallSummary, SpanResult};
use job_schema::transcript::EngineFacts;
use models::ggml::ModelFacts;
use models::{NativeModel, WhisperModel};
use pipeline::assemble::{self, Header};
use pipeline::{Control, Ended, ModelTraits, Output, Recognizer, SlotPool};
use sha2::Digest;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Native,
    WhisperCpp,
}

/// What the pipeline made of a recording.
#[derive(Debug, Clone)]
pub struct Heard {
    pub spans: Vec<SpanResult>,
    pub summary: CallSummary,
}

/// A model on some slots.
///
/// # Errors
/// The file is no model, or a slot has no memory.
pub fn slots(engine: Engine, model: &Path, slots_count: usize) -> anyhow::Result<SlotPool> {
    let mut recognizers: Vec<Box<dyn Recognizer>> = Vec::new();
    let traits = match engine {
        Engine::Native => {
            let model = NativeModel::load(model)?;
            for _ in 0..slots_count {
                recognizers.push(Box::new(model.slot()));
            }
            traits(model.facts())
        }
        Engine::WhisperCpp => {
            let model = WhisperModel::load(model)?;
            for _ in 0..slots_count {
                recognizers.push(Box::new(model.slot()?));
            }
            traits(model.facts())
        }
    };
    Ok(SlotPool::new(recognizers, traits))
}

fn traits(facts: &ModelFacts) -> ModelTraits {
    ModelTraits {
        languages: models::whisper::languages(facts)
            .map(str::to_owned)
            .collect(),
        confidence: None,
    }
}

/// # Errors
/// The pipeline's failure, with its code.
pub fn hear(recording: &[u8], spec: &CallSpec, slots: &SlotPool) -> anyhow::Result<Heard> {
    let mut file = tempfile::tempfile().context("make a temporary file")?;
    file.write_all(recording).context("write the recording")?;
    let mut spans = Vec::new();
    let mut sink = |output| {
        if let Output::Span(span) = output {
            spans.push(span);
        }
    };
    match pipeline::run(file, spec, slots, &Control::default(), &mut sink)? {
        Ended::Done(summary) => Ok(Heard {
            spans,
            summary: *summary,
        }),
        Ended::Stopped { .. } => bail!("stopped without being asked to"),
    }
}

impl Heard {
    pub fn words_count(&self) -> usize {
        let segments = self.spans.iter().flat_map(|span| &span.segments);
        segments.map(|segment| segment.words.len()).sum()
    }

    pub fn suppressed_words_count(&self) -> usize {
        let suppressed = self.spans.iter().flat_map(|span| &span.suppressed);
        suppressed.map(|s| s.text.split_whitespace().count()).sum()
    }

    /// The transcript as it would be stored.
    ///
    /// # Errors
    /// None that is known of: every transcript can be written.
    pub fn transcript(self, recording: &[u8]) -> anyhow::Result<Vec<u8>> {
        let digest = format!("{:x}", sha2::Sha256::digest(recording)).parse()?;
        let header = Header {
            tenant: "acme".parse()?,
            call: "call-1".parse()?,
            spec_sha256: "0".repeat(64).parse()?,
            size_bytes: recording.len() as u64,
            sha256: digest,
            engine: EngineFacts {
                model: "tried".to_owned(),
                model_sha256: "0".repeat(64).parse()?,
                recognizer: "tried".to_owned(),
                worker: "tests".to_owned(),
                parameters: BTreeMap::new(),
                confidence: None,
            },
        };
        let transcript = assemble::transcript(header, self.spans, self.summary);
        serde_json::to_vec(&transcript).context("write the transcript")
    }
}
