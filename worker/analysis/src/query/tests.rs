use super::{Element, Expr, ExprKind, Limit, PairOp, QueryProblem, parse};

/// The tree in one line, as it was understood.
fn shape(expr: &Expr) -> String {
    let list = |name: &str, operands: &[Expr]| {
        let inner: Vec<String> = operands.iter().map(shape).collect();
        format!("{name}({})", inner.join(" "))
    };
    match &expr.kind {
        ExprKind::Phrase(elements) => elements.iter().map(element).collect::<Vec<_>>().join("_"),
        ExprKind::Or(operands) => list("or", operands),
        ExprKind::And(operands) => list("and", operands),
        ExprKind::Not(inner) => format!("not({})", shape(inner)),
        ExprKind::Pair {
            op,
            limit,
            left,
            right,
        } => {
            let limit = match limit {
                Limit::None => String::new(),
                Limit::Words(n) => format!(":{n}"),
                Limit::Ms(ms) => format!(":{ms}ms"),
            };
            let name = match op {
                PairOp::Near => "near",
                PairOp::OrderedNear => "onear",
                PairOp::NotNear => "notnear",
                PairOp::NotIn => "notin",
                PairOp::After => "after",
                PairOp::Before => "before",
                PairOp::SameTurn => "sameturn",
            };
            format!("{name}{limit}({} {})", shape(left), shape(right))
        }
        ExprKind::TurnStart(inner) => format!("^({})", shape(inner)),
        ExprKind::Speaker(speaker, inner) => {
            format!("{speaker:?}({})", shape(inner)).to_lowercase()
        }
        ExprKind::Window(window, inner) => format!("{window:?}({})", shape(inner)),
        ExprKind::Rule(name) => format!("rule:{name}"),
        ExprKind::Fact {
            name,
            comparison,
            value,
        } => format!("${name} {comparison:?} {value:?}"),
        ExprKind::Measure {
            measure,
            of,
            comparison,
            value,
        } => format!("@{}({of:?}) {comparison:?} {value}", measure.name()),
        ExprKind::Sequence(steps) => {
            let steps: Vec<String> = steps.iter().map(|step| shape(&step.expr)).collect();
            format!("then({})", steps.join(" "))
        }
    }
}

