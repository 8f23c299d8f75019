//! Numbers that belong together. In: a voice's parts. Out: chains of numbers that one speaker may have dictated with pauses
//! and asides, each cut into segments whose numbers surely belong together. Only this speaker's words count: what the other
//! one says meanwhile lies on another channel and interrupts nothing.

use std::ops::Range;

use job_schema::transcript::TimeSpan;

use super::cues::Cues;
use super::voice::{Kind, Voice};

/// A pause in which somebody looks for the next line of a card.
const SEGMENT_PAUSE_MS: u64 = 12_000;
/// After more the rest is another number.
const CHAIN_PAUSE_MS: u64 = 30_000;
const CHAIN_WORDS: usize = 12;
/// So many fillers count as a word.
const FILLERS_A_WORD: usize = 4;
/// A run this long is dictated; "35 dollars and 20 cents" is not, and what surrounds it is speech.
const DICTATED_DIGITS: usize = 3;

/// More digits before a unit may be the last group of a number that somebody goes on to talk about.
const QUANTITY_DIGITS: usize = 3;

#[derive(Debug)]
pub(super) struct Number {
    pub(super) part: usize,
    pub(super) digits: String,
    pub(super) span: TimeSpan,
    /// "35 dollars": no part of a number that is dictated.
    pub(super) is_quantity: bool,
    /// The first after an aside, a correction or a pause.
    begins_run: bool,
    /// What it begins takes the place of as many digits before.
    corrects: bool,
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

    /// The digits without those that the speaker took back.
    pub(super) fn corrected(&self, numbers: Range<usize>) -> String {
        let mut corrected = String::new();
        for run in self.numbers[numbers].chunk_by(|_, next| !next.begins_run) {
            let said = digits(run);
            if run[0].corrects {
                corrected.truncate(corrected.len().saturating_sub(said.len()));
            }
            corrected.push_str(&said);
        }
        corrected
    }

    /// Whether the segment is one of these alone.
    pub(super) fn is_quantity(&self, segment: &Range<usize>) -> bool {
        self.numbers[segment.start].is_quantity
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
    for mut run in runs(voice, cues) {
        let said = digits(&run);
        let chain = chains.last_mut();
        let before = chain.as_ref().and_then(|chain| chain.numbers.last());
        let gap = before.map(|before| Gap::between(voice, before, &run[0], cues));
        run[0].begins_run = true;
        run[0].corrects = gap.as_ref().is_some_and(|gap| gap.corrects);
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
fn runs(voice: &Voice, cues: &Cues) -> Vec<Vec<Number>> {
    let mut runs: Vec<Vec<Number>> = Vec::new();
    for number in numbers(voice) {
        match runs.last_mut() {
            Some(run)
                if Gap::between(voice, &run[run.len() - 1], &number, cues).is_within_run() =>
            {
                run.push(number);
            }
            _ => runs.push(vec![number]),
        }
    }
    runs
}

fn numbers(voice: &Voice) -> impl Iterator<Item = Number> + '_ {
    voice.parts.iter().enumerate().filter_map(|(at, part)| {
        let digits = match &part.kind {
            Kind::Number(digits) => digits.clone(),
            Kind::Code(code) => code.chars().filter(char::is_ascii_digit).collect(),
            Kind::Filler | Kind::Correction | Kind::Word => String::new(),
        };
        (!digits.is_empty()).then(|| Number {
            part: at,
            is_quantity: digits.len() <= QUANTITY_DIGITS && voice.counts(at),
            digits,
            span: part.span,
            begins_run: false,
            corrects: false,
        })
    })
}

/// What lies between two numbers.
struct Gap {
    words: usize,
    /// One of the two is a quantity.
    counts: bool,
    /// The speaker takes back what was said, before anything else.
    corrects: bool,
    ends_sentence: bool,
    pause_ms: u64,
    /// Somebody asked for the code or the date: what follows is another number.
    asked: bool,
}

impl Gap {
    fn between(voice: &Voice, before: &Number, after: &Number, cues: &Cues) -> Self {
        let between = &voice.parts[before.part + 1..after.part];
        let count = |kind: Kind| between.iter().filter(|part| part.kind == kind).count();
        let first = between.iter().find(|part| part.kind != Kind::Filler);
        let mut parts = voice.parts[before.part..after.part].iter();
        Self {
            counts: before.is_quantity || after.is_quantity,
            words: count(Kind::Word) + count(Kind::Filler) / FILLERS_A_WORD,
            corrects: first.is_some_and(|part| part.kind == Kind::Correction),
            ends_sentence: parts.any(|part| voice.ends_sentence(part)),
            pause_ms: after.span.start_ms.saturating_sub(before.span.end_ms),
            asked: cues.asks_between(before.span.end_ms, after.span.start_ms),
        }
    }

    fn is_within_run(&self) -> bool {
        let interrupted = self.counts || self.corrects || self.asked;
        self.words == 0 && !interrupted && self.pause_ms <= SEGMENT_PAUSE_MS
    }

    /// The longer the runs on both sides, the more may be said between them; after "no, sorry" the speaker explains.
    fn is_within_segment(&self, before: &str, after: &str) -> bool {
        let dictated = |run: &str| run.len() >= DICTATED_DIGITS;
        let words = match (dictated(before), dictated(after), self.corrects) {
            (true, true, true) => 6,
            (true, true, false) => 3,
            (true, _, true) | (_, true, true) => 4,
            (true, _, false) | (_, true, false) if self.ends_sentence => 0,
            (true, _, false) | (_, true, false) => 2,
            (false, false, true) => 3,
            (false, false, false) => 0,
        };
        self.words <= words && !self.counts && !self.asked && self.pause_ms <= SEGMENT_PAUSE_MS
    }

    fn is_within_chain(&self) -> bool {
        self.words <= CHAIN_WORDS && self.pause_ms <= CHAIN_PAUSE_MS
    }
}
