//! A transcript in the World Transcription Format, the body of a vCon's analysis. In: a transcript and when it was made. Out: one
//! JSON object with every word, turns as segments, and channels as speakers. What is not measured is left out.
//! Source: draft-howe-vcon-wtf-extension-02, section 6.2.

use job_schema::analysis::Analysis;
use job_schema::transcript::{Transcript, Word};
use serde_json::{Map, Value, json};

use super::{Made, Material, main_language, printable, seconds, speaker_name, whole_text};

/// Below it the draft counts a word as one of low confidence.
const LOW_CONFIDENCE: f32 = 0.5;

pub(super) fn body(material: &Material<'_>, made: &Made<'_>) -> Value {
    let transcript = material.transcript;
    let decoded = &transcript.audio.decoded;
    json!({
        "transcript": {
            "text": whole_text(transcript),
            "language": main_language(transcript).unwrap_or("und"),
            "duration": seconds(decoded.duration_ms),
            "confidence": mean_confidence(all_words(transcript)),
        },
        "segments": segments(transcript),
        "words": words(transcript),
        "speakers": speakers(material),
        "metadata": {
            "created_at": made.at,
            "processed_at": made.at,
            "provider": "whisper",
            "model": transcript.engine.model,
            "audio": {
                "duration": seconds(decoded.duration_ms),
                "sample_rate": decoded.sample_rate_hz,
                "channels": decoded.channels_count,
                "format": decoded.codec,
            },
            "options": transcript.engine.parameters,
        },
        "quality": quality(transcript, material.analysis),
        "extensions": { "earwitness": {
            "recognizer": transcript.engine.recognizer,
            "worker": transcript.engine.worker,
            "model_sha256": transcript.engine.model_sha256,
            "recording_sha256": transcript.audio.sha256,
            "suppressed_count": transcript.channels.iter().map(|c| c.suppressed.len()).sum::<usize>(),
        } },
    })
}

fn all_words(transcript: &Transcript) -> impl Iterator<Item = &Word> {
    transcript
        .channels
        .iter()
        .flat_map(|channel| &channel.words)
}

/// Channel by channel, numbered through, so that a segment can point at them.
fn words(transcript: &Transcript) -> Vec<Value> {
    let spoken = transcript.channels.iter().flat_map(|channel| {
        let words = channel.words.iter();
        words.map(|word| (channel.facts.index, word))
    });
    let numbered = spoken.enumerate().map(|(id, (speaker, word))| {
        json!({
            "id": id,
            "start": seconds(word.start_ms),
            "end": seconds(word.end_ms),
            "text": printable(&word.text),
            "confidence": rounded(word.confidence),
            "speaker": speaker,
        })
    });
    numbered.collect()
}

fn segments(transcript: &Transcript) -> Vec<Value> {
    let mut first_id = 0;
    let mut first_ids = Map::new();
    for channel in &transcript.channels {
        first_ids.insert(channel.facts.index.to_string(), first_id.into());
        first_id += channel.words.len();
    }
    let turns = transcript.turns.iter().enumerate();
    let segments = turns.map(|(id, turn)| {
        let range = turn.words.indexes();
        let mut channels = transcript.channels.iter();
        let channel = channels.find(|channel| channel.facts.index == turn.channel);
        let words = channel.and_then(|channel| channel.words.get(range.clone()));
        let first_id = first_ids[&turn.channel.to_string()].as_u64().unwrap_or(0);
        json!({
            "id": id,
            "start": seconds(turn.start_ms),
            "end": seconds(turn.end_ms),
            "text": printable(&turn.text),
            "confidence": mean_confidence(words.unwrap_or_default().iter()),
            "speaker": turn.channel,
            "words": (first_id..).skip(range.start).take(range.len()).collect::<Vec<_>>(),
        })
    });
    segments.collect()
}

/// By channel; where one channel holds all speakers, nobody knows who spoke, and it is one without a name.
fn speakers(material: &Material<'_>) -> Map<String, Value> {
    let transcript = material.transcript;
    let talks = material.analysis.conversation.channels.iter();
    let of_channel = talks.map(|talk| {
        let own = |(_, turn): &(usize, &job_schema::transcript::Turn)| turn.channel == talk.channel;
        let turns = transcript.turns.iter().enumerate().filter(own);
        let speaker = json!({
            "id": talk.channel,
            "label": speaker_name(transcript, talk.channel).unwrap_or_else(|| "Speakers".to_owned()),
            "segments": turns.map(|(id, _)| id).collect::<Vec<_>>(),
            "total_time": seconds(talk.talk_ms),
        });
        (talk.channel.to_string(), speaker)
    });
    of_channel.collect()
}

fn quality(transcript: &Transcript, analysis: &Analysis) -> Value {
    let conversation = &analysis.conversation;
    let silence_ms = conversation.non_talk.total_ms;
    let low = all_words(transcript).filter(|word| word.confidence < LOW_CONFIDENCE);
    let warnings = transcript.warnings.iter().map(|warning| warning.code);
    json!({
        "multiple_speakers": transcript.channels.iter().filter(|c| !c.words.is_empty()).count() > 1,
        "overlapping_speech": conversation.overlap.total_ms > 0,
        "silence_ratio": ratio(silence_ms, conversation.duration_ms),
        "average_confidence": mean_confidence(all_words(transcript)),
        "low_confidence_words": low.count(),
        "processing_warnings": warnings.collect::<Vec<_>>(),
    })
}

/// 0 of no words.
fn mean_confidence<'a>(words: impl Iterator<Item = &'a Word>) -> f64 {
    let (sum, count) = words.fold((0.0, 0_u32), |(sum, count), word| {
        (sum + f64::from(word.confidence), count + 1)
    });
    let mean = sum / f64::from(count.max(1));
    (mean * 1e4).round() / 1e4
}

fn rounded(confidence: f32) -> f64 {
    (f64::from(confidence) * 1e4).round() / 1e4
}

fn ratio(part_ms: u64, whole_ms: u64) -> f64 {
    let ratio = seconds(part_ms) / seconds(whole_ms.max(1));
    (ratio * 1e4).round() / 1e4
}
