//! Model files in a folder: `ggml-NAME.bin`, each beside the digest that it had when it came. In: names, files, readers.
//! Out: paths and [`ModelInfo`]. Fails: [`StoreError`]. A file gets its name only when it is whole, checked and written
//! out, so a cut download or copy never becomes a broken model.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::catalogue::{Catalogue, Entry, LICENCE, Origin, file_name};
use crate::digest;
use crate::error::ModelError;
use crate::ggml;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("model name `{name}` has characters other than a-z, 0-9, `.`, `-` and `_`")]
    BadName { name: String },
    #[error("model `{name}` is not installed in `{folder}`")]
    NotInstalled { name: String, folder: PathBuf },
    #[error("{action} `{path}`: {source}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("model `{name}` has sha256 {found}, and {expected} was wanted")]
    Digest {
        name: String,
        found: String,
        expected: String,
    },
    #[error("another process is fetching model `{name}`")]
    Busy { name: String },
}

/// What is known of one model, installed or not: a line of `models list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    pub name: String,
    pub installed: bool,
    /// Where it lies or would lie.
    pub path: PathBuf,
    /// Of the installed file, else of the published one where known.
    pub bytes: Option<u64>,
    /// Of the installed file when it came, else of the published one where known.
    pub sha256: Option<String>,
    /// `published`, `converted`, `not_pinned` or `foreign`; absent when not installed.
    pub origin: Option<&'static str>,
    pub multilingual: Option<bool>,
    pub licence: Option<&'static str>,
    /// Whether it can be made from wheels of the Python package index.
    pub convertible: bool,
}

/// A model file that was read in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
    catalogue: Catalogue,
}

