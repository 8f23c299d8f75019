//! What a host could keep of a call: open files, arguments, cores.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use earwitness_tests::fleet::Fleet;
use earwitness_tests::recordings::spoken;
use job_schema::status::State;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::json;

use super::super::poison::{LOUD, deadly_when_loud};
use super::super::{slow, stop};
use super::{found_in, talkative, words};

/// What a process has open, by where it lies, with its size.
fn open_files(pid: i32) -> std::io::Result<BTreeMap<String, u64>> {
    let mut open = BTreeMap::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        let path = entry?.path();
        // One that was closed meanwhile is not open.
        let (Ok(target), Ok(metadata)) = (std::fs::read_link(&path), std::fs::metadata(&path))
        else {
            continue;
        };
        if metadata.is_file() {
            open.insert(target.display().to_string(), metadata.len());
        }
    }
    Ok(open)
}

#[tokio::test]
async fn a_recording_in_hand_is_a_file_without_a_name() {
    let test = "a_recording_in_hand_is_a_file_without_a_name";
    let mut script = slow();
    script["words"] = json!(words('s', 240));
    let fleet = Fleet::start(&script).await.unwrap();
    let mut worker = talkative(&fleet, "a", &[]);
    let sound = spoken(10, 1.0).unwrap();
    let size_bytes = sound.len() as u64;
    let id = fleet.submit("call-1", sound).await.unwrap();
    let recognising = |state| match state {
        State::Running { progress, .. } => progress,
        _ => None,
    };
    fleet.state(id, "a running job", recognising).await.unwrap();
    let engine: i32 = worker.logged("engine ready", "pid").await.unwrap();
    let mut may_be_named: Vec<String> = ["a.log", "a.audit"].map(|name| fleet.path(name)).into();
    for (who, pid) in [("worker", worker.id().unwrap()), ("engine", engine)] {
        let open = match open_files(pid) {
            Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                println!("skipped: {test}: only root may look at what a worker has open");
                return;
            }
            open => open.unwrap(),
        };
        let (gone, named): (Vec<_>, Vec<_>) = open
            .iter()
            .partition(|(path, _)| path.ends_with(" (deleted)"));
        assert!(
            gone.iter().any(|(_, size)| **size == size_bytes),
            "{who} has the recording: {open:?}"
        );
        let unexpected: Vec<_> = named
            .iter()
            .filter(|(path, _)| !may_be_named.contains(path))
            .collect();
        assert!(unexpected.is_empty(), "{who}: {unexpected:?}");
        // The engine has neither the log nor the audit log.
        may_be_named.clear();
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert_eq!(
            found_in(&String::from_utf8_lossy(&arguments)),
            None,
            "{who}"
        );
    }
    let temp = std::fs::read_dir(fleet.scratch("temp")).unwrap();
    assert_eq!(temp.count(), 0, "a temporary file has a name");
    fleet.events(1).await.unwrap();
    stop(worker).await;
}

#[tokio::test]
async fn neither_a_worker_nor_its_engine_leaves_a_core() {
    let test = "neither_a_worker_nor_its_engine_leaves_a_core";
    let limit = getrlimit(Resource::Core);
    if limit.maximum == Some(0) {
        println!("skipped: {test}: no process here may leave a core");
        return;
    }
    // What starts from here may leave one of any size.
    let all = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Core, all).unwrap();
    if !a_program_leaves_a_core().await {
        println!("skipped: {test}: this host keeps no cores");
        return;
    }
    let Some(name) = name_of_cores() else {
        println!("skipped: {test}: this host keeps its cores elsewhere than where a program runs");
        return;
    };
    let fleet = Fleet::start(&deadly_when_loud("abort")).await.unwrap();
    let mut worker = fleet.worker("a", &[]).unwrap();
    let before = cores(&name);
    fleet
        .submit("loud", spoken(1, LOUD).unwrap())
        .await
        .unwrap();
    let dead = fleet.dead_letter().await.unwrap();
    let code = dead.header("x-earwitness-code");
    assert_eq!(code.as_deref(), Some("engine_crashed"));
    worker.abort().unwrap();
    let ended = worker.ended().await.unwrap();
    assert_eq!(ended.signal(), Some(Signal::ABORT.as_raw()), "{ended}");
    assert!(!ended.core_dumped(), "{ended}");
    assert_eq!(cores(&name), before);
}

/// How their names begin, up to what is filled in (core(5)); nothing where a program takes them, or another folder, or where
/// the names begin with what is filled in.
fn name_of_cores() -> Option<String> {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").ok()?;
    let name = pattern.trim_end().split('%').next()?;
    let is_here = !pattern.starts_with('|') && !pattern.contains('/');
    (is_here && !name.is_empty()).then(|| name.to_owned())
}

/// In the folder where workers run that tests start.
fn cores(begin: &str) -> usize {
    let here = std::fs::read_dir(Path::new(".")).unwrap();
    let names = here.map(|entry| entry.unwrap().file_name());
    let is_core = |name: &std::ffi::OsString| name.to_string_lossy().starts_with(begin);
    names.filter(is_core).count()
}

async fn a_program_leaves_a_core() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut program = tokio::process::Command::new("sleep");
    let mut program = program.arg("60").current_dir(&folder).spawn().unwrap();
    let id = program.id().and_then(|id| i32::try_from(id).ok());
    kill_process(Pid::from_raw(id.unwrap()).unwrap(), Signal::ABORT).unwrap();
    program.wait().await.unwrap().core_dumped()
}
