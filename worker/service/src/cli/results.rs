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

use super::common::{Shelf, settings};
use super::out;
use super::{Global, status};
use crate::exit::{self, Exit};
use crate::store::{Location, StoreError};

const MAX_OBJECT_BYTES: u64 = 512 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness results 01930000-0000-7000-8000-000000000001 --tenant acme
  earwitness results 01930000-0000-7000-8000-000000000001 --tenant acme --object transcript.vtt > call.vtt
  earwitness results 01930000-0000-7000-8000-000000000001 --tenant acme --format call-analytics
  earwitness results 01930000-0000-7000-8000-000000000001 --tenant acme --format vcon --started-at 2026-11-24T09:30:00Z")]
pub(super) struct ResultsArgs {
    /// The id that `submit` printed.
    job: JobId,
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
    #[arg(long, value_name = "TIME", requires = "format")]
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
    let Some(State::Completed { manifest_key, .. }) = status.map(|s| s.state) else {
        let error = anyhow::anyhow!(
            "job {} of tenant {} is not completed: see `earwitness status`",
            args.job,
            args.tenant
        );
        return Err(Exit::new(exit::TRY_LATER, error));
    };
    let raw = read(&shelf, manifest_key).await?;
    let manifest: Manifest = serde_json::from_slice(&raw).context("read manifest")?;
    match (args.object, args.format) {
        (Some(name), _) if name == "manifest.json" => out::write(&raw),
        (Some(name), _) => out::write(&read(&shelf, key_of(&manifest, &name)?).await?),
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

/// As it is stored, else made now, which gives the same bytes.
async fn formatted(
    shelf: &Shelf,
    manifest: &Manifest,
    format: Format,
) -> Result<bytes::Bytes, Exit> {
    if let Ok(key) = key_of(manifest, format.file_name()) {
        return read(shelf, key).await;
    }
    let material = Material {
        transcript: &transcript(shelf, key_of(manifest, "transcript.json")?).await?,
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
        transcript: &transcript(shelf, key_of(manifest, "transcript.json")?).await?,
        analysis: &analysis(shelf, manifest).await?,
        content: Content::Whole,
    };
    Ok(formats::vcon(&material, &made))
}

async fn told(shelf: &Shelf, manifest: &Manifest) -> Result<String, Exit> {
    let mut text = String::new();
    // A call that was only scored again has no transcript of its own.
    if let Ok(key) = key_of(manifest, "transcript.json") {
        text += &formats::turn_text(&transcript(shelf, key).await?);
    }
    let analysis = analysis(shelf, manifest).await?;
    if let Some(score) = &analysis.score {
        text += &show::score(score);
    }
    if let Some(card) = &analysis.scorecard {
        text += &show::scorecard(card, &analysis.conversation.channels);
    }
    Ok(text)
}

async fn transcript(shelf: &Shelf, key: ObjectKey) -> Result<Transcript, Exit> {
    let raw = read(shelf, key).await?;
    Ok(serde_json::from_slice(&raw).context("read transcript")?)
}

async fn analysis(shelf: &Shelf, manifest: &Manifest) -> Result<Analysis, Exit> {
    let raw = read(shelf, key_of(manifest, "analysis.json")?).await?;
    Ok(serde_json::from_slice(&raw).context("read analysis")?)
}

fn key_of(manifest: &Manifest, name: &str) -> Result<ObjectKey, Exit> {
    let found = manifest.objects.iter().find(|o| o.name == name);
    found.map(|o| o.key.clone()).ok_or_else(|| {
        let names: Vec<&str> = manifest.objects.iter().map(|o| o.name.as_str()).collect();
        anyhow::anyhow!(
            "no object {name}; there are manifest.json, {}",
            names.join(", ")
        )
        .into()
    })
}

async fn read(shelf: &Shelf, key: ObjectKey) -> Result<bytes::Bytes, Exit> {
    let at = Location::new(shelf.results.clone(), key);
    shelf
        .store
        .get(&at, MAX_OBJECT_BYTES)
        .await
        .map_err(|e| match e {
            StoreError::NotFound { .. } => Exit::new(exit::SOME_FAILED, e),
            e => Exit::new(exit::UNREACHABLE, e),
        })
}
