//! What several commands share: settings, an engine on a verified model, the store and its buckets.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analysis::{RuleSet, Scorecard};
use anyhow::Context;
use jiff::Timestamp;
use job_schema::engine::{Limits, Sandbox};
use job_schema::job::{BucketName, OWN_FACTS};
use job_schema::{ErrorCode, Sha256};
use models::ModelStore;
use models::pull::{PullError, Source};
use models::store::StoreError as ModelError;

use super::Global;
use crate::audit::AuditLog;
use crate::config::{self, Config, Loaded, RecognizerKind};
use crate::engine::{Engine, EngineSettings, RecognizerSource};
use crate::exit::{self, Exit};
use crate::job::ModelInUse;
use crate::languages::TenantLanguages;
use crate::purge::Places;
use crate::results::Scoring;
use crate::rules::{load_file, load_scorecard};
use crate::store::{self, BlobStore, Location};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ModelArgs {
    /// Name of an installed model; overrides engine.model.
    #[arg(long, value_name = "NAME")]
    pub(super) model: Option<String>,
    /// Where models are kept; overrides engine.models_dir.
    #[arg(long, value_name = "DIR")]
    pub(super) models_dir: Option<PathBuf>,
    /// Calls worked on at the same time, one thread each; 0 for one on each core. Overrides engine.slots.
    #[arg(long, value_name = "N")]
    pub(super) slots: Option<u16>,
}

impl ModelArgs {
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let model = self.model.clone().map(|m| ("engine.model", m));
        let dir = self
            .models_dir
            .as_ref()
            .map(|d| ("engine.models_dir", d.display().to_string()));
        let slots = self.slots.map(|n| ("engine.slots", n.to_string()));
        model.into_iter().chain(dir).chain(slots).collect()
    }
}

pub(super) fn settings(global: &Global, flags: &[(&str, String)]) -> Result<Loaded, Exit> {
    config::load(global.config.as_deref(), flags).map_err(|e| Exit::new(exit::CONFIG, e))
}

pub(super) fn languages(config: &Config) -> TenantLanguages {
    TenantLanguages::read(&config.languages.tenants)
        .expect("the settings were checked when they were loaded")
}

pub(super) fn model_store(config: &Config) -> Result<ModelStore, Exit> {
    Ok(ModelStore::new(models_dir(config)?))
}

fn models_dir(config: &Config) -> Result<PathBuf, Exit> {
    if let Some(dir) = &config.engine.models_dir {
        return Ok(dir.clone());
    }
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let data = from("XDG_DATA_HOME").or_else(|| Some(from("HOME")?.join(".local/share")));
    let error =
        || anyhow::anyhow!("engine.models_dir is not set, and neither XDG_DATA_HOME nor HOME is");
    data.map(|dir| dir.join("earwitness/models"))
        .ok_or_else(|| Exit::new(exit::CONFIG, error()))
}

/// An engine whose model has been read in full and checked.
pub(super) struct LocalEngine {
    pub(super) engine: Engine,
    pub(super) model: ModelInUse,
    pub(super) slots: u16,
    pub(super) limits: Limits,
    pub(super) sandbox: Sandbox,
}

impl LocalEngine {
    /// Refuses a missing, unknown or damaged model before anything is started.
    pub(super) async fn start(config: &Config) -> Result<Self, Exit> {
        let slots = match config.engine.slots {
            0 => std::thread::available_parallelism()
                .map_or(1, |n| u16::try_from(n.get()).unwrap_or(u16::MAX)),
            n => n,
        };
        let (name, recognizer) = source(config).await?;
        let settings = EngineSettings {
            executable: std::env::current_exe().context("find this executable")?,
            recognizer,
            slots,
            memory_limit_bytes: config.engine.memory_limit_bytes,
            deadline_base: config.engine.deadline_base,
            deadline_factor: config.engine.deadline_factor,
            require_sandbox: config.engine.require_sandbox,
        };
        let engine = Engine::new(settings);
        let info = engine.ready().await.map_err(|f| {
            let status = match f.code {
                ErrorCode::SandboxUnavailable => exit::SANDBOX,
                _ => exit::BAD_MODEL,
            };
            Exit::new(status, f)
        })?;
        let model = ModelInUse {
            name,
            sha256: info.model_sha256,
            recognizer: info.recognizer,
            decoding: info.decoding,
            confidence: info.confidence,
        };
        Ok(Self {
            engine,
            model,
            slots,
            limits: config.limits,
            sandbox: info.sandbox.unwrap_or_default(),
        })
    }
}

