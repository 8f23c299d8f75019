//! Transcripts for tests, assembled from words as an engine sends them.

use std::collections::BTreeMap;

use analysis::RuleSet;
use job_schema::engine::{CallSummary, SpanResult, SpanSegment, Timings};
use job_schema::job::{Format, Role};
use job_schema::transcript::{
    ChannelFacts, DecodedAudio, EngineFacts, Figures, Language, LanguageSource, TimeSpan,
    Transcript, Word,
};
use pipeline::assemble::{self, Header};
use pipeline::formats::{self, Content, Material};

pub(crate) fn render(format: Format, transcript: &Transcript) -> String {
    scored(format, transcript, None, Content::Whole)
}

pub(crate) fn scored(
    format: Format,
    transcript: &Transcript,
    rules: Option<&RuleSet>,
    content: Content,
) -> String {
    let analysis = analysis::analyse(transcript, &transcript.audio.sha256, rules);
    let material = Material {
        transcript,
        analysis: &analysis,
        content,
    };
    formats::render(format, &material)
}

pub(crate) fn transcript(roles: &[Role], duration_ms: u64, spans: Vec<SpanResult>) -> Transcript {
    transcript_in("en", roles, duration_ms, spans)
}

pub(crate) fn transcript_in(
    language: &str,
    roles: &[Role],
    duration_ms: u64,
    spans: Vec<SpanResult>,
) -> Transcript {
    let digest = "a".repeat(64);
    let header = Header {
        tenant: "northgate".parse().unwrap(),
        call: "c-1".parse().unwrap(),
        spec_sha256: digest.parse().unwrap(),
        size_bytes: 9,
        sha256: digest.parse().unwrap(),
        engine: EngineFacts {
            model: "tiny.en".into(),
            model_sha256: digest.parse().unwrap(),
            recognizer: "scripted".into(),
            worker: "0.1.0".into(),
            parameters: BTreeMap::new(),
            confidence: None,
        },
    };
    let summary = CallSummary {
        audio: DecodedAudio {
            container: "wav".into(),
            codec: "pcm_s16le".into(),
            sample_rate_hz: 8_000,
            channels_count: u16::try_from(roles.len()).unwrap(),
            duration_ms,
            declared_duration_ms: None,
        },
        channels: (0..)
            .zip(roles)
            .map(|(index, &role)| facts(language, index, role))
            .collect(),
        warnings: Vec::new(),
        timings: Timings::default(),
        spans_count: u64::try_from(spans.len()).unwrap(),
    };
    assemble::transcript(header, spans, summary)
}

fn facts(language: &str, index: u16, role: Role) -> ChannelFacts {
    ChannelFacts {
        language: Some(Language {
            code: language.into(),
            source: LanguageSource::Job,
            confidence: 1.0,
            heard_ms: 1_000,
            votes: Vec::new(),
        }),
        ..ChannelFacts::unmeasured(index, role)
    }
}

pub(crate) fn span(channel: u16, words: Vec<Word>) -> SpanResult {
    let span = TimeSpan {
        start_ms: words.first().map_or(0, |word| word.start_ms),
        end_ms: words.last().map_or(0, |word| word.end_ms),
    };
    SpanResult::of(
        channel,
        SpanSegment {
            span,
            words,
            figures: Figures {
                avg_logprob: -0.2,
                no_speech_prob: 0.01,
                compression_ratio: 1.1,
                temperature: 0.0,
            },
        },
    )
}

/// Words of 300 ms, one every 400 ms.
pub(crate) fn speech(channel: u16, start_ms: u64, text: &str) -> SpanResult {
    let words = (0..).zip(text.split(' ')).map(|(n, text)| Word {
        text: text.into(),
        start_ms: start_ms + n * 400,
        end_ms: start_ms + n * 400 + 300,
        confidence: 0.9,
    });
    span(channel, words.collect())
}
