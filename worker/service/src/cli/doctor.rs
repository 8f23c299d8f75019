//! `earwitness doctor`: one line a check, with the fix beside what is wrong. Never green for what was not looked at.

mod guards;
mod host;
mod servers;

use serde::Serialize;

use super::Global;
use super::common::{ModelArgs, settings};
use super::out;
use crate::exit::{self, Exit};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  earwitness doctor
  earwitness doctor --offline --json
  RABBITMQ_NODENAME=rabbit@mq1 earwitness doctor --rabbitmqctl

Exit status 0 when nothing failed, 1 otherwise; a warning is no failure. 78 when the settings
themselves cannot be read: then nothing was looked at.")]
pub(super) struct DoctorArgs {
    /// Leave out broker and store.
    #[arg(long)]
    offline: bool,
    /// One JSON object a check.
    #[arg(long)]
    json: bool,
    /// Ask this command for the broker's consumer timeout, which AMQP does not show.
    #[arg(long, value_name = "COMMAND", num_args = 0..=1, default_missing_value = "rabbitmqctl")]
    rabbitmqctl: Option<String>,
    #[command(flatten)]
    model: ModelArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
    Skipped,
}

#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    verdict: Verdict,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'static str>,
}

fn ok(check: &'static str, detail: impl Into<String>) -> Check {
    Check {
        check,
        verdict: Verdict::Ok,
        detail: detail.into(),
        fix: None,
    }
}

fn not_ok(
    check: &'static str,
    verdict: Verdict,
    detail: impl Into<String>,
    fix: &'static str,
) -> Check {
    Check {
        check,
        verdict,
        detail: detail.into(),
        fix: Some(fix),
    }
}

pub(super) async fn run(global: &Global, args: DoctorArgs) -> Result<u8, Exit> {
    let config = settings(global, &args.model.flags())?.config;
    let mut checks = vec![host::cpu(), host::disk()];
    checks.push(guards::signing(&config));
    checks.push(guards::sandbox(&config).await);
    checks.extend(host::model_and_memory(&config).await);
    checks.push(host::rules(&config).await);
    checks.push(guards::retention(&config, args.offline).await);
    if args.offline {
        for check in servers::NAMES {
            let fix = "run without --offline";
            checks.push(not_ok(check, Verdict::Skipped, "left out", fix));
        }
    } else {
        checks.extend(servers::broker(&config, args.rabbitmqctl.as_deref()).await);
        checks.extend(servers::store(&config).await);
    }
    report(&checks, args.json)?;
    let failed = checks.iter().any(|c| c.verdict == Verdict::Fail);
    Ok(if failed { exit::SOME_FAILED } else { exit::OK })
}

fn report(checks: &[Check], json: bool) -> Result<(), Exit> {
    for check in checks {
        if json {
            out::line(format_args!(
                "{}",
                serde_json::to_string(check).map_err(anyhow::Error::from)?
            ));
            continue;
        }
        let verdict = match check.verdict {
            Verdict::Ok => "OK",
            Verdict::Warn => "WARN",
            Verdict::Fail => "FAIL",
            Verdict::Skipped => "SKIPPED",
        };
        let fix = check
            .fix
            .map_or_else(String::new, |fix| format!(" -> {fix}"));
        out::line(format_args!(
            "{verdict:8} {:10} {}{fix}",
            check.check, check.detail
        ));
    }
    Ok(())
}
