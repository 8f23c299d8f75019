//! The command line. In: arguments. Out: an exit status from [`crate::exit`]. Standard output carries data, standard error talk.

mod audit;
mod batch;
mod cancel;
mod common;
mod config;
mod dlq;
mod doctor;
mod fleet;
mod lanes;
mod models;
mod options;
mod out;
mod promise;
mod purge;
mod queues;
mod raw_layout;
mod redaction;
mod rescore;
mod results;
mod rules;
mod schema;
mod scorecards;
mod status;
mod submit;
mod sweep;
mod text;
mod transcribe;
mod version;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::engine::child::{self, EngineArgs};
use crate::engine::leave_no_core;
use crate::engine::mute::{self, MuteArgs};
use crate::exit::{self, Exit};
use crate::telemetry;

/// Turns recorded phone calls into transcripts and call analysis.
#[derive(Debug, Parser)]
#[command(name = "earwitness", disable_version_flag = true, arg_required_else_help = true, after_help = exit::HELP)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    /// Print the version; with --verbose also the build flags of the inference engine and the CPU features in use.
    #[arg(short = 'V', long)]
    version: bool,
    #[arg(long, requires = "version", hide = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// Settings file (TOML). Flags and EARWITNESS__SECTION__KEY variables win over it.
    #[arg(long, global = true, value_name = "FILE", env = "EARWITNESS_CONFIG")]
    config: Option<PathBuf>,
    /// Log filter, as RUST_LOG writes it; overrides log.level.
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Transcribe recordings on this machine into a directory.
    Transcribe(transcribe::TranscribeArgs),
    /// Take jobs from the broker until stopped.
    Worker(worker::WorkerArgs),
    /// Queue a recording for transcription.
    Submit(submit::SubmitArgs),
    /// Show where a job is, or how the fleet does.
    Status(status::StatusArgs),
    /// Stop a job, or keep it from being run.
    Cancel(cancel::CancelArgs),
    /// Let nobody take jobs from a lane.
    Pause(lanes::PauseArgs),
    /// Let workers take jobs from a lane again.
    Resume(lanes::ResumeArgs),
    /// Print the results of a completed job.
    Results(results::ResultsArgs),
    /// Transcribe an archive again.
    Batch(batch::BatchArgs),
    /// Score stored transcripts again under other rules.
    Rescore(rescore::RescoreArgs),
    /// Declare or check the broker's queues.
    Queues(queues::QueuesArgs),
    /// Delete a call, or all of a tenant, for good.
    Purge(purge::PurgeArgs),
    /// Purge calls whose retention time is over.
    Sweep(sweep::SweepArgs),
    /// Look through dead letters, and replay, drop or export them.
    Dlq(dlq::DlqArgs),
    /// List, fetch and check models.
    Models(models::ModelsArgs),
    /// Check settings, broker, store, model and host.
    Doctor(doctor::DoctorArgs),
    /// Check the audit log.
    Audit(audit::AuditArgs),
    /// Show or check the settings.
    Config(config::ConfigArgs),
    /// Check, test and explain rule sets.
    Rules(rules::RulesArgs),
    /// Store and show what people answer beside the machine, and how far the two agree.
    Scorecards(scorecards::ScorecardsArgs),
    /// Print the documents of the wire format.
    Schema(schema::SchemaArgs),
    /// Runs as the engine process of a worker.
    #[command(hide = true)]
    Engine(EngineArgs),
    /// Runs as the process that makes a redacted recording.
    #[command(hide = true)]
    Mute(MuteArgs),
}

/// What `main` does.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.version {
        return version::print(cli.verbose);
    }
    match cli.command {
        // Confined and single-purpose: no async runtime, no settings, no logger.
        Some(Command::Engine(args)) => child::main(&args),
        Some(Command::Mute(args)) => mute::main(&args),
        Some(command) => match on_runtime(cli.global, command) {
            Ok(status) => ExitCode::from(status),
            Err(exit) => exit.report(),
        },
        None => ExitCode::from(2),
    }
}

fn on_runtime(global: Global, command: Command) -> Result<u8, Exit> {
    leave_no_core().map_err(|e| Exit::new(exit::TRY_LATER, e))?;
    telemetry::hush_panics(telemetry::note_panic);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Exit::new(exit::TRY_LATER, e))?;
    runtime.block_on(run(global, command))
}

async fn run(global: Global, command: Command) -> Result<u8, Exit> {
    match command {
        Command::Transcribe(args) => {
            telemetry::init(
                crate::config::LogFormat::Text,
                global.log.as_deref().unwrap_or("warn"),
            )?;
            transcribe::run(&global, args).await
        }
        Command::Worker(args) => worker::run(&global, args).await,
        // Large: it holds a job with all its options.
        Command::Submit(args) => Box::pin(submit::run(&global, args)).await,
        Command::Status(args) => status::run(&global, args).await,
        Command::Cancel(args) => cancel::run(&global, args).await,
        Command::Pause(args) => lanes::pause(&global, args).await,
        Command::Resume(args) => lanes::resume(&global, args).await,
        Command::Results(args) => results::run(&global, args).await,
        Command::Batch(args) => Box::pin(batch::run(&global, args)).await,
        Command::Rescore(args) => rescore::run(&global, args).await,
        Command::Queues(args) => queues::run(&global, args).await,
        Command::Purge(args) => purge::run(&global, args).await,
        Command::Sweep(args) => sweep::run(&global, args).await,
        Command::Dlq(args) => dlq::run(&global, args).await,
        Command::Models(args) => models::run(&global, args).await,
        Command::Doctor(args) => doctor::run(&global, args).await,
        Command::Audit(args) => audit::run(args),
        Command::Config(args) => config::run(&global, args),
        Command::Rules(args) => rules::run(args),
        Command::Scorecards(args) => scorecards::run(&global, args).await,
        Command::Schema(args) => schema::run(args),
        // Taken in `main`, before there was a runtime.
        Command::Engine(_) | Command::Mute(_) => Ok(exit::OK),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Help is wrapped here, which breaks an example and ragged prose.
    const COLUMNS: usize = 100;

    fn visit(command: &clap::Command, path: &str, look: &mut dyn FnMut(&clap::Command, &str)) {
        let path = format!("{path} {}", command.get_name());
        look(command, &path);
        for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
            visit(part, &path, look);
        }
    }

    #[test]
    fn no_line_below_a_help_is_wrapped_and_every_argument_is_described() {
        visit(&Cli::command(), "", &mut |command, path| {
            let after = command.get_after_help().map(ToString::to_string);
            for line in after.unwrap_or_default().lines() {
                assert!(line.chars().count() <= COLUMNS, "{path}: {line}");
            }
            for argument in command.get_arguments().filter(|a| !a.is_hide_set()) {
                let told = argument.get_help().is_some();
                assert!(told, "{path}: {}", argument.get_id());
            }
        });
    }
}
