//! The recogniser written for calls: Whisper's network in Rust. In: a checked model file; spans of 16 kHz mono f32, several
//! at once. Out: words with times. Fails: [`ModelError`] when loading, [`RecognizeError`] when stopped. Weights are bytes,
//! spans share the reading of them, and word times come from the attention of the same pass that wrote the words.
//! docs/performance.md says why it is as fast as it is.

mod align;
mod attention;
mod beam;
mod cache;
mod decoder;
mod encoder;
mod file;
mod generate;
mod heads;
mod kernels;
mod matmul;
mod mel;
mod q8;
mod vocabulary;
mod weights;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use pipeline::confidence::ConfidenceMapping;
use pipeline::recognizer::{
    AbortFlag, LanguageGuess, Recognition, RecognizeError, RecognizedSegment, Recognizer, Request,
    SAMPLE_RATE_HZ, Writing,
};

use crate::confidence;
use crate::error::ModelError;
use crate::ggml::{self, ModelFacts};
use crate::span::{
    self, MAX_PROMPT_TOKENS, MAX_TEXT_TOKENS, MS_PER_POSITION, SAMPLES_PER_POSITION,
};
use crate::whisper;
use crate::words::{self, Token};
use beam::BEAMS;
use decoder::{Buffers, Sequence, Sound};
use file::ModelFile;
use generate::{Prepared, Written, write_down};
use mel::Spectrograph;
use vocabulary::Vocabulary;
use weights::Weights;

/// Encoder positions of silence kept after the span's end, 6 s. With 200, base's word error rate on real calls is 16.3 % and
/// tiny.en's on prompts 4.3, with 300 12.8 and 3.5, at a tenth more time; in whole windows base goes from 8.0 to 8.9 % on
/// two-channel calls.
const MARGIN_POSITIONS: usize = 300;
/// Bytes that a batch may take for the keys and values of its spans, and the most spans that are worth it: a step's cost
/// for weights is then a ninth of what it is for one span alone.
const BATCH_BYTES: usize = 512 << 20;
const BATCH_MOST: usize = 8;

/// Shared weights. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct NativeModel {
    loaded: Arc<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    facts: ModelFacts,
    weights: Weights,
    vocabulary: Vocabulary,
    spectrograph: Spectrograph,
    heads: Vec<(usize, usize)>,
}

impl NativeModel {
    /// Checks the file, then reads it.
    ///
    /// # Errors
    /// [`ModelError::Read`], [`ModelError::Fault`], or [`ModelError::Unreadable`] for weights of q4 and q5.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let facts = ggml::inspect(path)?;
        let mut file = ModelFile::open(path, &facts)?;
        let tokens = std::mem::take(&mut file.tokens);
        let loaded = Loaded {
            weights: Weights::new(&file, &facts),
            vocabulary: Vocabulary::new(tokens, &facts),
            spectrograph: Spectrograph::new(&file.filters),
            heads: heads::alignment_heads(&facts),
            facts,
        };
        Ok(Self {
            loaded: Arc::new(loaded),
        })
    }

    pub fn facts(&self) -> &ModelFacts {
        &self.loaded.facts
    }

    /// How this model's probabilities become confidences here.
    pub fn confidence(&self) -> ConfidenceMapping {
        confidence::native(self.loaded.facts.family)
    }

    /// Makes working state for one thread.
    pub fn slot(&self) -> NativeRecognizer {
        NativeRecognizer {
            model: Arc::clone(&self.loaded),
            scratch: encoder::Scratch::default(),
            buffers: Buffers::default(),
        }
    }
}

impl Loaded {
    fn batch_size(&self) -> usize {
        let weights = &self.weights;
        let window = weights.encoder.positions.len();
        let texts = BEAMS * MAX_TEXT_TOKENS as usize * weights.state;
        // Keys and values of the sound and of the texts, two bytes each.
        let span_bytes = weights.decoder.blocks.len() * (window + texts) * 4;
        (BATCH_BYTES / span_bytes).clamp(1, BATCH_MOST)
    }
}

/// One slot.
#[derive(Debug)]
pub struct NativeRecognizer {
    model: Arc<Loaded>,
    scratch: encoder::Scratch,
    buffers: Buffers,
}

impl Recognizer for NativeRecognizer {
    fn batch_size(&self) -> usize {
        self.model.batch_size()
    }

    fn recognize(
        &mut self,
        request: &Request<'_>,
        abort: &AbortFlag,
    ) -> Result<Recognition, RecognizeError> {
        let mut all = self.recognize_all(std::slice::from_ref(request), abort)?;
        Ok(all.pop().unwrap_or_default())
    }

