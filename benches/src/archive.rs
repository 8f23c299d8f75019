//! An archive of made-up calls in a directory, as a fleet would have left it: manifest, transcript and analysis of each. In: a
//! folder, a number, the rules they were scored with. Out: a store that `rescore` reads. Seeded by the number of the
//! call, so that the same call is the same bytes. Fails as the file system does.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use earwitness::results::{Object, Scoring};
use job_schema::engine::{CallSummary, SpanResult, SpanSegment, Timings};
use job_schema::job::{Recording, Role};
use job_schema::manifest::{Manifest, Processing, Summary};
use job_schema::transcript::{
    ChannelFacts, DecodedAudio, EngineFacts, Figures, Language, LanguageSource, TimeSpan,
    Transcript, Word,
};
use job_schema::{JobId, Sha256};
use pipeline::assemble::{self, Header};

pub const TENANT: &str = "acme";
pub const BUCKET: &str = "results";
/// Ten minutes.
const DURATION_MS: u64 = 600_000;

/// What is said once in a while; rules look for some of it.
const SENTENCES: [&str; 12] = [
    "Thank you for calling Northgate Plumbing. My name is Laura. How can I help you today?",
    "Before we go on, this call is recorded for quality and training.",
    "Hello. I want to cancel my service plan, please.",
    "Your engineer came two weeks late, and the kitchen tap is still dripping.",
    "I could offer you a free visit this week, and two months at no charge.",
    "Another company quoted me forty five pounds less for the same boiler.",
    "May I take the card number and the expiry date to pay for the visit?",
    "That is fine, Tuesday in the morning would suit me better than Friday.",
    "I have called about it three times, and nobody ever called me back.",
    "Please hold the line while I look at what the engineer wrote down.",
    "The radiator in the hall gets warm at the top, but not at the bottom.",
    "Is there anything else that I can help you with today? Have a nice day.",
];

/// Numbers that look like chance and are always the same (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Writes `count` calls below `root`, and nothing else.
pub fn write(root: &Path, count: u64, scoring: &Scoring) -> Result<()> {
    for number in 0..count {
        write_call(root, number, scoring).with_context(|| format!("write call {number}"))?;
    }
    Ok(())
}

fn write_call(root: &Path, number: u64, scoring: &Scoring) -> Result<()> {
    let transcript = transcript(number)?;
    let document = Object::json("transcript.json", &transcript);
    let analysis = Object::json(
        "analysis.json",
        &scoring.analyse(&transcript, &document.sha256),
    );
    let prefix = format!(
        "{TENANT}/calls/{}/{}",
        transcript.call, transcript.spec_sha256
    );
    let folder = root.join(BUCKET).join(&prefix);
    std::fs::create_dir_all(&folder)?;
    let mut objects = Vec::new();
    for object in [document, analysis] {
        std::fs::write(folder.join(&*object.name), &object.bytes)?;
        objects.push(object.stored_at(format!("{prefix}/{}", object.name).parse()?));
    }
    let manifest = Manifest {
        objects,
        ..manifest(&transcript)?
    };
    let bytes = Object::json("manifest.json", &manifest).bytes;
    Ok(std::fs::write(folder.join("manifest.json"), bytes)?)
}

fn digest(number: u64) -> Result<Sha256> {
    Ok(format!("{number:064x}").parse()?)
}

pub fn transcript(number: u64) -> Result<Transcript> {
    let header = Header {
        tenant: TENANT.parse()?,
        call: format!("call-{number:06}").parse()?,
        spec_sha256: digest(number)?,
        size_bytes: 9_600_044,
        sha256: digest(number)?,
        engine: EngineFacts {
            model: "base".into(),
            model_sha256: digest(0)?,
            recognizer: "made up".into(),
            worker: "earwitness".into(),
            parameters: BTreeMap::new(),
            confidence: None,
        },
    };
    let spans = spans(&mut Dice(number + 1));
    let summary = CallSummary {
        audio: DecodedAudio {
            container: "wav".into(),
            codec: "pcm_mulaw".into(),
            sample_rate_hz: 8_000,
            channels_count: 2,
            duration_ms: DURATION_MS,
            declared_duration_ms: Some(DURATION_MS),
        },
        channels: vec![
            facts(0, Role::Agent, &spans),
            facts(1, Role::Customer, &spans),
        ],
        warnings: Vec::new(),
        timings: Timings::default(),
        spans_count: u64::try_from(spans.len())?,
    };
    Ok(assemble::transcript(header, spans, summary))
}

