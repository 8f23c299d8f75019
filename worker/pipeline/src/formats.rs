//! A call as the documents that people and players read. In: an assembled [`Transcript`] and its [`Analysis`]. Out: UTF-8
//! text, the same for the same of both. Nothing fails. Control and bidirectional characters never get through: a transcript is
//! text from outside, and shown as it is it could break a cue or reorder a line.

mod call_analytics;
mod cues;
mod srt;
mod turn_text;
mod vcon;
mod verbose_json;
mod vtt;
mod wtf;

use job_schema::Writing;
use job_schema::analysis::Analysis;
use job_schema::job::{Format, Role};
use job_schema::transcript::{Channel, Speakers, Transcript};

pub use cues::{CUE_MAX_CHARS, CUE_MAX_MS};

/// What a document is made from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    pub transcript: &'a Transcript,
    pub analysis: &'a Analysis,
    pub content: Content,
}

/// Whether something was removed from the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Whole,
    Redacted,
}

/// When a call was and when its result was made, in RFC 3339. Both are known outside of a transcript alone.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    pub call_started_at: &'a str,
    pub at: &'a str,
}

/// Writes a call as a vCon. It holds times of day, so two of one result may differ in them.
pub fn vcon(material: &Material<'_>, made: &Made<'_>) -> String {
    vcon::render(material, made)
}

/// Writes a call as `format`.
pub fn render(format: Format, material: &Material<'_>) -> String {
    let transcript = material.transcript;
    match format {
        Format::Vtt => vtt::render(transcript),
        Format::Srt => srt::render(transcript),
        Format::Txt => turn_text::render(transcript),
        Format::VerboseJson => verbose_json::render(transcript),
        Format::CallAnalytics => call_analytics::render(material),
    }
}

/// The format for terminals, which needs the transcript alone.
pub fn turn_text(transcript: &Transcript) -> String {
    turn_text::render(transcript)
}

/// The language that most of the speech voted for.
fn main_language(transcript: &Transcript) -> Option<&str> {
    let channels = transcript.channels.iter();
    let languages = channels.filter_map(|channel| channel.facts.language.as_ref());
    let main = languages.max_by_key(|language| language.heard_ms);
    main.map(|language| language.code.as_str())
}

/// All turns in one line, put side by side as words of the main language are.
fn whole_text(transcript: &Transcript) -> String {
    let writing = main_language(transcript).map_or(Writing::Spaced, Writing::of);
    let texts = transcript.turns.iter().map(|turn| printable(&turn.text));
    writing.join(texts.filter(|text| !text.is_empty()))
}

/// The name to show for a channel; none where it is not known who spoke. A name that two channels would share says which.
fn speaker_name(transcript: &Transcript, channel: u16) -> Option<String> {
    if transcript.speakers == Speakers::NotSeparated {
        return None;
    }
    let role_of = |channel: &Channel| channel.facts.role;
    let this = transcript
        .channels
        .iter()
        .find(|other| other.facts.index == channel)?;
    let number = u32::from(channel) + 1;
    let name = match this.facts.role {
        Role::Agent => "Agent",
        Role::Customer => "Customer",
        Role::Ivr => "IVR",
        Role::Mixed => "Speakers",
        Role::Unknown => return Some(format!("Channel {number}")),
    };
    let sharing = transcript
        .channels
        .iter()
        .filter(|other| role_of(other) == this.facts.role)
        .count();
    Some(if sharing > 1 {
        format!("{name} (channel {number})")
    } else {
        name.to_owned()
    })
}

fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

/// One line of printable text: white space becomes single spaces, control and bidirectional characters go.
fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text.split(char::is_whitespace) {
        let mut kept = part.chars().filter(|&c| !is_hidden(c)).peekable();
        if kept.peek().is_none() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(kept);
    }
    line
}

/// Joiners (U+200C, U+200D) stay: Persian and Indic words are misspelt without them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

/// `HH:MM:SS` and milliseconds behind `mark`; hours take as many digits as they need.
fn clock(ms: u64, mark: char) -> String {
    let (seconds, millis) = (ms / 1_000, ms % 1_000);
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    format!(
        "{hours:02}:{:02}:{:02}{mark}{millis:03}",
        minutes % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::{clock, printable};

    #[test]
    fn a_clock_has_two_digits_of_hours_or_more() {
        assert_eq!(clock(0, '.'), "00:00:00.000");
        assert_eq!(clock(3_599_999, ','), "00:59:59,999");
        assert_eq!(clock(100 * 3_600_000 + 61_002, '.'), "100:01:01.002");
    }

    #[test]
    fn hidden_characters_go_and_white_space_is_single() {
        let table = [
            ("plain", "plain"),
            (" a \t\r\n b ", "a b"),
            ("\u{202E}evil\u{202C}", "evil"),
            ("\u{2028}x\u{2029}y", "x y"),
            ("a \u{200F} b", "a b"),
            ("bell\u{7}", "bell"),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
            ("\u{0}\u{200E}", ""),
        ];
        for (text, line) in table {
            assert_eq!(printable(text), line);
        }
    }
}
