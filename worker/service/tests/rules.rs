//! `earwitness rules` as a user meets it: status, text and JSON.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// Status, and what was printed on standard output and standard error.
fn rules(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earwitness"));
    let output = command.arg("rules").args(args).output();
    let output = output.expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().expect("it ends by itself");
    (status, text(&output.stdout), text(&output.stderr))
}

fn sample() -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("rules/call-quality@2.toml").display().to_string()
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("write into a temporary directory");
    path.display().to_string()
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).expect("a line of JSON")
}

const MINE: &str =
    "id = \"mine\"\nversion = 1\n[[rule]]\nname = \"hello\"\nquery = 'first(5s): agent: hello'\n";

#[test]
fn check_says_whether_a_file_can_be_used_and_where_not() {
    let (status, out, _) = rules(&["check", &sample()]);
    assert_eq!((status, out.as_str()), (0, "call-quality@2: 17 rules\n"));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let wrong = write(dir.path(), "wrong.toml", &MINE.replace("agent:", "agnet:"));
    let (status, out, _) = rules(&["check", &wrong]);
    assert_eq!(status, 1);
    assert!(
        out.contains("line 5, column 21") && out.contains("`agent`?"),
        "{out}"
    );
    let (status, out, _) = rules(&["check", "--json", &wrong]);
    assert_eq!(status, 1);
    assert_eq!(json(&out)["column"], 21);
    let (status, _, err) = rules(&["check", "/nowhere.toml"]);
    assert_eq!(status, 1);
    assert!(err.contains("read /nowhere.toml"), "{err}");
}

#[test]
fn check_reads_scorecards_by_their_ending() {
    let form = sample().replace("call-quality@2.toml", "call-quality-form@2.scorecard.toml");
    let (status, out, _) = rules(&["check", &form]);
    assert_eq!(
        (status, out.as_str()),
        (0, "call-quality-form@2: 8 questions\n")
    );
    let dir = tempfile::tempdir().expect("a temporary directory");
    let text = std::fs::read_to_string(&form).expect("the form");
    let wrong = text.replace("interruptions.agent", "interruptions.agnet");
    let wrong = write(dir.path(), "wrong.scorecard.toml", &wrong);
    let (status, out, _) = rules(&["check", &wrong]);
    assert_eq!(status, 1);
    let place = "conversation/talks-over-the-customer: no measure has this name";
    assert!(out.contains(place), "{out}");
    let (status, out, _) = rules(&["check", "--json", &wrong]);
    assert_eq!((status, &json(&out)["ok"]), (1, &Value::Bool(false)));
}

#[test]
fn test_runs_the_cases_beside_the_rules() {
    let (status, out, _) = rules(&["test", &sample()]);
    assert_eq!(status, 0, "{out}");
    assert!(out.ends_with("9 cases, 0 failed\n"), "{out}");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mine = write(dir.path(), "mine.toml", MINE);
    let case = "[[case]]\nname = \"late\"\ndialogue = 'agent 9 hello'\nexpect = { hello = true }\n";
    write(dir.path(), "mine.cases.toml", case);
    let (status, out, _) = rules(&["test", &mine]);
    assert_eq!(status, 1);
    assert!(
        out.contains("FAIL late\n     hello: expected true, found false"),
        "{out}"
    );
    let (status, out, _) = rules(&["test", "--json", &mine]);
    assert_eq!((status, &json(&out)["passed"]), (1, &Value::Bool(false)));
}

#[test]
fn explain_prints_each_term_of_the_rules_asked_for() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mine = write(dir.path(), "mine.toml", MINE);
    let rule_set = analysis::RuleSet::parse(MINE).expect("the rules above");
    let case = "[[case]]\nname = \"late\"\ndialogue = 'agent 9 hello'\nexpect = {}\n";
    let cases = analysis::cases::parse(case, &rule_set).expect("the case above");
    let transcript = serde_json::to_string(&cases[0].transcript).expect("a transcript is JSON");
    let transcript = write(dir.path(), "transcript.json", &transcript);
    let (status, out, _) = rules(&["explain", &mine, "--transcript", &transcript]);
    assert_eq!(status, 0);
    assert!(out.starts_with("hello: false\n"), "{out}");
    assert!(
        out.contains("elsewhere at 9.0 s, agent: \"hello\""),
        "{out}"
    );
    let (_, out, _) = rules(&["explain", &mine, "--transcript", &transcript, "--json"]);
    assert_eq!(json(&out)["term"]["elsewhere"][0]["start_ms"], 9_000);
    let (status, _, err) = rules(&["explain", &mine, "--transcript", &transcript, "--rule", "x"]);
    assert_eq!(status, 1);
    assert!(err.contains("mine@1 has no rule `x`"), "{err}");
    for name in ["--fact", "--attribute"] {
        let known = [name, "direction=inbound"];
        let (status, _, err) =
            rules(&[&["explain", &mine, "--transcript", &transcript][..], &known].concat());
        assert_eq!(status, 0, "{err}");
    }
}

#[test]
fn explain_shows_the_turns_of_a_sentiment_with_the_words_that_made_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let moods = MINE.replace(
        "first(5s): agent: hello",
        "@sentiment(negative, customer) >= 50%",
    );
    let mine = write(dir.path(), "mine.toml", &moods);
    let rule_set = analysis::RuleSet::parse(&moods).expect("the rules above");
    let case = "[[case]]\nname = \"upset\"\ndialogue = 'customer 9 I am not very happy'\nexpect = { hello = true }\n";
    let cases = analysis::cases::parse(case, &rule_set).expect("the case above");
    assert_eq!(analysis::cases::run(&cases[0], &rule_set), []);
    let transcript = serde_json::to_string(&cases[0].transcript).expect("a transcript is JSON");
    let transcript = write(dir.path(), "transcript.json", &transcript);
    let (status, out, _) = rules(&["explain", &mine, "--transcript", &transcript]);
    assert_eq!(status, 0);
    assert!(out.contains("measured 100.0 percent"), "{out}");
    let turn = "turn at 9.0 s, customer: -0.50 \"not very happy\" -2.21";
    assert!(out.contains(turn), "{out}");
    let (_, out, _) = rules(&["explain", &mine, "--transcript", &transcript, "--json"]);
    let turn = &json(&out)["term"]["measures"][0]["turns"][0];
    assert_eq!(turn["sentiment"], "negative");
}

#[test]
fn import_prints_a_rule_file_that_check_accepts() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let category = r#"{"CategoryName": "loud", "Rules": [{"NonTalkTimeFilter": {"Threshold": 5000}}, {"SentimentFilter": {"Sentiments": ["NEGATIVE"]}}]}"#;
    let categories = write(dir.path(), "categories.json", category);
    let (status, out, _) = rules(&["import", &categories, "--id", "from-aws"]);
    assert_eq!(status, 0);
    let file = write(dir.path(), "from-aws@1.toml", &out);
    let (status, out, _) = rules(&["check", &file]);
    assert_eq!((status, out.as_str()), (0, "from-aws@1: 1 rules\n"));
    let wrong = write(dir.path(), "wrong.json", "{}");
    let (status, _, err) = rules(&["import", &wrong, "--id", "from-aws"]);
    assert_eq!(status, 1);
    assert_eq!(err.matches("read categories").count(), 1, "{err}");
}
