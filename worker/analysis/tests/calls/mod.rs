//! Made-up calls for tests. In: roles, and who says what when. Out: a transcript whose words, utterances and turns agree. Words
//! come at one pace, a second or so for three of them.

use std::collections::BTreeMap;

use job_schema::Sha256;
use job_schema::job::Role;
use job_schema::transcript::{
    AudioFacts, Channel, ChannelFacts, DecodedAudio, EngineFacts, Language, LanguageSource,
    Speakers, Transcript, Turn, Utterance, Word, WordRange,
};

/// A word lasts this long; the next one starts [`PACE_MS`] after it began.
pub(crate) const WORD_MS: u64 = 300;
pub(crate) const PACE_MS: u64 = 400;
/// As the pipeline joins words into utterances.
const UTTERANCE_GAP_MS: u64 = 800;

pub(crate) fn digest() -> Sha256 {
    "a".repeat(64).parse().unwrap()
}

/// A call with the roles given, on which nobody speaks yet.
pub(crate) fn silent_call(roles: &[Role], duration_ms: u64) -> Transcript {
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
                duration_ms,
                declared_duration_ms: None,
            },
            size_bytes: 9,
            sha256: digest(),
        },
        engine: EngineFacts {
            model: "tiny.en".into(),
            model_sha256: digest(),
            recognizer: "scripted".into(),
            worker: "0.1.0".into(),
            parameters: BTreeMap::new(),
            confidence: None,
        },
        speakers: Speakers::ByChannel,
        channels: (0..)
            .zip(roles)
            .map(|(index, &role)| channel(index, role))
            .collect(),
        turns: Vec::new(),
        warnings: Vec::new(),
    }
}

fn channel(index: u16, role: Role) -> Channel {
    Channel::without_words(english(index, role))
}

fn english(index: u16, role: Role) -> ChannelFacts {
    ChannelFacts {
        language: Some(Language {
            code: "en".into(),
            source: LanguageSource::Job,
            confidence: 1.0,
            heard_ms: 0,
            votes: Vec::new(),
        }),
        ..ChannelFacts::unmeasured(index, role)
    }
}

/// The words of a text, at the tests' pace.
pub(crate) fn words_from(start_ms: u64, text: &str) -> Vec<Word> {
    let words = (0..).zip(text.split_whitespace());
    let words = words.map(|(n, text)| Word {
        text: text.into(),
        start_ms: start_ms + n * PACE_MS,
        end_ms: start_ms + n * PACE_MS + WORD_MS,
        confidence: 0.9,
    });
    words.collect()
}

/// Adds words after those that the channel already has. They are a turn, and utterances as far as pauses part them.
pub(crate) fn add_turn(call: &mut Transcript, channel: usize, words: Vec<Word>) {
    let said = &mut call.channels[channel];
    let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    call.turns.push(Turn {
        channel: said.facts.index,
        role: said.facts.role,
        start_ms: words[0].start_ms,
        end_ms: words[words.len() - 1].end_ms,
        words: WordRange {
            first_word: u32::try_from(said.words.len()).unwrap(),
            words_count: u32::try_from(words.len()).unwrap(),
        },
        text: text.join(" "),
    });
    said.words.extend(words);
    said.utterances = utterances(&said.words);
}

pub(crate) fn utterances(words: &[Word]) -> Vec<Utterance> {
    let mut first_word = 0;
    words
        .chunk_by(|word, next| next.start_ms - word.end_ms < UTTERANCE_GAP_MS)
        .map(|run| {
            let words = WordRange {
                first_word,
                words_count: u32::try_from(run.len()).unwrap(),
            };
            first_word += words.words_count;
            Utterance {
                start_ms: run[0].start_ms,
                end_ms: run[run.len() - 1].end_ms,
                words,
            }
        })
        .collect()
}
