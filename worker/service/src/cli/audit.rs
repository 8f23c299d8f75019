//! `earwitness audit`: reads the audit log.

use std::path::PathBuf;

use anyhow::Context;
use job_schema::Sha256;

use super::out;
use crate::audit::verify;
use crate::exit::{self, Exit};

#[derive(Debug, clap::Args)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    /// Check that no line of the log was changed, added or taken out; status 1 if one was.
    #[command(after_help = "\
Example:
  earwitness audit verify /var/lib/earwitness/audit.jsonl

Lines cut off at the end leave a whole chain. Keep the last hash that is printed elsewhere, and
give it next time with --last: it then has to be in the log.")]
    Verify {
        /// The log, which is audit.file of a worker or a command.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A hash that was the last one once.
        #[arg(long, value_name = "HASH")]
        last: Option<Sha256>,
    },
}

pub(super) fn run(args: AuditArgs) -> Result<u8, Exit> {
    let AuditCommand::Verify { file, last } = args.command;
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let head = verify(&text).with_context(|| format!("verify {}", file.display()))?;
    if let Some(last) = last
        && !text.contains(&format!("\"hash\":\"{last}\"}}"))
    {
        let error = anyhow::anyhow!(
            "verify {}: {last} is not in it: its end was cut off",
            file.display()
        );
        return Err(error.into());
    }
    out::line(format_args!(
        "{} entries, none changed; last hash {}",
        head.entries_count, head.hash
    ));
    Ok(exit::OK)
}
