//! Numbers read out by a synthesizer, through the command line and a real model: what is in the redacted text, and whether the
//! redacted recording proved itself. Needs `espeak-ng` and `EARWITNESS_TEST_MODEL`; without them it is skipped by name.

use std::path::{Path, PathBuf};
use std::process::Command;

use job_schema::redaction::{Check, RedactionReport};

/// What is said, and the digits that must not be left of it.
const SPOKEN: [(&str, &str); 5] = [
    (
        "Hello, I would like to pay my bill please. My card number is 4 1 1 1, 1 1 1 1, 1 1 1 1, 1 1 1 1. Thank you very much, that is all for today.",
        "1111",
    ),
    (
        "Sure, let me read that to you. It is four five three two, zero one five one, one two eight three, zero three six six. Can you confirm the order?",
        "1283",
    ),
    (
        "You can call me back on five five five, eight six seven, five three zero nine. I am at home in the evening.",
        "5309",
    ),
    (
        "My social security number is zero seven eight, zero five, one one two zero. I moved to a new flat last week.",
        "1120",
    ),
    (
        "My account number is one two three four five six seven eight nine zero. Please cancel the subscription from next month.",
        "5678",
    ),
];

/// The folder of the model, or what is missing.
fn ready() -> Result<PathBuf, &'static str> {
    if Command::new("espeak-ng").arg("--version").output().is_err() {
        return Err("espeak-ng is not installed");
    }
    let model = std::env::var_os("EARWITNESS_TEST_MODEL").map(PathBuf::from);
    let folder = model.and_then(|model| Some(model.parent()?.to_owned()));
    folder.ok_or("EARWITNESS_TEST_MODEL is unset")
}

fn speak(text: &str, file: &Path) {
    let spoken = Command::new("espeak-ng")
        .args(["-v", "en-us", "-s", "140", "-w"])
        .arg(file)
        .arg(text)
        .status();
    assert!(
        spoken.is_ok_and(|status| status.success()),
        "espeak-ng speaks"
    );
}

#[test]
fn spoken_numbers_are_gone_from_text_and_audio() {
    let models_dir = match ready() {
        Ok(folder) => folder,
        Err(missing) => {
            println!("skipped: spoken_numbers_are_gone_from_text_and_audio: {missing}");
            return;
        }
    };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut proved = 0;
    for (number, (text, digits)) in SPOKEN.iter().enumerate() {
        let file = dir.path().join(format!("spoken-{number}.wav"));
        speak(text, &file);
        let run = Command::new(env!("CARGO_BIN_EXE_earwitness"))
            .args([
                "transcribe",
                "--model",
                "tiny.en",
                "--redact",
                "all",
                "--redact-audio",
                "--models-dir",
            ])
            .arg(&models_dir)
            .arg("--out")
            .arg(dir.path().join("out"))
            .arg(&file)
            .output()
            .expect("the command runs");
        let copies = dir
            .path()
            .join("out")
            .join(format!("spoken-{number}.wav"))
            .join("redacted");
        let report = std::fs::read(copies.join("redaction.json")).unwrap_or_default();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        let report: RedactionReport = serde_json::from_slice(&report).expect(&said);
        println!(
            "{number}: {} places, withheld {:?}, audio {:?}",
            report.redactions.len(),
            report.withheld,
            report.verdict.audio
        );
        assert!(!report.redactions.is_empty(), "{number}");
        // Withheld is an honest end; handed out with its digits is not.
        assert_eq!(run.status.success(), report.withheld.is_none(), "{said}");
        if report.withheld.is_some() {
            assert!(
                !copies.join("recording.wav").exists() && !copies.join("transcript.txt").exists()
            );
            continue;
        }
        proved += 1;
        assert_eq!(report.verdict.audio, Check::Clean);
        let text = std::fs::read_to_string(copies.join("transcript.txt")).expect("redacted text");
        let left: String = text.chars().filter(char::is_ascii_digit).collect();
        assert!(!left.contains(digits), "{number}");
    }
    assert!(
        proved * 2 > SPOKEN.len(),
        "only {proved} recordings proved themselves"
    );
}
