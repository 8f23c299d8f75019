//! The recogniser over whisper.cpp. In: a checked model file; spans of 16 kHz mono f32. Out: words with times. Fails:
//! [`ModelError`] when loading, [`RecognizeError`] when recognising. One thread and one state per slot, greedy decoding,
//! no temperature fallback, nothing carried from one request to the next.

mod callbacks;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use pipeline::confidence::ConfidenceMapping;
use pipeline::recognizer::{
    AbortFlag, LanguageGuess, Recognition, RecognizeError, RecognizedSegment, Recognizer, Request,
    Writing,
};
use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext,
    WhisperContextParameters, WhisperState,
};

use crate::confidence;
use crate::error::ModelError;
use crate::ggml::{self, AUDIO_POSITIONS, Family, ModelFacts};
use crate::span::{
    MAX_PROMPT_TOKENS, MAX_TEXT_TOKENS, fitted_positions, is_audible, mean, padded, spoken_ms,
};
use crate::steer::Steer;
use crate::words::{self, Token};

/// Encoder positions of silence kept after the span's end, 4 s. With 0, 16, 32 and 64, tiny.en's word error rate is 21,
/// 12, 6 and 6 % on spans of 6 to 12 s, and 11, 9, 13 and 8 % on longer ones. On whole calls in spans of up to 27 s it is
/// 14.2 % with 64 and 9.7 % with 200: sentences are no longer written twice. With 300 base goes from 4.4 to 5.1 % on prompts.
const MARGIN_POSITIONS: usize = 200;
/// A prompt longer than this is cut before it is tokenised; 223 tokens are far shorter.
const MAX_PROMPT_BYTES: usize = 8 * 1024;
/// Shared weights. Cloning is cheap.
#[derive(Clone)]
pub struct WhisperModel {
    context: Arc<WhisperContext>,
    facts: ModelFacts,
}

impl std::fmt::Debug for WhisperModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WhisperModel")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

impl WhisperModel {
    /// Checks the file, then hands it to the engine.
    ///
    /// # Errors
    /// [`ModelError::Read`], [`ModelError::Fault`], or [`ModelError::Load`] when the engine refuses it all the same.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        callbacks::route_engine_log();
        let facts = ggml::inspect(path)?;
        let mut parameters = WhisperContextParameters::default();
        parameters
            .use_gpu(false)
            // Slower on the CPU in 1.8.3, and the engine cannot align words with it.
            .flash_attn(false)
            .dtw_parameters(DtwParameters {
                mode: alignment_heads(&facts),
                ..DtwParameters::default()
            });
        let context =
            WhisperContext::new_with_params(path, parameters).map_err(|e| ModelError::Load {
                path: path.to_owned(),
                reason: e.to_string(),
            })?;
        Ok(Self {
            context: Arc::new(context),
            facts,
        })
    }

    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// How this model's probabilities become confidences here.
    pub fn confidence(&self) -> ConfidenceMapping {
        confidence::whisper(self.facts.family)
    }

    /// Makes working state for one thread.
    ///
    /// # Errors
    /// [`ModelError::Slot`] when the engine cannot.
    pub fn slot(&self) -> Result<WhisperRecognizer, ModelError> {
        let state = self.context.create_state().map_err(|e| ModelError::Slot {
            reason: e.to_string(),
        })?;
        Ok(WhisperRecognizer {
            model: self.clone(),
            state,
            parameters: Vec::new(),
        })
    }
}

/// The heads whose attention follows the words, as OpenAI published them per model. Aligning by them adds a third to
/// tiny.en's processor time and a fifth to base's: the engine decodes the text once more, and its alignment starts threads
/// of its own. The ends of words are those that OpenAI's method gives, within its step of 20 ms for most.
fn alignment_heads(facts: &ModelFacts) -> DtwMode<'static> {
    let multilingual = facts.is_multilingual();
    let whole_decoder = facts.text_layers == facts.family.dimensions().2;
    let preset = match (facts.family, multilingual) {
        (Family::Large, true) if facts.text_layers == 4 => DtwModelPreset::LargeV3Turbo,
        // Distilled decoders have no published heads: their last layer follows the words best.
        _ if !whole_decoder => return DtwMode::TopMost { n_top: 1 },
        (Family::Tiny, false) => DtwModelPreset::TinyEn,
        (Family::Tiny, true) => DtwModelPreset::Tiny,
        (Family::Base, false) => DtwModelPreset::BaseEn,
        (Family::Base, true) => DtwModelPreset::Base,
        (Family::Small, false) => DtwModelPreset::SmallEn,
        (Family::Small, true) => DtwModelPreset::Small,
        (Family::Medium, false) => DtwModelPreset::MediumEn,
        (Family::Medium, true) => DtwModelPreset::Medium,
        (Family::Large, _) if facts.mel_bands == 128 => DtwModelPreset::LargeV3,
        // Nothing in the file tells large-v1 from v2; v1 was withdrawn in 2022.
        (Family::Large, _) => DtwModelPreset::LargeV2,
    };
    DtwMode::ModelPreset {
        model_preset: preset,
    }
}

