//! Calls for tests: who says what and when, one word behind the other.

use std::collections::BTreeMap;

use analysis::redact::{Found, Policy, find};
use job_schema::Sha256;
use job_schema::job::Role;
use job_schema::redaction::{EntityKind, Redaction};
use job_schema::transcript::{
    AudioFacts, Channel, ChannelFacts, ChannelStatus, DecodedAudio, EngineFacts, Language,
    LanguageSource, Speakers, Transcript, Turn, Utterance, Word, WordRange,
};

pub(crate) const WORD_MS: u64 = 300;
pub(crate) const PACE_MS: u64 = 400;

pub(crate) fn digest() -> Sha256 {
    "a".repeat(64).parse().unwrap()
}

/// A silent hour on two channels, agent and customer, or on one that holds both.
pub(crate) fn call(language: Option<&str>, speakers: Speakers) -> Transcript {
    let roles: &[Role] = match speakers {
        Speakers::ByChannel => &[Role::Agent, Role::Customer],
        Speakers::NotSeparated => &[Role::Mixed],
    };
    Transcript {
        schema_version: 1,
        tenant: "northgate".parse().unwrap(),
        call: "c-1".parse().unwrap(),
        spec_sha256: digest(),
        audio: AudioFacts {
            decoded: DecodedAudio {
                container: "wav".into(),
                codec: "pcm_s16le".into(),
                sample_rate_hz: 8_000,
                channels_count: u16::try_from(roles.len()).unwrap(),
                duration_ms: 3_600_000,
                declared_duration_ms: None,
            },
            size_bytes: 9,
            sha256: digest(),
        },
        engine: EngineFacts {
            model: "base".into(),
            model_sha256: digest(),
            recognizer: "scripted".into(),
            worker: "0.1.0".into(),
            parameters: BTreeMap::new(),
            confidence: None,
        },
        speakers,
        channels: (0..)
            .zip(roles)
            .map(|(index, role)| channel(index, *role, language))
            .collect(),
        turns: Vec::new(),
        warnings: Vec::new(),
    }
}

fn channel(index: u16, role: Role, language: Option<&str>) -> Channel {
    Channel {
        facts: ChannelFacts {
            index,
            role,
            status: ChannelStatus::Speech,
            language: language.map(|code| Language {
                code: code.into(),
                source: LanguageSource::Detected,
                confidence: 0.9,
                heard_ms: 1_000,
                votes: Vec::new(),
            }),
            speech_ms: 0,
            speech_level_dbfs: None,
            speech_spans: Vec::new(),
            non_speech: Vec::new(),
            vocabulary: None,
        },
        words: Vec::new(),
        segments: Vec::new(),
        utterances: Vec::new(),
        suppressed: Vec::new(),
    }
}

/// Says a text at the tests' pace and gives back when it ends. Each text is a turn, an utterance and, by its words, a range.
pub(crate) fn say(call: &mut Transcript, channel: usize, start_ms: u64, text: &str) -> u64 {
    let said = &mut call.channels[channel];
    let first_word = u32::try_from(said.words.len()).unwrap();
    let words: Vec<Word> = (0..)
        .zip(text.split_whitespace())
        .map(|(n, text)| Word {
            text: text.into(),
            start_ms: start_ms + n * PACE_MS,
            end_ms: start_ms + n * PACE_MS + WORD_MS,
            confidence: 0.9,
        })
        .collect();
    let range = WordRange {
        first_word,
        words_count: u32::try_from(words.len()).unwrap(),
    };
    let end_ms = words[words.len() - 1].end_ms;
    said.words.extend(words);
    said.utterances.push(Utterance {
        start_ms,
        end_ms,
        words: range,
    });
    call.turns.push(Turn {
        channel: said.facts.index,
        role: said.facts.role,
        start_ms,
        end_ms,
        words: range,
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
    });
    end_ms
}

/// A call in which the texts follow each other, a second apart, on the channels given.
pub(crate) fn talk(language: &str, lines: &[(usize, &str)]) -> Transcript {
    let mut made = call(Some(language), Speakers::ByChannel);
    let mut at_ms = 0;
    for (channel, text) in lines {
        at_ms = say(&mut made, *channel, at_ms, text) + 1_000;
    }
    made
}

pub(crate) fn policy(entities: &[EntityKind]) -> Policy {
    Policy::new(Redaction {
        entities: entities.to_vec(),
        ..Redaction::default()
    })
    .unwrap()
}

/// What was found, as the channel's words between its edges, with its kind.
pub(crate) fn places(call: &Transcript, found: &Found) -> Vec<(String, String)> {
    let text = |one: &job_schema::redaction::Redacted| {
        let channel = &call.channels[usize::from(one.channel)];
        let words = &channel.words[one.words.unwrap().indexes()];
        words
            .iter()
            .map(|word| word.text.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    found
        .redactions
        .iter()
        .map(|one| (one.kind.clone(), text(one)))
        .collect()
}

pub(crate) fn found(call: &Transcript, entities: &[EntityKind]) -> Vec<(String, String)> {
    places(call, &find(call, &policy(entities)))
}
