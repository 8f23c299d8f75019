//! The file of a batch: JSON lines, first what is frozen, then the items, then a journal that only grows. In: notes. Out: the
//! state of every item, the same after any death. A last line that is cut off was never acted on and is taken away. One
//! process at a time may write it. Fails as files do, and when it is not such a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use job_schema::ErrorCode;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::source::Refusal;
use super::{Frozen, Item, State};

#[derive(Debug, thiserror::Error)]
pub enum BookError {
    #[error("{action} the batch file: {source}")]
    File {
        action: &'static str,
        source: io::Error,
    },
    #[error(
        "there is such a file already: `earwitness batch run` goes on with its plan, and a new plan wants a file of another name"
    )]
    Exists,
    #[error("another process works on this batch")]
    Busy,
    #[error("line {0} is not one of a batch file")]
    Line(usize),
    #[error("the plan was not finished: make it again")]
    Unfinished,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Frozen(Box<Frozen>),
    Item(Item),
    Refused(Refusal),
    /// The plan ends here: without it the planning died.
    Planned {
        items_count: usize,
    },
    Note(usize, State),
}

#[derive(Debug)]
pub struct Book {
    file: File,
    pub frozen: Frozen,
    pub items: Vec<Item>,
    pub refused: Vec<Refusal>,
    states: Vec<State>,
    /// Items that were published at least once: what failed before has no dead letter.
    published: Vec<bool>,
}

/// `total` is the sum of all the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub total: usize,
    pub waiting: usize,
    pub in_flight: usize,
    pub skipped: usize,
    pub completed: usize,
    pub other_spec: usize,
    pub failed: usize,
    /// Lines of the list that name no recording.
    pub refused: usize,
}

impl Book {
    /// A new file, for its owner's eyes only.
    pub fn create(
        path: &Path,
        frozen: &Frozen,
        items: &[Item],
        refused: &[Refusal],
    ) -> Result<(), BookError> {
        let failed = |source| BookError::File {
            action: "write",
            source,
        };
        let mut options = File::options();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => BookError::Exists,
            _ => failed(e),
        })?;
        let mut out = BufWriter::new(file);
        let items_count = items.len();
        let lines = std::iter::once(Line::Frozen(Box::new(frozen.clone())))
            .chain(items.iter().cloned().map(Line::Item))
            .chain(refused.iter().cloned().map(Line::Refused))
            .chain([Line::Planned { items_count }]);
        for line in lines {
            out.write_all(&text(&line)).map_err(failed)?;
        }
        let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)
    }

    /// To work on: nobody else may meanwhile.
    pub fn open(path: &Path) -> Result<Self, BookError> {
        let file = File::options().read(true).append(true).open(path);
        let file = file.map_err(|source| BookError::File {
            action: "open",
            source,
        })?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| BookError::Busy)?;
        let (book, whole_bytes) = Self::read(file)?;
        book.file
            .set_len(whole_bytes)
            .map_err(|source| BookError::File {
                action: "mend",
                source,
            })?;
        Ok(book)
    }

    /// To look at, also while a run goes on.
    pub fn look(path: &Path) -> Result<Self, BookError> {
        let file = File::open(path).map_err(|source| BookError::File {
            action: "open",
            source,
        })?;
        Ok(Self::read(file)?.0)
    }

    fn read(mut file: File) -> Result<(Self, u64), BookError> {
        let failed = |source| BookError::File {
            action: "read",
            source,
        };
        let (mut frozen, mut items, mut refused) = (None, Vec::new(), Vec::new());
        let mut is_planned = false;
        let (mut states, mut published, mut whole_bytes) = (Vec::new(), Vec::new(), 0);
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let (mut lines, mut buffer, mut number) = (BufReader::new(&file), Vec::new(), 0);
        loop {
            buffer.clear();
            let bytes = lines.read_until(b'\n', &mut buffer).map_err(failed)?;
            if bytes == 0 || !buffer.ends_with(b"\n") {
                break;
            }
            number += 1;
            let line = serde_json::from_slice(&buffer).map_err(|_| BookError::Line(number))?;
            match line {
                Line::Frozen(what) => frozen = Some(*what),
                Line::Item(item) => items.push(item),
                Line::Refused(refusal) => refused.push(refusal),
                Line::Planned { items_count } if items_count == items.len() => {
                    is_planned = true;
                    states = vec![State::Waiting; items_count];
                    published = vec![false; items_count];
                }
                Line::Planned { .. } => return Err(BookError::Line(number)),
                Line::Note(n, note) => {
                    let state = states.get_mut(n).ok_or(BookError::Line(number))?;
                    *state = note;
                    published[n] |= note == State::Sent;
                }
            }
            whole_bytes += bytes as u64;
        }
        if !is_planned {
            return Err(BookError::Unfinished);
        }
        let book = Self {
            frozen: frozen.ok_or(BookError::Unfinished)?,
            file,
            items,
            refused,
            states,
            published,
        };
        Ok((book, whole_bytes))
    }

    /// In the file when this returns, and on disk soon: what a host that dies forgets is found in the results bucket again.
    pub fn note(&mut self, notes: &[(usize, State)]) -> Result<(), BookError> {
        let lines: Vec<u8> = notes
            .iter()
            .flat_map(|(n, note)| text(&Line::Note(*n, *note)))
            .collect();
        self.file
            .write_all(&lines)
            .map_err(|source| BookError::File {
                action: "write",
                source,
            })?;
        for (n, note) in notes {
            self.states[*n] = *note;
            self.published[*n] |= *note == State::Sent;
        }
        Ok(())
    }

    /// Items in one of the states, in the order of the plan.
    pub fn in_state(&self, is: impl Fn(State) -> bool) -> impl Iterator<Item = usize> {
        let states = self.states.iter().enumerate();
        states.filter(move |(_, state)| is(**state)).map(|(n, _)| n)
    }

    pub fn was_published(&self, n: usize) -> bool {
        self.published.get(n).copied().unwrap_or(false)
    }

    pub fn counts(&self) -> Counts {
        let count = |is: fn(State) -> bool| self.in_state(is).count();
        Counts {
            total: self.items.len() + self.refused.len(),
            waiting: count(|s| s == State::Waiting),
            in_flight: count(|s| matches!(s, State::Begun | State::Sent)),
            skipped: count(|s| s == State::Skipped),
            completed: count(|s| s == State::Completed),
            other_spec: count(|s| s == State::OtherSpec),
            failed: count(|s| matches!(s, State::Failed(_))),
            refused: self.refused.len(),
        }
    }

    /// How many failed for each reason, and how many of those left a dead letter.
    pub fn failures(&self) -> BTreeMap<ErrorCode, (usize, usize)> {
        let mut by_code = BTreeMap::new();
        for (n, state) in self.states.iter().enumerate() {
            if let State::Failed(code) = state {
                let (all, dead) = by_code.entry(*code).or_insert((0, 0));
                *all += 1;
                *dead += usize::from(self.was_published(n));
            }
        }
        by_code
    }
}

fn text(line: &Line) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).expect("ids, counts and texts serialise");
    text.push(b'\n');
    text
}
