//! Settings. In: flags, environment, a TOML file and `config/defaults.toml`, in that order of precedence.
//! Out: [`Loaded`], a checked [`Config`] and where each value came from. Fails: [`ConfigError`], which names key and
//! origin. Secrets are masked in everything that can be printed.

mod accounts;
mod check;
mod layers;
mod tenants;
#[cfg(test)]
mod tests;
mod types;
pub mod url;

use std::path::{Path, PathBuf};

pub use accounts::{AccountId, RoleArn};
pub use layers::{Origin, Row};
pub use tenants::by_tenant;
pub use types::{
    Admin, Audit, Broker, Checksums, Config, Engine, Log, LogFormat, RecognizerKind,
    RequireSignatures, Retention, Retry, Rules, Security, Store, StoreKind, Worker,
};

use layers::Layers;

/// Every key with its default and its meaning, fit to be printed as a template.
pub const DEFAULTS: &str = include_str!("config/defaults.toml");

#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// Every key in order, its value masked where it is a secret.
    pub rows: Vec<Row>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("read settings {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("read settings {}: {reason}", path.display())]
    Syntax { path: PathBuf, reason: String },
    #[error("unknown setting `{key}` ({origin}){}", suggestion(.similar.as_deref()))]
    UnknownKey {
        key: String,
        origin: Origin,
        similar: Option<String>,
    },
    #[error("setting `{key}` ({origin}): expected {expected}")]
    WrongType {
        key: String,
        origin: Origin,
        expected: &'static str,
    },
    #[error("setting `{key}` ({origin}): {reason}")]
    Invalid {
        key: String,
        origin: Origin,
        reason: String,
    },
}

fn suggestion(similar: Option<&str>) -> String {
    similar.map_or_else(String::new, |key| format!(", did you mean `{key}`?"))
}

/// Loads the settings of this process. A `flag` is a key such as `broker.url` with its text.
///
/// # Errors
/// The file cannot be read, or a key or value is not one of ours.
pub fn load(file: Option<&Path>, flags: &[(&str, String)]) -> Result<Loaded, ConfigError> {
    let text = file
        .map(|path| {
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                path: path.to_owned(),
                source,
            })
        })
        .transpose()?;
    // A variable that is not Unicode cannot be one of ours.
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    assemble(file.zip(text.as_deref()), &environment, flags)
}

/// The pure part of [`load`].
///
/// # Errors
/// A key or value is not one of ours.
pub fn assemble(
    file: Option<(&Path, &str)>,
    environment: &[(String, String)],
    flags: &[(&str, String)],
) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::defaults()?;
    if let Some((path, text)) = file {
        layers.add_file(path, text)?;
    }
    layers.add_environment(environment)?;
    for (key, text) in flags {
        layers.set_text(key, text, Origin::Flag)?;
    }
    let config: Config = layers.build()?;
    check::check(&config).map_err(|(key, reason)| layers.invalid(key, reason))?;
    Ok(Loaded {
        config,
        rows: layers.rows(),
    })
}
