//! `earwitness schema`: the documents of the wire format, as JSON Schema and AsyncAPI.

use std::path::PathBuf;

use anyhow::Context;
use job_schema::schema;

use super::out;
use crate::exit::{self, Exit};

#[derive(Debug, clap::Args)]
pub(super) struct SchemaArgs {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SchemaCommand {
    /// Print one document, or the names of all.
    #[command(after_help = "\
Examples:
  earwitness schema print
  earwitness schema print job
  earwitness schema print asyncapi > asyncapi.json")]
    Print {
        /// For instance job, transcript or asyncapi; all names when absent.
        name: Option<String>,
        /// Write every document below DIR instead.
        #[arg(long, value_name = "DIR", conflicts_with = "name")]
        write: Option<PathBuf>,
    },
}

pub(super) fn run(args: SchemaArgs) -> Result<u8, Exit> {
    let SchemaCommand::Print { name, write } = args.command;
    match (name, write) {
        (_, Some(dir)) => {
            for (path, text) in schema::render_all() {
                let path = dir.join(path);
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent)
                        .with_context(|| format!("create {}", parent.display()))?;
                }
                std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
                out::line(format_args!("{}", path.display()));
            }
        }
        (Some(name), None) if name == "asyncapi" => print_json(&schema::asyncapi())?,
        (Some(name), None) => match schema::named(&name) {
            Some(document) => print_json(&document.schema)?,
            None => {
                let error =
                    anyhow::anyhow!("no document `{name}`; `earwitness schema print` lists them");
                return Err(Exit::new(exit::SOME_FAILED, error));
            }
        },
        (None, None) => {
            for document in schema::documents() {
                out::line(format_args!("{}", document.name));
            }
            out::line(format_args!("asyncapi"));
        }
    }
    Ok(exit::OK)
}

fn print_json(value: &serde_json::Value) -> Result<(), Exit> {
    out::line(format_args!(
        "{}",
        serde_json::to_string_pretty(value).context("write JSON")?
    ));
    Ok(())
}
