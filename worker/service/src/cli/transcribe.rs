//! `earwitness transcribe`: recordings on this machine, through the same engine and the same assembly as the fleet, into a
//! directory. Needs a model and nothing else. One bad file never stops the others.

mod show;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use analysis::redact::Policy;
use futures_util::{StreamExt, stream};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use job_schema::analysis::Analysis;
use job_schema::engine::CallSpec;
use job_schema::job::{Format, RawAudio, Role};
use job_schema::transcript::Transcript;
use job_schema::{CallId, ErrorCode, Failure, Sha256};
use pipeline::assemble::Header;
use sha2::Digest;
use tokio_util::sync::CancellationToken;

use super::Global;
use super::common::{LocalEngine, ModelArgs, attribute, hexadecimal, scoring, settings};
use super::options::LanguageArgs;
use super::raw_layout;
use super::redaction::RedactArgs;
use crate::exit::{self, Exit};
use crate::job::engine_facts;
use crate::recognise::{Board, Recognised, recognise};
use crate::redact::{Copies, Original, Proving, redact};
use crate::results::{self, Object, Results, Scoring};
use crate::spec::sha256;
use show::{bar, report, show_progress};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness transcribe call.wav
  earwitness transcribe calls/*.mp3 --out results --channels agent,customer --format vtt,srt
  earwitness transcribe call.wav --languages de,es,fr
  earwitness transcribe call.wav --vocabulary 'Northgate,Boiler Care Plus'
  earwitness transcribe call.wav --rules rules/call-quality@2.toml \\
      --scorecard rules/call-quality-form@2.scorecard.toml
  earwitness transcribe call.ulaw --raw mulaw:8000:1 --json
  earwitness transcribe call.wav --out results --redact card_number,card_cvv --redact-audio")]
pub(super) struct TranscribeArgs {
    /// Recordings to transcribe.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write each file's results to DIR/<file name>/, so no two may have one name. Without it the transcript goes to standard output,
    /// then what the rules found and how the scorecard was filled in.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Who speaks on each channel: agent, customer, ivr, mixed or unknown.
    #[arg(long, value_delimiter = ',', value_name = "ROLE,…")]
    channels: Vec<Role>,
    /// A rule file to score the calls with. Without --out its findings follow the transcript.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A scorecard to fill in from what the rules and measures say. Rules that it asks for and --rules lacks are named on standard
    /// error; what needs them is inconclusive.
    #[arg(long, value_name = "FILE")]
    scorecard: Option<PathBuf>,
    /// Something known of the calls, which rules compare as `$NAME`; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    attribute: Vec<(String, String)>,
    /// Formats to write beside transcript.json and analysis.json.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "FORMAT,…",
        default_value = "vtt,srt,txt"
    )]
    format: Vec<Format>,
    #[command(flatten)]
    language: LanguageArgs,
    /// Names and products to expect. Those in the rule file's vocabulary are expected too.
    #[arg(long, value_delimiter = ',', value_name = "TERM,…")]
    vocabulary: Vec<String>,
    /// Layout of headerless recordings, CODEC:RATE:CHANNELS with CODEC mulaw, alaw, pcm_s16le, g722 or gsm.
    #[arg(long, value_name = "LAYOUT", value_parser = raw_layout::parse)]
    raw: Option<RawAudio>,
    #[command(flatten)]
    redact: RedactArgs,
    /// One JSON object a file on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) async fn run(global: &Global, args: TranscribeArgs) -> Result<u8, Exit> {
    if let Some(out) = &args.out {
        refuse_shared_places(out, &args.files)?;
    }
    let config = settings(global, &args.model.flags())?.config;
    let local = LocalEngine::start(&config).await?;
    let mut scoring = scoring(args.rules.as_deref(), args.scorecard.as_deref()).await?;
    scoring.facts = args.attribute.iter().cloned().collect();
    let policy = args.redact.policy()?;
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    let (args, local, scoring, policy) = (&args, &local, &scoring, policy.as_ref());
    let mut outcomes = stream::iter(&args.files)
        .map(|file| {
            let bar = bars.add(bar(file));
            async move {
                let started = Instant::now();
                let outcome = transcribe(args, local, (scoring, policy), file, &bar).await;
                bar.finish_and_clear();
                (file, started.elapsed(), outcome)
            }
        })
        .buffered(usize::from(local.slots));
    let mut failed = 0;
    while let Some((file, wall, outcome)) = outcomes.next().await {
        failed += usize::from(!outcome.as_ref().is_ok_and(Transcribed::is_whole));
        bars.suspend(|| report(args, file, wall, &outcome))?;
    }
    if failed > 0 {
        eprintln!("earwitness: {failed} of {} files failed", args.files.len());
    }
    Ok(if failed == 0 {
        exit::OK
    } else {
        exit::SOME_FAILED
    })
}

/// Two files of one name would be written into the same folder, at the same time.
fn refuse_shared_places(out: &Path, files: &[PathBuf]) -> Result<(), Exit> {
    let mut taken: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for file in files {
        let place = place_of(out, file);
        if let Some(other) = taken.get(&place) {
            let error = anyhow::anyhow!(
                "{} and {} would both be written to {}: give them to two runs with an --out each, or rename one",
                other.display(),
                file.display(),
                place.display()
            );
            return Err(Exit::new(2, error));
        }
        taken.insert(place, file);
    }
    Ok(())
}

struct Transcribed {
    results: Results,
    copies: Option<Copies>,
    place: Option<PathBuf>,
}

impl Transcribed {
    /// Redacted copies that are withheld are a failure: whoever asked for them must not take the original by mistake.
    fn is_whole(&self) -> bool {
        let copies = self.copies.as_ref();
        copies.is_none_or(|copies| copies.report.withheld.is_none())
    }

    /// What may be shown: the redacted copy where one was asked for, and nothing if that is withheld.
    fn readable(&self) -> Option<(&Transcript, &Analysis)> {
        match &self.copies {
            Some(copies) => copies.readable.as_ref().map(|(text, found)| (text, found)),
            None => Some((&self.results.transcript, &self.results.analysis)),
        }
    }
}

async fn transcribe(
    args: &TranscribeArgs,
    local: &LocalEngine,
    (scoring, policy): (&Scoring, Option<&Arc<Policy>>),
    path: &Path,
    bar: &ProgressBar,
) -> Result<Transcribed, Failure> {
    let (recording, size_bytes, digest) = open(path.to_owned()).await?;
    let (vocabulary, role_vocabulary) = scoring.vocabulary(&args.vocabulary);
    let spec = CallSpec {
        channel_roles: args.channels.clone(),
        language: args.language.language.clone(),
        languages: args.language.languages.clone(),
        vocabulary,
        role_vocabulary,
        raw_audio: args.raw,
        extension: path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase()),
        limits: local.limits,
        skip_spans_count: 0,
    };
    let board = Board::default();
    let never = CancellationToken::new();
    let recording = Arc::new(recording);
    let run = recognise(&local.engine, Arc::clone(&recording), &spec, &board, &never);
    let Recognised::All(findings) = show_progress(run, &board, bar).await? else {
        return Err(Failure::new(ErrorCode::Cancelled, "stopped"));
    };
    let redaction = policy.map(|policy| policy.options());
    let identity = (&spec, &local.model.sha256, &digest, redaction);
    let spec_sha256 = sha256(&serde_json::to_vec(&identity).unwrap_or_default());
    let header = Header {
        tenant: "local"
            .parse()
            .map_err(|_| Failure::new(ErrorCode::Internal, "tenant name"))?,
        call: call_name(path),
        spec_sha256,
        size_bytes,
        sha256: digest,
        engine: engine_facts(&local.model),
    };
    let results = results::compose(header, *findings, scoring, &args.format);
    let copies = match policy {
        Some(policy) => {
            let original = Original {
                recording,
                spec,
                transcript: Arc::new(results.transcript.clone()),
                transcript_sha256: results.analysis.transcript_sha256.clone(),
                scoring: scoring.clone(),
                formats: args.format.clone(),
            };
            let anew = Proving::default();
            redact(&local.engine, &original, policy, &anew, &never).await?
        }
        None => None,
    };
    let place = match &args.out {
        Some(out) => {
            let copied = copies.iter().flat_map(|copies| &copies.objects);
            Some(write(out, path, results.objects.iter().chain(copied)).await?)
        }
        None => None,
    };
    Ok(Transcribed {
        results,
        copies,
        place,
    })
}

/// The file, its size and its digest; read once, off the async threads.
async fn open(path: PathBuf) -> Result<(File, u64, Sha256), Failure> {
    let read = move || -> std::io::Result<(File, u64, Sha256)> {
        let mut file = File::open(&path)?;
        let mut hash = sha2::Sha256::new();
        let size = std::io::copy(&mut file, &mut hash)?;
        Ok((file, size, hexadecimal(hash.finalize())))
    };
    let joined = tokio::task::spawn_blocking(read).await;
    let (file, size, digest) = joined
        .map_err(|_| Failure::new(ErrorCode::Internal, "reading the file panicked"))?
        .map_err(|e| unread(&e))?;
    if size == 0 {
        return Err(Failure::new(
            ErrorCode::RecordingEmpty,
            "the file has 0 bytes",
        ));
    }
    Ok((file, size, digest))
}

fn unread(error: &std::io::Error) -> Failure {
    let (code, detail) = match error.kind() {
        ErrorKind::NotFound => (ErrorCode::RecordingNotFound, "no such file".to_owned()),
        ErrorKind::IsADirectory => (ErrorCode::RecordingNotFound, "it is a directory".to_owned()),
        ErrorKind::PermissionDenied => {
            (ErrorCode::RecordingForbidden, "may not be read".to_owned())
        }
        _ => (ErrorCode::HostExhausted, format!("read file: {error}")),
    };
    Failure::new(code, detail)
}

/// Where a file's results go.
fn place_of(out: &Path, file: &Path) -> PathBuf {
    out.join(file.file_name().unwrap_or(file.as_os_str()))
}

async fn write(
    out: &Path,
    recording: &Path,
    objects: impl Iterator<Item = &Object>,
) -> Result<PathBuf, Failure> {
    let place = place_of(out, recording);
    let failed =
        |e: std::io::Error| Failure::new(ErrorCode::HostExhausted, format!("write results: {e}"));
    tokio::fs::create_dir_all(&place).await.map_err(failed)?;
    for object in objects {
        let file = place.join(&*object.name);
        if let Some(folder) = file.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(failed)?;
        }
        tokio::fs::write(file, &object.bytes)
            .await
            .map_err(failed)?;
    }
    Ok(place)
}

/// A call needs a name: the file's, as far as its characters allow.
fn call_name(path: &Path) -> CallId {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '_'
            }
        })
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(100)
        .collect();
    plain
        .parse()
        .or_else(|_| "recording".parse())
        .expect("letters, digits, dots, dashes and underscores are a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_file_name_gives_a_call_name() {
        for (file, name) in [
            ("a b.wav", "a_b"),
            ("..wav", "recording"),
            ("ü.mp3", "recording"),
            ("-x-.ogg", "x-"),
        ] {
            assert_eq!(call_name(Path::new(file)).as_str(), name);
        }
    }

    #[test]
    fn files_that_would_be_written_to_one_folder_are_refused() {
        for (files, is_refused) in [
            (&["a/call.wav", "b/call.wav"][..], true),
            (&["call.wav", "other.wav", "./call.wav"], true),
            (&["a/call.wav", "b/call.mp3", "c/Call.wav"], false),
        ] {
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            let checked = refuse_shared_places(Path::new("results"), &files);
            assert_eq!(checked.is_err(), is_refused, "{files:?}");
        }
    }
}
