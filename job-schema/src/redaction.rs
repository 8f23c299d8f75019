//! Redaction: what a job asks to have removed, and the report on what was. The report says where, what kind and how it was
//! found, and never what it was. Redacted documents are a transcript and an analysis like any other, stored beside the
//! originals under `redacted/`; they exist only if the report withholds nothing.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CallId, Sha256, TenantId};
use crate::transcript::{TimeSpan, WordRange};

/// Room for what a word's times do not cover: the attack before it and the echo after it.
pub const DEFAULT_PADDING_MS: u32 = 250;
pub const MAX_PADDING_MS: u32 = 5_000;
pub const MAX_CUSTOM_PATTERNS: usize = 20;
pub const MAX_CUSTOM_NAME_BYTES: usize = 40;
pub const MAX_CUSTOM_PATTERN_BYTES: usize = 200;

/// What to remove from a call, and how. `{}` removes every kind from the text and leaves the audio alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Redaction {
    /// Every kind when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub entities: Vec<EntityKind>,
    /// Further patterns by name: regular expressions over a channel's spoken digits and spelled letters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
    /// What the audio holds instead; no redacted audio when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioStyle>,
    /// Removed from the audio before and after what was found.
    #[schemars(range(max = 5000))]
    pub padding_ms: u32,
}

impl Default for Redaction {
    fn default() -> Self {
        Self {
            entities: Vec::new(),
            custom: BTreeMap::new(),
            audio: None,
            padding_ms: DEFAULT_PADDING_MS,
        }
    }
}

impl Redaction {
    pub fn wants(&self, kind: EntityKind) -> bool {
        self.entities.is_empty() || self.entities.contains(&kind)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudioStyle {
    Silence,
    /// A quiet 1 kHz tone, so that a listener hears that something is missing.
    Tone,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    CardNumber,
    CardCvv,
    CardExpiry,
    /// Social security and other personal numbers that a state gives.
    NationalId,
    BankAccount,
    Phone,
    Email,
    Address,
    Name,
}

impl EntityKind {
    pub const ALL: [EntityKind; 9] = [
        EntityKind::CardNumber,
        EntityKind::CardCvv,
        EntityKind::CardExpiry,
        EntityKind::NationalId,
        EntityKind::BankAccount,
        EntityKind::Phone,
        EntityKind::Email,
        EntityKind::Address,
        EntityKind::Name,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            EntityKind::CardNumber => "card_number",
            EntityKind::CardCvv => "card_cvv",
            EntityKind::CardExpiry => "card_expiry",
            EntityKind::NationalId => "national_id",
            EntityKind::BankAccount => "bank_account",
            EntityKind::Phone => "phone",
            EntityKind::Email => "email",
            EntityKind::Address => "address",
            EntityKind::Name => "name",
        }
    }
}

impl std::str::FromStr for EntityKind {
    type Err = String;
    fn from_str(value: &str) -> Result<Self, String> {
        let found = EntityKind::ALL.into_iter().find(|k| k.as_str() == value);
        found.ok_or_else(|| {
            let names: Vec<&str> = EntityKind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!(
                "unknown kind `{value}`: expected {} or all",
                names.join(", ")
            )
        })
    }
}

/// What was removed from a call, where, and whether the result may be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedactionReport {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub schema_version: u32,
    pub tenant: TenantId,
    pub call: CallId,
    pub spec_sha256: Sha256,
    /// The transcript with everything in it.
    pub transcript_sha256: Sha256,
    pub policy: Redaction,
    /// By channel and time.
    pub redactions: Vec<Redacted>,
    /// Set when no redacted object was stored, and why.
    pub withheld: Option<Withheld>,
    pub verdict: Verdict,
}

/// One place that was removed. It says nothing of what stood there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Redacted {
    /// A kind's name, or the name of a custom pattern.
    pub kind: String,
    pub channel: u16,
    /// In the words of the transcript with everything in it; absent for what only its suppressed text held.
    #[serde(flatten)]
    pub words: Option<WordRange>,
    /// Without padding.
    #[serde(flatten)]
    pub span: TimeSpan,
    /// The least confident of its words; 0 in suppressed text.
    pub confidence: f32,
    pub found_by: FoundBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// Its check digits are right.
    CheckDigits,
    /// So many digits in a row; a check digit may have been misheard.
    Shape,
    /// What was said before it.
    Context,
    /// Its own form: an e-mail address, a street, a custom pattern.
    Pattern,
    /// It repeats what was found elsewhere in the call.
    Echo,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Withheld {
    pub reason: WithheldReason,
    /// Numbers and names, never speech.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithheldReason {
    /// A word has no time of its own, so what it belongs to cannot be placed.
    WordsWithoutTimes,
    /// A segment or turn says something that its words do not.
    TextNotInWords,
    /// The recording is truncated or damaged: what its rest holds is not known.
    RecordingDamaged,
    /// The recording could not be decoded a second time.
    AudioNotMade,
    /// What was removed is still in the redacted text.
    LeakInText,
    /// What was removed was heard again in the redacted audio, or something that should have been.
    LeakInAudio,
}

impl WithheldReason {
    pub fn remedy(self) -> &'static str {
        match self {
            WithheldReason::WordsWithoutTimes => "transcribe the recording again with this version",
            WithheldReason::TextNotInWords => "transcribe the recording again with this version",
            WithheldReason::RecordingDamaged => "export the recording again from its source",
            WithheldReason::AudioNotMade => {
                "see the worker's log for the reason; text alone can be had without `audio`"
            }
            WithheldReason::LeakInText => "report it: this is a fault of the redaction",
            WithheldReason::LeakInAudio => {
                "listen to the places that the report names; a larger padding or model may help"
            }
        }
    }
}

/// What looking again showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The redacted text, searched again.
    pub text: Check,
    /// The redacted audio, transcribed again and searched.
    pub audio: Check,
    /// Places in the redacted audio where something was heard that should be gone.
    pub leaks: Vec<Leak>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    Clean,
    Leaks,
    /// Not asked for, or something before it failed.
    NotDone,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leak {
    pub kind: String,
    pub channel: u16,
    #[serde(flatten)]
    pub span: TimeSpan,
}
