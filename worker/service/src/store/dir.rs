//! Objects as files: `root/bucket/key`. A new object appears whole, by rename or by link(2), after fsync of file and
//! directories. A file that others change in place is noticed by its ETag (inode, size, modification time).
//! Keys that differ only as file and directory (`a` and `a/b`) cannot both exist; S3 has no such limit.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use job_schema::job::BucketName;
use job_schema::{ObjectKey, Sha256};
use sha2::{Digest, Sha256 as Hasher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::{
    BlobStore, Destination, Fetched, Listed, Location, ObjectMeta, Page, Pin, PutMode, PutOutcome,
    Readiness, StoreError, unquoted,
};

/// Not a bucket's name, so no object can lie in it.
const UNFINISHED_DIR: &str = ".unfinished";
const CHUNK_BYTES: usize = 256 * 1024;

#[derive(Debug, Clone)]
pub struct DirStore {
    root: PathBuf,
}

impl DirStore {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where an object's bytes are. An [`ObjectKey`] has no `..` and no empty segment, so this stays below the root.
    pub fn path(&self, at: &Location) -> PathBuf {
        self.root.join(at.bucket.as_str()).join(at.key.as_str())
    }
}

#[async_trait]
impl BlobStore for DirStore {
    async fn head(&self, at: &Location, version: Option<&str>) -> Result<ObjectMeta, StoreError> {
        const ACTION: &str = "look up object";
        refuse_version(ACTION, version)?;
        let metadata = tokio::fs::metadata(self.path(at)).await;
        let metadata = metadata.map_err(|e| io_error(ACTION, &e))?;
        if !metadata.is_file() {
            return Err(StoreError::NotFound { action: ACTION });
        }
        Ok(ObjectMeta {
            size_bytes: metadata.len(),
            etag: Some(etag(&metadata)),
            version_id: None,
            last_modified: modified(&metadata),
            readiness: Readiness::Ready,
        })
    }

    async fn fetch(
        &self,
        at: &Location,
        pin: &Pin,
        dest: Destination<'_>,
        max_bytes: u64,
    ) -> Result<Fetched, StoreError> {
        const ACTION: &str = "fetch object";
        refuse_version(ACTION, pin.version_id.as_deref())?;
        let file = tokio::fs::File::open(self.path(at)).await;
        let mut file = file.map_err(|e| io_error(ACTION, &e))?;
        let before = file.metadata().await.map_err(|e| io_error(ACTION, &e))?;
        if !before.is_file() {
            return Err(StoreError::NotFound { action: ACTION });
        }
        let etag_before = etag(&before);
        let pinned = pin.etag.as_deref().map(unquoted);
        if pinned.is_some_and(|wanted| wanted != etag_before) {
            return Err(StoreError::Changed);
        }
        check_size(before.len(), max_bytes)?;
        let (size_bytes, sha256) = copy(&mut file, dest, max_bytes).await?;
        let after = file.metadata().await.map_err(|e| io_error(ACTION, &e))?;
        if etag(&after) != etag_before || size_bytes != before.len() {
            return Err(StoreError::Changed);
        }
        if pin.sha256.as_ref().is_some_and(|wanted| *wanted != sha256) {
            return Err(StoreError::OtherContent);
        }
        Ok(Fetched {
            size_bytes,
            sha256,
            etag: Some(etag_before),
            version_id: None,
        })
    }

    async fn put(
        &self,
        at: &Location,
        bytes: Bytes,
        _content_type: &str,
        mode: PutMode,
    ) -> Result<PutOutcome, StoreError> {
        let (root, path) = (self.root.clone(), self.path(at));
        let write = move |unfinished: &mut File| unfinished.write_all(&bytes);
        blocking("store object", move || put(&root, &path, write, mode)).await
    }

    async fn put_file(
        &self,
        at: &Location,
        file: &Path,
        _content_type: &str,
    ) -> Result<(), StoreError> {
        let mut source = File::open(file).map_err(StoreError::Source)?;
        let (root, path) = (self.root.clone(), self.path(at));
        let copying = move || {
            let write = |unfinished: &mut File| io::copy(&mut source, unfinished).map(drop);
            put(&root, &path, write, PutMode::Overwrite).map(drop)
        };
        blocking("store object", copying).await
    }

    async fn list(
        &self,
        bucket: &BucketName,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        let bucket = self.root.join(bucket.as_str());
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let listing = move || list(&bucket, &prefix, after.as_deref(), limit.into());
        blocking("list objects", listing).await
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        let path = self.path(at);
        let deleting = move || match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => sync_dir(path.parent().unwrap_or(&path)),
        };
        blocking("delete object", deleting).await
    }
}

async fn copy(
    file: &mut tokio::fs::File,
    dest: Destination<'_>,
    max_bytes: u64,
) -> Result<(u64, Sha256), StoreError> {
    let mut hasher = Hasher::new();
    let mut size_bytes = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk).await;
        let read = read.map_err(|e| io_error("fetch object", &e))?;
        if read == 0 {
            break;
        }
        let part = &chunk[..read];
        size_bytes += part.len() as u64;
        check_size(size_bytes, max_bytes)?;
        hasher.update(part);
        dest.write_all(part)
            .await
            .map_err(StoreError::Destination)?;
    }
    dest.flush().await.map_err(StoreError::Destination)?;
    Ok((size_bytes, super::digest(hasher)))
}

