//! How the talk went, in milliseconds. In: a transcript's utterances: a speaker talks from an utterance's first word to its
//! last, short pauses included. Out: talk, silence, overlap, interruptions, pace and sentiment. Nothing fails.

use crate::heard::intersection;
use crate::sentiment;
use job_schema::analysis::{ChannelTalk, Conversation, Interruption, NonTalk, Overlap};
use job_schema::transcript::{Channel, NonSpeechKind, TimeSpan, Transcript, Utterance};

/// Contact Lens counts silence above three seconds and cannot be told otherwise; here it is the default.
pub const NON_TALK_THRESHOLD_MS: u64 = 3_000;
/// Who stops within this of the other's start was interrupted; who talks on longer was not.
pub const YIELD_WITHIN_MS: u64 = 2_000;
/// Speakers who take turns overlap by up to about a quarter of a second without noticing.
pub const MIN_INTERRUPTION_MS: u64 = 250;
/// With fewer words an utterance is a sign of listening, and neither interrupts nor is interrupted.
pub const MIN_INTERRUPTION_WORDS: u32 = 3;

/// Measures the conversation; silences of `non_talk_threshold_ms` and more are listed.
pub fn measure(transcript: &Transcript, non_talk_threshold_ms: u64) -> Conversation {
    let duration_ms = transcript.audio.decoded.duration_ms;
    let talk = spans_of_depth(&transcript.channels, 1);
    let overlap = spans_of_depth(&transcript.channels, 2);
    let silence = gaps(&talk, duration_ms);
    Conversation {
        duration_ms,
        talk_ms: total_ms(&talk),
        non_talk: NonTalk {
            total_ms: total_ms(&silence),
            threshold_ms: non_talk_threshold_ms,
            gaps: silence
                .into_iter()
                .filter(|gap| gap.duration_ms() >= non_talk_threshold_ms)
                .collect(),
        },
        overlap: Overlap {
            total_ms: total_ms(&overlap),
            spans: overlap,
        },
        channels: transcript
            .channels
            .iter()
            .map(|channel| channel_talk(transcript, channel))
            .collect(),
        interruptions: interruptions(&transcript.channels),
        sentiment: sentiment::of_call(transcript),
    }
}

/// Spans of the call by what is heard in them, for the measures of rules. Each list is in order and without overlap.
#[derive(Debug)]
pub(crate) struct Talk {
    /// Nobody talks.
    pub(crate) silences: Vec<TimeSpan>,
    pub(crate) overlaps: Vec<TimeSpan>,
    /// Some channel plays music: hold.
    pub(crate) music: Vec<TimeSpan>,
    /// Some channel has music, call progress tones or key tones.
    pub(crate) other_sound: Vec<TimeSpan>,
    pub(crate) interruptions: Vec<Interruption>,
}

impl Talk {
    pub(crate) fn of(transcript: &Transcript) -> Self {
        let talk = spans_of_depth(&transcript.channels, 1);
        let sounds = |wanted: &[NonSpeechKind]| {
            let labelled = transcript.channels.iter().flat_map(|c| &c.facts.non_speech);
            let spans = labelled.filter(|sound| wanted.contains(&sound.kind));
            union(spans.map(|sound| sound.span).collect())
        };
        Self {
            silences: gaps(&talk, transcript.audio.decoded.duration_ms),
            overlaps: spans_of_depth(&transcript.channels, 2),
            music: sounds(&[NonSpeechKind::Music]),
            other_sound: sounds(&[
                NonSpeechKind::Music,
                NonSpeechKind::Tone,
                NonSpeechKind::Dtmf,
            ]),
            interruptions: interruptions(&transcript.channels),
        }
    }
}

