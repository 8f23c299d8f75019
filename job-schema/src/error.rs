//! What can go wrong with a job, as a closed set of codes with their class and remedy.
//! Out: [`Failure`], carried by frames, events, status and dead letters. Holds numbers and names, never speech.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who is to blame, which decides whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The same input will fail the same way: never retried.
    Permanent,
    /// The recording broke the engine: retried a few times, then dead.
    Content,
    /// A store, broker or host failed: retried for much longer, never blamed on the recording.
    Infra,
    /// Nothing failed: the work was stopped and goes on elsewhere. Not an attempt.
    Interrupted,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident => $code:literal, $class:ident, $remedy:literal;)+) => {
        /// Why a job did not complete. Each code has a page in `docs/errors/`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl ErrorCode {
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name),+];

            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $code,)+ }
            }

            pub fn class(self) -> Class {
                match self { $(ErrorCode::$name => Class::$class,)+ }
            }

            /// What the reader should do about it, in one sentence.
            pub fn remedy(self) -> &'static str {
                match self { $(ErrorCode::$name => $remedy,)+ }
            }
        }
    };
}

error_codes! {
    /// The message is not a job: not JSON, too large, a field missing, unknown or of the wrong type.
    BadJob => "bad_job", Permanent, "correct the field at the reported JSON pointer and submit again";
    /// The job is of a schema version that this worker does not know.
    UnsupportedSchemaVersion => "unsupported_schema_version", Permanent, "submit schema version 1, or update the workers";
    /// The recording's key does not lie under the job's tenant.
    TenantMismatch => "tenant_mismatch", Permanent, "store the recording under the tenant's own prefix";
    /// The job was taken after its `not_after`.
    JobExpired => "job_expired", Permanent, "submit again with a later `not_after`, or add workers";
    /// The job has no signature that proves it is its tenant's.
    BadSignature => "bad_signature", Permanent, "sign the job with a key that the workers know, and submit it again";
    /// The call holds health information, and the tenant's agreement is not claimed.
    BaaRequired => "baa_required", Permanent, "make an agreement with the tenant, then submit with --phi --baa";
    /// The call was deleted on request.
    Deleted => "deleted", Permanent, "none: the call was deleted and stays deleted";
    /// The job was cancelled.
    Cancelled => "cancelled", Permanent, "if the result is wanted after all, `earwitness cancel --undo`, then replay";
    /// The job names a model that this fleet does not have.
    UnknownModel => "unknown_model", Permanent, "run workers with this model (engine.model), or submit without options.model";
    /// The job names a rule set that cannot be found or read.
    BadRules => "bad_rules", Permanent, "check the rule set or the scorecard with `earwitness rules check FILE`, then replay";
    /// The result to be scored again is not there, or has no transcript.
    ResultNotFound => "result_not_found", Permanent, "check the manifest's key; the result may have been deleted";
    /// No object at the recording's key.
    RecordingNotFound => "recording_not_found", Permanent, "check bucket and key; the recording may have expired";
    /// The store refused to hand out the recording.
    RecordingForbidden => "recording_forbidden", Permanent, "allow the workers to read the bucket, then replay";
    /// The object is not the one the job was made for.
    RecordingChanged => "recording_changed", Permanent, "submit a new job for the new object";
    /// The object is archived or otherwise not readable at once.
    RecordingNotReadable => "recording_not_readable", Permanent, "restore the object from its archive tier, then replay";
    /// Zero bytes.
    RecordingEmpty => "recording_empty", Permanent, "check the recorder: it stored an empty file";
    /// More bytes than allowed.
    RecordingTooLarge => "recording_too_large", Permanent, "raise limits.max_recording_bytes or split the recording";
    /// Longer than allowed, whatever its header says.
    RecordingTooLong => "recording_too_long", Permanent, "raise limits.max_duration_ms or split the recording";
    /// Not an audio container that we read.
    UnsupportedFormat => "unsupported_format", Permanent, "convert to WAV, FLAC, MP3, M4A, Ogg or WebM";
    /// A container we read, with a codec that we do not.
    UnsupportedCodec => "unsupported_codec", Permanent, "convert to a supported codec, for instance 8 kHz WAV";
    /// Rate or channel count outside what a recorder makes.
    UnsupportedLayout => "unsupported_layout", Permanent, "convert the recording, or change limits.max_channels, min_ or max_sample_rate_hz where the detail names them";
    /// The container is damaged so far that nothing could be decoded.
    RecordingCorrupt => "recording_corrupt", Permanent, "fetch the recording again from its source";
    /// Bytes went in and no samples came out.
    NoAudioDecoded => "no_audio_decoded", Permanent, "check the file in a player; convert it to WAV";
    /// The engine process died while it worked on this recording.
    EngineCrashed => "engine_crashed", Content, "replay once; if it dies again, keep the recording and report it";
    /// The engine took longer than the job's deadline.
    EngineTimeout => "engine_timeout", Content, "raise engine.deadline_factor, or check the host's load";
    /// The engine ran into its memory limit.
    EngineOutOfMemory => "engine_out_of_memory", Content, "raise engine.memory_limit_bytes or lower slots";
    /// The model returned an error.
    RecognitionFailed => "recognition_failed", Content, "look at the failure's detail, and check the model's file with `earwitness models verify NAME`";
    /// The store could not be reached or answered with an error.
    StoreUnavailable => "store_unavailable", Infra, "check the store's health and the worker's credentials";
    /// The transfer ended early or did not match its checksum.
    TransferDamaged => "transfer_damaged", Infra, "check the network between worker and store";
    /// The broker went away.
    BrokerUnavailable => "broker_unavailable", Infra, "check the broker's health";
    /// The worker lacked disk, memory, descriptors or time, or could not start its engine again.
    HostExhausted => "host_exhausted", Infra, "free disk space or memory on the worker; check its model file";
    /// The worker died with the job in hand, again and again.
    WorkerLost => "worker_lost", Infra, "look for workers killed by the system, then replay";
    /// The host's kernel gives the engine less of a sandbox than `engine.require_sandbox` asks for.
    SandboxUnavailable => "sandbox_unavailable", Infra, "run on a kernel with seccomp and Landlock, or unset engine.require_sandbox";
    /// A mistake of ours.
    Internal => "internal", Infra, "report it with the job id";
    /// The worker was told to stop.
    ShuttingDown => "shutting_down", Interrupted, "none: another worker goes on with the job";
    /// The job was held as long as one delivery may be.
    HoldExpired => "hold_expired", Interrupted, "none: the job goes on from its checkpoint";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code with the particulars of this one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Failure {
    pub code: ErrorCode,
    /// Numbers and names of formats, fields and limits. Never speech, never a phone number.
    pub detail: String,
    /// JSON pointer into the job, where a field of it is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl Failure {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            pointer: None,
        }
    }

    pub fn at(code: ErrorCode, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            pointer: Some(pointer.into()),
        }
    }

    pub fn class(&self) -> Class {
        self.code.class()
    }

    /// With the place of the field at fault, where it has one.
    pub fn placed(&self) -> String {
        match self.pointer.as_deref() {
            None => self.to_string(),
            Some("") => format!("{self} (at the message as a whole)"),
            Some(pointer) => format!("{self}, at {pointer}"),
        }
    }
}
