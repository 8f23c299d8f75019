//! The share of a speaker's turns with a sentiment, as a term of a rule. In: what is counted, and the turns that start in the
//! window. Out: an outcome, with the turns that bear it out. Where some turn's sentiment is not known, the outcome is the one that
//! holds whatever it may be, or inconclusive with the reason.

use job_schema::analysis::{MeasureUnit, Measured, Outcome};
use job_schema::sentiment::TurnSentiment;
use job_schema::transcript::TimeSpan;

use super::{Evaluation, Value};
use crate::program::TermId;
use crate::query::{Comparison, Feelings};
use crate::sentiment::{Unknown, of_turns};

pub(super) struct SentimentTerm {
    pub(super) term: TermId,
    pub(super) feelings: Feelings,
    pub(super) comparison: Comparison,
    /// Percent.
    pub(super) wanted: f64,
}

impl Evaluation<'_> {
    pub(super) fn sentiment(
        &self,
        at: &SentimentTerm,
        channels: &[usize],
        window: TimeSpan,
    ) -> Value {
        let transcript = self.transcript();
        let sentiments = self.sentiments.get_or_init(|| of_turns(transcript));
        let turns = transcript.turns.iter().zip(sentiments);
        let within: Vec<&Result<TurnSentiment, Unknown>> = turns
            .filter(|(turn, _)| self.is_among(channels, turn.channel))
            .filter(|(turn, _)| (window.start_ms..window.end_ms).contains(&turn.start_ms))
            .map(|(_, sentiment)| sentiment)
            .collect();
        if within.is_empty() {
            return Value::inconclusive("no turn starts in the window".into());
        }
        let known = within.iter().filter_map(|turn| turn.as_ref().ok());
        let counted: Vec<TurnSentiment> = known
            .filter(|turn| at.feelings.contains(turn.sentiment))
            .cloned()
            .collect();
        let unknown: Vec<&Unknown> = within
            .iter()
            .filter_map(|turn| turn.as_ref().err())
            .collect();
        let share = |count: usize| percent(count, within.len());
        let holds = |count: usize| at.comparison.holds(&share(count), &at.wanted);
        let as_known = holds(counted.len());
        let most = counted.len() + unknown.len();
        if (counted.len()..=most).any(|count| holds(count) != as_known) {
            return Value::inconclusive(not_known(&unknown, within.len()));
        }
        let mut value = Value::plain(as_known);
        value.measured.push(Measured {
            term: self.rule_set.program.terms[at.term].clone(),
            value: share(counted.len()),
            unit: MeasureUnit::Percent,
            holds: value.outcome == Outcome::True,
            spans: counted.iter().map(|turn| turn.span).collect(),
            turns: counted,
        });
        value
    }
}

fn percent(count: usize, of: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    number(count) * 100.0 / number(of)
}

fn not_known(unknown: &[&Unknown], turns_count: usize) -> String {
    let (count, why) = match unknown.first() {
        Some(Unknown::Language) => (unknown.len(), "sentiment is known of English alone"),
        _ => (unknown.len(), "their words were not heard well enough"),
    };
    format!("the sentiment of {count} of {turns_count} turns is not known: {why}")
}
