//! Calls for tests, written down word by word.

use job_schema::analysis::{Outcome, RuleResult, Score};
use job_schema::job::Role;
use job_schema::transcript::{Figures, SuppressReason, Suppressed, TimeSpan, Transcript, Word};

pub(crate) use crate::calls::digest;
use crate::calls::{add_turn, silent_call, words_from};

/// A call of one minute with the roles given, on which nobody speaks yet.
pub(crate) fn call(roles: &[Role]) -> Transcript {
    silent_call(roles, 60_000)
}

pub(crate) trait Say {
    /// Words after those that the channel already has, at the tests' pace.
    fn say(self, channel: usize, start_ms: u64, text: &str) -> Self;
    fn say_words(self, channel: usize, words: Vec<Word>) -> Self;
    fn suppress(self, channel: usize, span: TimeSpan) -> Self;
}

impl Say for Transcript {
    fn say(self, channel: usize, start_ms: u64, text: &str) -> Self {
        self.say_words(channel, words_from(start_ms, text))
    }

    fn say_words(mut self, channel: usize, words: Vec<Word>) -> Self {
        add_turn(&mut self, channel, words);
        self
    }

    fn suppress(mut self, channel: usize, span: TimeSpan) -> Self {
        self.channels[channel].suppressed.push(Suppressed {
            span,
            text: "Thanks for watching".into(),
            reason: SuppressReason::Repetition,
            figures: Figures {
                avg_logprob: -1.0,
                no_speech_prob: 0.1,
                compression_ratio: 3.0,
                temperature: 0.0,
            },
        });
        self
    }
}

pub(crate) fn span(start_ms: u64, end_ms: u64) -> TimeSpan {
    TimeSpan { start_ms, end_ms }
}

/// The score of rules given as the body of a rule file.
pub(crate) fn score(call: &Transcript, rules: &str) -> Score {
    let file = format!("id = \"demo\"\nversion = 2\n{rules}");
    let rules = analysis::RuleSet::parse(&file).unwrap_or_else(|error| panic!("{error}"));
    analysis::analyse(call, &digest(), Some(&rules))
        .score
        .expect("rules give a score")
}

/// The result of one rule named `r` with these further lines.
pub(crate) fn result(call: &Transcript, lines: &str) -> RuleResult {
    let mut score = score(call, &format!("[[rule]]\nname = \"r\"\n{lines}\n"));
    score.rules.remove(0)
}

pub(crate) fn outcome(call: &Transcript, lines: &str) -> Outcome {
    result(call, lines).outcome
}
