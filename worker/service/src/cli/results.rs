//! `earwitness results`: what a completed job made, from the store.

mod show;

use anyhow::Context;
use jiff::Timestamp;
use job_schema::analysis::Analysis;
use job_schema::job::Format;
use job_schema::manifest::Manifest;
use job_schema::status::State;
use job_schema::transcript::Transcript;
use job_schema::{JobId, ObjectKey, TenantId};
use pipeline::formats::{self, Content, Made, Material};

use super::Global;
use super::common::{Shelf, settings, time};
use super::out;
use super::status::{self, sentence};
use crate::exit::{self, Exit};
use crate::store::{Location, StoreError};

const MAX_OBJECT_BYTES: u64 = 512 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples, with the id that `submit` printed in $JOB:
  earwitness results $JOB --tenant acme
  earwitness results $JOB --tenant acme --object transcript.vtt > call.vtt
  earwitness results $JOB --tenant acme --format call-analytics
  earwitness results $JOB --tenant acme --format vcon --started-at 2026-11-24T09:30:00Z

Exit status 1 when the job has failed or was cancelled, 75 when it has not ended or is not known
yet.")]
pub(super) struct ResultsArgs {
    /// The id that `submit` printed.
    job: JobId,
    /// The customer account that the job belongs to.
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// Print this object as it is stored: manifest.json, transcript.json, analysis.json, transcript.vtt …
    /// Without it: the transcript by turns, then what the rules found and how the scorecard was filled in.
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// Print the call as vtt, srt, txt, verbose_json or call_analytics, whether the job asked for it or not, or as a vCon.
    #[arg(long, value_name = "FORMAT", conflicts_with = "object")]
    format: Option<Printed>,
    /// When the call began (RFC 3339), for a vCon of a call whose attribute `started_at` does not say.
    #[arg(long, value_name = "TIME", requires = "format", value_parser = time)]
    started_at: Option<Timestamp>,
}

/// What a call can be printed as. A vCon holds times of day and so is no object of a result.
#[derive(Debug, Clone, Copy)]
enum Printed {
    As(Format),
    Vcon,
}

impl std::str::FromStr for Printed {
    type Err = String;
    fn from_str(value: &str) -> Result<Self, String> {
        match value {
            "vcon" => Ok(Printed::Vcon),
            _ => value
                .parse()
                .map(Printed::As)
                .map_err(|e| format!("{e}, or vcon")),
        }
    }
}

pub(super) async fn run(global: &Global, args: ResultsArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let status = status::read(&shelf, &args.tenant, args.job).await?;
    let manifest_key = match status.map(|status| status.state) {
        Some(State::Completed { manifest_key, .. }) => manifest_key,
        other => return Err(without_result(&args, other.as_ref())),
    };
    let raw = read(&shelf, manifest_key, "manifest.json").await?;
    let manifest: Manifest = serde_json::from_slice(&raw).context("read manifest")?;
    match (args.object, args.format) {
        (Some(name), _) if name == "manifest.json" => out::write(&raw),
        (Some(name), _) => out::write(&named(&shelf, &manifest, &name).await?),
        (None, Some(Printed::As(format))) => {
            out::write(&formatted(&shelf, &manifest, format).await?);
        }
        (None, Some(Printed::Vcon)) => {
            out::write(vcon(&shelf, &manifest, args.started_at).await?.as_bytes());
        }
        (None, None) => out::write(told(&shelf, &manifest).await?.as_bytes()),
    }
    Ok(exit::OK)
}

/// Nothing is to come of a job that failed or was cancelled; any other may have a result later.
fn without_result(args: &ResultsArgs, state: Option<&State>) -> Exit {
    let (job, tenant) = (args.job, &args.tenant);
    let Some(state) = state else {
        let error = anyhow::anyhow!("no job {job} of tenant {tenant} is known yet");
        return Exit::new(exit::TRY_LATER, error);
    };
    let status = match state {
        State::Failed { .. } | State::Cancelled => exit::SOME_FAILED,
        _ => exit::TRY_LATER,
    };
    let error = anyhow::anyhow!("job {job} of tenant {tenant}: {}", sentence(state));
    Exit::new(status, error)
}

