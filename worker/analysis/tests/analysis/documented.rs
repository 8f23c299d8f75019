//! The documents' own examples: what `docs/rules.md` shows is what the crate does.

use analysis::{RuleSet, Speaker, cases};
use job_schema::analysis::Outcome;
use job_schema::job::Role;
use job_schema::transcript::Transcript;

use crate::call::{Say, call, digest};

const RULES_PAGE: &str = include_str!("../../../../docs/rules.md");
const CALL_QUALITY_2: &str = include_str!("../../../../rules/call-quality@2.toml");
const CALL_QUALITY_2_CASES: &str = include_str!("../../../../rules/call-quality@2.cases.toml");
const CALL_QUALITY: &str = include_str!("../../../../rules/call-quality@1.toml");

/// The fenced blocks of one language, in order.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str())
        .skip(1)
        .map(|rest| {
            rest.split("```")
                .next()
                .expect("split gives at least one part")
        })
        .collect()
}

/// Lines such as `agent 1.5 Hello there`: role, seconds, words.
fn dialogue(text: &str) -> Transcript {
    let mut made = call(&[Role::Agent, Role::Customer]);
    for line in text.lines() {
        let mut parts = line.splitn(3, ' ');
        let channel = match parts.next().unwrap() {
            "agent" => 0,
            "customer" => 1,
            other => panic!("the page has no role {other}"),
        };
        let tenths: u64 = parts.next().unwrap().replace('.', "").parse().unwrap();
        made = made.say(channel, tenths * 100, parts.next().unwrap());
    }
    made
}

#[test]
fn every_rule_file_of_the_page_is_read() {
    let files = blocks(RULES_PAGE, "toml");
    assert!(files.len() >= 3, "{} blocks", files.len());
    for file in files {
        RuleSet::parse(file).unwrap_or_else(|error| panic!("{error}\n{file}"));
    }
}

#[test]
fn the_page_s_call_gets_the_outcomes_that_the_page_says() {
    let rules = RuleSet::parse(blocks(RULES_PAGE, "toml")[0]).unwrap();
    let call = dialogue(blocks(RULES_PAGE, "text dialogue")[0]);
    let score = analysis::analyse(&call, &digest(), Some(&rules))
        .score
        .unwrap();
    let mut said = String::new();
    for rule in &score.rules {
        let outcome = match rule.outcome {
            Outcome::True => "true",
            Outcome::False => "false",
            Outcome::Inconclusive => "inconclusive",
        };
        said += &format!("{} {outcome} {}\n", rule.rule, rule.points);
    }
    said += &format!("total {}\n", score.points);
    assert_eq!(said, blocks(RULES_PAGE, "text outcomes")[0]);
}

#[test]
fn the_page_s_names_are_expected_where_the_page_says() {
    let page = blocks(RULES_PAGE, "toml");
    let file = page.iter().find(|file| file.starts_with("id = \"names\""));
    let rules = RuleSet::parse(file.unwrap()).unwrap();
    let expected = |of: &[Speaker]| {
        let terms = rules.vocabulary().iter();
        let terms = terms.filter(|term| of.contains(&term.speaker));
        let texts: Vec<&str> = terms.map(|term| term.text.as_str()).collect();
        texts.join(", ")
    };
    for (channel, of) in [
        ("agent", [Speaker::Any, Speaker::Agent]),
        ("customer", [Speaker::Any, Speaker::Customer]),
    ] {
        let row = format!("| the {channel}'s channel | {} |\n", expected(&of));
        assert!(RULES_PAGE.contains(&row), "{row}");
    }
}

#[test]
fn the_page_s_mistakes_get_the_messages_that_the_page_shows() {
    let refused = blocks(RULES_PAGE, "toml-refused");
    let messages = blocks(RULES_PAGE, "text error");
    assert_eq!((refused.len(), messages.len()), (2, 2));
    for (file, message) in refused.into_iter().zip(messages) {
        let error = RuleSet::parse(file).unwrap_err();
        assert_eq!(format!("{error}\n"), message);
    }
}

