//! Calls for tests, written down word by word.

use std::collections::BTreeMap;

use job_schema::Sha256;
use job_schema::analysis::{Outcome, RuleResult, Score};
use job_schema::job::Role;
use job_schema::transcript::{
    AudioFacts, Channel, ChannelFacts, ChannelStatus, DecodedAudio, EngineFacts, Figures, Speakers,
    SuppressReason, Suppressed, TimeSpan, Transcript, Turn, Utterance, Word, WordRange,
};

/// A word lasts this long; the next one starts [`PACE_MS`] after it began.
pub(crate) const WORD_MS: u64 = 300;
pub(crate) const PACE_MS: u64 = 400;
/// As the pipeline joins words into utterances.
const UTTERANCE_GAP_MS: u64 = 800;

pub(crate) fn digest() -> Sha256 {
    "a".repeat(64).parse().unwrap()
}

/// A call of one minute with the roles given, on which nobody speaks yet.
pub(crate) fn call(roles: &[Role]) -> Transcript {
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
                duration_ms: 60_000,
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
    Channel {
        facts: ChannelFacts {
            index,
            role,
            status: ChannelStatus::Speech,
            language: None,
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

pub(crate) trait Say {
    /// Words after those that the channel already has, at the tests' pace.
    fn say(self, channel: usize, start_ms: u64, text: &str) -> Self;
    fn say_words(self, channel: usize, words: Vec<Word>) -> Self;
    fn suppress(self, channel: usize, span: TimeSpan) -> Self;
}

impl Say for Transcript {
    fn say(self, channel: usize, start_ms: u64, text: &str) -> Self {
        let words = (0..).zip(text.split_whitespace()).map(|(n, text)| Word {
            text: text.into(),
            start_ms: start_ms + n * PACE_MS,
            end_ms: start_ms + n * PACE_MS + WORD_MS,
            confidence: 0.9,
        });
        self.say_words(channel, words.collect())
    }

    fn say_words(mut self, channel: usize, words: Vec<Word>) -> Self {
        let said = &mut self.channels[channel];
        let first_word = u32::try_from(said.words.len()).unwrap();
        let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        self.turns.push(Turn {
            channel: said.facts.index,
            role: said.facts.role,
            start_ms: words[0].start_ms,
            end_ms: words[words.len() - 1].end_ms,
            words: WordRange {
                first_word,
                words_count: u32::try_from(words.len()).unwrap(),
            },
            text: text.join(" "),
        });
        said.words.extend(words);
        said.utterances = utterances(&said.words);
        self
    }

    fn suppress(mut self, channel: usize, span: TimeSpan) -> Self {
        self.channels[channel].suppressed.push(Suppressed {
            span,
            text: "Thanks for watching".into(),
            reason: SuppressReason::Repetition,
            figures: Figures {
                avg_logprob: -1.0,
                no_speech_prob: 0.1,
                compression_ratio: 3.0,
                temperature: 0.0,
            },
        });
        self
    }
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

pub(crate) fn span(start_ms: u64, end_ms: u64) -> TimeSpan {
    TimeSpan { start_ms, end_ms }
}

/// The score of rules given as the body of a rule file.
pub(crate) fn score(call: &Transcript, rules: &str) -> Score {
    let file = format!("id = \"demo\"\nversion = 2\n{rules}");
    let rules = analysis::RuleSet::parse(&file).unwrap_or_else(|error| panic!("{error}"));
    analysis::analyse(call, &digest(), Some(&rules))
        .score
        .expect("rules give a score")
}

/// The result of one rule named `r` with these further lines.
pub(crate) fn result(call: &Transcript, lines: &str) -> RuleResult {
    let mut score = score(call, &format!("[[rule]]\nname = \"r\"\n{lines}\n"));
    score.rules.remove(0)
}

pub(crate) fn outcome(call: &Transcript, lines: &str) -> Outcome {
    result(call, lines).outcome
}