/// The two take turns of a sentence or three, some 1,500 words in all.
fn spans(dice: &mut Dice) -> Vec<SpanResult> {
    let (mut spans, mut at_ms, mut channel) = (Vec::new(), 400, 0_u16);
    while at_ms < DURATION_MS - 30_000 {
        let mut words: Vec<Word> = Vec::new();
        for _ in 0..=dice.below(3) {
            let sentence = SENTENCES[usize::try_from(dice.below(12)).unwrap_or(0)];
            for text in sentence.split(' ') {
                let length_ms = 120 + 20 * u64::try_from(text.len()).unwrap_or(0);
                let confidence =
                    [0.71, 0.88, 0.94, 0.97][usize::try_from(dice.below(4)).unwrap_or(0)];
                words.push(Word {
                    text: text.to_owned(),
                    start_ms: at_ms,
                    end_ms: at_ms + length_ms,
                    confidence,
                });
                at_ms += length_ms + 40 + dice.below(160);
            }
        }
        spans.push(span(channel, words));
        at_ms += 200 + dice.below(900);
        channel = 1 - channel;
    }
    spans
}

fn span(channel: u16, words: Vec<Word>) -> SpanResult {
    let span = TimeSpan {
        start_ms: words.first().map_or(0, |word| word.start_ms),
        end_ms: words.last().map_or(0, |word| word.end_ms),
    };
    let figures = Figures {
        avg_logprob: -0.21,
        no_speech_prob: 0.01,
        compression_ratio: 1.3,
        temperature: 0.0,
    };
    SpanResult::of(
        channel,
        SpanSegment {
            span,
            words,
            figures,
        },
    )
}

fn facts(index: u16, role: Role, spans: &[SpanResult]) -> ChannelFacts {
    let own = spans.iter().filter(|span| span.channel == index);
    let speech_spans: Vec<TimeSpan> = own.map(|span| span.span).collect();
    let speech_ms = speech_spans.iter().map(|span| span.duration_ms()).sum();
    ChannelFacts {
        language: Some(Language {
            code: "en".into(),
            source: LanguageSource::Detected,
            confidence: 0.98,
            heard_ms: speech_ms,
            votes: Vec::new(),
        }),
        speech_ms,
        speech_level_dbfs: Some(-24.5),
        speech_spans,
        ..ChannelFacts::unmeasured(index, role)
    }
}

fn manifest(transcript: &Transcript) -> Result<Manifest> {
    Ok(Manifest {
        delete_after: None,
        schema_version: transcript.schema_version,
        tenant: transcript.tenant.clone(),
        call: transcript.call.clone(),
        job_id: "01930d5e-7c00-7a3b-8e21-5f0c2b9d4a17".parse::<JobId>()?,
        spec_sha256: transcript.spec_sha256.clone(),
        recording: Recording {
            bucket: "recordings".parse()?,
            key: format!("{TENANT}/{}.wav", transcript.call).parse()?,
            etag: None,
            version_id: None,
            sha256: None,
        },
        recording_sha256: transcript.audio.sha256.clone(),
        attributes: BTreeMap::from([("direction".to_owned(), "inbound".to_owned())]),
        model: transcript.engine.model.clone(),
        model_sha256: transcript.engine.model_sha256.clone(),
        completed_at: "2026-11-24T10:00:07Z".parse()?,
        objects: Vec::new(),
        summary: Summary {
            duration_ms: DURATION_MS,
            channels_count: 2,
            speech_ms: transcript.channels.iter().map(|c| c.facts.speech_ms).sum(),
            words_count: 0,
            suppressed_count: 0,
            warnings_count: 0,
            languages: vec!["en".into()],
            score_points: None,
            rules_hit_count: 0,
        },
        processing: Processing {
            worker: "made up".into(),
            wall_ms: 0,
            real_time_factor: None,
            content_attempts: 0,
            infra_attempts: 0,
            resumed_spans_count: 0,
        },
    })
}
