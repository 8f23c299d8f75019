//! Frames between the service and its engine process: a big-endian u32 length, then one JSON object of that many bytes.
//! The recording travels beside `run` as a file descriptor. The engine sends what it finds span by span, in an order
//! that depends on the recording alone, so that a count of spans is a place to resume from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::ids::Sha256;
use crate::job::{RawAudio, Role};
use crate::transcript::{
    ChannelFacts, ConfidenceMapping, DecodedAudio, Figures, Suppressed, TimeSpan, Warning, Word,
};

/// A frame longer than this is a protocol error, on either side.
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;

/// Names one run within one engine process.
pub type RunId = u64;

/// Service to engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Request {
    /// Comes with the recording's descriptor.
    Run { run: RunId, spec: Box<CallSpec> },
    /// Finish the spans in hand, then send `stopped`.
    Stop { run: RunId },
    /// Drop the run at once; nothing more is sent for it but `failed`.
    Abort { run: RunId },
}

/// Engine to service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Reply {
    /// The model is loaded. Sent once, first.
    Ready {
        engine: EngineInfo,
    },
    /// Sent instead of `ready` when the model cannot be used; the process then exits.
    Refused {
        failure: Failure,
    },
    Progress {
        run: RunId,
        progress: Progress,
    },
    Span {
        run: RunId,
        result: SpanResult,
    },
    Peaks {
        run: RunId,
        peaks: PeaksChunk,
    },
    Done {
        run: RunId,
        summary: Box<CallSummary>,
    },
    Stopped {
        run: RunId,
        spans_count: u64,
    },
    Failed {
        run: RunId,
        failure: Failure,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EngineInfo {
    pub pid: u32,
    pub recognizer: String,
    pub model_sha256: Sha256,
    /// The CPU features and build flags in use, as the inference engine reports them.
    pub system: String,
    pub languages: Vec<String>,
    pub slots_count: u16,
    pub model_load_ms: u64,
    /// Absent from engines that had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    /// How the recogniser looks for a text, for instance `greedy`. Absent where no model does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoding: Option<String>,
    /// How the loaded model's probabilities become confidences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<ConfidenceMapping>,
}

/// What the kernel enforces on the engine, beyond its limits: reported and never assumed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Sandbox {
    /// System calls outside the list are refused.
    pub seccomp: bool,
    /// The Landlock version in force, which decides what it can refuse; 0 for none.
    pub landlock_abi: u32,
}

impl Sandbox {
    /// Both fences stand.
    pub fn is_whole(self) -> bool {
        self.seccomp && self.landlock_abi > 0
    }
}

impl std::fmt::Display for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seccomp = if self.seccomp { "on" } else { "off" };
        write!(f, "seccomp {seccomp}, landlock ")?;
        match self.landlock_abi {
            0 => f.write_str("off"),
            abi => write!(f, "ABI {abi}"),
        }
    }
}

/// What the engine needs to know of a job: no tenant, no call, no key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallSpec {
    pub channel_roles: Vec<Role>,
    pub language: Option<String>,
    /// One of these is detected where `language` is absent; any that the model knows where these are, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Names and products to expect on every channel, the most important first.
    pub vocabulary: Vec<String>,
    /// Of one role alone; they come after the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role_vocabulary: Vec<RoleTerm>,
    pub raw_audio: Option<RawAudio>,
    /// The file's name ending, as a hint to the container probe. Never trusted.
    pub extension: Option<String>,
    pub limits: Limits,
    /// Spans that an earlier worker has finished: planned again, not recognised again.
    pub skip_spans_count: u64,
}

/// A name or product that one side of a call is expected to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleTerm {
    pub role: Role,
    pub term: String,
}

/// Every budget that a recording has to keep to. One type, so that a limit cannot be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    pub max_recording_bytes: u64,
    pub max_duration_ms: u64,
    pub max_channels: u16,
    pub min_sample_rate_hz: u32,
    pub max_sample_rate_hz: u32,
    /// Packets in a row that may fail to decode before the recording counts as corrupt from there on.
    pub max_damaged_packets: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_recording_bytes: 2 << 30,
            max_duration_ms: 4 * 3_600_000,
            max_channels: 8,
            min_sample_rate_hz: 4_000,
            max_sample_rate_hz: 384_000,
            max_damaged_packets: 1_000,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Everything before this on every channel is finished.
    pub finished_ms: u64,
    pub decoded_ms: u64,
    /// What the container declares, where it does.
    pub total_ms: Option<u64>,
}

/// All that came of one speech span. A span without words is sent too: it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpanResult {
    pub channel: u16,
    #[serde(flatten)]
    pub span: TimeSpan,
    pub segments: Vec<SpanSegment>,
    pub suppressed: Vec<Suppressed>,
    pub language: Option<SpanLanguage>,
    pub warnings: Vec<Warning>,
    /// Names and products that something in the span sounded like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<SpanTerm>,
}

/// What became of a term in one span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpanTerm {
    pub term: String,
    /// It was in the prompt; otherwise others left no room for it there.
    pub fed: bool,
    /// How often it took the place of what was first heard.
    pub written_count: u32,
}

impl SpanResult {
    /// Nothing heard yet.
    pub fn new(channel: u16, span: TimeSpan) -> Self {
        Self {
            channel,
            span,
            segments: Vec::new(),
            suppressed: Vec::new(),
            language: None,
            warnings: Vec::new(),
            vocabulary: Vec::new(),
        }
    }

    /// One segment, which is all of the span.
    pub fn of(channel: u16, segment: SpanSegment) -> Self {
        let span = segment.span;
        Self {
            segments: vec![segment],
            ..Self::new(channel, span)
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpanSegment {
    #[serde(flatten)]
    pub span: TimeSpan,
    pub words: Vec<Word>,
    pub figures: Figures,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpanLanguage {
    pub code: String,
    pub probability: f32,
}

/// What is known once the last sample has been seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallSummary {
    pub audio: DecodedAudio,
    pub channels: Vec<ChannelFacts>,
    pub warnings: Vec<Warning>,
    pub timings: Timings,
    pub spans_count: u64,
}

/// CPU time by stage, for metrics and benches. Never part of a transcript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    pub decode_us: u64,
    pub resample_us: u64,
    pub voice_activity_us: u64,
    pub recognize_us: u64,
    pub wall_us: u64,
}

/// The next points of the waveform: for each point and channel the least and the greatest sample, −128 to 127.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeaksChunk {
    pub points_per_second: u32,
    pub channels: Vec<ChannelPeaks>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelPeaks {
    /// min, max, min, max …
    pub min_max: Vec<i8>,
}