fn put(
    root: &Path,
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
    mode: PutMode,
) -> io::Result<PutOutcome> {
    if mode == PutMode::IfAbsent && path.exists() {
        return Ok(PutOutcome::AlreadyExists);
    }
    let unfinished_dir = root.join(UNFINISHED_DIR);
    let parent = path.parent().unwrap_or(root);
    fs::create_dir_all(&unfinished_dir)?;
    fs::create_dir_all(parent)?;
    let unfinished = unfinished_dir.join(Uuid::now_v7().to_string());
    let written = write_synced(&unfinished, write).and_then(|()| match mode {
        PutMode::Overwrite => fs::rename(&unfinished, path).map(|()| PutOutcome::Created),
        PutMode::IfAbsent => link(&unfinished, path),
    });
    if mode == PutMode::IfAbsent || written.is_err() {
        // A name that stays behind costs space and nothing else; the object is there or not already.
        let _ = fs::remove_file(&unfinished);
    }
    let outcome = written?;
    if outcome == PutOutcome::Created {
        for dir in parent.ancestors().take_while(|dir| dir.starts_with(root)) {
            sync_dir(dir)?;
        }
    }
    Ok(outcome)
}

/// link(2) fails if the name is taken, which rename does not.
fn link(unfinished: &Path, path: &Path) -> io::Result<PutOutcome> {
    match fs::hard_link(unfinished, path) {
        Ok(()) => Ok(PutOutcome::Created),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(PutOutcome::AlreadyExists),
        Err(error) => Err(error),
    }
}

fn write_synced(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    write(&mut file)?;
    file.sync_all()
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn list(bucket: &Path, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Page> {
    // Only the directory that the prefix names can hold a match.
    let start = prefix.rsplit_once('/').map_or("", |(dir, _)| dir);
    let mut walk = Walk {
        bucket,
        prefix,
        after,
        limit,
        found: Vec::new(),
    };
    match walk.below(start) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Page::default()),
        other => other?,
    };
    let mut found = walk.found;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_after = found.last().filter(|_| more).map(|(key, _)| key.clone());
    let mut page = Page {
        next_after,
        ..Page::default()
    };
    for (key, metadata) in found {
        match ObjectKey::try_from(key) {
            Ok(key) => page.objects.push(Listed {
                key,
                size_bytes: metadata.len(),
                last_modified: modified(&metadata),
            }),
            Err(_) => page.foreign_count += 1,
        }
    }
    Ok(page)
}

/// Visits keys in byte order and stops one past the limit, so that a page costs its own objects and not the whole bucket's.
struct Walk<'a> {
    bucket: &'a Path,
    prefix: &'a str,
    after: Option<&'a str>,
    limit: usize,
    found: Vec<(String, Metadata)>,
}

impl Walk<'_> {
    fn below(&mut self, dir: &str) -> io::Result<()> {
        for (key, is_dir) in self.entries(dir)? {
            if self.found.len() > self.limit {
                return Ok(());
            }
            if is_dir {
                match self.below(key.trim_end_matches('/')) {
                    // Deleted since its parent was read.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    other => other?,
                }
                continue;
            }
            match fs::metadata(self.bucket.join(&key)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(metadata) => self.found.push((key, metadata)),
            }
        }
        Ok(())
    }

    /// A directory's entries that may matter, by key; a directory's ends in a slash, as the keys below it go on.
    fn entries(&self, dir: &str) -> io::Result<Vec<(String, bool)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.bucket.join(dir))? {
            let entry = entry?;
            // A name that is not Unicode is no key of ours, and cannot be listed as one.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let mut key = if dir.is_empty() {
                name
            } else {
                format!("{dir}/{name}")
            };
            let kind = entry.file_type()?;
            // A link may be either; what it leads to decides.
            let is_dir = kind.is_dir() || kind.is_symlink() && entry.path().is_dir();
            if is_dir {
                key.push('/');
            }
            let fits = key.starts_with(self.prefix) || is_dir && self.prefix.starts_with(&*key);
            let over = self
                .after
                .is_some_and(|after| &*key <= after && !(is_dir && after.starts_with(&*key)));
            if fits && !over {
                entries.push((key, is_dir));
            }
        }
        entries.sort();
        Ok(entries)
    }
}

async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| io_error(action, &error)),
        Err(_) => Err(StoreError::Unavailable {
            action,
            reason: "the runtime is shutting down".to_owned(),
        }),
    }
}

fn io_error(action: &'static str, error: &io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => StoreError::NotFound { action },
        ErrorKind::PermissionDenied => StoreError::Forbidden { action },
        _ => StoreError::Unavailable {
            action,
            reason: error.to_string(),
        },
    }
}

fn refuse_version(action: &'static str, version: Option<&str>) -> Result<(), StoreError> {
    // A directory keeps no versions, so one that is asked for is not there.
    version.map_or(Ok(()), |_| Err(StoreError::NotFound { action }))
}

fn check_size(size_bytes: u64, limit_bytes: u64) -> Result<(), StoreError> {
    if size_bytes > limit_bytes {
        return Err(StoreError::TooLarge {
            size_bytes,
            limit_bytes,
        });
    }
    Ok(())
}

fn etag(metadata: &Metadata) -> String {
    let (ino, len) = (metadata.ino(), metadata.len());
    let (s, ns) = (metadata.mtime(), metadata.mtime_nsec());
    format!("{ino:x}-{len:x}-{s:x}.{ns:x}")
}

fn modified(metadata: &Metadata) -> Option<Timestamp> {
    Timestamp::try_from(metadata.modified().ok()?).ok()
}
