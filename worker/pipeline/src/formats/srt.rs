//! SubRip, numbered from 1. The format has no voice tag and no escapes: the speaker is written before the text, and angle
//! brackets become single quotation marks of the same shape. Players take `<word>` for a tag and hide it, and `-->` for
//! a time line.

use std::fmt::Write as _;

use job_schema::transcript::Transcript;

use super::{clock, cues, speaker_name};

pub(super) fn render(transcript: &Transcript) -> String {
    let mut document = String::new();
    for (number, cue) in (1..).zip(cues::cues(transcript)) {
        let speaker = match speaker_name(transcript, cue.channel) {
            Some(name) => format!("{name}: "),
            None => String::new(),
        };
        write!(
            document,
            "{number}\n{} --> {}\n{speaker}{}\n\n",
            clock(cue.start_ms, ','),
            clock(cue.end_ms, ','),
            cue.text.replace('<', "\u{2039}").replace('>', "\u{203A}"),
        )
        .expect("writing to a String cannot fail");
    }
    document
}
