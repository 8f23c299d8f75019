//! The rule file. In: TOML or JSON text of at most [`MAX_FILE_BYTES`]. Out: a [`RuleSet`], its phrases and queries compiled into
//! one program. Fails: [`RuleError`], which gives line, column, what is wrong and what to do.
//! A rule is a table, so that later forms can add keys; unknown keys are refused until then.

mod error;
mod file;
mod json;
pub(crate) mod position;
pub(crate) mod window;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use job_schema::job::Role;
use job_schema::{RuleSetId, Sha256};
use serde::Deserialize;

use crate::program::{Node, Program, ScopeId};
pub use error::{Problem, RuleError};
pub use window::Window;

pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
pub const MAX_RULES: usize = 10_000;
pub const MAX_RULE_NAME_CHARS: usize = 64;
pub const MAX_PHRASES_PER_RULE: usize = 200;
pub const MAX_PHRASE_CHARS: usize = 200;
pub const MAX_LISTS: usize = 200;
pub const MAX_LIST_PHRASES: usize = 1_000;
/// Points of one rule lie between minus and plus this.
pub const MAX_WEIGHT: f64 = 1_000_000.0;

/// Rules that have been read and checked. Never changes: another meaning is another version.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(crate) id: RuleSetId,
    pub(crate) version: NonZeroU32,
    pub(crate) sha256: Sha256,
    pub(crate) rules: Vec<Rule>,
    pub(crate) vocabulary: Vec<Term>,
    pub(crate) program: Program,
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

    /// What a recogniser should listen for: the file's own terms, then those of rules, in the file's order.
    pub fn vocabulary(&self) -> &[Term] {
        &self.vocabulary
    }
}

/// A name or product, and who is expected to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub text: String,
    pub speaker: Speaker,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub name: String,
    pub body: Body,
    pub speaker: Speaker,
    pub window: Window,
    pub weight: f64,
    /// The rule asks for the opposite: that none of the phrases was said, that the query is not true.
    pub negate: bool,
    /// A phrase counts only where each of its words is at least this confident.
    pub min_confidence: f32,
    /// `rule_set/rule@version`, as evidence refers to it.
    pub(crate) id: String,
    pub(crate) node: Node,
    /// Of the rule's own speaker and window.
    pub(crate) scope: ScopeId,
}

/// What a rule looks for, as the file writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Any of them.
    Phrases(Vec<String>),
    Query(String),
}

/// Whose words are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Customer,
    /// A machine: menus, announcements.
    Ivr,
    /// Channels whose role is unknown or mixed.
    Unknown,
    /// Every channel.
    #[default]
    Any,
}

pub(crate) const SPEAKER_NAMES: [&str; 5] = ["agent", "customer", "ivr", "unknown", "any"];

impl Speaker {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "agent" => Speaker::Agent,
            "customer" => Speaker::Customer,
            "ivr" => Speaker::Ivr,
            "unknown" => Speaker::Unknown,
            "any" => Speaker::Any,
            _ => return None,
        })
    }

    /// Agent and customer face each other; the others have no opposite.
    pub(crate) fn other_side(self) -> Option<Self> {
        match self {
            Speaker::Agent => Some(Speaker::Customer),
            Speaker::Customer => Some(Speaker::Agent),
            Speaker::Ivr | Speaker::Unknown | Speaker::Any => None,
        }
    }

    /// The one role meant; none for every channel.
    pub fn role(self) -> Option<Role> {
        match self {
            Speaker::Agent => Some(Role::Agent),
            Speaker::Customer => Some(Role::Customer),
            Speaker::Ivr => Some(Role::Ivr),
            Speaker::Unknown => Some(Role::Unknown),
            Speaker::Any => None,
        }
    }

    pub(crate) fn matches(self, role: Role) -> bool {
        match self {
            Speaker::Agent => role == Role::Agent,
            Speaker::Customer => role == Role::Customer,
            Speaker::Ivr => role == Role::Ivr,
            Speaker::Unknown => matches!(role, Role::Unknown | Role::Mixed),
            Speaker::Any => true,
        }
    }
}
