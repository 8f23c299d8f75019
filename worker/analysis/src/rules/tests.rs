use super::window::Marks;
use super::{Body, Problem, RuleSet, Speaker, Window};
use job_schema::transcript::TimeSpan;

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
    let phrases = ["thank you for calling", "Good morning"].map(str::to_owned);
    assert_eq!(greeting.body, Body::Phrases(phrases.to_vec()));
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
fn a_vocabulary_is_read_in_the_file_s_order_and_its_mistakes_are_named() {
    let rule = |keys: &str| format!("[[rule]]\nname = \"a\"\n{keys}\n");
    let text = format!(
        "{HEAD}vocabulary = [\"Acme\"]\n{}",
        rule("phrases = [\"b\", \"c d\"]\nspeaker = \"agent\"\nvocabulary = true")
    );
    let rules = RuleSet::parse(&text).unwrap();
    let terms = rules.vocabulary().iter();
    let terms: Vec<_> = terms.map(|t| (t.text.as_str(), t.speaker)).collect();
    let agent = Speaker::Agent;
    assert_eq!(
        terms,
        [("Acme", Speaker::Any), ("b", agent), ("c d", agent)]
    );

    let list = |terms: &[&str]| format!("vocabulary = {terms:?}\n{}", rule("phrases = [\"b\"]"));
    let long = "x".repeat(81);
    let many: Vec<String> = (0..201).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let of_query = rule("query = 'b'\nvocabulary = true");
    let of_long = rule(&format!("phrases = [{long:?}]\nvocabulary = true"));
    let too_many = list(&many[..200]) + "vocabulary = true";
    let table = [
        (list(&["a", "!"]), 3, 20, Problem::PhraseEmpty),
        (list(&[long.as_str()]), 3, 15, Problem::TermTooLong(81)),
        (of_query, 6, 14, Problem::VocabularyOfQuery),
        (of_long, 6, 14, Problem::TermTooLong(81)),
        (too_many, 7, 14, Problem::TooManyTerms),
    ];
    for (body, line, column, problem) in table {
        assert_eq!(refused(&body), (line, column, problem));
    }
    assert_eq!(refused(&list(&many)).2, Problem::TooManyTerms);
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
        ("[[rule]]\nname = \"a\"\n".into(), 3, 1, Problem::NoBody),
        (rule("query = 'b'"), 6, 9, Problem::TwoBodies),
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

/// Words at 1, 2, 3 and 4 s, in turns of two.
struct FourWords;

impl Marks for FourWords {
    fn word_starts(&self) -> Vec<u64> {
        vec![1_000, 2_000, 3_000, 4_000]
    }

    fn turns(&self) -> Vec<TimeSpan> {
        let turn = |start_ms, end_ms| TimeSpan { start_ms, end_ms };
        vec![turn(1_000, 2_300), turn(3_000, 4_300)]
    }
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
        (
            Window::BetweenPercent { from: 10, to: 60 },
            10_000,
            (1_000, 6_000),
        ),
        (Window::FirstWords(2), 10_000, (0, 3_000)),
        (Window::FirstWords(4), 10_000, (0, 10_000)),
        (Window::LastWords(1), 10_000, (4_000, 10_000)),
        (Window::LastWords(9), 10_000, (0, 10_000)),
        (Window::FirstTurns(1), 10_000, (0, 2_300)),
        (Window::LastTurns(1), 10_000, (3_000, 10_000)),
        (Window::FirstTurns(3), 10_000, (0, 10_000)),
    ];
    for (window, duration_ms, (start_ms, end_ms)) in table {
        let span = window.on(duration_ms, &FourWords);
        assert_eq!(
            (span.start_ms, span.end_ms),
            (start_ms, end_ms),
            "{window:?}"
        );
    }
}

#[test]
fn what_is_wrong_in_a_query_is_named_with_its_place_in_the_file() {
    let query = |text: &str| format!("[[rule]]\nname = \"greeting\"\nquery = {text}\n");
    let table = [
        (query("'aa NEAR:x bb'"), (5, 18), "did you mean", false),
        (
            query("'aa AND rule:greating'"),
            (5, 17),
            "did you mean `rule:greeting`?",
            true,
        ),
        (
            query("'rule:other'"),
            (5, 10),
            "a rule is referred to",
            true,
        ),
        (query("'''\naa\nlist:names'''"), (7, 1), "[lists]", true),
        (query("'aa AND R\"(\"'"), (5, 17), "regex", true),
        (
            query("'(aa AND bb) NEAR cc'"),
            (5, 10),
            "AND, OR and NOT",
            true,
        ),
        (query("'aa AFTER NOT bb'"), (5, 19), "NOTNEAR", true),
        (query("'aa AND rule:greeting'"), (5, 17), "references", true),
    ];
    for (body, place, hint, hinted) in table {
        let (line, column, problem) = refused(&body);
        assert_eq!((line, column), place, "{body}: {problem}");
        assert_eq!(problem.hint().contains(hint), hinted, "{}", problem.hint());
    }
}

#[test]
fn circles_of_rules_and_lists_are_refused() {
    let rules = "[[rule]]\nname = \"a\"\nquery = 'x OR rule:b'\n\
                 [[rule]]\nname = \"b\"\nquery = '''\ny\nOR rule:c'''\n\
                 [[rule]]\nname = \"c\"\nquery = 'rule:b'\n";
    let (line, column, problem) = refused(rules);
    assert_eq!((line, column), (10, 4), "{problem}");
    assert!(problem.to_string().contains("b → c → b"), "{problem}");
    let lists =
        "[lists]\na = [\"list:b\"]\nb = [\"list:a\"]\n[[rule]]\nname = \"a\"\nquery = 'list:a'\n";
    assert!(refused(lists).2.to_string().contains("leads back"));
    let negated = "[[rule]]\nname = \"a\"\nphrases = [\"x\"]\nnegate = true\n\
                   [[rule]]\nname = \"b\"\nquery = 'y AFTER rule:a'\n";
    assert_eq!(
        &refused(negated).2.to_string(),
        "this rule does not say where in the call"
    );
}

#[test]
fn alternatives_do_not_multiply_without_limit() {
    let group = "(a1|b1|c1|d1|e1|f1|g1|h1|i1|j1) ".repeat(4);
    let rules = format!("[[rule]]\nname = \"a\"\nquery = '\"{group}\"'\n");
    assert!(refused(&rules).2.to_string().contains("2000"));
}
