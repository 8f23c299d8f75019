//! Plain text for people: a line a turn, `[00:01:02.345] Agent: …`. Where it is not known who spoke, no name is written.

use std::fmt::Write as _;

use job_schema::transcript::Transcript;

use super::{clock, printable, speaker_name};

pub(super) fn render(transcript: &Transcript) -> String {
    let mut document = String::new();
    for turn in &transcript.turns {
        let text = printable(&turn.text);
        if text.is_empty() {
            continue;
        }
        let speaker = match speaker_name(transcript, turn.channel) {
            Some(name) => format!("{name}: "),
            None => String::new(),
        };
        writeln!(document, "[{}] {speaker}{text}", clock(turn.start_ms, '.'))
            .expect("writing to a String cannot fail");
    }
    document
}
