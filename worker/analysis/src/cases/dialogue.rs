//! A written dialogue as a transcript. In: lines of role, second and words; `???` for speech that was not understood. Out:
//! a transcript with a channel for each role, a word every 400 ms. Fails with the byte of the line that is not understood.

use std::collections::BTreeMap;

use job_schema::Sha256;
use job_schema::job::Role;
use job_schema::transcript::{
    AudioFacts, Channel, ChannelFacts, ChannelStatus, DecodedAudio, EngineFacts, Figures, Language,
    LanguageSource, Speakers, SuppressReason, Suppressed, TimeSpan, Transcript, Turn, Utterance,
    Word, WordRange,
};

/// As number words and sentiment are.
const LANGUAGE: &str = "en";
/// As the sample calls are spoken: a word of 300 ms, the next one 400 ms after it began.
const WORD_MS: u64 = 300;
const PACE_MS: u64 = 400;
/// As the pipeline joins words into utterances.
const UTTERANCE_GAP_MS: u64 = 800;
const CONFIDENCE: f32 = 0.9;
const NOT_UNDERSTOOD: &str = "???";
/// Longer calls are refused by workers too, with the default settings.
const MAX_START_S: f64 = 14_400.0;

pub(super) const SHAPE: &str = "a line is a role, a second and words: `agent 0.5 Thank you for calling`; roles are agent, customer, ivr and unknown";

type Fault = (usize, &'static str);

struct Line<'a> {
    role: Role,
    start_ms: u64,
    text: &'a str,
    /// Where it stands in the dialogue.
    at: usize,
}

pub(super) fn transcript(text: &str, duration_s: Option<u64>) -> Result<Transcript, Fault> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            lines.push(read_line(line.trim(), at)?);
        }
        at += line.len();
    }
    let mut channels = vec![channel(0, Role::Agent), channel(1, Role::Customer)];
    let mut turns = Vec::new();
    for line in &lines {
        let known = channels
            .iter()
            .position(|channel| channel.facts.role == line.role);
        let index = known.unwrap_or_else(|| {
            channels.push(channel(
                u16::try_from(channels.len()).unwrap_or(u16::MAX),
                line.role,
            ));
            channels.len() - 1
        });
        say(&mut channels[index], line, &mut turns)?;
    }
    let ends = channels
        .iter()
        .flat_map(|channel| channel.words.last())
        .map(|word| word.end_ms);
    let duration_ms = duration_s
        .map_or(0, |s| s.saturating_mul(1_000))
        .max(ends.max().unwrap_or(0));
    turns.sort_by_key(|turn: &Turn| (turn.start_ms, turn.channel));
    for channel in &mut channels {
        channel.utterances = utterances(&channel.words);
        if channel.words.is_empty() {
            channel.facts.status = ChannelStatus::NoSpeech;
        }
    }
    Ok(whole(channels, turns, duration_ms))
}

fn read_line(line: &str, at: usize) -> Result<Line<'_>, Fault> {
    let mut parts = line.splitn(3, char::is_whitespace);
    let (Some(role), Some(second), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Err((at, "the line has fewer than three parts"));
    };
    let role: Role = role
        .parse()
        .map_err(|_| (at, "the line begins with no role"))?;
    let second: f64 = second
        .parse()
        .map_err(|_| (at, "the line's second part is no number"))?;
    if !(0.0..=MAX_START_S).contains(&second) {
        return Err((at, "the line lies outside a call"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and MAX_START_S"
    )]
    let start_ms = (second * 1_000.0).round() as u64;
    Ok(Line {
        role,
        start_ms,
        text: text.trim(),
        at,
    })
}

fn say(channel: &mut Channel, line: &Line<'_>, turns: &mut Vec<Turn>) -> Result<(), Fault> {
    if line.text == NOT_UNDERSTOOD {
        channel.suppressed.push(Suppressed {
            span: TimeSpan {
                start_ms: line.start_ms,
                end_ms: line.start_ms + WORD_MS,
            },
            text: NOT_UNDERSTOOD.to_owned(),
            reason: SuppressReason::LowConfidence,
            figures: Figures {
                avg_logprob: -2.0,
                no_speech_prob: 0.0,
                compression_ratio: 1.0,
                temperature: 0.0,
            },
        });
        return Ok(());
    }
    if channel
        .words
        .last()
        .is_some_and(|word| word.end_ms > line.start_ms)
    {
        return Err((line.at, "the speaker is still saying the line before"));
    }
    let first_word = channel.words.len();
    let words = (0..)
        .zip(line.text.split_whitespace())
        .map(|(n, text)| Word {
            text: text.to_owned(),
            start_ms: line.start_ms + n * PACE_MS,
            end_ms: line.start_ms + n * PACE_MS + WORD_MS,
            confidence: CONFIDENCE,
        });
    channel.words.extend(words);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    turns.push(Turn {
        channel: channel.facts.index,
        role: line.role,
        start_ms: line.start_ms,
        end_ms: channel
            .words
            .last()
            .map_or(line.start_ms, |word| word.end_ms),
        words: WordRange {
            first_word: count(first_word),
            words_count: count(channel.words.len() - first_word),
        },
        text: line.text.to_owned(),
    });
    Ok(())
}

fn utterances(words: &[Word]) -> Vec<Utterance> {
    let mut first_word = 0;
    let runs = words.chunk_by(|word, next| next.start_ms - word.end_ms < UTTERANCE_GAP_MS);
    runs.map(|run| {
        let words = WordRange {
            first_word,
            words_count: u32::try_from(run.len()).unwrap_or(u32::MAX),
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

fn channel(index: u16, role: Role) -> Channel {
    Channel::without_words(ChannelFacts {
        language: Some(Language {
            code: LANGUAGE.into(),
            source: LanguageSource::Job,
            confidence: 1.0,
            heard_ms: 0,
            votes: Vec::new(),
        }),
        ..ChannelFacts::unmeasured(index, role)
    })
}

fn whole(channels: Vec<Channel>, turns: Vec<Turn>, duration_ms: u64) -> Transcript {
    let digest: Sha256 = "0".repeat(64).parse().expect("64 hexadecimal digits");
    let written = || "written".to_owned();
    Transcript {
        schema_version: job_schema::SCHEMA_VERSION,
        tenant: "cases".parse().expect("a plain name"),
        call: "case".parse().expect("a plain name"),
        spec_sha256: digest.clone(),
        audio: AudioFacts {
            decoded: DecodedAudio {
                container: written(),
                codec: written(),
                sample_rate_hz: 8_000,
                channels_count: u16::try_from(channels.len()).unwrap_or(u16::MAX),
                duration_ms,
                declared_duration_ms: None,
            },
            size_bytes: 0,
            sha256: digest.clone(),
        },
        engine: EngineFacts {
            model: written(),
            model_sha256: digest,
            recognizer: written(),
            worker: written(),
            parameters: BTreeMap::new(),
            confidence: None,
        },
        speakers: Speakers::ByChannel,
        channels,
        turns,
        warnings: Vec::new(),
    }
}
