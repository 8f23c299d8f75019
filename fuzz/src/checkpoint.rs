//! A checkpoint, as a worker finds it in the store. In: its bytes. Promise: whatever spans it holds, the results can be
//! made of them, in every format; words lie in order within the call and last some time.

use earwitness::results::{Scoring, compose};
use job_schema::checkpoint::Checkpoint;
use job_schema::job::Format;

use crate::transcripts::{findings, header};

pub fn read(bytes: &[u8]) -> bool {
    let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(bytes) else {
        return false;
    };
    let results = compose(
        header(),
        findings(checkpoint.spans),
        &Scoring::default(),
        &Format::ALL,
    );
    let duration_ms = results.transcript.audio.decoded.duration_ms;
    for channel in &results.transcript.channels {
        let mut heard_ms = 0;
        for word in &channel.words {
            assert!(word.start_ms >= heard_ms, "words that overlap");
            assert!(word.end_ms > word.start_ms, "a word of no time");
            heard_ms = word.end_ms;
        }
        assert!(heard_ms <= duration_ms, "a word after the end");
    }
    true
}
