//! The transcript: every word with its time, channel and confidence, and all that was heard but not written.
//! Lossless and deterministic: the same build, model and recording give the same bytes, so no clock and no job id
//! appears here. Times are milliseconds from the recording's first sample; `end_ms` is exclusive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CallId, Sha256, TenantId};
use crate::job::Role;
use crate::writing::Writing;

/// Every word of a call with its time, channel and confidence, and all that was heard but not written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transcript {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    pub tenant: TenantId,
    pub call: CallId,
    /// Recording identity and every option that shaped this document.
    pub spec_sha256: Sha256,
    pub audio: AudioFacts,
    pub engine: EngineFacts,
    pub speakers: Speakers,
    pub channels: Vec<Channel>,
    /// One speaker's words until another speaks, across channels, by start time.
    pub turns: Vec<Turn>,
    pub warnings: Vec<Warning>,
}

/// What the recording turned out to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AudioFacts {
    #[serde(flatten)]
    pub decoded: DecodedAudio,
    pub size_bytes: u64,
    pub sha256: Sha256,
}

/// Measured on the samples and not read from a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecodedAudio {
    /// `wav`, `ogg`, `mp4` …
    pub container: String,
    /// `pcm_mulaw`, `opus`, `aac` …
    pub codec: String,
    pub sample_rate_hz: u32,
    pub channels_count: u16,
    /// Decoded samples over the sample rate.
    pub duration_ms: u64,
    /// What the container claimed, where it claimed anything.
    pub declared_duration_ms: Option<u64>,
}

/// What made the words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EngineFacts {
    /// The catalogue's name of the model.
    pub model: String,
    pub model_sha256: Sha256,
    /// Name and version of the inference engine, for instance `whisper.cpp 1.8.3`.
    pub recognizer: String,
    /// Version of the worker that ran.
    pub worker: String,
    /// Decode settings by name, in name order.
    pub parameters: std::collections::BTreeMap<String, String>,
    /// How probabilities became confidences. Absent where a confidence is the model's own probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<ConfidenceMapping>,
}

/// From the mean probability `p` that the model gave a word's tokens to the word's confidence, whose log odds are
/// `low · ln p − high · ln(1 − p) + offset`. Fitted once for a recogniser and a family of models, on scripted speech.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfidenceMapping {
    /// Recogniser, family and revision, for instance `native-base-2`.
    pub name: String,
    pub low: f32,
    pub high: f32,
    pub offset: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speakers {
    /// One speaker on each channel.
    ByChannel,
    /// One channel that may hold several speakers: who spoke is not known.
    NotSeparated,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Channel {
    #[serde(flatten)]
    pub facts: ChannelFacts,
    /// In time order, never overlapping within a channel.
    pub words: Vec<Word>,
    /// The engine's units; together they cover `words` exactly once, in order.
    pub segments: Vec<Segment>,
    /// Joined segments of continuous speech; together they cover `words` exactly once, in order.
    pub utterances: Vec<Utterance>,
    pub suppressed: Vec<Suppressed>,
}

impl Channel {
    /// Nothing was written of it yet.
    pub fn without_words(facts: ChannelFacts) -> Self {
        Self {
            facts,
            words: Vec::new(),
            segments: Vec::new(),
            utterances: Vec::new(),
            suppressed: Vec::new(),
        }
    }
}

/// What was measured on a channel's sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelFacts {
    pub index: u16,
    pub role: Role,
    pub status: ChannelStatus,
    pub language: Option<Language>,
    /// Time covered by speech spans.
    pub speech_ms: u64,
    /// Root mean square over the speech spans in dB below full scale; absent without speech.
    pub speech_level_dbfs: Option<f32>,
    /// Where speech was found.
    pub speech_spans: Vec<TimeSpan>,
    pub non_speech: Vec<NonSpeech>,
    /// Absent where no names or products were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<Vocabulary>,
}

impl ChannelFacts {
    /// Of a channel on which somebody speaks, where nothing was measured.
    pub fn unmeasured(index: u16, role: Role) -> Self {
        Self {
            index,
            role,
            status: ChannelStatus::Speech,
            language: None,
            speech_ms: 0,
            speech_level_dbfs: None,
            speech_spans: Vec::new(),
            non_speech: Vec::new(),
            vocabulary: None,
        }
    }

    /// How the channel's words are put side by side.
    pub fn writing(&self) -> Writing {
        let language = self.language.as_ref();
        language.map_or(Writing::Spaced, |language| Writing::of(&language.code))
    }
}

/// What was done with the names and products that a channel was listened to for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Vocabulary {
    /// Listened for, the most important first.
    pub terms: Vec<String>,
    /// Beyond the limit, and so not listened for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Those that something on the channel sounded like, in the order of `terms`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<HeardTerm>,
}

