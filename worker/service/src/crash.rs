//! Named places at which a test may have this process die. In: `EARWITNESS_CRASH_AT`, the name of a [`Point`], which only
//! builds with debug assertions read: in a release there is no code at these places. Out: nothing. The process goes as
//! by SIGKILL, without a destructor or a goodbye to any server. Source: `tests/cases/fleet/crashes.rs`, which tries each.

/// Between two steps whose order is a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The job is accounted for, and nothing of it begun.
    Accepted,
    Fetched,
    CheckpointSaved,
    /// Every span is there, nothing is stored.
    Recognised,
    /// Every object is stored, and no manifest names them.
    ObjectsStored,
    /// The job is done, and nobody was told.
    ManifestStored,
    /// Everybody was told, and the broker thinks the job undone.
    EventPublished,
    /// All but the ack.
    Completed,
    RetryPublished,
    HandOverPublished,
    DeadLetterPublished,
    /// Jobs are in their rows, and in the intake too.
    Sorted,
    /// A job is at the end of its row, and in the slot's hand too.
    PutOff,
    /// A call is to be deleted, and all of it still there.
    TombstoneWritten,
    /// Some of it is gone.
    HalfPurged,
}

impl Point {
    pub const ALL: [Point; 15] = [
        Point::Accepted,
        Point::Fetched,
        Point::CheckpointSaved,
        Point::Recognised,
        Point::ObjectsStored,
        Point::ManifestStored,
        Point::EventPublished,
        Point::Completed,
        Point::RetryPublished,
        Point::HandOverPublished,
        Point::DeadLetterPublished,
        Point::Sorted,
        Point::PutOff,
        Point::TombstoneWritten,
        Point::HalfPurged,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Point::Accepted => "accepted",
            Point::Fetched => "fetched",
            Point::CheckpointSaved => "checkpoint-saved",
            Point::Recognised => "recognised",
            Point::ObjectsStored => "objects-stored",
            Point::ManifestStored => "manifest-stored",
            Point::EventPublished => "event-published",
            Point::Completed => "completed",
            Point::RetryPublished => "retry-published",
            Point::HandOverPublished => "hand-over-published",
            Point::DeadLetterPublished => "dead-letter-published",
            Point::Sorted => "sorted",
            Point::PutOff => "put-off",
            Point::TombstoneWritten => "tombstone-written",
            Point::HalfPurged => "half-purged",
        }
    }
}

/// Dies here if a test asked for it.
#[cfg(debug_assertions)]
pub fn at(point: Point) {
    let asked = std::env::var_os("EARWITNESS_CRASH_AT");
    if asked.is_some_and(|name| name == point.as_str()) {
        let own = rustix::process::getpid();
        // Were the kernel to refuse it, an abort runs no destructor either.
        let _refused = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        std::process::abort();
    }
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub fn at(_point: Point) {}
