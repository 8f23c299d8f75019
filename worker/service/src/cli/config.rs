//! `earwitness config`: the settings in force, and where each came from.

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::out;
use super::{Global, common};
use crate::config::DEFAULTS;
use crate::exit::{self, Exit};
use crate::signing;

#[derive(Debug, clap::Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Print every setting; secrets are masked.
    #[command(
        after_help = "Examples:\n  earwitness config show --origin\n  earwitness --config /etc/earwitness.toml config show --json"
    )]
    Show {
        /// Also where each value came from.
        #[arg(long)]
        origin: bool,
        /// One JSON object a setting.
        #[arg(long)]
        json: bool,
    },
    /// Say whether the settings can be used, signing keys and the log filter among them; status 78 if not. Opens no connection.
    #[command(after_help = "Example:\n  earwitness --config /etc/earwitness.toml config check")]
    Check,
    /// Print a settings file with every key, its default and its meaning.
    #[command(after_help = "Example:\n  earwitness config template > earwitness.toml")]
    Template,
}

pub(super) fn run(global: &Global, args: ConfigArgs) -> Result<u8, Exit> {
    if matches!(args.command, ConfigCommand::Template) {
        out::write(DEFAULTS.as_bytes());
        return Ok(exit::OK);
    }
    let loaded = common::settings(global, &[])?;
    let ConfigCommand::Show { origin, json } = args.command else {
        signing::keys(&loaded.config.security).map_err(|e| Exit::new(exit::CONFIG, e))?;
        out::line(format_args!("the settings can be used"));
        return Ok(exit::OK);
    };
    if json {
        for row in loaded.rows {
            out::line(format_args!(
                "{}",
                serde_json::json!({ "key": row.key, "value": row.value, "origin": row.origin.to_string() })
            ));
        }
        return Ok(exit::OK);
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    for row in loaded.rows {
        let mut cells = vec![row.key, row.value];
        cells.extend(origin.then(|| row.origin.to_string()));
        table.add_row(cells);
    }
    out::line(format_args!("{table}"));
    Ok(exit::OK)
}
