//! The chain itself, pure. In: lines. Out: where the chain ends, or the first line that does not follow from the one before.
//! A line's `hash` is the SHA-256 of its own bytes up to `,"hash":`, which hold the hash of the line before. Cut off at its
//! end a chain is still whole: whoever wants to notice that keeps the last hash elsewhere.

use jiff::Timestamp;
use job_schema::Sha256;
use serde::{Deserialize, Serialize};

use super::{Action, Event};
use crate::spec::sha256;

const HASH_FIELD: &str = ",\"hash\":\"";

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub entries_count: u64,
    pub hash: Sha256,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            entries_count: 0,
            hash: Sha256::try_from("0".repeat(64)).expect("64 zeros are hexadecimal"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Broken {
    pub line: u64,
    pub reason: &'static str,
}

/// In the order in which it is written; `hash` comes behind it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    seq: u64,
    at: Timestamp,
    who: String,
    action: Action,
    tenant: Option<String>,
    call: Option<String>,
    job: Option<String>,
    outcome: String,
    prev: Sha256,
}

/// The next line with its line feed, and where the chain then ends.
pub(super) fn line(head: &Head, who: &str, at: Timestamp, event: Event) -> (String, Head) {
    let entry = Entry {
        seq: head.entries_count + 1,
        at,
        who: who.to_owned(),
        action: event.action,
        tenant: event.tenant,
        call: event.call,
        job: event.job,
        outcome: event.outcome,
        prev: head.hash.clone(),
    };
    let json = serde_json::to_string(&entry).expect("strings and numbers serialise");
    let unhashed = json.trim_end_matches('}');
    let hash = sha256(unhashed.as_bytes());
    let next = Head {
        entries_count: entry.seq,
        hash: hash.clone(),
    };
    (format!("{unhashed}{HASH_FIELD}{hash}\"}}\n"), next)
}

/// Reads a chain from its first line.
pub fn verify(text: &str) -> Result<Head, Broken> {
    let mut head = Head::default();
    for line in text.lines() {
        let number = head.entries_count + 1;
        let broken = |reason| Broken {
            line: number,
            reason,
        };
        let (unhashed, rest) = line
            .rsplit_once(HASH_FIELD)
            .ok_or(broken("it has no hash"))?;
        let hash = sha256(unhashed.as_bytes());
        if rest.strip_suffix("\"}") != Some(hash.as_str()) {
            return Err(broken("it was changed after it was written"));
        }
        let entry: Entry = serde_json::from_str(&format!("{unhashed}}}"))
            .map_err(|_| broken("it is not an entry"))?;
        if entry.prev != head.hash || entry.seq != number {
            return Err(broken("a line before it was changed, added or taken out"));
        }
        head = Head {
            entries_count: number,
            hash,
        };
    }
    Ok(head)
}
