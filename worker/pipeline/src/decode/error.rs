//! Why a recording cannot be decoded. Numbers and names of formats only; nothing of what was recorded.

use job_schema::{ErrorCode, Failure};

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("read recording: {0}")]
    Read(#[source] std::io::Error),
    #[error("the recording has no bytes")]
    Empty,
    #[error("the recording has {size_bytes} bytes; at most {max_bytes} are allowed")]
    TooLarge { size_bytes: u64, max_bytes: u64 },
    #[error("not audio: looks like {looks_like}")]
    NotAudio { looks_like: &'static str },
    #[error("codec `{codec}` in `{container}` is not supported")]
    UnsupportedCodec {
        container: &'static str,
        codec: String,
    },
    #[error("sample rate of {rate_hz} Hz; {min_hz} to {max_hz} Hz are supported")]
    SampleRate {
        rate_hz: u32,
        min_hz: u32,
        max_hz: u32,
    },
    #[error("{count} channels; 1 to {max} are supported")]
    Channels { count: usize, max: u16 },
    #[error(
        "layout changes within the recording: {from_channels} channels at {from_hz} Hz to {to_channels} at {to_hz} Hz"
    )]
    LayoutChanged {
        from_channels: u16,
        from_hz: u32,
        to_channels: usize,
        to_hz: u32,
    },
    #[error("more than {max_ms} ms of audio")]
    TooLong { max_ms: u64 },
    #[error("damaged: {reason}")]
    Corrupt { reason: &'static str },
    #[error("{size_bytes} bytes, and not one sample in them")]
    NoAudio { size_bytes: u64 },
}

impl DecodeError {
    pub fn code(&self) -> ErrorCode {
        match self {
            // The recording is a local copy by now: a failed read is the host's fault, not the store's.
            DecodeError::Read(_) => ErrorCode::HostExhausted,
            DecodeError::Empty => ErrorCode::RecordingEmpty,
            DecodeError::TooLarge { .. } => ErrorCode::RecordingTooLarge,
            DecodeError::NotAudio { .. } => ErrorCode::UnsupportedFormat,
            DecodeError::UnsupportedCodec { .. } => ErrorCode::UnsupportedCodec,
            DecodeError::SampleRate { .. }
            | DecodeError::Channels { .. }
            | DecodeError::LayoutChanged { .. } => ErrorCode::UnsupportedLayout,
            DecodeError::TooLong { .. } => ErrorCode::RecordingTooLong,
            DecodeError::Corrupt { .. } => ErrorCode::RecordingCorrupt,
            DecodeError::NoAudio { .. } => ErrorCode::NoAudioDecoded,
        }
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Failure {
        Failure::new(error.code(), error.to_string())
    }
}
