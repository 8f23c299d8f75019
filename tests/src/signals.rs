//! Waiting for what a server or a process shows: an object, a line, a page. In: what is waited for, and a look at it.
//! Out: what the look found. Fails when it found nothing for as long as a busy machine may need.

use std::time::{Duration, Instant};

use anyhow::bail;

/// Far longer than anything here takes on a machine with nothing else to do.
pub const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
///
/// # Errors
/// The look's own, and that [`PATIENCE`] has run out.
pub async fn until<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
