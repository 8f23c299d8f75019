//! `earwitness batch plan`: reads a list, freezes the spec, and says how much audio it is and how long it will take.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use job_schema::manifest::Manifest;
use job_schema::{SCHEMA_VERSION, Sha256, TenantId};

use super::super::common::{
    LocalEngine, Shelf, languages, s3_uri, settings, warn_of_missing_rules,
};
use super::super::options::OptionArgs;
use super::super::promise::PromiseArgs;
use super::super::{Global, out};
use super::{positive, unusable};
use crate::batch::estimate::{Audio, audio};
use crate::batch::source::{self, List, Reader, SourceError};
use crate::batch::{Book, Frozen, Item};
use crate::config::Config;
use crate::exit::{self, Exit};
use crate::job::ModelInUse;
use crate::layout;
use crate::presence::{self, Presence};
use crate::results::MAX_MANIFEST_BYTES;
use crate::rules::RuleBook;
use crate::signing::Promise;
use crate::spec::PIPELINE_REVISION;
use crate::store::Location;

pub(super) const HELP: &str = "\
Examples:
  earwitness batch plan calls.csv --tenant acme --book acme.batch --rules call-quality@2
  earwitness batch plan s3://recordings/acme/2025/ --tenant acme --book acme.batch \\
      --rtf 0.05 --fleet-slots 64
  earwitness batch plan s3://inventory/recordings/daily/2026-11-24T01-00Z/manifest.json \\
      --tenant acme --book acme.batch

CSV (with a header) and JSON lines have `key` and may have `bucket`, `call`, `version_id`,
`size_bytes` and `duration_s`. Without `call` the file's name without its ending is the call. A
line that names no recording is counted, and stops nothing.

Model and build are those of the workers that run now, or without any those of the settings here;
rules are read from rules.dir. Lengths come from the list, from manifests of earlier results
(--look-up), or are estimated from sizes, by recordings of the same ending whose length is known;
the real-time factor is the median of those manifests, or --rtf.";

/// Requests to the store at the same time.
const AT_ONCE: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// A .csv or .jsonl file, s3://BUCKET/PREFIX, or s3://BUCKET/…/manifest.json of an S3 inventory.
    #[arg(value_name = "LIST")]
    list: String,
    /// The customer account that the calls belong to.
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// The batch file to make, readable by its owner only: it names recordings.
    #[arg(long, value_name = "FILE")]
    book: PathBuf,
    #[command(flatten)]
    options: OptionArgs,
    #[command(flatten)]
    promise: PromiseArgs,
    /// Seconds that one slot takes for a second of audio.
    #[arg(long, value_name = "X", value_parser = positive)]
    rtf: Option<f64>,
    /// Slots that will work on it; those of the workers that run now when absent.
    #[arg(long, value_name = "N")]
    fleet_slots: Option<u32>,
    /// Look for earlier results of so many recordings, spread over the list, to learn lengths and speed.
    #[arg(long, value_name = "N", default_value_t = 500)]
    look_up: usize,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: PlanArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let mut list = read(&args, &shelf).await?;
    let looked_up = look_up(&shelf, &args, &mut list.items).await?;
    let now = Timestamp::now();
    let workers = presence::alive(shelf.store.as_ref(), &shelf.results, now);
    let workers = workers.await.map_err(|e| Exit::new(exit::UNREACHABLE, e))?;
    let frozen = freeze(&args, &config, &workers).await?;
    Book::create(&args.book, &frozen, &list.items, &list.refused).map_err(unusable(&args.book))?;
    let slots = args
        .fleet_slots
        .unwrap_or_else(|| workers.iter().map(|w| u32::from(w.slots)).sum());
    let rtf = args.rtf.or(looked_up.median_rtf);
    tell(&args, &list, audio(&list.items), rtf, slots);
    Ok(exit::OK)
}

