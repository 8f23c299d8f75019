//! Rule sets and scorecards on disk, by name in one directory. In: a reference from a job. Out: the parsed rules and the
//! digest of the file. Fails with `bad_rules` when the file is missing, does not parse, or says another id or version, and with
//! `host_exhausted` when this host cannot read it.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analysis::{RuleSet, Scorecard};
use job_schema::job::RuleSetRef;
use job_schema::{ErrorCode, Failure, RuleSetId, Sha256};

use crate::spec::sha256;

/// A scorecard's file ends in it.
pub const SCORECARD: &str = ".scorecard.toml";
/// So does that of a rule set's test cases, which no job reads.
pub const CASES: &str = ".cases.toml";

/// The file in which a job finds this rule set.
pub fn file_name(id: &RuleSetId, version: NonZeroU32) -> String {
    format!("{id}@{version}.toml")
}

/// The file in which a job finds this scorecard.
pub fn scorecard_file_name(id: &RuleSetId, version: NonZeroU32) -> String {
    format!("{id}@{version}{SCORECARD}")
}

#[derive(Debug, Clone)]
pub struct RuleBook {
    dir: PathBuf,
}

#[derive(Debug, Clone)]
pub struct LoadedRules {
    pub rules: Arc<RuleSet>,
    pub sha256: Sha256,
}

impl RuleBook {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    pub async fn load(&self, wanted: &RuleSetRef) -> Result<LoadedRules, Failure> {
        let path = self.dir.join(file_name(&wanted.id, wanted.version));
        let loaded = load_file(&path).await?;
        if loaded.rules.id() != &wanted.id || loaded.rules.version() != wanted.version {
            let detail = format!(
                "the file for {}@{} says it is {}@{}",
                wanted.id,
                wanted.version,
                loaded.rules.id(),
                loaded.rules.version()
            );
            return Err(Failure::at(ErrorCode::BadRules, "/options/rules", detail));
        }
        Ok(loaded)
    }
}

impl RuleBook {
    /// Its file must say the same.
    pub async fn load_scorecard(&self, wanted: &RuleSetRef) -> Result<Arc<Scorecard>, Failure> {
        let name = scorecard_file_name(&wanted.id, wanted.version);
        let card = load_scorecard(&self.dir.join(&name)).await?;
        if card.id != wanted.id || card.version != wanted.version {
            let detail = format!("{name} says it is {}@{}", card.id, card.version);
            return Err(Failure::at(
                ErrorCode::BadRules,
                "/options/scorecard",
                detail,
            ));
        }
        Ok(card)
    }
}

pub async fn load_scorecard(path: &Path) -> Result<Arc<Scorecard>, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bad = |detail: String| {
        let detail = format!("scorecard {name}: {detail}");
        Failure::at(ErrorCode::BadRules, "/options/scorecard", detail)
    };
    let bytes = read(path, bad).await?;
    let text = String::from_utf8(bytes).map_err(|_| bad("not UTF-8".into()))?;
    let card = Scorecard::parse(&text).map_err(|e| bad(e.to_string()))?;
    Ok(Arc::new(card))
}

pub async fn load_file(path: &Path) -> Result<LoadedRules, Failure> {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let bad = |detail: String| {
        Failure::at(
            ErrorCode::BadRules,
            "/options/rules",
            format!("rule file {name}: {detail}"),
        )
    };
    let bytes = read(path, bad).await?;
    let sha256 = sha256(&bytes);
    let text = String::from_utf8(bytes).map_err(|_| bad("not UTF-8".into()))?;
    let rules = RuleSet::parse(&text).map_err(|e| bad(e.to_string()))?;
    Ok(LoadedRules {
        rules: Arc::new(rules),
        sha256,
    })
}

/// A file that is there and cannot be read is the host's trouble: another worker reads it.
async fn read(path: &Path, bad: impl Fn(String) -> Failure) -> Result<Vec<u8>, Failure> {
    tokio::fs::read(path).await.map_err(|e| match e.kind() {
        ErrorKind::NotFound => bad("there is no such file".to_owned()),
        ErrorKind::IsADirectory => bad("it is a directory".to_owned()),
        kind => Failure::new(ErrorCode::HostExhausted, bad(kind.to_string()).detail),
    })
}
