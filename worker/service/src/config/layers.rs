//! Sources laid over each other, key by key. In: TOML texts, environment pairs, flags. Out: one tree for serde, and rows
//! with origins. The leaves of `defaults.toml` are all the keys there are, and their types the only types accepted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{ConfigError, DEFAULTS, url};

const ENVIRONMENT_PREFIX: &str = "EARWITNESS__";

/// Variables that other programs read too. A later one wins over an earlier one, ours over both.
const STANDARD_VARIABLES: [(&str, &str); 6] = [
    ("AMQP_URL", "broker.url"),
    ("AWS_ENDPOINT_URL", "store.endpoint"),
    ("AWS_ENDPOINT_URL_S3", "store.endpoint"),
    ("AWS_DEFAULT_REGION", "store.region"),
    ("AWS_REGION", "store.region"),
    ("RUST_LOG", "log.level"),
];

const SECRET_KEYS: [&str; 3] = [
    "security.signing_keys",
    "store.access_key_id",
    "store.secret_access_key",
];
/// Shown without their password.
const URL_KEYS: [&str; 3] = ["broker.url", "store.endpoint", "store.sts_endpoint"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag => f.write_str("flag"),
        }
    }
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub key: String,
    pub value: String,
    pub origin: Origin,
}

pub(super) struct Layers {
    values: BTreeMap<String, (Value, Origin)>,
}

impl Layers {
    pub(super) fn defaults() -> Result<Self, ConfigError> {
        let path = Path::new("defaults.toml");
        let values = leaves(path, DEFAULTS)?
            .into_iter()
            .map(|(key, value)| (key, (value, Origin::Default)))
            .collect();
        Ok(Self { values })
    }

    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        for (key, value) in leaves(path, text)? {
            self.set(&key, value, Origin::File(path.to_owned()))?;
        }
        Ok(())
    }

    pub(super) fn add_environment(
        &mut self,
        environment: &[(String, String)],
    ) -> Result<(), ConfigError> {
        for (variable, key) in STANDARD_VARIABLES {
            let set = environment.iter().find(|(name, _)| name == variable);
            // Empty is the shell's way to unset a variable.
            if let Some((name, text)) = set.filter(|(_, text)| !text.is_empty()) {
                self.set_text(key, text, Origin::Environment(name.clone()))?;
            }
        }
        for (name, text) in environment {
            if let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                let key = rest.to_ascii_lowercase().replace("__", ".");
                self.set_text(&key, text, Origin::Environment(name.clone()))?;
            }
        }
        Ok(())
    }

    /// Sets a value that came as text: its type is that of the key's default.
    pub(super) fn set_text(
        &mut self,
        key: &str,
        text: &str,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let Some((known, _)) = self.values.get(key) else {
            return Err(self.unknown(key, origin));
        };
        match parse_as(known, text) {
            Ok(value) => self.set(key, value, origin),
            Err(expected) => Err(ConfigError::WrongType {
                key: key.to_owned(),
                origin,
                expected,
            }),
        }
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some((known, _)) = self.values.get(key) else {
            return Err(self.unknown(key, origin));
        };
        let value = match (known, value) {
            (Value::Float(_), Value::Integer(whole)) => parse_as(known, &whole.to_string()),
            (known, value) if known.same_type(&value) => Ok(value),
            (known, _) => Err(type_name(known)),
        }
        .map_err(|expected| ConfigError::WrongType {
            key: key.to_owned(),
            origin: origin.clone(),
            expected,
        })?;
        self.values.insert(key.to_owned(), (value, origin));
        Ok(())
    }

    pub(super) fn build<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let mut root = Table::new();
        for (key, (value, _)) in &self.values {
            let (section, name) = key.split_once('.').unwrap_or(("", key));
            let section = root
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                section.insert(name.to_owned(), value.clone());
            }
        }
        serde_path_to_error::deserialize(Value::Table(root)).map_err(|error| {
            let path = error.path().to_string();
            // Inside a list the path goes on to the element.
            let key = path.split('[').next().unwrap_or_default().to_owned();
            self.invalid(&key, error.inner().message().to_owned())
        })
    }

    pub(super) fn invalid(&self, key: &str, reason: String) -> ConfigError {
        let origin = self
            .values
            .get(key)
            .map_or(Origin::Default, |(_, origin)| origin.clone());
        ConfigError::Invalid {
            key: key.to_owned(),
            origin,
            reason,
        }
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |(key, (value, origin)): (&String, &(Value, Origin))| Row {
            key: key.clone(),
            value: printable(key, value),
            origin: origin.clone(),
        };
        self.values.iter().map(row).collect()
    }

    fn unknown(&self, key: &str, origin: Origin) -> ConfigError {
        let similar = self
            .values
            .keys()
            .map(|known| (strsim::damerau_levenshtein(known, key), known))
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, known)| known.clone());
        ConfigError::UnknownKey {
            key: key.to_owned(),
            origin,
            similar,
        }
    }
}

fn leaves(path: &Path, text: &str) -> Result<Vec<(String, Value)>, ConfigError> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            // Not the error's Display: that quotes the line, which may hold a password.
            reason: error.message().to_owned(),
        })?;
    let mut found = Vec::new();
    for (section, value) in table {
        match value {
            Value::Table(keys) => found.extend(
                keys.into_iter()
                    .map(|(key, value)| (format!("{section}.{key}"), value)),
            ),
            value => found.push((section, value)),
        }
    }
    Ok(found)
}

fn parse_as(known: &Value, text: &str) -> Result<Value, &'static str> {
    let expected = type_name(known);
    match known {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| expected),
        Value::Float(_) => text.parse().map(Value::Float).map_err(|_| expected),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| expected),
        Value::Array(items) => {
            let like = items.first().ok_or(expected)?;
            let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
            let parsed: Result<Vec<Value>, _> = parts.map(|part| parse_as(like, part)).collect();
            parsed.map(Value::Array).map_err(|_| expected)
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list",
        Value::String(_) => "a text",
        Value::Datetime(_) | Value::Table(_) => "another type",
    }
}

fn printable(key: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if SECRET_KEYS.contains(&key) && !text.is_empty() {
        "***".to_owned()
    } else if URL_KEYS.contains(&key) {
        url::redacted(&text)
    } else {
        text
    }
}
