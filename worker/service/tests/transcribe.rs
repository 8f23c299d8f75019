//! `earwitness transcribe` as a process, with the scripted recogniser where one is needed.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

fn project(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(path).display().to_string()
}

/// With a recogniser that knows English alone and hears a greeting in each span.
fn transcribe(dir: &Path, args: &[&str]) -> Output {
    let script = dir.join("script.json");
    let words = r#"{"words": ["thank", "you", "for", "calling"]}"#;
    std::fs::write(&script, words).expect("write a script");
    Command::new(env!("CARGO_BIN_EXE_earwitness"))
        .arg("transcribe")
        .args(args)
        .env("EARWITNESS__ENGINE__RECOGNIZER", "scripted")
        .env("EARWITNESS__ENGINE__SCRIPT", script)
        .output()
        .expect("the binary runs")
}

#[test]
fn a_score_follows_the_transcript_and_rules_that_are_missing_are_named() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let call = project("tests/data/calls/cancel-plan.wav");
    let form = project("rules/call-quality-form@2.scorecard.toml");
    for (rules, warned) in [
        ("rules/call-quality@2.toml", None),
        (
            "rules/call-quality@1.toml",
            Some("rules that call-quality@1 lacks, and answers without them: disclosure, opening"),
        ),
    ] {
        let rules = project(rules);
        let args = [&call, "--rules", &rules, "--scorecard", &form];
        let output = transcribe(dir.path(), &args);
        let (out, said) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(output.status.code(), Some(0), "{said}");
        let places: Vec<_> = ["thank you for calling", "\nscore ", "\nscorecard "]
            .map(|part| out.find(part))
            .to_vec();
        assert!(places.iter().all(Option::is_some), "{out}");
        assert!(places.is_sorted(), "{out}");
        match warned {
            Some(warning) => assert!(said.contains(warning), "{said}"),
            None => assert!(!said.contains("warning"), "{said}"),
        }
    }
}

#[test]
fn what_cannot_be_transcribed_is_told_with_what_to_do_here() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let call = project("tests/data/calls/cancel-plan.wav");
    let folder = dir.path().display().to_string();
    let table: [(&[&str], &str); 4] = [
        (
            &["/nowhere.wav"],
            "/nowhere.wav: recording_not_found: no such file (check the path",
        ),
        (&[&folder], "it is a directory"),
        (
            &[&call, "--language", "de"],
            "it knows `en` alone (use a multilingual model such as base",
        ),
        (
            &[&call, "--attribute", "duration=3"],
            "`duration` is measured on the recording",
        ),
    ];
    for (args, expected) in table {
        let output = transcribe(dir.path(), args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{args:?}");
        assert!(said.contains(expected), "{args:?}: {said}");
        assert!(!said.contains("bucket"), "{args:?}: {said}");
    }
}

#[test]
fn two_files_that_would_share_a_folder_are_refused_before_anything_is_done() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let [a, b] = ["a", "b"].map(|folder| {
        let folder = root.path().join(folder);
        std::fs::create_dir(&folder).expect("make it");
        let file = folder.join("call.wav");
        std::fs::write(&file, b"RIFF").expect("write");
        file.display().to_string()
    });
    let out = root.path().join("results");
    let output = Command::new(env!("CARGO_BIN_EXE_earwitness"))
        .args(["transcribe", &a, &b, "--out"])
        .arg(&out)
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in [a.as_str(), b.as_str(), "or rename one"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!out.exists(), "something was written");
}
