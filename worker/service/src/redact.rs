//! Redacted copies of a result, and the proof that they are. In: a composed result, its recording and a policy. Out: the objects
//! to store beside the originals: always the report, and the redacted documents and recording only if nothing speaks against
//! them. Fails as the engine does when the redacted recording is transcribed again, and where the host lacks the sandbox that is
//! asked for; whatever else goes wrong withholds.

mod proving;

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Arc;

use analysis::redact::{Found, Policy, apply, find, leaks_in_audio, leaks_in_text, mute_spans};
use job_schema::analysis::Analysis;
use job_schema::engine::CallSpec;
use job_schema::job::Format;
use job_schema::redaction::{Check, Leak, RedactionReport, Verdict, Withheld, WithheldReason};
use job_schema::transcript::Transcript;
use job_schema::{ErrorCode, Failure, SCHEMA_VERSION, Sha256};
use pipeline::assemble::{self, Header};
use pipeline::formats::Content;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::engine::mute::{MuteError, MuteRequest};
use crate::recognise::{Recognised, recognise};
use crate::results::{self, Object, Scoring};
use crate::spec::sha256_of;
pub use proving::Proving;

/// Everything of the redacted copies lies below this, so that one rule of access covers it.
const FOLDER: &str = "redacted";

/// What the redaction of one call starts from.
#[derive(Debug, Clone)]
pub struct Original {
    pub recording: Arc<File>,
    pub spec: CallSpec,
    pub transcript: Arc<Transcript>,
    pub transcript_sha256: Sha256,
    pub scoring: Scoring,
    pub formats: Vec<Format>,
}

#[derive(Debug)]
pub struct Copies {
    pub report: RedactionReport,
    /// The transcript and its analysis as others may read them; none if they are withheld.
    pub readable: Option<(Transcript, Analysis)>,
    pub objects: Vec<Object>,
}

/// A redaction on its way: found and removed from the text, not yet from the audio.
struct Drafted {
    found: Found,
    text: Transcript,
    verdict: Verdict,
}

/// `None` when it was stopped before its proof was complete; `proving` has how far it came.
pub async fn redact(
    engine: &Engine,
    original: &Original,
    policy: &Arc<Policy>,
    proving: &Proving,
    stop: &CancellationToken,
) -> Result<Option<Copies>, Failure> {
    let mut drafted = {
        let (transcript, policy) = (Arc::clone(&original.transcript), Arc::clone(policy));
        off_the_runtime(move || draft(&transcript, &policy)).await?
    };
    let mut sound = None;
    if policy.options().audio.is_some() && drafted.found.withheld.is_none() {
        match mute(engine, original, policy, &drafted, stop).await? {
            Ok(None) => return Ok(None),
            Ok(Some(muted)) => {
                let muted = Arc::new(muted);
                let Some((leaks, peaks)) =
                    listen_again(engine, original, policy, &drafted, &muted, proving, stop).await?
                else {
                    return Ok(None);
                };
                judge_audio(&mut drafted, leaks);
                sound = Some((muted, peaks));
            }
            Err(reason) => {
                drafted.found.withheld = Some(Withheld {
                    reason: WithheldReason::AudioNotMade,
                    detail: reason.to_string(),
                });
            }
        }
    }
    let (original, policy) = (original.clone(), Arc::clone(policy));
    off_the_runtime(move || copies(&original, &policy, drafted, sound))
        .await?
        .map(Some)
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure::new(ErrorCode::Internal, "redaction panicked"))
}

fn draft(transcript: &Transcript, policy: &Policy) -> Drafted {
    let mut found = find(transcript, policy);
    let text = apply(transcript, &found.redactions);
    let leaks = leaks_in_text(transcript, &found.redactions, &text);
    let clean = leaks.is_empty();
    if !clean && found.withheld.is_none() {
        found.withheld = Some(Withheld {
            reason: WithheldReason::LeakInText,
            detail: format!("{} places", leaks.len()),
        });
    }
    Drafted {
        found,
        text,
        verdict: Verdict {
            text: if clean { Check::Clean } else { Check::Leaks },
            audio: Check::NotDone,
            leaks,
        },
    }
}

async fn mute(
    engine: &Engine,
    original: &Original,
    policy: &Policy,
    drafted: &Drafted,
    stop: &CancellationToken,
) -> Result<Result<Option<File>, MuteError>, Failure> {
    let Some(style) = policy.options().audio else {
        return Ok(Err(MuteError::Refused("no style was asked for")));
    };
    let (redactions, padding_ms) = (&drafted.found.redactions, policy.options().padding_ms);
    let request = MuteRequest {
        spans: mute_spans(&original.transcript, redactions, padding_ms),
        style,
        duration_ms: original.transcript.audio.decoded.duration_ms,
    };
    let (engine, recording) = (engine.clone(), Arc::clone(&original.recording));
    let (spec, stop) = (original.spec.clone(), stop.clone());
    let muted = off_the_runtime(move || engine.mute(&recording, &spec, request, &stop)).await?;
    match muted {
        Err(e @ MuteError::Unsealed) => {
            Err(Failure::new(ErrorCode::SandboxUnavailable, e.to_string()))
        }
        Err(e @ MuteError::Host(_)) => Err(Failure::new(ErrorCode::HostExhausted, e.to_string())),
        muted => Ok(muted),
    }
}