/// As it is stored, else made now, which gives the same bytes.
async fn formatted(
    shelf: &Shelf,
    manifest: &Manifest,
    format: Format,
) -> Result<bytes::Bytes, Exit> {
    if lists(manifest, format.file_name()) {
        return named(shelf, manifest, format.file_name()).await;
    }
    let material = Material {
        transcript: &transcript(shelf, manifest).await?,
        analysis: &analysis(shelf, manifest).await?,
        content: Content::Whole,
    };
    Ok(formats::render(format, &material).into())
}

async fn vcon(
    shelf: &Shelf,
    manifest: &Manifest,
    started_at: Option<Timestamp>,
) -> Result<String, Exit> {
    let known = manifest.attributes.get("started_at");
    let started_at = started_at.or_else(|| known?.parse().ok());
    let Some(started_at) = started_at else {
        let error = anyhow::anyhow!(
            "a vCon says when the call began, and the call has no attribute `started_at` with a time as in RFC 3339: give --started-at"
        );
        return Err(Exit::new(2, error));
    };
    let (call_started_at, at) = (started_at.to_string(), manifest.completed_at.to_string());
    let made = Made {
        call_started_at: &call_started_at,
        at: &at,
    };
    let material = Material {
        transcript: &transcript(shelf, manifest).await?,
        analysis: &analysis(shelf, manifest).await?,
        content: Content::Whole,
    };
    Ok(formats::vcon(&material, &made))
}

async fn told(shelf: &Shelf, manifest: &Manifest) -> Result<String, Exit> {
    let mut text = String::new();
    // A call that was only scored again has no transcript of its own.
    if lists(manifest, "transcript.json") {
        text += &formats::turn_text(&transcript(shelf, manifest).await?);
    }
    text += &scored(&analysis(shelf, manifest).await?);
    Ok(text)
}

/// What the rules found and how the scorecard was filled in; nothing where there was neither.
pub(super) fn scored(analysis: &Analysis) -> String {
    let mut text = String::new();
    if let Some(score) = &analysis.score {
        text += &show::score(score);
    }
    if let Some(card) = &analysis.scorecard {
        text += &show::scorecard(card, &analysis.conversation.channels);
    }
    text
}

async fn transcript(shelf: &Shelf, manifest: &Manifest) -> Result<Transcript, Exit> {
    let raw = named(shelf, manifest, "transcript.json").await?;
    Ok(serde_json::from_slice(&raw).context("read transcript")?)
}

async fn analysis(shelf: &Shelf, manifest: &Manifest) -> Result<Analysis, Exit> {
    let raw = named(shelf, manifest, "analysis.json").await?;
    Ok(serde_json::from_slice(&raw).context("read analysis")?)
}

fn lists(manifest: &Manifest, name: &str) -> bool {
    manifest.objects.iter().any(|object| object.name == name)
}

/// An object of the result.
async fn named(shelf: &Shelf, manifest: &Manifest, name: &str) -> Result<bytes::Bytes, Exit> {
    let Some(object) = manifest.objects.iter().find(|object| object.name == name) else {
        let names: Vec<&str> = manifest.objects.iter().map(|o| o.name.as_str()).collect();
        let error = anyhow::anyhow!(
            "no object {name}; there are manifest.json, {}",
            names.join(", ")
        );
        return Err(error.into());
    };
    read(shelf, object.key.clone(), name).await
}

/// The key may hold a phone number, so an object that is gone is told by its name.
async fn read(shelf: &Shelf, key: ObjectKey, name: &str) -> Result<bytes::Bytes, Exit> {
    let at = Location::new(shelf.results.clone(), key);
    let got = shelf.store.get(&at, MAX_OBJECT_BYTES).await;
    got.map_err(|e| {
        let status = match e {
            StoreError::NotFound { .. } => exit::SOME_FAILED,
            _ => exit::UNREACHABLE,
        };
        Exit::new(status, anyhow::Error::from(e).context(name.to_owned()))
    })
}
