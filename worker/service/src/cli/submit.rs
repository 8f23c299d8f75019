//! `earwitness submit`: a file or a stored object becomes a queued job.

use std::path::PathBuf;

use jiff::Timestamp;
use job_schema::job::Lane;
use job_schema::{CallId, TenantId};

use super::common::{Shelf, s3_uri, settings, time};
use super::options::OptionArgs;
use super::out;
use super::promise::{PromiseArgs, end};
use super::{Global, status};
use crate::broker::Broker;
use crate::exit::{self, Exit};
use crate::store::Location;
use crate::submit::{Source, SubmitError, Wish, submit};
use crate::topology::Topology;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness submit call.wav --tenant acme --call 2026-11-24-0017 --channels agent,customer
  earwitness submit s3://recordings/acme/17.mp3 --tenant acme --call 17 --lane batch
  earwitness submit call.wav --tenant acme --call 18 --wait \\
      --rules call-quality@2 --scorecard call-quality-form@2
  earwitness submit call.wav --tenant acme --call 19 \\
      --attribute direction=inbound --attribute 'queue=sales 2'
  earwitness submit call.wav --tenant acme --call 20 --languages de,es
  earwitness submit call.ulaw --tenant acme --call 21 --raw mulaw:8000:2")]
pub(super) struct SubmitArgs {
    /// A file, which is uploaded, or s3://BUCKET/KEY.
    #[arg(value_name = "FILE|S3-URI")]
    recording: String,
    /// The customer account that the call belongs to.
    #[arg(long, value_name = "NAME", env = "EARWITNESS_TENANT")]
    tenant: TenantId,
    /// The call's name; the file's when absent.
    #[arg(long, value_name = "NAME")]
    call: Option<CallId>,
    /// Whose turn it is: interactive goes before standard, and standard before batch.
    #[arg(long, default_value_t = Lane::Standard)]
    lane: Lane,
    #[command(flatten)]
    options: OptionArgs,
    /// Do not run the job later than this (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    not_after: Option<Timestamp>,
    #[command(flatten)]
    promise: PromiseArgs,
    /// Wait until the job has completed or failed.
    #[arg(long)]
    wait: bool,
    /// Print the job as JSON; with --wait its last status.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: SubmitArgs) -> Result<u8, Exit> {
    let config = settings(global, &[])?.config;
    let shelf = Shelf::open(&config).await?;
    let topology = Topology::from(&config);
    let broker = Broker::connect(&config.broker, topology, "earwitness submit").await?;
    let publisher = broker.publisher().await?;
    let (wait, json) = (args.wait, args.json);
    let ring = args.promise.ring(&config)?;
    let mut wish = wish(args)?;
    wish.not_after = end(&config, &ring, wish.not_after);
    let submitted = submit(
        shelf.store.as_ref(),
        &shelf.recordings,
        &shelf.results,
        &publisher,
        &ring,
        wish,
    )
    .await;
    let job = submitted.map_err(|e| match e {
        SubmitError::Refused(failure) => {
            Exit::new(exit::SOME_FAILED, anyhow::anyhow!(failure.placed()))
        }
        SubmitError::Broker(e) => e.into(),
    })?;
    if wait {
        return status::watch(&shelf, &job.tenant, job.job_id, json, None).await;
    }
    if json {
        out::line(format_args!(
            "{}",
            serde_json::to_string(&job).map_err(anyhow::Error::from)?
        ));
    } else {
        out::line(format_args!("{}", job.job_id));
    }
    Ok(exit::OK)
}

fn wish(args: SubmitArgs) -> Result<Wish, Exit> {
    let usage = |text: String| Exit::new(2, anyhow::anyhow!(text));
    let (source, name) = match s3_uri(&args.recording) {
        Some(at) => {
            let Location { bucket, key } = at.map_err(usage)?;
            let name = key.as_str().to_owned();
            (Source::Object { bucket, key }, name)
        }
        None => (
            Source::File(PathBuf::from(&args.recording)),
            args.recording.clone(),
        ),
    };
    let call = match args.call {
        Some(call) => call,
        None => {
            let stem = PathBuf::from(&name)
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            stem.parse().map_err(|e| {
                usage(format!(
                    "the file's name makes no call name ({e}): give --call"
                ))
            })?
        }
    };
    Ok(Wish {
        tenant: args.tenant,
        call,
        source,
        lane: args.lane,
        options: args.options.options(),
        not_after: args.not_after,
        promise: args.promise.promise(),
    })
}