fn element(element: &Element) -> String {
    match element {
        Element::Word(word) => word.clone(),
        Element::Number => "#".into(),
        Element::AnyOf(alternatives) => {
            let of = |phrase: &Vec<Element>| -> Vec<String> {
                phrase.iter().map(self::element).collect()
            };
            let all: Vec<String> = alternatives
                .iter()
                .map(|phrase| of(phrase).join("_"))
                .collect();
            format!("[{}]", all.join("|"))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn queries_are_understood_as_the_grammar_says() {
    let table = [
        ("cancel", "cancel"),
        ("Follow-Up", "follow_up"),
        ("cancel plan", "onear:5(cancel plan)"),
        ("a1 b1 c1", "onear:5(onear:5(a1 b1) c1)"),
        ("\"cancel my plan\"", "cancel_my_plan"),
        ("\"cancel (my|the old) plan\"", "cancel_[my|the_old]_plan"),
        ("\"card [num]\"", "card_#"),
        ("aa OR bb AND cc", "or(aa and(bb cc))"),
        ("aa | bb & NOT cc", "or(aa and(bb not(cc)))"),
        ("(aa OR bb) AND cc", "and(or(aa bb) cc)"),
        ("NOT NOT aa bb", "not(not(onear:5(aa bb)))"),
        ("aa NEAR bb", "near:5(aa bb)"),
        ("aa NEAR:3 bb NOTIN \"cc dd\"", "notin(near:3(aa bb) cc_dd)"),
        ("aa AFTER:10s bb", "after:10000ms(aa bb)"),
        ("aa BEFORE bb SAMETURN cc", "sameturn(before(aa bb) cc)"),
        ("aa NOTNEAR:500ms bb", "notnear:500ms(aa bb)"),
        ("agent: aa bb AND cc", "and(agent(onear:5(aa bb)) cc)"),
        (
            "customer: [num] AFTER:20 agent: \"card number\"",
            "customer(after:20(# agent(card_number)))",
        ),
        ("first(20s): agent: hi", "FirstMs(20000)(agent(hi))"),
        ("last(2t): bye", "LastTurns(2)(bye)"),
        (
            "between(25%,50%): aa",
            "BetweenPercent { from: 25, to: 50 }(aa)",
        ),
        ("first (aa|bb)", "onear:5(first or(aa bb))"),
        ("^hello there", "onear:5(^(hello) there)"),
        ("rule:greeting AND rule:x.y", "and(rule:greeting rule:x.y)"),
        ("aa THEN:30s bb THEN cc", "then(aa bb cc)"),
        ("$duration > 2m", "$duration Greater Number(120.0)"),
        ("$queue = \"Sales 2\"", "$queue Equal Text(\"sales 2\")"),
        ("$attr.tier!=gold", "$attr.tier NotEqual Text(\"gold\")"),
        ("@wpm(agent) >= 180", "@wpm(Some(Agent)) AtLeast 180"),
        (
            "@silence > 5s AND aa",
            "and(@silence(None) Greater 5000 aa)",
        ),
        (
            "@loudness(customer) < -30dB",
            "@loudness(Some(Customer)) Less -30",
        ),
        ("AT&T", "at&t"),
        (
            "ship* refund~1",
            "onear:5(Glob(\"ship*\") Fuzzy(\"refund\", 1))",
        ),
        (
            "sounds:Smith forms:cancel",
            "onear:5(Sounds(\"smith\") Forms(\"cancel\"))",
        ),
        ("\"R*x list:names\"", "Glob(\"r*x\")_List(\"names\")"),
        ("R\"[a-z]+\"", "Regex(\"[a-z]+\")"),
        ("[num:3-4]", "Digits(3, 4)"),
        ("refund? now", "onear:5(refund now)"),
    ];
    for (query, expected) in table {
        match parse(query) {
            Ok(expr) => assert_eq!(shape(&expr), expected, "{query}"),
            Err(fault) => panic!("{query}: {fault:?}"),
        }
    }
}

#[test]
fn what_is_wrong_is_named_where_it_stands() {
    use QueryProblem as P;
    let prefix = |word: &str, nearest| P::Prefix {
        word: word.into(),
        nearest,
    };
    let text = str::to_owned;
    let table = [
        ("", 0, P::Empty),
        ("aa AND", 3, P::MissingTerm(text("AND"))),
        ("(aa", 0, P::NotClosed('(')),
        ("aa)", 2, P::Unexpected(text(")"))),
        ("aa \"bb", 3, P::NotClosed('"')),
        ("[num", 0, P::NotClosed('[')),
        ("aa [name]", 3, P::Class(text("name"))),
        ("agnet: hi", 0, prefix("agnet", Some("agent"))),
        ("aa near:5 bb", 3, prefix("near", Some("NEAR"))),
        ("wobble: hi", 0, prefix("wobble", None)),
        ("aa NEAR:x bb", 8, P::Distance(text("x"))),
        ("aa NEAR:1001 bb", 8, P::Distance(text("1001"))),
        ("aa NOTNEAR bb", 3, P::NeedsDistance("NOTNEAR")),
        ("aa NOTIN:3 bb", 3, P::NoDistance("NOTIN")),
        ("aa OR:3 bb", 3, P::NoDistance("OR")),
        ("first(20x): aa", 0, P::Window(text("first(20x)"))),
        ("first(0s): aa", 0, P::Window(text("first(0s)"))),
        ("aa a*", 3, P::Wildcard(text("a*"))),
        ("cat~1", 0, P::Fuzzy(text("cat~1"))),
        ("refund~3", 0, P::Fuzzy(text("refund~3"))),
        ("sounds:follow-up", 7, P::NotOneWord(text("follow-up"))),
        ("\"aa ?! (|b)\"", 4, P::NoWord),
        ("--", 0, P::NoWord),
        (
            "@silense > 3s",
            0,
            P::Measure {
                name: text("silense"),
                nearest: Some("silence"),
            },
        ),
        ("@wpm > 3", 0, P::MeasureSpeaker("wpm")),
        ("@silence(agent) > 3s", 0, P::MeasureNoSpeaker("silence")),
        ("@wpm(boss) > 3", 0, P::Speaker(text("boss"))),
        ("@silence", 0, P::MissingComparison(text("@silence"))),
        (
            "@silence > 3",
            11,
            P::Value {
                value: text("3"),
                wanted: "a time such as `5s`, `500ms` or `2m`",
            },
        ),
        ("$queue sales", 0, P::MissingComparison(text("$queue"))),
        ("(aa THEN bb) AND cc", 4, P::InnerThen),
        ("aa NEAR NOT bb", 8, P::NoPlace("`NOT`")),
        ("aa ! bb", 3, P::Unexpected(text("!"))),
    ];
    for (query, at, problem) in table {
        let (bytes, found) = parse(query).expect_err(query);
        assert_eq!((bytes.start, &found), (at, &problem), "{query}");
        assert!(!found.hint().is_empty(), "{query}");
    }
}

#[test]
fn depth_length_and_count_have_limits() {
    let deep = format!("{}aa{}", "(".repeat(100), ")".repeat(100));
    assert_eq!(parse(&deep).unwrap_err().1, QueryProblem::TooDeep);
    let nots = format!("{}aa", "NOT ".repeat(100));
    assert_eq!(parse(&nots).unwrap_err().1, QueryProblem::TooDeep);
    let long = "a".repeat(super::MAX_QUERY_CHARS + 1);
    let chars = super::MAX_QUERY_CHARS + 1;
    assert_eq!(parse(&long).unwrap_err().1, QueryProblem::TooLong(chars));
    let many = "aa OR ".repeat(super::MAX_QUERY_NODES) + "aa";
    assert_eq!(parse(&many).unwrap_err().1, QueryProblem::TooManyNodes);
    let phrase = format!("\"{}\"", "aa ".repeat(31));
    assert_eq!(
        parse(&phrase).unwrap_err().1,
        QueryProblem::PhraseTooLong(31)
    );
}

mod laws {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r#"[ a-c()|"\[\]:~*?^$@<>=!&R0-9A-EINORTéß-]{0,40}"#) {
            let _ = super::parse(&text);
        }

        #[test]
        fn no_text_of_any_letters_makes_the_parser_panic(text in ".{0,60}") {
            let _ = super::parse(&text);
        }
    }
}