/// One slot.
pub struct WhisperRecognizer {
    model: WhisperModel,
    state: WhisperState,
    /// Settings by language: the binding leaks a string each time that a language is set.
    parameters: Vec<(&'static str, FullParams<'static, 'static>)>,
}

impl std::fmt::Debug for WhisperRecognizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WhisperRecognizer")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Recognizer for WhisperRecognizer {
    fn recognize(
        &mut self,
        request: &Request<'_>,
        abort: &AbortFlag,
    ) -> Result<Recognition, RecognizeError> {
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        if !is_audible(request.pcm)? {
            return Ok(Recognition::default());
        }
        let pcm = padded(request.pcm);
        let prompt = self.prompt_tokens(request.prompt)?;
        let mut parameters = self.parameters_for(request.language)?;
        parameters.set_tokens(&prompt);
        parameters.set_audio_ctx(context(pcm.len()));
        let mut steer = Steer::new(
            self.model.context.token_eot(),
            request.max_tokens.min(MAX_TEXT_TOKENS),
        );
        let flag = abort.shared();
        callbacks::install(&mut parameters, &flag, &mut steer);
        let outcome = self.state.full(parameters, &pcm);
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        outcome.map_err(engine)?;
        self.recognition(request, &steer)
    }

    fn detect_language(
        &mut self,
        pcm: &[f32],
        abort: &AbortFlag,
    ) -> Result<Vec<LanguageGuess>, RecognizeError> {
        if !self.model.facts.is_multilingual() {
            return Ok(Vec::new());
        }
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        let pcm = padded(pcm);
        let mut parameters = self.parameters_for("en")?;
        parameters.set_audio_ctx(context(pcm.len()));
        // The engine's own detection cannot be stopped. So the sound is encoded by a run that may write nothing, and the languages
        // are read from the scores after the start, as it does.
        let mut steer = Steer::new(self.model.context.token_eot(), 0);
        let flag = abort.shared();
        callbacks::install(&mut parameters, &flag, &mut steer);
        let outcome = self.state.full(parameters, &pcm);
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        outcome.map_err(engine)?;
        let start = self.model.context.token_sot();
        let first = usize::try_from(start).map_err(engine)? + 1;
        let count = self.model.facts.languages_count();
        let scores = self.scores_after(start)?;
        let scores = scores.get(first..first + count).unwrap_or_default();
        let probabilities: Vec<f32> = scores.iter().copied().map(softmax(scores)).collect();
        Ok(language_guesses(&probabilities))
    }
}

impl WhisperRecognizer {
    fn parameters_for(
        &mut self,
        language: &str,
    ) -> Result<FullParams<'static, 'static>, RecognizeError> {
        if let Some((_, known)) = self.parameters.iter().find(|(l, _)| *l == language) {
            return Ok(known.clone());
        }
        let known = languages(&self.model.facts).find(|l| *l == language);
        let Some(language) = known else {
            return Err(RecognizeError::UnknownLanguage(language.to_owned()));
        };
        let parameters = parameters(language);
        self.parameters.push((language, parameters.clone()));
        Ok(parameters)
    }

    /// The last tokens of the prompt that the window has room for.
    fn prompt_tokens(&self, prompt: &str) -> Result<Vec<i32>, RecognizeError> {
        let mut start = prompt.len().saturating_sub(MAX_PROMPT_BYTES);
        while !prompt.is_char_boundary(start) {
            start += 1;
        }
        let text = prompt.split_at(start).1.trim().replace('\0', "");
        if text.is_empty() {
            return Ok(Vec::new());
        }
        // OpenAI puts a blank before a prompt. No token is shorter than a byte, so the room given always suffices.
        let text = format!(" {text}");
        let mut tokens = self
            .model
            .context
            .tokenize(&text, text.len() + 1)
            .map_err(engine)?;
        let kept_from = tokens.len().saturating_sub(MAX_PROMPT_TOKENS);
        tokens.drain(..kept_from);
        Ok(tokens)
    }