/// Rows of a table whose last two cells are a query and what it comes to.
fn examples(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells = line.replace("\\|", "\u{1}");
        let cells: Vec<&str> = cells.trim_matches('|').split('|').map(str::trim).collect();
        let [.., query, outcome] = cells.as_slice() else {
            continue;
        };
        let outcomes = ["true", "false", "inconclusive"];
        let is_outcome = outcomes.contains(&outcome.split(':').next().unwrap());
        if let Some(query) = query.strip_prefix('`').and_then(|q| q.strip_suffix('`'))
            && is_outcome
        {
            found.push((query.replace('\u{1}', "|"), (*outcome).to_owned()));
        }
    }
    found
}

#[test]
fn the_page_s_queries_come_to_what_the_page_says() {
    let call = dialogue(blocks(RULES_PAGE, "text dialogue")[1]);
    let examples = examples(RULES_PAGE);
    assert!(examples.len() >= 45, "{} examples", examples.len());
    for (query, expected) in examples {
        let file = format!(
            "id = \"page\"\nversion = 1\n[lists]\npayment = [\"card number\", \"by card\"]\n\
             [[rule]]\nname = \"numbers\"\nquery = '[num]'\n[[rule]]\nname = \"r\"\nquery = '''{query}'''"
        );
        let rules = RuleSet::parse(&file).unwrap_or_else(|error| panic!("{query}: {error}"));
        let score = analysis::analyse(&call, &digest(), Some(&rules))
            .score
            .unwrap();
        let rule = &score.rules[1];
        let hits: Vec<String> = rule.hits.iter().map(|hit| hit.words.join(" ")).collect();
        let outcome = match rule.outcome {
            Outcome::True => "true",
            Outcome::False => "false",
            Outcome::Inconclusive => "inconclusive",
        };
        let found = match (rule.outcome, hits.is_empty()) {
            (Outcome::True, false) => format!("true: {}", hits.join("; ")),
            _ => outcome.to_owned(),
        };
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn the_example_rule_set_scores_a_call_to_northgate() {
    let rules = RuleSet::parse(CALL_QUALITY).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (rules.id().as_str(), rules.version().get()),
        ("call-quality", 1)
    );
    let mut call = dialogue(
        "agent 0.3 Thank you for calling Northgate Plumbing. My name is Laura. How can I help you today?\n\
         customer 8.0 Hello. I want to cancel my service plan, please.\n\
         agent 13.0 I am sorry to hear that. Before we go on, this call is recorded for quality.\n\
         customer 21.0 No, thank you. I would like to speak to a supervisor.\n\
         agent 27.0 Of course. Please hold the line while I find one for you.",
    );
    call.audio.decoded.duration_ms = 33_000;
    let score = analysis::analyse(&call, &digest(), Some(&rules))
        .score
        .unwrap();
    let outcome = |name: &str| {
        let rule = score.rules.iter().find(|rule| rule.rule == name);
        rule.unwrap_or_else(|| panic!("no rule {name}")).outcome
    };
    for name in [
        "greeting",
        "recording-disclosure",
        "cancellation-risk",
        "escalation",
        "empathy",
    ] {
        assert_eq!(outcome(name), Outcome::True, "{name}");
    }
    for name in [
        "recording-disclosure-in-time",
        "refund-request",
        "card-payment",
        "competitor",
    ] {
        assert_eq!(outcome(name), Outcome::False, "{name}");
    }
    assert_eq!(outcome("no-profanity"), Outcome::True);
}

#[test]
fn the_second_example_passes_its_own_cases() {
    let rules = RuleSet::parse(CALL_QUALITY_2).unwrap_or_else(|error| panic!("{error}"));
    let cases =
        cases::parse(CALL_QUALITY_2_CASES, &rules).unwrap_or_else(|error| panic!("{error}"));
    for case in &cases {
        assert_eq!(cases::run(case, &rules), [], "{}", case.name);
    }
    for rule in rules.rules() {
        let has_case = cases
            .iter()
            .any(|case| case.expected.contains_key(&rule.name));
        assert!(has_case, "no case expects anything of {}", rule.name);
    }
}

#[test]
fn the_page_s_cases_are_those_of_its_first_example() {
    let rules = RuleSet::parse(blocks(RULES_PAGE, "toml")[0]).unwrap();
    let file = blocks(RULES_PAGE, "toml-cases")[0];
    let cases = cases::parse(file, &rules).unwrap_or_else(|error| panic!("{error}"));
    for case in &cases {
        assert_eq!(cases::run(case, &rules), [], "{}", case.name);
    }
}
