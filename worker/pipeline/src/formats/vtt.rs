//! WebVTT with voice tags. A cue's id is the channel's index and the index of its first word (`1-17`), so that a cue leads
//! back to the words of transcript.json. Source: W3C WebVTT, sections 4.1 and 6.4.

use std::fmt::Write as _;

use job_schema::transcript::Transcript;

use super::{clock, cues, speaker_name};

pub(super) fn render(transcript: &Transcript) -> String {
    let mut document = String::from("WEBVTT\n");
    for cue in cues::cues(transcript) {
        let voice = match speaker_name(transcript, cue.channel) {
            Some(name) => format!("<v {}>", escape(&name)),
            None => String::new(),
        };
        write!(
            document,
            "\n{}-{}\n{} --> {}\n{voice}{}\n",
            cue.channel,
            cue.first_word,
            clock(cue.start_ms, '.'),
            clock(cue.end_ms, '.'),
            escape(&cue.text),
        )
        .expect("writing to a String cannot fail");
    }
    document
}

/// With every `>` escaped, no `-->` is left that could start a cue.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
