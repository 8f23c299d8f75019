//! The rule file, first form. In: TOML text of at most [`MAX_FILE_BYTES`]. Out: a [`RuleSet`], its phrases compiled into
//! one automaton. Fails: [`RuleError`], which gives line, column, what is wrong and what to do.
//! A rule is a table, so that later forms can add keys; unknown keys are refused until then.

mod error;
mod file;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use job_schema::job::Role;
use job_schema::transcript::TimeSpan;
use job_schema::{RuleSetId, Sha256};
use serde::Deserialize;

use crate::matching::Matcher;
pub use error::{Problem, RuleError};

pub const MAX_FILE_BYTES: usize = 1024 * 1024;
pub const MAX_RULES: usize = 2_000;
pub const MAX_RULE_NAME_CHARS: usize = 64;
pub const MAX_PHRASES_PER_RULE: usize = 200;
pub const MAX_PHRASE_CHARS: usize = 200;
/// Points of one rule lie between minus and plus this.
pub const MAX_WEIGHT: f64 = 1_000_000.0;

/// Rules that have been read and checked. Never changes: another meaning is another version.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(crate) id: RuleSetId,
    pub(crate) version: NonZeroU32,
    pub(crate) sha256: Sha256,
    pub(crate) rules: Vec<Rule>,
    pub(crate) matcher: Matcher,
}

impl RuleSet {
    /// Reads a rule file.
    ///
    /// # Errors
    /// [`RuleError`] for the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        file::read(text)
    }

    pub fn id(&self) -> &RuleSetId {
        &self.id
    }

    pub fn version(&self) -> NonZeroU32 {
        self.version
    }

    /// Digest of the rule file's bytes.
    pub fn sha256(&self) -> &Sha256 {
        &self.sha256
    }

    /// In the file's order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub name: String,
    pub phrases: Vec<Phrase>,
    pub speaker: Speaker,
    pub window: Window,
    pub weight: f64,
    /// The rule asks that none of the phrases was said.
    pub negate: bool,
    /// A phrase counts only where each of its words is at least this confident.
    pub min_confidence: f32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// As the file writes it.
    pub text: String,
    /// Its place in the matcher; phrases with the same tokens share one.
    pub(crate) pattern: usize,
}

/// Whose words are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Customer,
    /// Every channel.
    #[default]
    Any,
}

/// The part of the call that a rule searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Window {
    #[default]
    Whole,
    FirstMs(u64),
    LastMs(u64),
    /// 1 to 100.
    FirstPercent(u64),
    /// 1 to 100.
    LastPercent(u64),
    /// `from_ms` lies before `to_ms`.
    Between {
        from_ms: u64,
        to_ms: u64,
    },
}

impl Window {
    /// The window on a call of `duration_ms`, cut to the call. Empty where it lies beyond the call's end.
    pub fn on(self, duration_ms: u64) -> TimeSpan {
        let share = |percent: u64| {
            let part = u128::from(duration_ms) * u128::from(percent.min(100)) / 100;
            u64::try_from(part).expect("at most the duration")
        };
        let (start_ms, end_ms) = match self {
            Window::Whole => (0, duration_ms),
            Window::FirstMs(ms) => (0, ms),
            Window::LastMs(ms) => (duration_ms.saturating_sub(ms), duration_ms),
            Window::FirstPercent(percent) => (0, share(percent)),
            Window::LastPercent(percent) => (duration_ms - share(percent), duration_ms),
            Window::Between { from_ms, to_ms } => (from_ms, to_ms),
        };
        TimeSpan {
            start_ms: start_ms.min(duration_ms),
            end_ms: end_ms.min(duration_ms),
        }
    }
}

impl Speaker {
    pub(crate) fn matches(self, role: Role) -> bool {
        match self {
            Speaker::Agent => role == Role::Agent,
            Speaker::Customer => role == Role::Customer,
            Speaker::Any => true,
        }
    }
}
