//! What a worker needs of its host: instructions, disk, the model and the memory it takes, rules.

use std::path::Path;
use std::time::Instant;

use job_schema::{ErrorCode, Failure};

use super::super::common::LocalEngine;
use super::{Check, Verdict, not_ok, ok};
use crate::config::{Config, RecognizerKind};
use crate::exit::{self, Exit};
use crate::rules;

/// The binary is built for x86-64-v3: on less it would end with SIGILL in the middle of a call.
pub(super) fn cpu() -> Check {
    #[cfg(target_arch = "x86_64")]
    {
        let missing: Vec<&str> = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("f16c", is_x86_feature_detected!("f16c")),
            ("bmi2", is_x86_feature_detected!("bmi2")),
        ]
        .into_iter()
        .filter_map(|(name, has)| (!has).then_some(name))
        .collect();
        if !missing.is_empty() {
            let detail = format!("lacks {}", missing.join(", "));
            return not_ok(
                "cpu",
                Verdict::Fail,
                detail,
                "build on this host with the GGML_* flags of its CPU",
            );
        }
    }
    ok("cpu", models::whisper::system_info().trim().to_owned())
}

/// Recordings are copied to the temporary directory before they are decoded.
pub(super) fn disk() -> Check {
    const ENOUGH_BYTES: u64 = 4 << 30;
    let dir = std::env::temp_dir();
    match rustix::fs::statvfs(&dir) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let detail = format!("{} GiB free in {}", free >> 30, dir.display());
            if free < ENOUGH_BYTES {
                not_ok(
                    "disk",
                    Verdict::Warn,
                    detail,
                    "free space, or set TMPDIR to a larger disk",
                )
            } else {
                ok("disk", detail)
            }
        }
        Err(e) => not_ok(
            "disk",
            Verdict::Fail,
            format!("{}: {e}", dir.display()),
            "set TMPDIR to a directory that exists",
        ),
    }
}

/// The engine is started as a worker would start it, and its memory read while it is up.
pub(super) async fn model_and_memory(config: &Config) -> [Check; 2] {
    let started = Instant::now();
    let local = match LocalEngine::start(config).await {
        Ok(local) => local,
        Err(e) => {
            let detail = e.told();
            return [
                not_ok("model", Verdict::Fail, detail, model_fix(config, &e)),
                not_ok(
                    "memory",
                    Verdict::Skipped,
                    "no engine to look at",
                    "see model",
                ),
            ];
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let sha256 = local.model.sha256.as_str();
    let digest = sha256.get(..12).unwrap_or(sha256);
    let model = ok(
        "model",
        format!(
            "{} ({digest}…) verified and loaded in {seconds:.1} s by {}",
            local.model.name, local.model.recognizer
        ),
    );
    let usage = match local.engine.ready().await {
        Ok(info) => Usage::of(info.pid, local.slots, config.engine.memory_limit_bytes),
        Err(_) => None,
    };
    let memory = usage.map_or_else(
        || {
            let detail = "/proc cannot be read";
            not_ok("memory", Verdict::Skipped, detail, "mount /proc")
        },
        |usage| usage.check(),
    );
    [model, memory]
}

/// What keeps an engine from starting, and so what to do. Advice on a model that is missing or damaged stands in the detail.
fn model_fix(config: &Config, exit: &Exit) -> &'static str {
    let is_scripted = config.engine.recognizer == RecognizerKind::Scripted;
    let failure = exit.error.downcast_ref::<Failure>();
    match failure.map(|failure| failure.code) {
        Some(ErrorCode::SandboxUnavailable) => {
            "run on a kernel with seccomp and Landlock, or unset engine.require_sandbox"
        }
        // A limit so low that not even its own code loads ends it as a crash.
        Some(ErrorCode::EngineOutOfMemory | ErrorCode::EngineCrashed) => {
            "raise engine.memory_limit_bytes, lower engine.slots, or take a smaller model"
        }
        Some(ErrorCode::UnknownModel) if is_scripted => {
            "set engine.script to a script that this host can read"
        }
        Some(_) => "mend what the detail names, or choose another model or engine.recognizer",
        None if exit.status == exit::CONFIG => "set what the detail names",
        None if exit.status == exit::UNREACHABLE => {
            "let this host reach the models' home, or earwitness models pull NAME --from FILE"
        }
        None => "fetch it as the detail says, or set engine.model to an installed one",
    }
}

/// An engine at rest, in bytes.
struct Usage {
    slots: u16,
    resident: u64,
    /// What the limit counts.
    address_space: u64,
    limit: u64,
    available: u64,
}

impl Usage {
    fn of(pid: u32, slots: u16, limit: u64) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
        Some(Self {
            slots,
            resident: kilobytes(&status, "VmRSS:")?,
            address_space: kilobytes(&status, "VmSize:")?,
            limit,
            available: kilobytes(&meminfo, "MemAvailable:")?,
        })
    }

    /// At work an engine needs more than at rest, by its window of sound and what a slot computes.
    fn check(&self) -> Check {
        const HEADROOM_BYTES: u64 = 512 << 20;
        let mib = |bytes: u64| bytes >> 20;
        let detail = format!(
            "the engine takes {} MiB at rest with {} slots; {} MiB are left, its limit is {} MiB of address space, {} of them taken",
            mib(self.resident),
            self.slots,
            mib(self.available),
            mib(self.limit),
            mib(self.address_space),
        );
        if self.limit < self.address_space + HEADROOM_BYTES {
            let fix = "raise engine.memory_limit_bytes, or lower engine.slots";
            return not_ok("memory", Verdict::Fail, detail, fix);
        }
        if self.available < HEADROOM_BYTES {
            let fix = "lower engine.slots, or take a smaller model";
            return not_ok("memory", Verdict::Warn, detail, fix);
        }
        ok("memory", detail)
    }
}