fn union(mut spans: Vec<TimeSpan>) -> Vec<TimeSpan> {
    spans.sort_unstable_by_key(|span| span.start_ms);
    let mut joined: Vec<TimeSpan> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start_ms <= last.end_ms => {
                last.end_ms = last.end_ms.max(span.end_ms)
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// What two lists have in common, each in order and without overlap.
pub(crate) fn intersections(a: &[TimeSpan], b: &[TimeSpan]) -> Vec<TimeSpan> {
    let pairs = a
        .iter()
        .flat_map(|&a| b.iter().map(move |&b| intersection(a, b)));
    pairs.filter(|span| span.duration_ms() > 0).collect()
}

/// What is left of `a` without `b`.
pub(crate) fn subtract(a: &[TimeSpan], b: &[TimeSpan]) -> Vec<TimeSpan> {
    let end_ms = a.last().map_or(0, |span| span.end_ms);
    intersections(
        a,
        &gaps(
            &intersections(
                b,
                &[TimeSpan {
                    start_ms: 0,
                    end_ms,
                }],
            ),
            end_ms,
        ),
    )
}

pub(crate) fn total_ms(spans: &[TimeSpan]) -> u64 {
    spans.iter().map(|span| span.duration_ms()).sum()
}

/// Where at least `depth` channels talk at once.
fn spans_of_depth(channels: &[Channel], depth: usize) -> Vec<TimeSpan> {
    let mut edges: Vec<(u64, bool)> = Vec::new();
    for utterance in channels.iter().flat_map(|channel| &channel.utterances) {
        edges.push((utterance.start_ms, true));
        edges.push((utterance.end_ms, false));
    }
    // At the same time ends come first: speech that only touches does not overlap.
    edges.sort_unstable();
    let mut spans: Vec<TimeSpan> = Vec::new();
    let mut talking = 0;
    let mut start_ms = 0;
    for (ms, starts) in edges {
        if starts {
            talking += 1;
            if talking == depth {
                start_ms = ms;
            }
            continue;
        }
        if talking == depth && ms > start_ms {
            match spans.last_mut() {
                Some(last) if last.end_ms == start_ms => last.end_ms = ms,
                _ => spans.push(TimeSpan {
                    start_ms,
                    end_ms: ms,
                }),
            }
        }
        talking -= 1;
    }
    spans
}

/// What `talk`, in time order, leaves of the call.
fn gaps(talk: &[TimeSpan], duration_ms: u64) -> Vec<TimeSpan> {
    let mut gaps = Vec::new();
    let mut silent_from_ms = 0;
    let end = TimeSpan {
        start_ms: duration_ms,
        end_ms: duration_ms,
    };
    for span in talk.iter().chain([&end]) {
        if span.start_ms > silent_from_ms {
            gaps.push(TimeSpan {
                start_ms: silent_from_ms,
                end_ms: span.start_ms,
            });
        }
        silent_from_ms = span.end_ms;
    }
    gaps
}

fn channel_talk(transcript: &Transcript, channel: &Channel) -> ChannelTalk {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let talk_ms = channel
        .utterances
        .iter()
        .map(|utterance| utterance.end_ms.saturating_sub(utterance.start_ms))
        .sum();
    let words_count = count(channel.words.len());
    let turns = transcript
        .turns
        .iter()
        .filter(|turn| turn.channel == channel.facts.index);
    ChannelTalk {
        channel: channel.facts.index,
        role: channel.facts.role,
        talk_ms,
        words_count,
        turns_count: count(turns.count()),
        words_per_minute: words_per_minute(words_count, talk_ms),
    }
}

fn words_per_minute(words_count: u32, talk_ms: u64) -> Option<f32> {
    if talk_ms == 0 {
        return None;
    }
    let minutes = std::time::Duration::from_millis(talk_ms).as_secs_f64() / 60.0;
    let pace = (f64::from(words_count) / minutes * 10.0).round() / 10.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "one decimal of a words-per-minute figure fits an f32"
    )]
    Some(pace as f32)
}

/// By start time. One utterance that talks over two others interrupts both.
fn interruptions(channels: &[Channel]) -> Vec<Interruption> {
    let mut found = Vec::new();
    for interrupter in channels {
        for utterance in &interrupter.utterances {
            let others = channels
                .iter()
                .filter(|other| other.facts.index != interrupter.facts.index);
            for other in others {
                if let Some(span) = interrupted(utterance, other) {
                    found.push(Interruption {
                        interrupter_channel: interrupter.facts.index,
                        interrupted_channel: other.facts.index,
                        span,
                    });
                }
            }
        }
    }
    found.sort_by_key(|i: &Interruption| {
        (
            i.span.start_ms,
            i.interrupter_channel,
            i.interrupted_channel,
        )
    });
    found
}

/// The time in which both spoke, if `utterance` began while `other` talked, `other` gave way, and `utterance` went on.
fn interrupted(utterance: &Utterance, other: &Channel) -> Option<TimeSpan> {
    let begun = other
        .utterances
        .partition_point(|talk| talk.start_ms < utterance.start_ms);
    let talk = other.utterances[..begun].last()?;
    let long_enough = |u: &Utterance| u.words.words_count >= MIN_INTERRUPTION_WORDS;
    let both_ms = talk.end_ms.saturating_sub(utterance.start_ms);
    let gave_way = (MIN_INTERRUPTION_MS..=YIELD_WITHIN_MS).contains(&both_ms);
    let went_on = utterance.end_ms > talk.end_ms;
    (gave_way && went_on && long_enough(utterance) && long_enough(talk)).then_some(TimeSpan {
        start_ms: utterance.start_ms,
        end_ms: talk.end_ms,
    })
}
