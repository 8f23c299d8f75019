//! What a run of `rescore` found, as JSON or for reading. In: outcomes, counted. Out: text with names, counts and milliseconds;
//! never a word of a call.

use std::collections::BTreeMap;
use std::time::Duration;

use job_schema::transcript::TimeSpan;
use serde::Serialize;

use super::super::out;
use crate::rescore::{Changed, Counts, Difference, Mean, Order, Write};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    scored_with: String,
    written: bool,
    #[serde(flatten)]
    pub(super) difference: Difference,
    pub(super) passed_over_count: u64,
    /// By an earlier run that is resumed.
    pub(super) done_before_count: u64,
    pub(super) failed_count: u64,
    seconds: f64,
    transcripts_per_second: f64,
}

impl Report {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            scored_with: order.scoring.name(),
            written: order.write != Write::Nothing,
            difference: Difference::default(),
            passed_over_count: 0,
            done_before_count: 0,
            failed_count: 0,
            seconds: 0.0,
            transcripts_per_second: 0.0,
        }
    }

    pub(super) fn took(&mut self, wall: Duration) {
        self.seconds = wall.max(Duration::from_millis(1)).as_secs_f64();
        let calls = u32::try_from(self.difference.calls_count).unwrap_or(u32::MAX);
        self.transcripts_per_second = f64::from(calls) / self.seconds;
    }

    pub(super) fn print(&self) {
        let difference = &self.difference;
        let done_before = match self.done_before_count {
            0 => String::new(),
            count => format!(", {count} done before"),
        };
        out::line(format_args!(
            "{}: {} calls in {:.1} s ({:.0} a second), {} changed, {} passed over{done_before}, {} failed{}",
            self.scored_with,
            difference.calls_count,
            self.seconds,
            self.transcripts_per_second,
            difference.changed_count,
            self.passed_over_count,
            self.failed_count,
            if self.written {
                ""
            } else {
                "; nothing was written (--write)"
            }
        ));
        for (name, means) in [
            ("points", difference.points),
            ("scorecard", difference.scorecard_percent),
        ] {
            let (before, after) = (mean(means.before), mean(means.after));
            out::line(format_args!("{name:10} {before} -> {after}"));
        }
        self.print_counts();
        difference.sample.iter().for_each(print_call);
    }

    fn print_counts(&self) {
        let outcomes = |counts: Counts| {
            let (yes, no, unclear) = (counts.r#true, counts.r#false, counts.inconclusive);
            format!("{yes} yes {no} no {unclear} unclear")
        };
        let rules = self.difference.rules.iter();
        for (name, counts) in rules.filter(|(_, counts)| counts.changed_count > 0) {
            let (before, after) = (outcomes(counts.before), outcomes(counts.after));
            let changed = counts.changed_count;
            out::line(format_args!(
                "  {name:24} {before} -> {after} ({changed} changed)"
            ));
        }
        let questions = self.difference.questions.iter();
        for (name, counts) in questions.filter(|(_, counts)| counts.changed_count > 0) {
            let (before, after) = (answers(&counts.before), answers(&counts.after));
            let changed = counts.changed_count;
            out::line(format_args!(
                "  {name:24} {before} -> {after} ({changed} changed)"
            ));
        }
    }
}

fn mean(mean: Mean) -> String {
    match mean.count {
        0 => "-".to_owned(),
        _ => format!("{:.1}", mean.mean),
    }
}

fn answers(counts: &BTreeMap<String, u64>) -> String {
    let each = counts
        .iter()
        .map(|(answer, count)| format!("{count} {answer}"));
    each.collect::<Vec<_>>().join(" ")
}

fn print_call(call: &Changed) {
    let (points, percent) = (
        (call.points_before, call.points_after),
        (call.percent_before, call.percent_after),
    );
    let figures = [("points", points), ("%", percent)]
        .into_iter()
        .filter(|(_, figures)| *figures != (None, None))
        .map(|(unit, (was, is))| format!("{} -> {} {unit}", figure(was), figure(is)));
    let figures = figures.collect::<Vec<_>>().join(", ");
    out::line(format_args!("{}: {figures}", call.call));
    for rule in &call.rules {
        let (name, was, is) = (&rule.rule, rule.before, rule.after);
        let places = places(&rule.evidence);
        out::line(format_args!(
            "  {name:24} {} -> {} {places}",
            word(was),
            word(is)
        ));
    }
    for question in &call.questions {
        let (name, was, is) = (&question.question, &question.before, &question.after);
        let places = places(&question.evidence);
        out::line(format_args!("  {name:24} {was} -> {is} {places}"));
    }
}

fn word(outcome: Option<job_schema::analysis::Outcome>) -> &'static str {
    use job_schema::analysis::Outcome;
    match outcome {
        Some(Outcome::True) => "yes",
        Some(Outcome::False) => "no",
        Some(Outcome::Inconclusive) => "unclear",
        None => "absent",
    }
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
}

fn places(evidence: &[TimeSpan]) -> String {
    let spans = evidence
        .iter()
        .map(|span| format!("{}-{} ms", span.start_ms, span.end_ms));
    spans.collect::<Vec<_>>().join(", ")
}
