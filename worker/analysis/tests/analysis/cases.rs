//! Files of cases, and explanations.

use analysis::explain::{Explained, explain};
use analysis::{Facts, RuleSet, cases};
use job_schema::analysis::Outcome;

const RULES: &str = "id = \"demo\"\nversion = 1\n\
    [[rule]]\nname = \"hello\"\nquery = 'first(5s): agent: hello'\nweight = 2\n\
    [[rule]]\nname = \"inbound\"\nquery = '$direction = inbound'\n";

fn rules() -> RuleSet {
    RuleSet::parse(RULES).unwrap()
}

#[test]
fn a_case_tells_what_differs_from_what_it_expects() {
    let file = "[[case]]\nname = \"one\"\ndialogue = '''\nagent 1.0 Hello there.\nivr 9 Press one.\n'''\n\
                facts = { direction = \"inbound\" }\nexpect = { hello = false, inbound = true }\npoints = 3.5\n";
    let read = cases::parse(file, &rules()).unwrap();
    let differences = cases::run(&read[0], &rules());
    let told: Vec<(Option<&str>, &str, &str)> = differences
        .iter()
        .map(|d| (d.rule.as_deref(), d.expected.as_str(), d.found.as_str()))
        .collect();
    assert_eq!(told, [(Some("hello"), "false", "true"), (None, "3.5", "3")]);
}

#[test]
fn a_case_that_is_not_understood_is_refused_where_it_stands() {
    let case = |dialogue: &str, expect: &str| {
        format!(
            "[[case]]\nname = \"one\"\ndialogue = '''\nagent 0 hi\n{dialogue}'''\nexpect = {{ {expect} }}\n"
        )
    };
    let table = [
        (case("boss 1.0 hi", "hello = true"), (5, 1), "no role"),
        (case("agent soon hi", "hello = true"), (5, 1), "no number"),
        (case("agent 2", "hello = true"), (5, 1), "three parts"),
        (case("agent 99999 hi", "hello = true"), (5, 1), "outside"),
        (case("agent 0.1 hi", "hello = true"), (5, 1), "still saying"),
        (case("", "helo = true"), (6, 19), "no rule"),
        (case("", "hello = \"maybe\""), (6, 20), "no outcome"),
        (String::new(), (1, 1), "no case"),
        ("[[case]]\nnme = 1\n".to_owned(), (2, 1), "nme"),
    ];
    for (file, place, what) in table {
        let error = cases::parse(&file, &rules()).unwrap_err();
        assert_eq!((error.line, error.column), place, "{file}{error}");
        assert!(error.what.contains(what), "{error}");
    }
}

#[test]
fn an_explanation_shows_each_term_and_where_else_its_words_are() {
    let rules = "id = \"demo\"\nversion = 1\n[[rule]]\nname = \"r\"\n\
        query = 'first(5s): agent: hello AND problem NOTIN \"no problem\"'\nnegate = true\n";
    let rules = RuleSet::parse(rules).unwrap();
    let file = "[[case]]\nname = \"one\"\ndialogue = '''\nagent 9 hello\ncustomer 1 hello no problem\n'''\nexpect = {}\n";
    let call = cases::parse(file, &rules).unwrap().remove(0).transcript;
    let [explained] = explain(&call, &rules, &Facts::new(), |_| true)
        .try_into()
        .unwrap();
    assert_eq!(
        (explained.outcome, explained.negated),
        (Outcome::True, true)
    );
    assert_eq!(explained.term.outcome, Outcome::False);
    let [hello, problem]: [Explained; 2] = explained.term.parts.try_into().unwrap();
    let starts = |hits: &[job_schema::analysis::Hit]| -> Vec<u64> {
        hits.iter().map(|hit| hit.span.start_ms).collect()
    };
    assert_eq!(hello.outcome, Outcome::False);
    assert_eq!(starts(&hello.elsewhere), [9_000, 1_000]);
    assert_eq!(problem.blocked.len(), 1);
    assert_eq!(problem.parts.len(), 2);
}
