//! `earwitness transcribe` as a process, up to where a model is needed.

use assert_cmd::Command;

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