    fn recognize_all(
        &mut self,
        requests: &[Request<'_>],
        abort: &AbortFlag,
    ) -> Result<Vec<Recognition>, RecognizeError> {
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        let mut answers = Vec::new();
        for batch in requests.chunks(self.batch_size()) {
            let mut prepared = Vec::new();
            for request in batch {
                // Too short for a word: nothing is written for it.
                if span::is_audible(request.pcm)? {
                    prepared.push(Some(self.prepare(request, abort)?));
                } else {
                    prepared.push(None);
                }
            }
            let is_written: Vec<bool> = prepared.iter().map(Option::is_some).collect();
            let prepared = prepared.into_iter().flatten().collect();
            let written = write_down(&self.model, prepared, &mut self.buffers, abort)?;
            if abort.is_raised() {
                return Err(RecognizeError::Aborted);
            }
            let mut written = written.into_iter();
            for (request, is_written) in batch.iter().zip(is_written) {
                let text = written.by_ref().take(usize::from(is_written)).next();
                answers
                    .push(text.map_or_else(Recognition::default, |text| self.read(request, &text)));
            }
        }
        Ok(answers)
    }

    fn detect_language(
        &mut self,
        pcm: &[f32],
        abort: &AbortFlag,
    ) -> Result<Vec<LanguageGuess>, RecognizeError> {
        if !self.model.facts.is_multilingual() {
            return Ok(Vec::new());
        }
        let (encoded, heard) = self.encode(pcm, pcm.len(), abort)?;
        let model = &self.model;
        let special = model.vocabulary.special;
        let start = decoder::Row {
            sound: 0,
            sequence: 0,
            token: special.start,
            scored: true,
            aligned: false,
        };
        let told = decoder::step(
            &model.weights,
            &[],
            &[Sound::new(&model.weights, &encoded, heard)],
            &mut [Sequence::new(&model.weights, 1)],
            &[start],
            &mut self.buffers,
        );
        let first = model.vocabulary.language(0);
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        let mut probabilities = told.scores[first..first + special.languages_count].to_vec();
        kernels::softmax(&mut probabilities);
        Ok(whisper::language_guesses(&probabilities))
    }
}

impl NativeRecognizer {
    fn prepare(
        &mut self,
        request: &Request<'_>,
        abort: &AbortFlag,
    ) -> Result<Prepared, RecognizeError> {
        let language =
            whisper::languages(&self.model.facts).position(|code| code == request.language);
        let Some(language) = language else {
            return Err(RecognizeError::UnknownLanguage(request.language.to_owned()));
        };
        let max_tokens = request.max_tokens.min(MAX_TEXT_TOKENS);
        let (lead, start) = self
            .model
            .vocabulary
            .lead(request.prompt, language, MAX_PROMPT_TOKENS);
        let (encoded, heard) = self.encode(request.pcm, request.spoken, abort)?;
        Ok(Prepared {
            sound: Sound::new(&self.model.weights, &encoded, heard),
            lead,
            start,
            max_tokens,
        })
    }

    /// The encoder's rows, and how many of them hear the span.
    fn encode(
        &mut self,
        pcm: &[f32],
        spoken: usize,
        abort: &AbortFlag,
    ) -> Result<(Vec<f32>, usize), RecognizeError> {
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        let heard = spoken.div_ceil(SAMPLES_PER_POSITION).max(1);
        let samples = span::padded(pcm);
        let positions = span::fitted_positions(samples.len(), MARGIN_POSITIONS);
        let model = &self.model;
        let mel = model.spectrograph.hear(&samples, 2 * positions);
        let encoded = encoder::encode(&model.weights, &mel, positions, &mut self.scratch, abort)?;
        Ok((encoded, heard.min(positions)))
    }

    fn read(&self, request: &Request<'_>, text: &Written) -> Recognition {
        let tokens: Vec<Token> = text
            .tokens
            .iter()
            .map(|token| Token {
                bytes: self.model.vocabulary.bytes(token.number).to_vec(),
                probability: token.logprob.exp(),
                end_ms: Some(token.end as u64 * MS_PER_POSITION),
            })
            .collect();
        let span_ms = span::spoken_ms(request);
        // The model's own end counts, as in OpenAI's average; one that was forced on it does not.
        let logprobs = text
            .tokens
            .iter()
            .map(|t| t.logprob)
            .chain(text.end_logprob);
        let segment = RecognizedSegment {
            words: words::from_tokens(&tokens, span_ms, Writing::of(request.language)),
            avg_logprob: span::mean(&logprobs.collect::<Vec<_>>()),
            no_speech_prob: text.no_speech_prob,
            temperature: 0.0,
        };
        Recognition {
            segments: vec![segment],
            cut_short: text.cut_short,
        }
    }
}

/// Rises with every change that can change a word, a time or a probability.
pub const REVISION: u32 = 4;

/// For instance `earwitness native 4`.
pub fn engine_version() -> String {
    format!("earwitness native {REVISION}")
}

/// How a text is looked for, as transcripts tell it.
pub fn decoding() -> String {
    format!("beam search, {BEAMS} texts")
}

/// The vector instructions in use.
pub fn instructions() -> &'static str {
    match kernels::level() {
        kernels::Level::Vnni => "AVX-512 VNNI",
        kernels::Level::Avx2 => "AVX2 and FMA",
        kernels::Level::Portable => "portable",
    }
}

const _: () = assert!(SAMPLE_RATE_HZ == 16_000);
