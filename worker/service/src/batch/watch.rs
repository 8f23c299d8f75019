//! What became of published items. In: the book, and the store. Out: notes in the book. A status tells most; where it is old or
//! missing the result tells, which costs several requests and is looked for once a minute at most. A store that is away is told.

use std::time::Instant;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use job_schema::status::{State as JobState, Status};
use job_schema::{ErrorCode, Failure, ObjectKey};

use super::rhythm::Rhythm;
use super::run::{AT_ONCE, Prepared, Settings, is_outage, prepare};
use super::{Book, BookError, Frozen, Item, State};
use crate::layout::ResultKeys;
use crate::status;
use crate::store::{Location, StoreError};

/// A status this old may be one that could not be written: the manifest is looked for.
const STATUS_IS_STALE: SignedDuration = SignedDuration::from_secs(60);

/// Finds out which of the published items have ended, where it is time to look.
pub(super) async fn settle(
    settings: &Settings,
    book: &mut Book,
    rhythm: &mut Rhythm,
) -> Result<Result<(), String>, BookError> {
    let now = Instant::now();
    if !rhythm.is_due(now) {
        return Ok(Ok(()));
    }
    let (frozen, items) = (&book.frozen, &book.items);
    let sent: Vec<usize> = book.in_state(|s| s == State::Sent).collect();
    let told: Vec<_> = stream::iter(sent)
        .map(|n| async move { (n, by_status(settings, frozen, &items[n]).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let (mut notes, mut untold, mut outage) = (Vec::new(), Vec::new(), Ok(()));
    for (n, told) in told {
        match told {
            Ok(Told::Ended(note)) => notes.push((n, note)),
            Ok(Told::Nothing) if rhythm.may_look_closely(n, now) => untold.push(n),
            Ok(Told::Nothing | Told::UnderWay) => {}
            Err(failure) => outage = Err(failure.to_string()),
        }
    }
    let found: Vec<_> = stream::iter(untold)
        .map(|n| async move { (n, by_result(settings, frozen, &items[n]).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    for (n, found) in found {
        match found {
            Ok(note) => {
                rhythm.looked_closely(n, now);
                notes.extend(note.map(|note| (n, note)));
            }
            Err(failure) => outage = Err(failure.to_string()),
        }
    }
    book.note(&notes)?;
    for (n, _) in &notes {
        rhythm.forget(*n);
    }
    if outage.is_ok() {
        rhythm.looked(Instant::now(), !notes.is_empty());
    }
    Ok(outage)
}

/// What there is to note of a published item, if anything.
pub(super) async fn look(
    settings: &Settings,
    frozen: &Frozen,
    item: &Item,
) -> Result<Option<State>, Failure> {
    match by_status(settings, frozen, item).await? {
        Told::Ended(note) => Ok(Some(note)),
        Told::UnderWay => Ok(None),
        Told::Nothing => by_result(settings, frozen, item).await,
    }
}

/// What a status says.
enum Told {
    Ended(State),
    UnderWay,
    /// There is none, or one that nobody writes any more.
    Nothing,
}

async fn by_status(settings: &Settings, frozen: &Frozen, item: &Item) -> Result<Told, Failure> {
    let found = status_of(settings, frozen, item).await;
    let Some(status) = found.map_err(|e| e.failure())? else {
        return Ok(Told::Nothing);
    };
    let age = Timestamp::now().duration_since(status.updated_at);
    Ok(match status.state {
        JobState::Completed { manifest_key, .. } => {
            Told::Ended(completed(settings, frozen, item, &manifest_key).await?)
        }
        JobState::Failed { failure, .. } => Told::Ended(State::Failed(failure.code)),
        JobState::Cancelled => Told::Ended(State::Failed(ErrorCode::Cancelled)),
        _ if age < STATUS_IS_STALE => Told::UnderWay,
        _ => Told::Nothing,
    })
}

/// The result tells, or the call was deleted.
async fn by_result(
    settings: &Settings,
    frozen: &Frozen,
    item: &Item,
) -> Result<Option<State>, Failure> {
    match prepare(settings, frozen, item).await {
        Ok(Prepared::Done) => Ok(Some(State::Completed)),
        Ok(Prepared::Job(_)) => Ok(None),
        Err(failure) if is_outage(&failure) => Err(failure),
        Err(failure) => Ok(Some(State::Failed(failure.code))),
    }
}

/// One that does not parse is as good as none.
pub(super) async fn status_of(
    settings: &Settings,
    frozen: &Frozen,
    item: &Item,
) -> Result<Option<Status>, StoreError> {
    let (store, results) = (settings.store.as_ref(), &settings.results);
    let found = status::read(store, results, &frozen.tenant, item.job_id).await?;
    Ok(found.and_then(Result::ok))
}

/// A worker of another kind than the plan's makes a result as well, but not the one that was planned.
async fn completed(
    settings: &Settings,
    frozen: &Frozen,
    item: &Item,
    manifest_key: &ObjectKey,
) -> Result<State, Failure> {
    let at = Location::new(item.bucket.clone(), item.key.clone());
    let meta = match settings.store.head(&at, item.version_id.as_deref()).await {
        Ok(meta) => meta,
        // Gone since: nothing left to compare with.
        Err(StoreError::NotFound { .. }) => return Ok(State::Completed),
        Err(e) => return Err(e.failure()),
    };
    let spec = frozen.spec_sha256(item, &meta);
    let planned = ResultKeys::new(&frozen.tenant, &item.call, &spec).manifest();
    if planned == *manifest_key {
        Ok(State::Completed)
    } else {
        Ok(State::OtherSpec)
    }
}