impl ModelStore {
    /// The folder is made when the first model comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            catalogue: Catalogue::built_in(),
        }
    }

    #[cfg(test)]
    pub(crate) fn with_catalogue(folder: &Path, entries: Vec<Entry>) -> Self {
        Self {
            folder: folder.to_owned(),
            catalogue: Catalogue::of(entries),
        }
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The file of an installed model.
    ///
    /// # Errors
    /// [`StoreError::BadName`], [`StoreError::NotInstalled`].
    pub fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.place(name)?;
        if path.is_file() {
            return Ok(path);
        }
        Err(StoreError::NotInstalled {
            name: name.to_owned(),
            folder: self.folder.clone(),
        })
    }

    /// The catalogue's models, then what else lies in the folder, by name.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the folder cannot be read.
    pub fn list(&self) -> Result<Vec<ModelInfo>, StoreError> {
        let mut names: Vec<String> = self
            .catalogue
            .entries()
            .iter()
            .map(|e| e.name.clone())
            .collect();
        let mut others = Vec::new();
        if self.folder.is_dir() {
            let io_error = io_error("list", &self.folder);
            for item in fs::read_dir(&self.folder).map_err(&io_error)? {
                let file = item.map_err(&io_error)?.file_name();
                let name = file
                    .to_str()
                    .and_then(|f| f.strip_prefix("ggml-")?.strip_suffix(".bin"));
                if let Some(name) = name.filter(|n| self.catalogue.get(n).is_none()) {
                    others.push(name.to_owned());
                }
            }
        }
        others.sort();
        names.extend(others);
        names.iter().map(|name| self.info(name)).collect()
    }

    /// # Errors
    /// [`StoreError::BadName`].
    pub fn info(&self, name: &str) -> Result<ModelInfo, StoreError> {
        let path = self.place(name)?;
        let entry = self.catalogue.get(name);
        let installed_bytes = fs::metadata(&path).ok().map(|m| m.len());
        let recorded = installed_bytes.and_then(|_| recorded_digest(&path));
        let origin = match (&recorded, entry) {
            (Some(sha256), Some(entry)) => Some(entry.origin_of(sha256).name()),
            (Some(_), None) => Some(Origin::NotPinned.name()),
            (None, _) => None,
        };
        let published = entry.filter(|_| installed_bytes.is_none());
        Ok(ModelInfo {
            name: name.to_owned(),
            installed: installed_bytes.is_some(),
            bytes: installed_bytes.or(published.and_then(|e| e.bytes)),
            sha256: recorded.or(published.and_then(|e| e.sha256.clone())),
            origin,
            multilingual: entry.map(Entry::is_multilingual),
            licence: entry.map(|_| LICENCE),
            convertible: entry.is_some_and(|e| e.recipe().is_some()),
            path,
        })
    }

    /// Reads an installed model in full and compares it with what it was when it came.
    ///
    /// # Errors
    /// [`StoreError::Digest`] when it changed, [`StoreError::Model`] when it is no whole model, [`StoreError::Io`].
    pub fn verify(&self, name: &str) -> Result<Verified, StoreError> {
        let path = self.path(name)?;
        let verified = self.check(name, &path)?;
        match recorded_digest(&path) {
            Some(expected) if expected != verified.sha256 => Err(StoreError::Digest {
                name: name.to_owned(),
                found: verified.sha256,
                expected,
            }),
            _ => Ok(verified),
        }
    }

    /// Copies a model file in. `sha256` is what it must have; without it, any whole model is taken.
    ///
    /// # Errors
    /// As [`ModelStore::import_reader`].
    pub fn import_file(
        &self,
        name: &str,
        from: &Path,
        sha256: Option<&str>,
    ) -> Result<Verified, StoreError> {
        self.import_reader(name, open_model(from)?, sha256)
    }

    /// Takes a model file from any source, for instance an object store.
    ///
    /// # Errors
    /// [`StoreError::Model`] when it is no whole model, [`StoreError::Digest`] when it is not the one wanted,
    /// [`StoreError::Io`].
    pub fn import_reader(
        &self,
        name: &str,
        source: impl Read,
        sha256: Option<&str>,
    ) -> Result<Verified, StoreError> {
        let accept = |verified: &Verified| match sha256 {
            Some(expected) if expected != verified.sha256 => Err(StoreError::Digest {
                name: name.to_owned(),
                found: verified.sha256.clone(),
                expected: expected.to_owned(),
            }),
            _ => Ok(()),
        };
        self.take_in(name, source, accept)
    }

    /// Copies `source` to the end and gives the file its name if `accept` takes it.
    pub(crate) fn take_in(
        &self,
        name: &str,
        mut source: impl Read,
        accept: impl FnOnce(&Verified) -> Result<(), StoreError>,
    ) -> Result<Verified, StoreError> {
        let (part, mut file) = self.open_part(name)?;
        let write_error = io_error("write", &part);
        file.set_len(0).map_err(&write_error)?;
        io::copy(&mut source, &mut file).map_err(&write_error)?;
        self.settle(name, &part, &file, accept)
    }

    /// Removes an installed model and what was left of a fetch.
    ///
    /// # Errors
    /// [`StoreError::NotInstalled`], [`StoreError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name)?;
        fs::remove_file(&path).map_err(io_error("remove", &path))?;
        for extra in [digest_path(&path), part_path(&path)] {
            if let Err(source) = fs::remove_file(&extra)
                && source.kind() != io::ErrorKind::NotFound
            {
                return Err(io_error("remove", &extra)(source));
            }
        }
        Ok(())
    }

    /// The unfinished file of a model, locked against a second fetch. It keeps what an earlier fetch got.
    pub(crate) fn open_part(&self, name: &str) -> Result<(PathBuf, File), StoreError> {
        let part = part_path(&self.place(name)?);
        fs::create_dir_all(&self.folder).map_err(io_error("make folder", &self.folder))?;
        let mut options = File::options();
        options.create(true).read(true).append(true);
        let file = options.open(&part).map_err(io_error("open", &part))?;
        if file.try_lock().is_err() {
            return Err(StoreError::Busy {
                name: name.to_owned(),
            });
        }
        Ok((part, file))
    }

    /// Checks a finished part and gives it its name. A part that fails is removed: nobody can tell which bytes are wrong.
    pub(crate) fn settle(
        &self,
        name: &str,
        part: &Path,
        file: &File,
        accept: impl FnOnce(&Verified) -> Result<(), StoreError>,
    ) -> Result<Verified, StoreError> {
        let checked = self.check(name, part).and_then(|v| accept(&v).map(|()| v));
        let verified = match checked {
            Ok(verified) => verified,
            Err(refused) => {
                fs::remove_file(part).map_err(io_error("remove", part))?;
                return Err(refused);
            }
        };
        let path = self.place(name)?;
        file.sync_all().map_err(io_error("write", part))?;
        let record = digest_path(&path);
        File::create(&record)
            .and_then(|mut f| f.write_all(format!("{}\n", verified.sha256).as_bytes()))
            .map_err(io_error("write", &record))?;
        fs::rename(part, &path).map_err(io_error("name", &path))?;
        Ok(Verified { path, ..verified })
    }

    fn check(&self, name: &str, path: &Path) -> Result<Verified, StoreError> {
        ggml::inspect(path)?;
        let read_error = io_error("read", path);
        let file = File::open(path).map_err(&read_error)?;
        let (sha256, bytes) = digest::of_reader(file).map_err(&read_error)?;
        let origin = self
            .catalogue
            .get(name)
            .map_or(Origin::NotPinned, |entry| entry.origin_of(&sha256));
        Ok(Verified {
            path: path.to_owned(),
            bytes,
            sha256,
            origin,
        })
    }

    fn place(&self, name: &str) -> Result<PathBuf, StoreError> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_plain) {
            return Err(StoreError::BadName {
                name: name.to_owned(),
            });
        }
        Ok(self.folder.join(file_name(name)))
    }
}

/// Opens a file to take in. What is wrong with it is told of this file here, and not of the copy that would be made.
///
/// # Errors
/// [`StoreError::Io`], and [`StoreError::Model`] when it is no whole model.
pub fn open_model(from: &Path) -> Result<File, StoreError> {
    let failed = io_error("open", from);
    let file = File::open(from).map_err(&failed)?;
    let kind = file.metadata().map_err(&failed)?.file_type();
    // A pipe can be read only once.
    if kind.is_file() || kind.is_dir() {
        ggml::inspect(from)?;
    }
    Ok(file)
}

fn digest_path(path: &Path) -> PathBuf {
    path.with_extension("bin.sha256")
}

fn part_path(path: &Path) -> PathBuf {
    path.with_extension("bin.part")
}

fn recorded_digest(path: &Path) -> Option<String> {
    let text = fs::read_to_string(digest_path(path)).ok()?;
    Some(text.trim().to_owned())
}

pub(crate) fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        action,
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests;
