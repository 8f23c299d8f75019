use super::{Problem, RuleSet, Speaker, Window};

const HEAD: &str = "id = \"demo\"\nversion = 2\n";

fn refused(body: &str) -> (usize, usize, Problem) {
    let error = RuleSet::parse(&format!("{HEAD}{body}")).expect_err(body);
    assert!(!error.problem.hint().is_empty());
    (error.line, error.column, error.problem)
}

#[test]
fn a_whole_rule_and_one_with_defaults_are_read() {
    let rules = RuleSet::parse(
        r#"
        id = "call-quality"
        version = 3

        [[rule]]
        name = "greeting"
        phrases = ["thank you for calling", "Good morning"]
        speaker = "agent"
        window = { first_s = 20 }
        weight = -2.5
        negate = true
        min_confidence = 0.4

        [[rule]]
        name = "refund"
        phrases = ["refund"]
        "#,
    )
    .unwrap();
    assert_eq!(rules.id().as_str(), "call-quality");
    assert_eq!(rules.version().get(), 3);
    let [greeting, refund] = rules.rules() else {
        panic!("two rules")
    };
    assert_eq!(greeting.speaker, Speaker::Agent);
    assert_eq!(greeting.window, Window::FirstMs(20_000));
    assert_eq!((greeting.weight, greeting.negate), (-2.5, true));
    assert_eq!(greeting.phrases.len(), 2);
    assert_eq!(refund.speaker, Speaker::Any);
    assert_eq!(refund.window, Window::Whole);
    assert_eq!(
        (refund.weight, refund.negate, refund.min_confidence),
        (1.0, false, 0.0)
    );
}

fn rule(line: &str) -> String {
    format!("[[rule]]\nname = \"a\"\nphrases = [\"b\"]\n{line}\n")
}

fn phrases(list: &str) -> String {
    format!("[[rule]]\nname = \"a\"\nphrases = [{list}]\n")
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    let keys = Problem::WindowKeys;
    let table = [
        ("window = { first_s = 0 }", 10, Problem::WindowEmpty),
        (
            "window = { from_ms = 9, to_ms = 9 }",
            10,
            Problem::WindowEmpty,
        ),
        ("window = { from_ms = 9 }", 10, keys(vec!["from_ms"])),
        ("window = {}", 10, keys(vec![])),
        (
            "window = { first_s = 1, last_s = 1 }",
            10,
            keys(vec!["first_s", "last_s"]),
        ),
        ("window = { last_percent = 101 }", 10, Problem::Percent(101)),
        ("weight = inf", 10, Problem::Weight(f64::INFINITY)),
        ("min_confidence = 1.5", 18, Problem::Confidence(1.5)),
    ];
    for (line, column, problem) in table {
        assert_eq!(refused(&rule(line)), (6, column, problem), "{line}");
    }
}

#[test]
fn a_wrong_name_or_phrase_is_named_with_its_place() {
    let named = "[[rule]]\nname = \"a b\"\nphrases = [\"b\"]".to_owned();
    let twice = Problem::PhraseTwice("follow up".into());
    let same_name = Problem::NameTwice {
        name: "a".into(),
        first_line: 4,
    };
    let table = [
        (String::new(), 3, 1, Problem::NoRules),
        (named, 4, 8, Problem::Name("a b".into())),
        (phrases(""), 5, 11, Problem::NoPhrases),
        (phrases("\"b\", \"?!\""), 5, 17, Problem::PhraseEmpty),
        (phrases("\"follow up\",\n \"Follow-up!\""), 6, 2, twice),
        (
            phrases(&format!("\"{}\"", "x".repeat(201))),
            5,
            12,
            Problem::PhraseTooLong(201),
        ),
        (
            phrases(&"\"x\",".repeat(201)),
            5,
            11,
            Problem::TooManyPhrases(201),
        ),
        (rule("") + &rule(""), 8, 8, same_name),
    ];
    for (body, line, column, problem) in table {
        assert_eq!(refused(&body), (line, column, problem), "{body}");
    }
}

#[test]
fn unknown_keys_and_wrong_types_are_refused_where_they_stand() {
    let table = [
        (rule("colour = 1"), 6, 1, "colour"),
        (rule("window = { frist_s = 3 }"), 6, 12, "frist_s"),
        (rule("speaker = \"robot\""), 6, 11, "robot"),
        (rule("weight = \"ten\""), 6, 10, "string"),
        (rule("window = { first_s = -3 }"), 6, 22, "-3"),
        ("[[rule]]\nname = \"a\"\n".into(), 3, 1, "phrases"),
        ("rule = [".into(), 3, 9, ""),
    ];
    for (body, line, column, mentions) in table {
        let (at_line, at_column, problem) = refused(&body);
        assert_eq!((at_line, at_column), (line, column), "{body}: {problem}");
        assert!(problem.to_string().contains(mentions), "{problem}");
        assert!(matches!(problem, Problem::Toml(_)));
    }
    for head in ["id = \"../x\"\nversion = 1", "id = \"x\"\nversion = 0"] {
        assert!(matches!(
            RuleSet::parse(head).unwrap_err().problem,
            Problem::Toml(_)
        ));
    }
}

#[test]
fn files_and_rule_counts_have_limits() {
    let large = RuleSet::parse(&" ".repeat(super::MAX_FILE_BYTES + 1)).unwrap_err();
    assert_eq!(
        large.problem,
        Problem::FileTooLarge(super::MAX_FILE_BYTES + 1)
    );
    let many: String = (0..=super::MAX_RULES)
        .map(|n| format!("[[rule]]\nname = \"r{n}\"\nphrases = [\"p\"]\n"))
        .collect();
    assert_eq!(
        refused(&many).2,
        Problem::TooManyRules(super::MAX_RULES + 1)
    );
}

#[test]
fn windows_are_cut_to_the_call() {
    let table = [
        (Window::Whole, 10_000, (0, 10_000)),
        (Window::FirstMs(3_000), 10_000, (0, 3_000)),
        (Window::FirstMs(30_000), 10_000, (0, 10_000)),
        (Window::LastMs(3_000), 10_000, (7_000, 10_000)),
        (Window::LastMs(30_000), 10_000, (0, 10_000)),
        (Window::FirstPercent(25), 10_000, (0, 2_500)),
        (Window::LastPercent(25), 10_000, (7_500, 10_000)),
        (
            Window::Between {
                from_ms: 2_000,
                to_ms: 4_000,
            },
            10_000,
            (2_000, 4_000),
        ),
        (
            Window::Between {
                from_ms: 20_000,
                to_ms: 40_000,
            },
            10_000,
            (10_000, 10_000),
        ),
        (Window::LastPercent(100), 0, (0, 0)),
    ];
    for (window, duration_ms, (start_ms, end_ms)) in table {
        let span = window.on(duration_ms);
        assert_eq!(
            (span.start_ms, span.end_ms),
            (start_ms, end_ms),
            "{window:?}"
        );
    }
}
