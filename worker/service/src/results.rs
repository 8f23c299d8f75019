//! From an engine's findings to the objects of a result. In: spans, summary and peaks as they came; identity and rules.
//! Out: every object but the manifest, as bytes with digests, and the summary that events carry. No IO, no clock, so the
//! same findings always make the same bytes.

use std::borrow::Cow;
use std::sync::Arc;

use analysis::{Facts, RuleSet, Scorecard};
use job_schema::analysis::{Analysis, Outcome};
use job_schema::engine::{CallSummary, PeaksChunk, RoleTerm, SpanResult};
use job_schema::job::Format;
use job_schema::manifest::{StoredObject, Summary};
use job_schema::transcript::Transcript;
use job_schema::{ObjectKey, Sha256};
use pipeline::assemble::{self, Header};
use pipeline::formats::{self, Content, Material};
use serde::Serialize;

use crate::spec::sha256;

/// A manifest lists objects and figures, no words.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// All that the engine found in one recording.
#[derive(Debug)]
pub struct Findings {
    pub spans: Vec<SpanResult>,
    pub summary: CallSummary,
    pub peaks: Vec<PeaksChunk>,
}

/// An object before it has a place.
#[derive(Debug, Clone)]
pub struct Object {
    pub name: Cow<'static, str>,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
    pub sha256: Sha256,
}

impl Object {
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        content_type: &'static str,
        bytes: Vec<u8>,
    ) -> Self {
        let sha256 = sha256(&bytes);
        Self {
            name: name.into(),
            content_type,
            bytes,
            sha256,
        }
    }

    pub fn json<T: Serialize>(name: &'static str, value: &T) -> Self {
        let mut bytes =
            serde_json::to_vec_pretty(value).expect("our documents have string keys only");
        bytes.push(b'\n');
        Self::new(name, "application/json", bytes)
    }

    pub fn stored_at(&self, key: ObjectKey) -> StoredObject {
        StoredObject {
            name: self.name.to_string(),
            key,
            size_bytes: self.bytes.len() as u64,
            sha256: self.sha256.clone(),
            content_type: self.content_type.to_owned(),
        }
    }
}

/// A result that only needs to be put somewhere.
#[derive(Debug)]
pub struct Results {
    pub transcript: Transcript,
    pub analysis: Analysis,
    pub summary: Summary,
    pub objects: Vec<Object>,
}

/// What a transcript is scored with.
#[derive(Debug, Clone, Default)]
pub struct Scoring {
    pub rules: Option<Arc<RuleSet>>,
    pub scorecard: Option<Arc<Scorecard>>,
    /// What is known of the call beside its words.
    pub facts: Facts,
}

impl Scoring {
    /// What to listen for: the job's own terms, then the rules', each for the side that it is expected of.
    pub fn vocabulary(&self, of_job: &[String]) -> (Vec<String>, Vec<RoleTerm>) {
        let (mut everywhere, mut of_roles) = (of_job.to_vec(), Vec::new());
        for term in self.rules.iter().flat_map(|rules| rules.vocabulary()) {
            match term.speaker.role() {
                None => everywhere.push(term.text.clone()),
                Some(role) => of_roles.push(RoleTerm {
                    role,
                    term: term.text.clone(),
                }),
            }
        }
        (everywhere, of_roles)
    }

    pub fn analyse(&self, transcript: &Transcript, transcript_sha256: &Sha256) -> Analysis {
        let (rules, scorecard) = (self.rules.as_deref(), self.scorecard.as_deref());
        analysis::analyse_with(transcript, transcript_sha256, rules, scorecard, &self.facts)
    }
}

pub fn compose(
    header: Header,
    findings: Findings,
    scoring: &Scoring,
    formats: &[Format],
) -> Results {
    let peaks = peaks_object(&findings.peaks, findings.summary.audio.sample_rate_hz);
    let transcript = assemble::transcript(header, findings.spans, findings.summary);
    let (analysis, mut objects) = documents(&transcript, scoring, formats, Content::Whole);
    objects.push(peaks);
    let summary = summarise(&transcript, &analysis);
    Results {
        transcript,
        analysis,
        summary,
        objects,
    }
}

/// The documents that a transcript alone makes: itself, its analysis, and the formats.
pub(crate) fn documents(
    transcript: &Transcript,
    scoring: &Scoring,
    wanted: &[Format],
    content: Content,
) -> (Analysis, Vec<Object>) {
    let transcript_object = Object::json("transcript.json", transcript);
    let analysis = scoring.analyse(transcript, &transcript_object.sha256);
    let mut objects = vec![transcript_object, Object::json("analysis.json", &analysis)];
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let material = Material {
        transcript,
        analysis: &analysis,
        content,
    };
    for format in wanted {
        let text = formats::render(format, &material);
        objects.push(Object::new(
            format.file_name(),
            format.content_type(),
            text.into_bytes(),
        ));
    }
    (analysis, objects)
}

fn summarise(transcript: &Transcript, analysis: &Analysis) -> Summary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let channels = &transcript.channels;
    let mut languages: Vec<String> = channels
        .iter()
        .filter_map(|c| c.facts.language.as_ref().map(|l| l.code.clone()))
        .collect();
    languages.sort_unstable();
    languages.dedup();
    let (score_points, rules_hit_count) = scored(analysis);
    Summary {
        duration_ms: transcript.audio.decoded.duration_ms,
        channels_count: transcript.audio.decoded.channels_count,
        speech_ms: channels.iter().map(|c| c.facts.speech_ms).sum(),
        words_count: count(channels.iter().map(|c| c.words.len()).sum()),
        suppressed_count: count(channels.iter().map(|c| c.suppressed.len()).sum()),
        warnings_count: count(transcript.warnings.len()),
        languages,
        score_points,
        rules_hit_count,
    }
}

/// The points, and how many rules are true.
pub(crate) fn scored(analysis: &Analysis) -> (Option<f64>, u32) {
    let score = analysis.score.as_ref();
    let rules = score.iter().flat_map(|score| &score.rules);
    let hits = rules.filter(|rule| rule.outcome == Outcome::True).count();
    let points = score.map(|score| score.points);
    (points, u32::try_from(hits).unwrap_or(u32::MAX))
}

/// The layout that waveform players read (audiowaveform's JSON, version 2).
#[derive(Serialize)]
struct Waveform {
    version: u32,
    channels: usize,
    sample_rate: u32,
    samples_per_pixel: u32,
    bits: u32,
    length: usize,
    /// For each point, for each channel: min, max.
    data: Vec<i8>,
}

pub(crate) fn peaks_object(chunks: &[PeaksChunk], sample_rate_hz: u32) -> Object {
    let points_per_second = chunks.first().map_or(1, |c| c.points_per_second).max(1);
    let mut data = Vec::new();
    let mut length = 0;
    let mut channels = 0;
    for chunk in chunks {
        channels = chunk.channels.len();
        let points = chunk
            .channels
            .iter()
            .map(|c| c.min_max.len() / 2)
            .min()
            .unwrap_or(0);
        length += points;
        for point in 0..points {
            for channel in &chunk.channels {
                data.extend_from_slice(&channel.min_max[2 * point..2 * point + 2]);
            }
        }
    }
    let samples_per_pixel = sample_rate_hz / points_per_second;
    let waveform = Waveform {
        version: 2,
        channels,
        sample_rate: sample_rate_hz,
        samples_per_pixel,
        bits: 8,
        length,
        data,
    };
    let bytes = serde_json::to_vec(&waveform).expect("numbers serialise");
    Object::new("peaks.json", "application/json", bytes)
}