    fn recognition(
        &mut self,
        request: &Request<'_>,
        steer: &Steer,
    ) -> Result<Recognition, RecognizeError> {
        let span_ms = spoken_ms(request);
        let end_of_text = self.model.context.token_eot();
        let mut segments = Vec::new();
        for segment in self.state.as_iter() {
            let mut tokens = Vec::new();
            let mut logprobs = Vec::new();
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else {
                    break;
                };
                let data = token.token_data();
                if data.id < end_of_text {
                    tokens.push(Token {
                        bytes: token.to_bytes().map_err(engine)?.to_vec(),
                        probability: data.p,
                        // Centiseconds; −1 where the alignment gave none.
                        end_ms: u64::try_from(data.t_dtw).ok().map(|t| t * 10),
                    });
                }
                // The model's own end counts, as in OpenAI's average; one that was forced on it does not.
                if data.id <= end_of_text && !(data.id == end_of_text && steer.has_ended()) {
                    logprobs.push(data.plog);
                }
            }
            segments.push(RecognizedSegment {
                words: words::from_tokens(&tokens, span_ms, Writing::of(request.language)),
                avg_logprob: mean(&logprobs),
                no_speech_prob: 0.0,
                temperature: 0.0,
            });
        }
        if !segments.is_empty() {
            let no_speech_prob = self.no_speech_probability()?;
            for segment in &mut segments {
                segment.no_speech_prob = no_speech_prob;
            }
        }
        Ok(Recognition {
            segments,
            cut_short: steer.has_ended(),
        })
    }

    /// How likely the model finds it, at the start of the text, that nobody speaks. Whisper.cpp 1.8.3 reads its own figure
    /// from scores that it did not compute for this span, so one token is decoded again over the span's encoding.
    fn no_speech_probability(&mut self) -> Result<f32, RecognizeError> {
        let no_speech = usize::try_from(self.model.context.token_nosp()).ok();
        let scores = self.scores_after(self.model.context.token_sot())?;
        let score = no_speech.and_then(|id| scores.get(id));
        Ok(score.copied().map_or(0.0, softmax(scores)))
    }

    /// Over the encoding of the span that was run last.
    fn scores_after(&mut self, first: i32) -> Result<&[f32], RecognizeError> {
        self.state.decode(&[first], 0, 1).map_err(engine)?;
        self.state.get_logits().map_err(engine)
    }
}

/// OpenAI's defaults for one window, without its fallback.
fn parameters(language: &'static str) -> FullParams<'static, 'static> {
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    parameters.set_language(Some(language));
    parameters.set_n_threads(1);
    parameters.set_no_context(true);
    // A span is one window with its own place in the recording: timestamp tokens would cost time and tell nothing.
    parameters.set_no_timestamps(true);
    parameters.set_single_segment(true);
    parameters.set_suppress_blank(true);
    parameters.set_suppress_nst(true);
    parameters.set_temperature_inc(0.0);
    // The pipeline judges with these figures; the engine must not drop a text by them.
    parameters.set_entropy_thold(0.0);
    parameters.set_logprob_thold(f32::NEG_INFINITY);
    parameters.set_no_speech_thold(2.0);
    parameters.set_print_special(false);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_timestamps(false);
    parameters
}

/// From one of these scores to its probability.
fn softmax(scores: &[f32]) -> impl Fn(f32) -> f32 + use<> {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|s| (s - highest).exp()).sum();
    move |score| (score - highest).exp() / sum
}

fn engine(error: impl std::fmt::Display) -> RecognizeError {
    RecognizeError::Engine(error.to_string())
}

/// The size of the context as the engine takes it.
fn context(samples: usize) -> i32 {
    i32::try_from(fitted_positions(samples, MARGIN_POSITIONS)).unwrap_or(AUDIO_POSITIONS)
}

/// Guesses from one probability for each language, the likeliest first.
pub(crate) fn language_guesses(probabilities: &[f32]) -> Vec<LanguageGuess> {
    let mut guesses: Vec<LanguageGuess> = (0..)
        .zip(probabilities)
        .filter_map(|(id, &probability)| {
            Some(LanguageGuess {
                code: whisper_rs::get_lang_str(id)?.to_owned(),
                probability,
            })
        })
        .collect();
    guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    guesses
}

/// Codes of the languages that a model knows, in the order of their tokens: English alone, which is the first, or all, of which
/// the last one, Cantonese, came with large-v3. Elsewhere its token is the one that asks for a translation.
pub fn languages(facts: &ModelFacts) -> impl Iterator<Item = &'static str> {
    let all = (0..=whisper_rs::get_lang_max_id()).filter_map(whisper_rs::get_lang_str);
    all.take(facts.languages_count())
}

/// For instance `whisper.cpp 1.8.3`.
pub fn engine_version() -> String {
    format!("whisper.cpp {}", whisper_rs::get_whisper_version())
}

/// The processor features that the engine was built for and uses, in its own words.
pub fn system_info() -> String {
    whisper_rs::print_system_info().trim().to_owned()
}