async fn read(args: &PlanArgs, shelf: &Shelf) -> Result<List, Exit> {
    let mut reader = Reader::new(&args.tenant, &shelf.recordings);
    let store = shelf.store.as_ref();
    if let Some(rest) = args.list.strip_prefix("s3://") {
        let done = if rest.ends_with("/manifest.json") {
            let at = s3_uri(&args.list).unwrap_or_else(|| Err("not an S3 URI".to_owned()));
            let at: Location = at.map_err(|e| Exit::new(2, anyhow::anyhow!(e)))?;
            source::inventory(store, &at, &mut reader).await
        } else {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let bucket = bucket
                .parse()
                .map_err(|e| Exit::new(2, anyhow::anyhow!("bucket {e}")))?;
            source::prefix(store, &bucket, prefix, &mut reader).await
        };
        done.map_err(unreadable(&args.list))?;
        return Ok(reader.list);
    }
    let file = File::open(&args.list).map_err(|e| unreadable(&args.list)(SourceError::File(e)))?;
    let lines = BufReader::new(file);
    let done = if args.list.ends_with(".jsonl") || args.list.ends_with(".ndjson") {
        source::json_lines(lines, &mut reader)
    } else {
        source::csv(lines, &mut reader)
    };
    done.map_err(unreadable(&args.list))?;
    Ok(reader.list)
}

fn unreadable(list: &str) -> impl Fn(SourceError) -> Exit {
    move |error| {
        let status = match error {
            SourceError::Store(_) => exit::UNREACHABLE,
            SourceError::File(_)
            | SourceError::Column { .. }
            | SourceError::NoKey
            | SourceError::Inventory(_) => exit::SOME_FAILED,
        };
        Exit::new(status, anyhow::Error::from(error).context(list.to_owned()))
    }
}

struct LookedUp {
    median_rtf: Option<f64>,
}