/// A line of /proc such as `VmRSS:   1234 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number * 1_024)
}

/// Reads each rule set and each scorecard as a job that names it would.
pub(super) async fn rules(config: &Config) -> Check {
    const FIX: &str =
        "mend or remove the file; docs/rules.md and docs/scorecards.md say what it may hold";
    let dir = config.rules.dir.clone().unwrap_or_else(|| "rules".into());
    let shown = dir.display();
    let files = match rule_files(&dir) {
        Ok(files) => files,
        Err(e) => {
            let detail = format!("{shown}: {}", e.kind());
            let fix = "set rules.dir, unless no job names rules";
            return not_ok("rules", Verdict::Warn, detail, fix);
        }
    };
    let mut scorecards_count = 0;
    for file in &files {
        let is_scorecard = file.to_string_lossy().ends_with(rules::SCORECARD);
        scorecards_count += usize::from(is_scorecard);
        let expected = match expected_name(file, is_scorecard).await {
            Ok(expected) => expected,
            Err(e) => {
                // The lines below the first are advice.
                let detail = e.detail.lines().next().unwrap_or_default();
                return not_ok("rules", Verdict::Fail, detail, FIX);
            }
        };
        if file.file_name().is_none_or(|name| *name != *expected) {
            let detail = format!("{} holds {expected}, so no job finds it", file.display());
            let fix = "give it that name";
            return not_ok("rules", Verdict::Fail, detail, fix);
        }
    }
    let sets_count = files.len() - scorecards_count;
    let detail = format!("{sets_count} rule sets and {scorecards_count} scorecards in {shown}");
    ok("rules", detail)
}

/// By what the file says that it holds.
async fn expected_name(file: &Path, is_scorecard: bool) -> Result<String, Failure> {
    if is_scorecard {
        let card = rules::load_scorecard(file).await?;
        return Ok(rules::scorecard_file_name(&card.id, card.version));
    }
    let set = rules::load_file(file).await?.rules;
    Ok(rules::file_name(set.id(), set.version()))
}

fn rule_files(dir: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if name.ends_with(".toml") && !name.ends_with(rules::CASES) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_judged_by_the_limit_first_and_then_by_what_is_left() {
        const GIB: u64 = 1 << 30;
        for (address_space, limit, available, verdict) in [
            (GIB, 4 * GIB, 8 * GIB, Verdict::Ok),
            (4 * GIB, 4 * GIB, 8 * GIB, Verdict::Fail),
            (GIB, 4 * GIB, GIB / 4, Verdict::Warn),
        ] {
            let usage = Usage {
                slots: 2,
                resident: GIB / 2,
                address_space,
                limit,
                available,
            };
            assert_eq!(usage.check().verdict, verdict, "{}", usage.check().detail);
        }
    }

    #[test]
    fn a_line_of_proc_is_read_in_bytes() {
        let status = "VmPeak:\t 2 kB\nVmRSS:\t   1234 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(1_263_616));
        assert_eq!(kilobytes(status, "VmSize:"), None);
        assert_eq!(kilobytes("VmRSS: many kB", "VmRSS:"), None);
    }
}