/// A term that something sounded like: only then is it fed to the model, which hears the span again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeardTerm {
    pub term: String,
    /// Spans that were heard again with the term in the prompt.
    pub fed_count: u32,
    /// Spans in which other terms left no room for it in the prompt.
    pub crowded_out_count: u32,
    /// How often the model then wrote it, and it took the place of what was first heard.
    pub written_count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelStatus {
    /// Speech was found.
    Speech,
    /// Sound, but no speech.
    NoSpeech,
    /// Digital silence or less than the noise of a line.
    Empty,
    /// The same sound as another channel: transcribed once, there.
    DuplicateOfOther,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Language {
    /// ISO 639-1.
    pub code: String,
    pub source: LanguageSource,
    /// Mean probability over the spans that voted, weighed by their speech; 1 when the job or the model left no choice.
    pub confidence: f32,
    /// Speech that voted.
    pub heard_ms: u64,
    /// Which language each of the spans that voted sounded like most, the most speech first. Absent without a vote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<LanguageVotes>,
}

/// What was heard of one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LanguageVotes {
    pub code: String,
    pub speech_ms: u64,
    pub spans_count: u32,
}

impl LanguageVotes {
    /// Nothing heard yet.
    pub fn none(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            speech_ms: 0,
            spans_count: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LanguageSource {
    Job,
    Model,
    Detected,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Word {
    /// With its punctuation, without surrounding space.
    pub text: String,
    pub start_ms: u64,
    /// Greater than `start_ms`.
    pub end_ms: u64,
    /// 0 to 1: how likely the word is right, by the mapping that `engine.confidence` names.
    pub confidence: f32,
}

/// A run of a channel's words: `words[first_word .. first_word + words_count]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WordRange {
    pub first_word: u32,
    pub words_count: u32,
}

impl WordRange {
    /// As indexes into the channel's `words`.
    pub fn indexes(self) -> std::ops::Range<usize> {
        let first = self.first_word as usize;
        first..first + self.words_count as usize
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    pub start_ms: u64,
    pub end_ms: u64,
    #[serde(flatten)]
    pub words: WordRange,
    pub text: String,
    pub figures: Figures,
}

/// The engine's own figures for what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Mean log probability of the tokens.
    pub avg_logprob: f32,
    /// Probability of the no-speech token at the start of the window.
    pub no_speech_prob: f32,
    /// Bytes of the text over its bytes after deflate: above about 2.4 it repeats itself.
    pub compression_ratio: f32,
    pub temperature: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Utterance {
    pub start_ms: u64,
    pub end_ms: u64,
    #[serde(flatten)]
    pub words: WordRange,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    pub channel: u16,
    pub role: Role,
    pub start_ms: u64,
    pub end_ms: u64,
    #[serde(flatten)]
    pub words: WordRange,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeSpan {
    pub start_ms: u64,
    pub end_ms: u64,
}

impl TimeSpan {
    pub fn duration_ms(self) -> u64 {
        self.end_ms.saturating_sub(self.start_ms)
    }

    /// How much of both is the same time.
    pub fn shared_ms(self, other: Self) -> u64 {
        let end_ms = self.end_ms.min(other.end_ms);
        end_ms.saturating_sub(self.start_ms.max(other.start_ms))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NonSpeech {
    #[serde(flatten)]
    pub span: TimeSpan,
    pub kind: NonSpeechKind,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NonSpeechKind {
    Silence,
    /// Sound that is neither speech nor one of the kinds below.
    Noise,
    /// Ring-back, busy and other steady call progress tones.
    Tone,
    Dtmf,
    /// Hold music or other music.
    Music,
}

/// Text that the model wrote and the transcript leaves out, kept for review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suppressed {
    #[serde(flatten)]
    pub span: TimeSpan,
    pub text: String,
    pub reason: SuppressReason,
    pub figures: Figures,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SuppressReason {
    NoSpeech,
    Repetition,
    LowConfidence,
}

/// Damage that could be lived with, and doubts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    pub code: WarningCode,
    /// Numbers and names, never speech.
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<u16>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The file ends before its container says.
    Truncated,
    /// Packets could not be decoded, and are silence of their length, or bytes belong to no packet; `detail` says how many.
    DamagedPackets,
    /// The file has more audio tracks than one, and only the first is read; `detail` says how many.
    UnreadTracks,
    /// Decoded and declared duration differ by more than 1 %.
    DurationMismatch,
    /// Samples that were not numbers, or beyond 64 times full scale, were replaced by silence.
    InvalidSamples,
    /// More roles in the job than channels in the recording, or fewer.
    RolesMismatch,
    /// Two channels carry the same sound.
    DuplicateChannels,
    /// One channel is heard in another.
    Bleed,
    /// The customer's channel opens as an agent does, and the agent's does not: a hint.
    RolesLookSwapped,
    /// Many samples at full scale.
    Clipped,
    /// A span that was decoded to its token budget without an end.
    SpanCutShort,
}