/// Sizes that the list does not say, and lengths from manifests of the same recordings.
async fn look_up(shelf: &Shelf, args: &PlanArgs, items: &mut [Item]) -> Result<LookedUp, Exit> {
    let every = items.len().div_ceil(args.look_up.max(1)).max(1);
    let is_looked_up = |n: usize| args.look_up > 0 && n.is_multiple_of(every);
    let found: Vec<_> = stream::iter(items.iter_mut().enumerate())
        .map(|(n, item)| async move {
            size_up(shelf, item).await;
            if is_looked_up(n) {
                look_up_one(shelf, &args.tenant, item).await
            } else {
                Ok(None)
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut factors = Vec::new();
    for found in found {
        factors.extend(found.map_err(|e| Exit::new(exit::UNREACHABLE, e))?);
    }
    factors.sort_by(f64::total_cmp);
    Ok(LookedUp {
        median_rtf: factors.get(factors.len() / 2).copied(),
    })
}

async fn size_up(shelf: &Shelf, item: &mut Item) {
    if item.size_bytes.is_none() {
        let at = Location::new(item.bucket.clone(), item.key.clone());
        let meta = shelf.store.head(&at, item.version_id.as_deref()).await;
        // What is not there is found out when it is its turn, and counted then.
        item.size_bytes = meta.ok().map(|meta| meta.size_bytes);
    }
}

async fn look_up_one(
    shelf: &Shelf,
    tenant: &TenantId,
    item: &mut Item,
) -> Result<Option<f64>, crate::store::StoreError> {
    let store = shelf.store.as_ref();
    let below = layout::calls_prefix(tenant, Some(&item.call));
    let page = store.list(&shelf.results, &below, None, 1_000).await?;
    for object in page.objects {
        if !layout::is_manifest(&object.key) {
            continue;
        }
        let at = Location::new(shelf.results.clone(), object.key);
        let bytes = store.get(&at, MAX_MANIFEST_BYTES).await?;
        let manifest = serde_json::from_slice::<Manifest>(&bytes).ok();
        let of_this =
            |m: &Manifest| m.recording.key == item.key && m.recording.bucket == item.bucket;
        if let Some(manifest) = manifest.filter(of_this) {
            item.audio_ms.get_or_insert(manifest.summary.duration_ms);
            return Ok(manifest.processing.real_time_factor);
        }
    }
    Ok(None)
}

async fn freeze(args: &PlanArgs, config: &Config, workers: &[Presence]) -> Result<Frozen, Exit> {
    let options = args.options.clone().options();
    // As the workers would, so that the plan knows their specs; what is frozen no longer changes with the setting.
    let options = languages(config)
        .complete(&args.tenant, &options)
        .into_owned();
    let rules = RuleBook::new(config.rules.dir.clone().unwrap_or_else(|| "rules".into()));
    let unusable = |e| Exit::new(exit::CONFIG, e);
    let rule_set = match &options.rules {
        Some(wanted) => Some(rules.load(wanted).await.map_err(unusable)?),
        None => None,
    };
    let scorecard_sha256: Option<Sha256> = match &options.scorecard {
        Some(wanted) => {
            let card = rules.load_scorecard(wanted).await.map_err(unusable)?;
            warn_of_missing_rules(&card, rule_set.as_ref().map(|loaded| &*loaded.rules));
            Some(card.sha256.clone())
        }
        None => None,
    };
    let rules_sha256 = rule_set.map(|loaded| loaded.sha256);
    let (model, pipeline_revision) = model(config, workers, options.model.as_deref()).await?;
    let Promise { phi, baa } = args.promise.promise();
    Ok(Frozen {
        schema_version: SCHEMA_VERSION,
        created_at: Timestamp::now(),
        tenant: args.tenant.clone(),
        options,
        phi,
        baa,
        model: model.name,
        model_sha256: model.sha256,
        recognizer: model.recognizer,
        pipeline_revision,
        rules_sha256,
        scorecard_sha256,
    })
}

/// What the fleet runs, which has to be one thing; without a fleet what the settings here would run.
async fn model(
    config: &Config,
    workers: &[Presence],
    wanted: Option<&str>,
) -> Result<(ModelInUse, u32), Exit> {
    let kind = |w: &Presence| {
        (
            w.model.clone(),
            w.model_sha256.clone(),
            w.recognizer.clone(),
            w.pipeline_revision,
        )
    };
    let fits = |w: &&Presence| wanted.is_none_or(|wanted| w.model == wanted);
    let kinds: std::collections::BTreeSet<_> = workers.iter().filter(fits).map(kind).collect();
    let mut kinds = kinds.into_iter();
    match (kinds.next(), kinds.next()) {
        (Some((name, sha256, recognizer, revision)), None) => Ok((
            ModelInUse {
                name,
                sha256,
                recognizer,
                // Not part of a spec: they follow from the recogniser, the model and the revision.
                decoding: None,
                confidence: None,
            },
            revision,
        )),
        (Some(one), Some(other)) => {
            let error = anyhow::anyhow!(
                "the workers differ ({} {} and {} {}): results would depend on who takes a job",
                one.0,
                one.2,
                other.0,
                other.2
            );
            Err(Exit::new(exit::CONFIG, error))
        }
        (None, _) => Ok((LocalEngine::start(config).await?.model, PIPELINE_REVISION)),
    }
}

fn tell(args: &PlanArgs, list: &List, audio: Audio, rtf: Option<f64>, slots: u32) {
    let wall_hours = rtf
        .filter(|_| slots > 0)
        .map(|rtf| audio.hours * rtf / f64::from(slots));
    if args.json {
        out::line(serde_json::json!({
            "items": list.items.len(), "refused": list.refused, "audio": audio,
            "real_time_factor": rtf, "slots": slots, "wall_hours": wall_hours,
        }));
        return;
    }
    out::line(format_args!(
        "{} recordings, {} lines refused",
        list.items.len(),
        list.refused.len()
    ));
    for refusal in list.refused.iter().take(10) {
        out::line(format_args!("  line {}: {}", refusal.line, refusal.reason));
    }
    out::line(format_args!(
        "{:.1} h of audio: {} lengths known, {} estimated from sizes, {} unknown",
        audio.hours, audio.known_count, audio.estimated_count, audio.unknown_count
    ));
    match (rtf, wall_hours) {
        (Some(rtf), Some(hours)) => out::line(format_args!(
            "about {hours:.2} h on {slots} slots at a real-time factor of {rtf:.3}"
        )),
        (None, _) => out::line("how long it takes is not known: no earlier result, so give --rtf"),
        (_, None) => {
            out::line("how long it takes is not known: no worker runs, so give --fleet-slots")
        }
    }
    out::line(format_args!("earwitness batch run {}", args.book.display()));
}
