//! `earwitness results`: what a completed job made, from the store.

use anyhow::Context;
use job_schema::analysis::{Analysis, Outcome};
use job_schema::manifest::Manifest;
use job_schema::status::State;
use job_schema::{JobId, ObjectKey, TenantId};

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
  earwitness results 01930000-0000-7000-8000-000000000001 --tenant acme --object transcript.vtt > call.vtt")]
pub(super) struct ResultsArgs {
    /// The id that `submit` printed.
    job: JobId,
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// Print this object as it is stored: manifest.json, transcript.json, analysis.json, transcript.vtt …
    /// Without it: the transcript by turns, then what the rules found.
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
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
    let Some(name) = args.object else {
        // A call that was only scored again has no transcript of its own.
        if let Ok(key) = key_of(&manifest, "transcript.json") {
            let transcript = read(&shelf, key).await?;
            let transcript = serde_json::from_slice(&transcript).context("read transcript")?;
            let text = pipeline::formats::render(job_schema::job::Format::Txt, &transcript);
            out::write(text.as_bytes());
        }
        let analysis = read(&shelf, key_of(&manifest, "analysis.json")?).await?;
        print_hits(&serde_json::from_slice(&analysis).context("read analysis")?);
        return Ok(exit::OK);
    };
    let bytes = if name == "manifest.json" {
        raw
    } else {
        read(&shelf, key_of(&manifest, &name)?).await?
    };
    out::write(&bytes);
    Ok(exit::OK)
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

fn print_hits(analysis: &Analysis) {
    let Some(score) = &analysis.score else { return };
    out::line(format_args!(
        "\nscore {} by {}@{}",
        score.points, score.rule_set, score.version
    ));
    for rule in &score.rules {
        let verdict = match rule.outcome {
            Outcome::True => "yes",
            Outcome::False => "no",
            Outcome::Inconclusive => "unclear",
        };
        out::line(format_args!(
            "  {:24} {verdict:8} {:+}",
            rule.rule, rule.points
        ));
        for hit in &rule.hits {
            let seconds = std::time::Duration::from_millis(hit.span.start_ms).as_secs_f64();
            out::line(format_args!(
                "    at {seconds:.1} s, {}: \"{}\" (confidence {:.2})",
                hit.role.as_str(),
                hit.words.join(" "),
                hit.confidence
            ));
        }
        if let Some(reason) = &rule.reason {
            out::line(format_args!("    {reason}"));
        }
    }
}
