//! Lists of recordings. In: CSV with a header, JSON lines, or a prefix of a bucket. Out: items, and for each line that names
//! no recording its number and why, without its text. Fails as a whole only where the list cannot be read at all.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};
use std::pin::pin;

use futures_util::TryStreamExt;
use job_schema::job::BucketName;
use job_schema::{CallId, JobId, ObjectKey, TenantId};
use serde::{Deserialize, Serialize};

use super::Item;
use crate::store::{BlobStore, StoreError, listing};

/// Columns of CSV and keys of JSON lines. Only `key` is needed.
pub const COLUMNS: [&str; 6] = [
    "key",
    "bucket",
    "call",
    "version_id",
    "size_bytes",
    "duration_s",
];

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("read the list: {0}")]
    File(#[from] std::io::Error),
    #[error("read the list: {0}")]
    Store(#[from] StoreError),
    #[error("the list's header: unknown column {number}; known are {}", COLUMNS.join(", "))]
    Column { number: usize },
    #[error("the list has no column `key`")]
    NoKey,
    #[error("the inventory: {0}")]
    Inventory(String),
}

/// A line that names no recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub line: u64,
    pub reason: String,
}

/// What a line says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub key: String,
    #[serde(default)]
    pub bucket: Option<String>,
    #[serde(default)]
    pub call: Option<String>,
    #[serde(default)]
    pub version_id: Option<String>,
    #[serde(default)]
    pub size_bytes: Option<u64>,
    #[serde(default)]
    pub duration_s: Option<f64>,
}

#[derive(Debug, Default)]
pub struct List {
    pub items: Vec<Item>,
    pub refused: Vec<Refusal>,
}

/// Makes items of lines.
#[derive(Debug)]
pub struct Reader<'a> {
    tenant: &'a TenantId,
    bucket: &'a BucketName,
    seen: BTreeSet<(String, String, Option<String>)>,
    pub list: List,
}

impl<'a> Reader<'a> {
    /// `bucket` is for lines that name none.
    pub fn new(tenant: &'a TenantId, bucket: &'a BucketName) -> Self {
        Self {
            tenant,
            bucket,
            seen: BTreeSet::new(),
            list: List::default(),
        }
    }

    pub fn add(&mut self, line: u64, wanted: Result<Wanted, String>) {
        match wanted.and_then(|wanted| self.item(wanted)) {
            Ok(item) => self.list.items.push(item),
            Err(reason) => self.list.refused.push(Refusal { line, reason }),
        }
    }

    fn item(&mut self, wanted: Wanted) -> Result<Item, String> {
        let key: ObjectKey = wanted.key.parse().map_err(|e| format!("key {e}"))?;
        if !key.belongs_to(self.tenant) {
            return Err("the key does not lie under the tenant".to_owned());
        }
        let bucket = match wanted.bucket {
            Some(bucket) => bucket.parse().map_err(|e| format!("bucket {e}"))?,
            None => self.bucket.clone(),
        };
        let call: CallId = match wanted.call {
            Some(call) => call.parse().map_err(|e| format!("call {e}"))?,
            None => call_of(&key)?,
        };
        let identity = (bucket.to_string(), wanted.key, wanted.version_id.clone());
        if !self.seen.insert(identity) {
            return Err("the recording was listed before".to_owned());
        }
        Ok(Item {
            job_id: JobId::generate(),
            call,
            bucket,
            key,
            version_id: wanted.version_id,
            size_bytes: wanted.size_bytes,
            audio_ms: wanted.duration_s.and_then(milliseconds),
        })
    }
}

/// The file's name without its ending.
fn call_of(key: &ObjectKey) -> Result<CallId, String> {
    let name = key.as_str().rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let call = stem.parse();
    call.map_err(|e| format!("the file's name makes no call name ({e}): add a column `call`"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a length that a call can have"
)]
fn milliseconds(seconds: f64) -> Option<u64> {
    (0.0..1e7)
        .contains(&seconds)
        .then_some((seconds * 1e3) as u64)
}

/// One JSON object a line.
pub fn json_lines(list: impl BufRead, reader: &mut Reader<'_>) -> Result<(), SourceError> {
    for (number, line) in (1..).zip(list.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let wanted = serde_json::from_str(&line);
        // The parser's own sentence may quote the line.
        reader.add(
            number,
            wanted.map_err(|e| format!("not what is expected, at column {}", e.column())),
        );
    }
    Ok(())
}

/// With a header; see [`COLUMNS`].
pub fn csv(list: impl Read, reader: &mut Reader<'_>) -> Result<(), SourceError> {
    let mut lines = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(list);
    let header = lines.headers().map_err(std::io::Error::from)?.clone();
    if let Some(at) = header.iter().position(|name| !COLUMNS.contains(&name)) {
        return Err(SourceError::Column { number: at + 1 });
    }
    if !header.iter().any(|name| name == "key") {
        return Err(SourceError::NoKey);
    }
    let mut record = csv::StringRecord::new();
    loop {
        let number = lines.position().line();
        match lines.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let wanted = record.deserialize(Some(&header));
                reader.add(
                    number,
                    wanted.map_err(|_| "a field has another type".to_owned()),
                );
            }
            Err(e) if e.is_io_error() => return Err(SourceError::File(e.into())),
            Err(e) if matches!(e.kind(), csv::ErrorKind::Utf8 { .. }) => {
                reader.add(number, Err("not UTF-8".to_owned()));
            }
            Err(_) => reader.add(number, Err("not as many fields as the header".to_owned())),
        }
    }
}

/// Every object below a prefix.
pub async fn prefix(
    store: &dyn BlobStore,
    bucket: &BucketName,
    prefix: &str,
    reader: &mut Reader<'_>,
) -> Result<(), SourceError> {
    let mut listed = pin!(listing(store, bucket.clone(), prefix.to_owned()));
    let mut number = 0;
    while let Some(object) = listed.try_next().await? {
        number += 1;
        let wanted = Wanted {
            key: object.key.into(),
            bucket: Some(bucket.to_string()),
            size_bytes: Some(object.size_bytes),
            ..Wanted::default()
        };
        reader.add(number, Ok(wanted));
    }
    Ok(())
}

pub use super::inventory::inventory;
