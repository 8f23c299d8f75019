//! Every type that crosses a process boundary: jobs in, engine frames between our own processes,
//! results and events out. Reads and writes JSON; parsing is strict and names the JSON pointer it refused.
//! No IO, no clock, no environment. Wire version 1; `fixtures/v1/` holds messages that must parse for ever.

pub mod analysis;
pub mod checkpoint;
pub mod engine;
pub mod error;
pub mod event;
pub mod ids;
mod instant;
pub mod job;
pub mod manifest;
pub mod parse;
pub mod redaction;
pub mod review;
pub mod schema;
pub mod scorecard;
pub mod sentiment;
pub mod signature;
pub mod status;
pub mod transcript;
pub mod writing;

pub use error::{Class, ErrorCode, Failure};
pub use ids::{CallId, JobId, ObjectKey, RuleSetId, Sha256, TenantId};
pub use job::Job;
pub use writing::Writing;

/// The version of every document defined here. Raised when an old reader would misread a new document.
pub const SCHEMA_VERSION: u32 = 1;
