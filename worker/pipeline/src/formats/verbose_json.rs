//! The shape of OpenAI's `verbose_json`, for clients that already read it. Channels are merged by start time. Two
//! differences: `language` is the ISO 639-1 code (`und` if none is known), and `tokens` is empty, since they are not kept.
//! Source: OpenAI API reference, "The transcription object (verbose)".

use job_schema::transcript::{Channel, Segment, Transcript, Word};
use serde_json::{Value, json};

use super::{main_language, printable, seconds, whole_text};

pub(super) fn render(transcript: &Transcript) -> String {
    let segments: Vec<Value> = by_start(transcript, |channel| &channel.segments, |s| s.start_ms)
        .zip(0_u64..)
        .map(|(segment, id)| segment_json(segment, id))
        .collect();
    let words: Vec<Value> = by_start(transcript, |channel| &channel.words, |w| w.start_ms)
        .filter_map(word_json)
        .collect();
    let document = json!({
        "task": "transcribe",
        "language": main_language(transcript).unwrap_or("und"),
        "duration": seconds(transcript.audio.decoded.duration_ms),
        "text": whole_text(transcript),
        "segments": segments,
        "words": words,
    });
    format!("{document:#}\n")
}

/// Items of all channels; at the same time the lower channel goes first, since the sort is stable.
fn by_start<'a, T: 'a>(
    transcript: &'a Transcript,
    items: impl Fn(&'a Channel) -> &'a Vec<T>,
    start_ms: impl Fn(&T) -> u64,
) -> impl Iterator<Item = &'a T> {
    let mut all: Vec<&T> = transcript.channels.iter().flat_map(items).collect();
    all.sort_by_key(|item| start_ms(item));
    all.into_iter()
}

fn segment_json(segment: &Segment, id: u64) -> Value {
    json!({
        "id": id,
        // The mel frame, 10 ms each, at which the text starts.
        "seek": segment.start_ms / 10,
        "start": seconds(segment.start_ms),
        "end": seconds(segment.end_ms),
        "text": printable(&segment.text),
        "tokens": [],
        "temperature": figure(segment.figures.temperature),
        "avg_logprob": figure(segment.figures.avg_logprob),
        "compression_ratio": figure(segment.figures.compression_ratio),
        "no_speech_prob": figure(segment.figures.no_speech_prob),
    })
}

fn word_json(word: &Word) -> Option<Value> {
    let text = printable(&word.text);
    (!text.is_empty()).then(|| {
        json!({
            "word": text,
            "start": seconds(word.start_ms),
            "end": seconds(word.end_ms),
        })
    })
}

/// Six decimals: the rest of an f32 written as f64 is noise.
fn figure(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}
