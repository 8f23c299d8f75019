//! Why redacted copies may not be handed out. In: a transcript and what was found in it. Out: the first reason that applies, or
//! none. What only the audio shows is decided by whoever makes it.

use job_schema::redaction::{Redacted, Withheld, WithheldReason};
use job_schema::transcript::{TimeSpan, Transcript, WarningCode};

use super::apply;

/// Fails closed. The order is that of the reasons' weight.
pub(super) fn withheld(transcript: &Transcript, redactions: &[Redacted]) -> Option<Withheld> {
    let because = |reason, detail: String| Some(Withheld { reason, detail });
    let damage = [
        WarningCode::Truncated,
        WarningCode::DamagedPackets,
        WarningCode::DurationMismatch,
    ];
    if let Some(warning) = transcript
        .warnings
        .iter()
        .find(|warning| damage.contains(&warning.code))
    {
        return because(WithheldReason::RecordingDamaged, warning.detail.clone());
    }
    let differing = transcript
        .channels
        .iter()
        .filter(|channel| !apply::texts_are_words(channel))
        .count();
    if differing > 0 || !apply::turns_are_words(transcript) {
        return because(
            WithheldReason::TextNotInWords,
            format!("on {differing} channels"),
        );
    }
    let duration_ms = transcript.audio.decoded.duration_ms;
    let unplaced = redactions
        .iter()
        .filter(|one| !is_placed(transcript, one, duration_ms))
        .count();
    if unplaced > 0 {
        let detail = format!("{unplaced} of {} places", redactions.len());
        return because(WithheldReason::WordsWithoutTimes, detail);
    }
    None
}

/// Every word has a length, lies inside the call and comes after the one before it.
fn is_placed(transcript: &Transcript, one: &Redacted, duration_ms: u64) -> bool {
    let inside = |span: TimeSpan| span.start_ms < span.end_ms && span.end_ms <= duration_ms;
    let channel = transcript
        .channels
        .iter()
        .find(|channel| channel.facts.index == one.channel);
    let words = one
        .words
        .and_then(|range| channel?.words.get(range.indexes()));
    let in_order = words.is_none_or(|words| {
        let timed = words.iter().all(|word| {
            inside(TimeSpan {
                start_ms: word.start_ms,
                end_ms: word.end_ms,
            })
        });
        timed && words.is_sorted_by_key(|word| word.start_ms)
    });
    inside(one.span) && in_order
}
