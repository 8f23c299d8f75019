//! Whether a window was heard well enough to say that something was not said in it. In: the transcript, the channels
//! that a rule listens to and its window. Out: [`Heard`], or the reason why not. The conditions are listed in
//! `docs/rules.md`, in the order in which they are checked here.

use job_schema::transcript::{
    Channel, ChannelStatus, Speakers, TimeSpan, Transcript, WarningCode, Word,
};

use crate::rules::Speaker;

/// Below this mean confidence of a window's words, what was written says little about what was said. A confidence is the
/// share of such words that are right, so at 0.7 a phrase of two words is missed as often as not. On the channels of calls
/// that `docs/recognition.md` was measured on, the mean is 0.94 in the middle and 0.83 at the least.
pub const HEARD_MIN_MEAN_CONFIDENCE: f64 = 0.7;
/// Speech of this length for which no word was written may have been the phrase.
pub const UNWRITTEN_SPEECH_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Heard {
    pub(crate) words_count: usize,
    /// Absent where nobody spoke in the window.
    pub(crate) mean_confidence: Option<f64>,
}

/// Positions of the channels that a rule for `speaker` searches. A channel that repeats another is searched there.
pub(crate) fn channels_of(transcript: &Transcript, speaker: Speaker) -> Vec<usize> {
    if !matches!(speaker, Speaker::Any | Speaker::Unknown)
        && transcript.speakers == Speakers::NotSeparated
    {
        return Vec::new();
    }
    (0..)
        .zip(&transcript.channels)
        .filter(|(_, channel)| channel.facts.status != ChannelStatus::DuplicateOfOther)
        .filter(|(_, channel)| speaker.matches(channel.facts.role))
        .map(|(position, _)| position)
        .collect()
}

/// `Err` says in words without speech why the window was not heard.
pub(crate) fn heard(
    transcript: &Transcript,
    channels: &[usize],
    window: TimeSpan,
) -> Result<Heard, String> {
    if window.duration_ms() == 0 {
        return Err("the window lies outside the call".into());
    }
    if channels.is_empty() {
        return Err(match transcript.speakers {
            Speakers::NotSeparated => "speakers are not separated: who spoke is not known".into(),
            Speakers::ByChannel => "no channel has this speaker".into(),
        });
    }
    sound_is_whole(transcript, channels, window)?;
    let mut words_count = 0;
    let mut sum = 0.0;
    for &position in channels {
        let channel = &transcript.channels[position];
        is_written(channel, window)?;
        let in_window = words_in(&channel.words, window);
        let confidences: Vec<f64> = in_window
            .iter()
            .map(|word| f64::from(word.confidence))
            .collect();
        let channel_sum: f64 = confidences.iter().sum();
        if let Some(mean) = mean(channel_sum, confidences.len())
            && mean < HEARD_MIN_MEAN_CONFIDENCE
        {
            let index = channel.facts.index;
            return Err(format!(
                "the words of channel {index} have a mean confidence of {mean:.2}, below {HEARD_MIN_MEAN_CONFIDENCE}"
            ));
        }
        words_count += confidences.len();
        sum += channel_sum;
    }
    Ok(Heard {
        words_count,
        mean_confidence: mean(sum, words_count),
    })
}

/// A word belongs to a window when it starts in it.
pub(crate) fn starts_in(word: &Word, window: TimeSpan) -> bool {
    (window.start_ms..window.end_ms).contains(&word.start_ms)
}

/// The words that start in the window. They are in time order.
pub(crate) fn words_in(words: &[Word], window: TimeSpan) -> &[Word] {
    let first = words.partition_point(|word| word.start_ms < window.start_ms);
    let rest = &words[first..];
    &rest[..rest.partition_point(|word| word.start_ms < window.end_ms)]
}

/// None without a word.
pub(crate) fn mean_confidence(words: &[Word]) -> Option<f64> {
    let sum = words.iter().map(|word| f64::from(word.confidence)).sum();
    mean(sum, words.len())
}

fn mean(sum: f64, count: usize) -> Option<f64> {
    let count = u32::try_from(count).ok().filter(|&count| count > 0)?;
    Some(sum / f64::from(count))
}

/// Sound that was lost, or text that was cut off, could have been the phrase.
fn sound_is_whole(
    transcript: &Transcript,
    channels: &[usize],
    window: TimeSpan,
) -> Result<(), String> {
    let at_end = window.end_ms >= transcript.audio.decoded.duration_ms;
    for warning in &transcript.warnings {
        let concerns = warning.channel.is_none_or(|index| {
            let searched = |&position: &usize| transcript.channels[position].facts.index == index;
            channels.iter().any(searched)
        });
        let lost = match warning.code {
            WarningCode::Truncated if at_end => "the recording ends early",
            WarningCode::DamagedPackets => "parts of the recording could not be decoded",
            WarningCode::SpanCutShort => "a span was not decoded to its end",
            WarningCode::UnreadTracks => "an audio track was not read",
            WarningCode::Truncated
            | WarningCode::DurationMismatch
            | WarningCode::InvalidSamples
            | WarningCode::RolesMismatch
            | WarningCode::DuplicateChannels
            | WarningCode::Bleed
            | WarningCode::RolesLookSwapped
            | WarningCode::Clipped => continue,
        };
        if concerns {
            return Err(lost.into());
        }
    }
    Ok(())
}

/// The channel carries speech, and all of its speech in the window became text.
fn is_written(channel: &Channel, window: TimeSpan) -> Result<(), String> {
    let index = channel.facts.index;
    match channel.facts.status {
        ChannelStatus::Empty => return Err(format!("channel {index} is empty")),
        ChannelStatus::NoSpeech => return Err(format!("channel {index} has no speech")),
        ChannelStatus::Speech | ChannelStatus::DuplicateOfOther => {}
    }
    if channel.words.is_empty() {
        return Err(format!("no word was written for channel {index}"));
    }
    let suppressed = |span: TimeSpan| intersection(span, window).duration_ms() > 0;
    if let Some(text) = channel.suppressed.iter().find(|s| suppressed(s.span)) {
        return Err(format!(
            "text of channel {index} at {} ms was suppressed",
            text.span.start_ms
        ));
    }
    let unwritten = |&&span: &&TimeSpan| {
        let part = intersection(span, window);
        part.duration_ms() >= UNWRITTEN_SPEECH_MS && !has_word(&channel.words, part)
    };
    match channel.facts.speech_spans.iter().find(unwritten) {
        Some(span) => Err(format!(
            "no word was written for the speech of channel {index} at {} ms",
            span.start_ms
        )),
        None => Ok(()),
    }
}

fn has_word(words: &[Word], span: TimeSpan) -> bool {
    let next = words.partition_point(|word| word.end_ms <= span.start_ms);
    words
        .get(next)
        .is_some_and(|word| word.start_ms < span.end_ms)
}

pub(crate) fn intersection(a: TimeSpan, b: TimeSpan) -> TimeSpan {
    TimeSpan {
        start_ms: a.start_ms.max(b.start_ms),
        end_ms: a.end_ms.min(b.end_ms),
    }
}
