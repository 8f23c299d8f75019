//! A model from an object store, where workers have no other way out. In: the object's place and the store's settings.
//! Out: a verified file. Fails when the object is not there, breaks off, or is not the catalogue's file. The bytes go
//! through a pipe, from the async client to a thread that writes and hashes, so that no second copy is needed.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::sync::mpsc;

use anyhow::Context;
use indicatif::ProgressBar;
use models::ModelStore;
use models::pull::{self, Progress, PullError};
use models::store::{StoreError as ModelError, Verified};

use super::show;
use crate::config::Config;
use crate::exit::{self, Exit};
use crate::store::{self, Location, Pin, StoreError};

/// Twice the largest model there is.
const MAX_MODEL_BYTES: u64 = 8 << 30;

pub(super) async fn pull(
    config: &Config,
    models: ModelStore,
    name: &str,
    at: Location,
) -> Result<Verified, Exit> {
    let store = store::open(&config.store)
        .await
        .map_err(|e| Exit::new(exit::CONFIG, e))?;
    let meta = store.head(&at, None).await.map_err(unfetched)?;
    let (reader, writer) = io::pipe().context("make a pipe")?;
    let (tell, whole) = mpsc::channel();
    let arriving = Arriving {
        pipe: reader,
        whole,
        received_bytes: 0,
        of_bytes: meta.size_bytes,
        bar: ProgressBar::no_length(),
    };
    let name = name.to_owned();
    let writing = tokio::task::spawn_blocking(move || pull::from_reader(&models, &name, arriving));
    let mut pipe = tokio::fs::File::from_std(File::from(OwnedFd::from(writer)));
    let pin = Pin {
        etag: meta.etag,
        version_id: meta.version_id,
        sha256: None,
    };
    let fetched = store.fetch(&at, &pin, &mut pipe, MAX_MODEL_BYTES).await;
    if fetched.is_ok() {
        // A reader that has failed already needs no good news.
        let _ = tell.send(());
    }
    drop((tell, pipe));
    match (fetched, writing.await.context("write model")?) {
        (Err(fetch), Err(e)) if broke_off(&e) => Err(unfetched(fetch)),
        (_, pulled) => pulled.map_err(|e| Exit::new(exit::BAD_MODEL, e)),
    }
}

/// The pipe's end looks the same after a whole object and after a part of one: only the sender knows.
struct Arriving {
    pipe: PipeReader,
    /// Says so once all has been sent; is closed without a word otherwise.
    whole: mpsc::Receiver<()>,
    received_bytes: u64,
    of_bytes: u64,
    bar: ProgressBar,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pipe.read(buffer)?;
        if read == 0 && self.whole.recv().is_err() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.received_bytes += read as u64;
        let progress = Progress::Received {
            bytes: self.received_bytes,
            of_bytes: Some(self.of_bytes),
        };
        show(&self.bar, progress);
        Ok(read)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn broke_off(error: &PullError) -> bool {
    matches!(error, PullError::Store(ModelError::Io { source, .. }) if source.kind() == io::ErrorKind::UnexpectedEof)
}

fn unfetched(error: StoreError) -> Exit {
    let status = match error {
        StoreError::NotFound { .. } => exit::BAD_MODEL,
        _ => exit::UNREACHABLE,
    };
    Exit::new(status, error)
}