/// The redacted recording goes the way that every recording goes. What is heard in it still, and its waveform.
async fn listen_again(
    engine: &Engine,
    original: &Original,
    policy: &Arc<Policy>,
    drafted: &Drafted,
    muted: &Arc<File>,
    proving: &Proving,
    stop: &CancellationToken,
) -> Result<Option<(Vec<Leak>, Object)>, Failure> {
    let spec = CallSpec {
        raw_audio: None,
        extension: Some("wav".into()),
        skip_spans_count: 0,
        ..original.spec.clone()
    };
    let recording = Arc::clone(muted);
    let recording_sha256 = off_the_runtime(move || digest(&recording)).await??;
    let board = proving.board(recording_sha256);
    let Recognised::All(heard) = recognise(engine, Arc::clone(muted), &spec, board, stop).await?
    else {
        return Ok(None);
    };
    let (whole, policy) = (Arc::clone(&original.transcript), Arc::clone(policy));
    let redactions = drafted.found.redactions.clone();
    let judged = off_the_runtime(move || {
        let peaks = results::peaks_object(&heard.peaks, heard.summary.audio.sample_rate_hz);
        let heard = assemble::transcript(header_of(&whole), heard.spans, heard.summary);
        (leaks_in_audio(&whole, &redactions, &heard, &policy), peaks)
    });
    judged.await.map(Some)
}

fn header_of(transcript: &Transcript) -> Header {
    Header {
        tenant: transcript.tenant.clone(),
        call: transcript.call.clone(),
        spec_sha256: transcript.spec_sha256.clone(),
        size_bytes: transcript.audio.size_bytes,
        sha256: transcript.audio.sha256.clone(),
        engine: transcript.engine.clone(),
    }
}

fn judge_audio(drafted: &mut Drafted, leaks: Vec<Leak>) {
    drafted.verdict.audio = if leaks.is_empty() {
        Check::Clean
    } else {
        Check::Leaks
    };
    if !leaks.is_empty() {
        drafted.found.withheld = Some(Withheld {
            reason: WithheldReason::LeakInAudio,
            detail: format!("{} places", leaks.len()),
        });
    }
    drafted.verdict.leaks.extend(leaks);
}

fn copies(
    original: &Original,
    policy: &Policy,
    drafted: Drafted,
    sound: Option<(Arc<File>, Object)>,
) -> Result<Copies, Failure> {
    let Drafted {
        found,
        text,
        verdict,
    } = drafted;
    let report = RedactionReport {
        schema_version: SCHEMA_VERSION,
        tenant: text.tenant.clone(),
        call: text.call.clone(),
        spec_sha256: text.spec_sha256.clone(),
        transcript_sha256: original.transcript_sha256.clone(),
        policy: policy.options().clone(),
        redactions: found.redactions,
        withheld: found.withheld,
        verdict,
    };
    let mut objects = vec![Object::json("redaction.json", &report)];
    let mut readable = None;
    if report.withheld.is_none() {
        let (scoring, formats) = (&original.scoring, &original.formats);
        let (analysis, documents) = results::documents(&text, scoring, formats, Content::Redacted);
        objects.extend(documents);
        readable = Some((text, analysis));
        if let Some((recording, peaks)) = sound {
            objects.push(peaks);
            objects.push(Object::new("recording.wav", "audio/wav", read(&recording)?));
        }
    }
    for object in &mut objects {
        object.name = Cow::Owned(format!("{FOLDER}/{}", object.name));
    }
    Ok(Copies {
        report,
        readable,
        objects,
    })
}

fn exhausted(error: std::io::Error) -> Failure {
    let detail = format!("read scratch file: {}", error.kind());
    Failure::new(ErrorCode::HostExhausted, detail)
}

fn digest(mut recording: &File) -> Result<Sha256, Failure> {
    recording.rewind().map_err(exhausted)?;
    sha256_of(recording).map_err(exhausted)
}

fn read(recording: &File) -> Result<Vec<u8>, Failure> {
    let mut recording = recording;
    let mut bytes = Vec::new();
    recording.rewind().map_err(exhausted)?;
    recording.read_to_end(&mut bytes).map_err(exhausted)?;
    Ok(bytes)
}