async fn source(config: &Config) -> Result<(String, RecognizerSource), Exit> {
    if config.engine.recognizer == RecognizerKind::Scripted {
        let script = config
            .engine
            .script
            .clone()
            .context("engine.script is not set");
        let script = script.map_err(|e| Exit::new(exit::CONFIG, e))?;
        return Ok(("scripted".into(), RecognizerSource::Script(script)));
    }
    let store = model_store(config)?;
    let name = config.engine.model.clone();
    let (wanted, auto_pull) = (name.clone(), config.engine.auto_pull);
    let verified = tokio::task::spawn_blocking(move || -> Result<PathBuf, Exit> {
        if auto_pull && store.path(&wanted).is_err() {
            models::pull(&store, &wanted, &Source::default(), &mut |_| {}).map_err(unpulled)?;
        }
        let verified = store.verify(&wanted).map_err(|e| {
            let error = match advice(&store, &wanted, &e) {
                Some(advice) => anyhow::Error::from(e).context(advice),
                None => e.into(),
            };
            Exit::new(exit::BAD_MODEL, error)
        })?;
        Ok(verified.path)
    });
    let path = verified.await.context("verify model")??;
    let recognizer = match config.engine.recognizer {
        RecognizerKind::Native => RecognizerSource::Native(path),
        _ => RecognizerSource::Whisper(path),
    };
    Ok((name, recognizer))
}

/// How a model comes to be there and whole, where a command can help.
fn advice(store: &ModelStore, name: &str, error: &ModelError) -> Option<String> {
    let is_known = store.catalogue().get(name).is_some();
    match error {
        ModelError::NotInstalled { .. } if is_known => {
            Some(format!("`earwitness models pull {name}` gets it"))
        }
        ModelError::NotInstalled { .. } | ModelError::BadName { .. } => Some(
            "`earwitness models list` has the names, `earwitness models import` takes another"
                .to_owned(),
        ),
        ModelError::Model(_) | ModelError::Digest { .. } => {
            let again = if is_known { "pull" } else { "import" };
            Some(format!(
                "`earwitness models rm {name}` makes room to {again} it again"
            ))
        }
        ModelError::Io { .. } | ModelError::Busy { .. } => None,
    }
}

/// A fetch that failed: a home that cannot be reached may be there the next time.
pub(super) fn unpulled(error: PullError) -> Exit {
    let status = match error {
        PullError::Unreachable { .. } | PullError::PackageIndex { .. } => exit::UNREACHABLE,
        _ => exit::BAD_MODEL,
    };
    Exit::new(status, error)
}

/// The store with the buckets that commands use.
pub(super) struct Shelf {
    pub(super) store: Arc<dyn BlobStore>,
    pub(super) recordings: BucketName,
    pub(super) results: BucketName,
}

impl Shelf {
    pub(super) async fn open(config: &Config) -> Result<Self, Exit> {
        let bucket = |set: &Option<BucketName>, key: &str| {
            set.clone()
                .ok_or_else(|| Exit::new(exit::CONFIG, anyhow::anyhow!("{key} is not set")))
        };
        let store = store::open(&config.store)
            .await
            .map_err(|e| Exit::new(exit::CONFIG, e))?;
        Ok(Self {
            store,
            recordings: bucket(&config.store.recordings_bucket, "store.recordings_bucket")?,
            results: bucket(&config.store.results_bucket, "store.results_bucket")?,
        })
    }

    /// What a deletion has to look through.
    pub(super) fn places(&self) -> Places<'_> {
        Places {
            store: self.store.as_ref(),
            recordings: &self.recordings,
            results: &self.results,
        }
    }
}

