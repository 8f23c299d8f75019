//! How `earwitness rules` prints what it found: indented text for people, one JSON object a line for programs.

use std::time::Duration;

use analysis::cases::{Difference, outcome_name};
use analysis::explain::{Explained, Explanation, MAX_EXPLAINED_HITS};
use job_schema::analysis::Hit;
use job_schema::sentiment::TurnSentiment;
use serde_json::{Value, json};

pub(super) fn case(name: &str, differences: &[Difference]) -> String {
    let mut text = format!(
        "{} {name}",
        if differences.is_empty() {
            "ok  "
        } else {
            "FAIL"
        }
    );
    for difference in differences {
        let what = difference.rule.as_deref().unwrap_or("points");
        let (expected, found) = (&difference.expected, &difference.found);
        text += &format!("\n     {what}: expected {expected}, found {found}");
    }
    text
}

pub(super) fn case_json(name: &str, differences: &[Difference]) -> Value {
    let differences: Vec<Value> = differences
        .iter()
        .map(|d| json!({"rule": d.rule, "expected": d.expected, "found": d.found}))
        .collect();
    json!({"case": name, "passed": differences.is_empty(), "differences": differences})
}

pub(super) fn explanation(explanation: &Explanation) -> String {
    let negated = if explanation.negated { " (negate)" } else { "" };
    let outcome = outcome_name(explanation.outcome);
    let mut text = format!("{}: {outcome}{negated}\n", explanation.rule);
    term(&explanation.term, 1, &mut text);
    text
}

fn term(explained: &Explained, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let one_line = explained
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let scope = explained.scope.map_or(String::new(), |(speaker, window)| {
        let (from, to) = (seconds(window.start_ms), seconds(window.end_ms));
        let speaker = format!("{speaker:?}").to_lowercase();
        format!("  [{speaker}, {from:.1} to {to:.1} s]")
    });
    *text += &format!(
        "{indent}{:12} {one_line}{scope}\n",
        outcome_name(explained.outcome)
    );
    let mut note = |line: String| *text += &format!("{indent}    {line}\n");
    for hit in &explained.hits {
        note(place("hit", hit));
    }
    for hit in &explained.doubtful {
        note(place("doubtful", hit));
    }
    for blocked in &explained.blocked {
        note(place("blocked", &blocked.place));
        note(place("  by", &blocked.by));
    }
    for hit in &explained.elsewhere {
        note(place("elsewhere", hit));
    }
    for measure in &explained.measures {
        note(format!("measured {:.1} {:?}", measure.value, measure.unit).to_lowercase());
        for turn in measure.turns.iter().take(MAX_EXPLAINED_HITS) {
            note(turn_place(turn));
        }
    }
    for (step, outcome) in &explained.steps {
        note(format!("step {step}: {outcome:?}"));
    }
    if let Some(reason) = &explained.reason {
        note(reason.clone());
    }
    for part in &explained.parts {
        term(part, depth + 1, text);
    }
}

fn place(what: &str, hit: &Hit) -> String {
    let at = seconds(hit.span.start_ms);
    let (role, words) = (hit.role.as_str(), hit.words.join(" "));
    let inexact = hit.inexact.map_or(String::new(), |inexact| {
        format!(", {:?} at distance {}", inexact.how, inexact.distance).to_lowercase()
    });
    format!(
        "{what} at {at:.1} s, {role}: \"{words}\" (confidence {:.2}{inexact})",
        hit.confidence
    )
}

fn turn_place(turn: &TurnSentiment) -> String {
    let (at, role) = (seconds(turn.span.start_ms), turn.role.as_str());
    let words: Vec<String> = turn
        .words
        .iter()
        .map(|one| format!("\"{}\" {:+.2}", one.text, one.weight))
        .collect();
    let words = words.join(", ");
    format!("turn at {at:.1} s, {role}: {:+.2} {words}", turn.score)
        .trim_end()
        .to_owned()
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}

pub(super) fn explanation_json(explanation: &Explanation) -> Value {
    json!({
        "rule": explanation.rule,
        "outcome": explanation.outcome,
        "negated": explanation.negated,
        "term": term_json(&explanation.term),
    })
}

fn term_json(term: &Explained) -> Value {
    let scope = term.scope.map(|(speaker, window)| {
        json!({"speaker": format!("{speaker:?}").to_lowercase(), "window": window})
    });
    let steps: Vec<Value> = term
        .steps
        .iter()
        .map(|(step, outcome)| json!({"step": step, "outcome": outcome}))
        .collect();
    json!({
        "text": term.text, "outcome": term.outcome, "scope": scope, "hits": term.hits,
        "doubtful": term.doubtful, "blocked": term.blocked, "elsewhere": term.elsewhere,
        "measures": term.measures, "steps": steps, "reason": term.reason,
        "parts": term.parts.iter().map(term_json).collect::<Vec<Value>>(),
    })
}
