//! Numbers that belong together. In: a voice's parts. Out: chains of numbers that one speaker may have dictated with pauses
//! and asides, each cut into segments whose numbers surely belong together. Only this speaker's words count: what the other
//! one says meanwhile lies on another channel and interrupts nothing.

use std::ops::Range;

use job_schema::transcript::TimeSpan;

use super::cues::Cues;
use super::voice::{Kind, Part, Voice};

/// A pause in which somebody looks for the next line of a card.
const SEGMENT_PAUSE_MS: u64 = 12_000;
/// After more the rest is another number.
const CHAIN_PAUSE_MS: u64 = 30_000;
const CHAIN_WORDS: usize = 12;
/// So many fillers count as a word.
const FILLERS_A_WORD: usize = 4;
/// A run this long is dictated; "35 dollars and 20 cents" is not, and what surrounds it is speech.
const DICTATED_DIGITS: usize = 3;

#[derive(Debug)]
pub(super) struct Number {
    pub(super) part: usize,
    pub(super) digits: String,
    pub(super) span: TimeSpan,
}

/// Numbers from one long pause, or long aside, to the next.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) numbers: Vec<Number>,
    /// Indexes into `numbers`; together they cover them once.
    pub(super) segments: Vec<Range<usize>>,
    /// Words before each segment, since the one before it.
    pub(super) words_before: Vec<usize>,
}

impl Chain {
    pub(super) fn digits(&self, numbers: Range<usize>) -> String {
        digits(&self.numbers[numbers])
    }

    pub(super) fn parts(&self, segment: &Range<usize>) -> Range<usize> {
        self.numbers[segment.start].part..self.numbers[segment.end - 1].part + 1
    }

    pub(super) fn span(&self, segment: &Range<usize>) -> TimeSpan {
        TimeSpan {
            start_ms: self.numbers[segment.start].span.start_ms,
            end_ms: self.numbers[segment.end - 1].span.end_ms,
        }
    }

    fn push(&mut self, run: Vec<Number>, gap: Joint) {
        let start = self.numbers.len();
        self.numbers.extend(run);
        let end = self.numbers.len();
        match self.segments.last_mut() {
            Some(segment) if gap == Joint::Same => segment.end = end,
            _ => {
                self.segments.push(start..end);
                self.words_before.push(match gap {
                    Joint::After(words) => words,
                    Joint::Same | Joint::First => 0,
                });
            }
        }
    }
}

/// How a run follows what is there.
#[derive(Debug, PartialEq, Eq)]
enum Joint {
    First,
    /// In the same segment.
    Same,
    /// In a segment of its own, after so many words.
    After(usize),
}

fn digits(numbers: &[Number]) -> String {
    numbers
        .iter()
        .map(|number| number.digits.as_str())
        .collect()
}

pub(super) fn chains(voice: &Voice, cues: &Cues) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut last_run = String::new();
    for run in runs(&voice.parts, cues) {
        let said = digits(&run);
        let chain = chains.last_mut();
        let before = chain.as_ref().and_then(|chain| chain.numbers.last());
        let gap = before.map(|before| Gap::between(&voice.parts, before, &run[0], cues));
        match (gap, chain) {
            (Some(gap), Some(chain)) if gap.is_within_segment(&last_run, &said) => {
                chain.push(run, Joint::Same);
            }
            (Some(gap), Some(chain)) if gap.is_within_chain() => {
                chain.push(run, Joint::After(gap.words));
            }
            _ => {
                let mut chain = Chain::default();
                chain.push(run, Joint::First);
                chains.push(chain);
            }
        }
        last_run = said;
    }
    chains
}

/// Numbers with nothing but fillers and breath between them.
fn runs(parts: &[Part], cues: &Cues) -> Vec<Vec<Number>> {
    let mut runs: Vec<Vec<Number>> = Vec::new();
    for number in numbers(parts) {
        match runs.last_mut() {
            Some(run)
                if Gap::between(parts, &run[run.len() - 1], &number, cues).is_within_run() =>
            {
                run.push(number);
            }
            _ => runs.push(vec![number]),
        }
    }
    runs
}

fn numbers(parts: &[Part]) -> impl Iterator<Item = Number> + '_ {
    parts.iter().enumerate().filter_map(|(at, part)| {
        let digits = match &part.kind {
            Kind::Number(digits) => digits.clone(),
            Kind::Code(code) => code.chars().filter(char::is_ascii_digit).collect(),
            Kind::Filler | Kind::Correction | Kind::Word => String::new(),
        };
        (!digits.is_empty()).then_some(Number {
            part: at,
            digits,
            span: part.span,
        })
    })
}

/// What lies between two numbers.
struct Gap {
    words: usize,
    corrects: bool,
    pause_ms: u64,
    /// Somebody asked for the code or the date: what follows is another number.
    asked: bool,
}

impl Gap {
    fn between(parts: &[Part], before: &Number, after: &Number, cues: &Cues) -> Self {
        let between = &parts[before.part + 1..after.part];
        let count = |kind: Kind| between.iter().filter(|part| part.kind == kind).count();
        Self {
            words: count(Kind::Word) + count(Kind::Filler) / FILLERS_A_WORD,
            corrects: count(Kind::Correction) > 0,
            pause_ms: after.span.start_ms.saturating_sub(before.span.end_ms),
            asked: cues.asks_between(before.span.end_ms, after.span.start_ms),
        }
    }

    fn is_within_run(&self) -> bool {
        self.words == 0 && !self.asked && self.pause_ms <= SEGMENT_PAUSE_MS
    }

    /// The longer the runs on both sides, the more may be said between them; after "no, sorry" the speaker explains.
    fn is_within_segment(&self, before: &str, after: &str) -> bool {
        let dictated = |run: &str| run.len() >= DICTATED_DIGITS;
        let words = match (dictated(before), dictated(after), self.corrects) {
            (true, true, true) => 6,
            (true, true, false) => 3,
            (true, _, true) | (_, true, true) => 4,
            (true, _, false) | (_, true, false) => 2,
            (false, false, true) => 3,
            (false, false, false) => 0,
        };
        self.words <= words && !self.asked && self.pause_ms <= SEGMENT_PAUSE_MS
    }

    fn is_within_chain(&self) -> bool {
        self.words <= CHAIN_WORDS && self.pause_ms <= CHAIN_PAUSE_MS
    }
}