/// The place that `s3://BUCKET/KEY` names; `None` for what is no such URI.
pub(super) fn s3_uri(text: &str) -> Option<Result<Location, String>> {
    let rest = text.strip_prefix("s3://")?;
    let parts = rest.split_once('/').ok_or("expected s3://BUCKET/KEY");
    Some(parts.map_err(str::to_owned).and_then(|(bucket, key)| {
        let bucket = bucket.parse().map_err(|e| format!("bucket {e}"))?;
        let key = key.parse().map_err(|e| format!("key {e}"))?;
        Ok(Location::new(bucket, key))
    }))
}

/// Rules and a scorecard from files of one's own. Says on standard error where the two do not fit.
pub(super) async fn scoring(rules: Option<&Path>, card: Option<&Path>) -> Result<Scoring, Exit> {
    let unusable = |failure| Exit::new(exit::CONFIG, failure);
    let mut scoring = Scoring::default();
    if let Some(path) = rules {
        scoring.rules = Some(load_file(path).await.map_err(unusable)?.rules);
    }
    if let Some(path) = card {
        scoring.scorecard = Some(load_scorecard(path).await.map_err(unusable)?);
    }
    if let Some(card) = &scoring.scorecard {
        warn_of_missing_rules(card, scoring.rules.as_deref());
    }
    Ok(scoring)
}

/// A question whose rule is missing is inconclusive, or false where it counts so: easily taken for what the call deserves.
pub(super) fn warn_of_missing_rules(card: &Scorecard, rules: Option<&RuleSet>) {
    let missing = card.missing_rules(rules);
    if missing.is_empty() {
        return;
    }
    let (id, version, missing) = (&card.id, card.version, missing.join(", "));
    match rules {
        Some(rules) => eprintln!(
            "warning: {id}@{version} asks for rules that {}@{} lacks, and answers without them: {missing}",
            rules.id(),
            rules.version()
        ),
        None => eprintln!(
            "warning: {id}@{version} asks for rules, and none are given with --rules: {missing}"
        ),
    }
}

/// A time on the command line.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let expected = |_| "expected a time as in RFC 3339, such as 2026-12-01T00:00:00Z".to_owned();
    text.parse().map_err(expected)
}

/// The audit log that the settings name. Opened first: what cannot be accounted for is not begun.
pub(super) fn audit_log(config: &Config, who: &str) -> Result<AuditLog, Exit> {
    let path = config.audit.file.as_deref();
    AuditLog::open(path, who).map_err(|e| {
        let shown = path.unwrap_or(Path::new("")).display();
        let why = match e.kind() {
            ErrorKind::WouldBlock => {
                "another process writes it: give this one another file (EARWITNESS__AUDIT__FILE)"
                    .to_owned()
            }
            ErrorKind::Other => format!("{e} (`earwitness audit verify {shown}` says more)"),
            _ => e.to_string(),
        };
        Exit::new(
            exit::CONFIG,
            anyhow::anyhow!("open audit.file {shown}: {why}"),
        )
    })
}

/// Something known of a call: `queue=sales 2`.
pub(super) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// The same as an attribute of a call, which is none of what is measured.
pub(super) fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = name_and_value(text)?;
    if OWN_FACTS.contains(&name.as_str()) {
        return Err(format!("`{name}` is measured on the recording"));
    }
    Ok((name, value))
}

/// The digest of what was hashed, as our own type.
pub(super) fn hexadecimal(digest: impl AsRef<[u8]>) -> Sha256 {
    Sha256::try_from(hex::encode(digest)).expect("a SHA-256 in hexadecimal has 64 digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_cannot_be_reached_is_no_bad_model() {
        let (url, reason) = ("http://127.0.0.1:1".to_owned(), "refused".to_owned());
        let away = unpulled(PullError::Unreachable { url, reason });
        assert_eq!(away.status, exit::UNREACHABLE);
        let name = "nosuch".to_owned();
        let unknown = unpulled(PullError::NotInCatalogue { name });
        assert_eq!(unknown.status, exit::BAD_MODEL);
    }

    #[test]
    fn a_time_is_explained_by_an_example() {
        assert!(time("2026-12-01T00:00:00Z").is_ok());
        let told = time("tomorrow").unwrap_err();
        assert!(
            told.contains("RFC 3339, such as 2026-12-01T00:00:00Z"),
            "{told}"
        );
    }
}
