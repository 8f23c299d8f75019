//! Numbers read out by a synthesizer, through the command line and a real model: what is in the redacted text, and whether the
//! redacted recording proved itself. Needs `espeak-ng` and `EARWITNESS_TEST_MODEL`; without them it is skipped by name.

use std::path::{Path, PathBuf};
use std::process::Command;

use job_schema::redaction::{Check, RedactionReport};

/// What is said, and the number in it, of which no four digits in a row may be left.
const SPOKEN: [(&str, &str); 5] = [
    (
        "Hello, I would like to pay my bill please. My card number is 4 1 1 1, 1 1 1 1, 1 1 1 1, 1 1 1 1. Thank you very much, that is all for today.",
        "4111111111111111",
    ),
    (
        "Sure, let me read that to you. It is four five three two, zero one five one, one two eight three, zero three six six. Can you confirm the order?",
        "4532015112830366",
    ),
    (
        "You can call me back on five five five, eight six seven, five three zero nine. I am at home in the evening.",
        "5558675309",
    ),
    (
        "My social security number is zero seven eight, zero five, one one two zero. I moved to a new flat last week.",
        "078051120",
    ),
    (
        "My account number is one two three four five six seven eight nine zero. Please cancel the subscription from next month.",
        "1234567890",
    ),
];

/// A model writes digits in either way.
const WORDS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
const WINDOW: usize = 4;

/// All digits of a transcript one after the other, without its times.
fn digits_of(transcript: &str) -> String {
    let said = transcript.lines().filter_map(|line| line.split_once("] "));
    let words = said.flat_map(|(_, said)| said.split(|c: char| !c.is_ascii_alphanumeric()));
    let digits = words.map(
        |word| match WORDS.iter().position(|w| w.eq_ignore_ascii_case(word)) {
            Some(digit) => digit.to_string(),
            None => word.chars().filter(char::is_ascii_digit).collect(),
        },
    );
    digits.collect()
}

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
        assert!(text.contains("] "), "a transcript has times: {text}");
        let left = digits_of(&text);
        for window in digits.as_bytes().windows(WINDOW) {
            let window = std::str::from_utf8(window).expect("digits are ASCII");
            assert!(!left.contains(window), "{number}: {window} is left");
        }
    }
    assert!(
        proved * 2 > SPOKEN.len(),
        "only {proved} recordings proved themselves"
    );
}
