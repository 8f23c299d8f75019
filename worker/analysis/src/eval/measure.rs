//! Measures of the talk as terms of a rule. In: a measure, its window and the value to compare with. Out: an outcome and
//! the figure behind it, with the spans that bear it out. What rests on words is inconclusive where the window was not
//! heard; hold and loudness rest on the sound alone. `docs/rules.md` defines each.

use job_schema::analysis::{MeasureUnit, Measured, Outcome};
use job_schema::transcript::TimeSpan;

use super::sentiment::SentimentTerm;
use super::{Evaluation, Value};
use crate::conversation::{Talk, intersections, subtract, total_ms};
use crate::heard::{intersection, words_in};
use crate::program::{ScopeId, TermId};
use crate::query::{Comparison, Measure, Unit};

/// A figure, and where in the call it comes from.
struct Figure {
    value: f64,
    spans: Vec<TimeSpan>,
}

impl Evaluation<'_> {
    pub(super) fn measure(
        &self,
        term: TermId,
        measure: Measure,
        channels: &[usize],
        comparison: Comparison,
        wanted: f64,
        scope: ScopeId,
    ) -> Value {
        let scope = self.scope(scope);
        let rests_on_sound = matches!(
            measure,
            Measure::Hold | Measure::HoldTotal | Measure::Loudness
        );
        if let (Err(reason), false) = (&scope.heard, rests_on_sound) {
            return Value::inconclusive(reason.clone());
        }
        if let Measure::Sentiment(feelings) = measure {
            let at = SentimentTerm {
                term,
                feelings,
                comparison,
                wanted,
            };
            return self.sentiment(&at, channels, scope.window);
        }
        let talk = self.talk.get_or_init(|| Talk::of(self.transcript()));
        let Some(figure) = self.figure(talk, measure, channels, scope.window) else {
            return Value::inconclusive(format!(
                "there is nothing to measure `@{}` on",
                measure.name()
            ));
        };
        let mut value = Value::plain(comparison.holds(&figure.value, &wanted));
        value.measured.push(Measured {
            term: self.rule_set.program.terms[term].clone(),
            value: figure.value,
            unit: match measure.unit() {
                Unit::Ms => MeasureUnit::Ms,
                Unit::Percent => MeasureUnit::Percent,
                Unit::Count => MeasureUnit::Count,
                Unit::Dbfs => MeasureUnit::Dbfs,
            },
            holds: value.outcome == Outcome::True,
            spans: figure.spans,
            turns: Vec::new(),
        });
        value
    }

    /// None where there is no talk or no sound to measure.
    fn figure(
        &self,
        talk: &Talk,
        measure: Measure,
        channels: &[usize],
        window: TimeSpan,
    ) -> Option<Figure> {
        let within = |spans: &[TimeSpan]| intersections(spans, &[window]);
        let by = |channel: u16| self.is_among(channels, channel);
        let interruptions = |by_them: bool| {
            let concerned = talk.interruptions.iter().filter(|i| {
                by(if by_them {
                    i.interrupter_channel
                } else {
                    i.interrupted_channel
                })
            });
            let spans = concerned
                .map(|i| i.span)
                .filter(|span| (window.start_ms..window.end_ms).contains(&span.start_ms));
            spans.collect::<Vec<TimeSpan>>()
        };
        Some(match measure {
            Measure::Silence => longest(within(&talk.silences)),
            Measure::SilenceTotal => total(within(&talk.silences)),
            Measure::DeadAir => longest(within(&subtract(&talk.silences, &talk.other_sound))),
            Measure::Hold => longest(within(&talk.music)),
            Measure::HoldTotal => total(within(&talk.music)),
            Measure::Overlap => longest(within(&talk.overlaps)),
            Measure::OverlapTotal => total(within(&talk.overlaps)),
            Measure::InterruptionsBy => count(interruptions(true)),
            Measure::InterruptionsOf => count(interruptions(false)),
            Measure::InterruptionTimeBy => total(interruptions(true)),
            Measure::InterruptionTimeOf => total(interruptions(false)),
            Measure::Talk => plain(as_f64(self.talk_ms(channels, window))),
            Measure::TalkShare => {
                let all: Vec<usize> = (0..self.call.channels.len()).collect();
                let whole_ms = self.talk_ms(&all, window);
                (whole_ms > 0).then(|| {
                    plain(as_f64(self.talk_ms(channels, window)) / as_f64(whole_ms) * 100.0)
                })?
            }
            Measure::WordsPerMinute => {
                let talk_ms = self.talk_ms(channels, window);
                let words = channels
                    .iter()
                    .map(|&at| words_in(self.call.words(at), window).len());
                let words_count = u64::try_from(words.sum::<usize>()).unwrap_or(u64::MAX);
                (talk_ms > 0).then(|| plain(as_f64(words_count) * 60_000.0 / as_f64(talk_ms)))?
            }
            // Counted in turns, in a file of its own.
            Measure::Sentiment(_) => return None,
            Measure::Loudness => {
                let facts = channels
                    .iter()
                    .map(|&at| &self.transcript().channels[at].facts);
                let levels = facts.filter_map(|facts| facts.speech_level_dbfs);
                plain(f64::from(levels.reduce(f32::max)?))
            }
        })
    }

    pub(super) fn is_among(&self, channels: &[usize], index: u16) -> bool {
        let index_of = |&at: &usize| self.transcript().channels[at].facts.index;
        channels.iter().any(|at| index_of(at) == index)
    }

    /// The channels' own talk within the window; overlap counts for each.
    fn talk_ms(&self, channels: &[usize], window: TimeSpan) -> u64 {
        let utterances = channels
            .iter()
            .flat_map(|&at| &self.transcript().channels[at].utterances);
        let parts = utterances.map(|utterance| {
            let span = TimeSpan {
                start_ms: utterance.start_ms,
                end_ms: utterance.end_ms,
            };
            intersection(span, window).duration_ms()
        });
        parts.sum()
    }
}

fn longest(spans: Vec<TimeSpan>) -> Figure {
    let longest = spans.iter().copied().max_by_key(|span| span.duration_ms());
    Figure {
        value: as_f64(longest.map_or(0, TimeSpan::duration_ms)),
        spans: longest.into_iter().collect(),
    }
}

fn total(spans: Vec<TimeSpan>) -> Figure {
    Figure {
        value: as_f64(total_ms(&spans)),
        spans,
    }
}

fn count(spans: Vec<TimeSpan>) -> Figure {
    Figure {
        value: as_f64(u64::try_from(spans.len()).unwrap_or(u64::MAX)),
        spans,
    }
}

fn plain(value: f64) -> Figure {
    Figure {
        value,
        spans: Vec::new(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a call lie far below 2^53"
)]
fn as_f64(n: u64) -> f64 {
    n as f64
}
