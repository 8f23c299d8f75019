//! The proof of a redacted recording, as far as it came: it is heard once more from start to end, which takes as long as the first
//! time. In: what an earlier worker heard of it. Out: a board to hear on with, and what is to be kept. Cannot fail.

use std::sync::OnceLock;

use job_schema::Sha256;
use job_schema::checkpoint::Proof;

use crate::recognise::Board;

#[derive(Debug, Default)]
pub struct Proving {
    before: Option<Proof>,
    now: OnceLock<Hearing>,
}

#[derive(Debug)]
struct Hearing {
    recording_sha256: Sha256,
    board: Board,
    resumed: u64,
}

impl Proving {
    pub fn resumed(before: Option<Proof>) -> Self {
        Self {
            before,
            now: OnceLock::new(),
        }
    }

    /// To hear this recording with. What was heard of another one, with something else muted, counts for nothing.
    pub(super) fn board(&self, recording_sha256: Sha256) -> &Board {
        let hearing = self.now.get_or_init(|| {
            let before = self.before.iter();
            let spans: Vec<_> = before
                .filter(|proof| proof.recording_sha256 == recording_sha256)
                .flat_map(|proof| proof.spans.iter().cloned())
                .collect();
            Hearing {
                recording_sha256,
                resumed: spans.len() as u64,
                board: Board::resumed(spans),
            }
        });
        &hearing.board
    }

    pub fn so_far(&self) -> Option<Proof> {
        match self.now.get() {
            Some(hearing) => Some(Proof {
                recording_sha256: hearing.recording_sha256.clone(),
                spans: hearing.board.spans(),
            }),
            None => self.before.clone(),
        }
    }

    /// Whether a span was heard that the earlier worker had not.
    pub fn progressed(&self) -> bool {
        let now = self.now.get();
        now.is_some_and(|hearing| hearing.board.spans_count() > hearing.resumed)
    }
}

#[cfg(test)]
mod tests {
    use job_schema::engine::SpanResult;
    use job_schema::transcript::TimeSpan;

    use super::*;

    #[test]
    fn only_what_was_heard_of_the_same_recording_is_gone_on_from() {
        let digest = |digit: &str| -> Sha256 { digit.repeat(64).parse().unwrap() };
        let span = TimeSpan {
            start_ms: 0,
            end_ms: 1_000,
        };
        let before = Proof {
            recording_sha256: digest("a"),
            spans: vec![SpanResult::new(0, span)],
        };
        for (recording, count) in [("a", 1), ("b", 0)] {
            let proving = Proving::resumed(Some(before.clone()));
            assert_eq!(proving.so_far(), Some(before.clone()), "nothing came since");
            assert_eq!(proving.board(digest(recording)).spans_count(), count);
            let so_far = proving.so_far().unwrap();
            assert_eq!(so_far.recording_sha256, digest(recording));
            assert_eq!(so_far.spans.len() as u64, count);
            assert!(!proving.progressed());
        }
    }
}
