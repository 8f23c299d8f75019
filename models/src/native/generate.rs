//! Greedy decoding of several spans side by side. In: encoded spans with what leads each text. Out: for each span its
//! tokens with their probabilities and the positions where they end. Fails only by the caller's stop. A span's text does
//! not depend on the spans beside it: they share the reading of the weights and nothing else.

use pipeline::recognizer::{AbortFlag, RecognizeError};

use super::Loaded;
use super::align::token_ends;
use super::decoder::{Buffers, Row, Sequence, step};
use super::kernels;
use crate::steer::Steer;

/// One span, ready to be written down.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) sequence: Sequence,
    /// Tokens before the text, and which of them starts it.
    pub(super) lead: Vec<usize>,
    pub(super) start: usize,
    pub(super) max_tokens: u32,
}

#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) tokens: Vec<WrittenToken>,
    /// Log probability of the end, where the model chose it.
    pub(super) end_logprob: Option<f32>,
    pub(super) no_speech_prob: f32,
    pub(super) cut_short: bool,
}

#[derive(Debug)]
pub(super) struct WrittenToken {
    pub(super) number: usize,
    pub(super) logprob: f32,
    /// The encoder position at which it was said, at its end.
    pub(super) end: usize,
}

pub(super) fn write_down(
    model: &Loaded,
    prepared: Vec<Prepared>,
    buffers: &mut Buffers,
    abort: &AbortFlag,
) -> Result<Vec<Written>, RecognizeError> {
    let mut texts: Vec<Text> = prepared.iter().map(|span| Text::new(model, span)).collect();
    let mut rows = leads(&prepared);
    let leads: Vec<usize> = prepared
        .iter()
        .map(|span| span.lead.len() - span.start)
        .collect();
    let mut sequences: Vec<Sequence> = prepared.into_iter().map(|span| span.sequence).collect();
    while !rows.is_empty() {
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        let mut scores = step(&model.weights, &model.heads, &mut sequences, &rows, buffers);
        let width = model.weights.decoder.tokens.outputs();
        let scored = rows
            .iter()
            .filter(|row| row.scored)
            .zip(scores.chunks_exact_mut(width));
        let mut next = Vec::new();
        for (row, scores) in scored {
            let text = &mut texts[row.sequence];
            if text.hears_start(model, row, scores) {
                continue;
            }
            if let Some(token) = text.choose(model, scores) {
                next.push(Row { token, ..*row });
            }
        }
        rows = next;
    }
    let written = texts.into_iter().zip(sequences).zip(leads);
    Ok(written
        .map(|((text, sequence), lead)| text.finish(&sequence, lead))
        .collect())
}

/// All tokens before the texts. Scored are the start, which tells whether anybody speaks, and the last.
fn leads(prepared: &[Prepared]) -> Vec<Row> {
    let rows = |(sequence, span): (usize, &Prepared)| {
        let (start, last) = (span.start, span.lead.len() - 1);
        let row = move |(place, token): (usize, &usize)| Row {
            sequence,
            token: *token,
            scored: place == start || place == last,
        };
        span.lead.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    prepared.iter().enumerate().flat_map(rows).collect()
}

struct Text {
    written: Written,
    steer: Steer,
    heard_start: bool,
}

impl Text {
    fn new(model: &Loaded, span: &Prepared) -> Self {
        let end = i32::try_from(model.vocabulary.special.end).unwrap_or(i32::MAX);
        Self {
            written: Written::default(),
            steer: Steer::new(end, span.max_tokens),
            heard_start: false,
        }
    }

    /// The scores after the start tell how likely the model finds it that nobody speaks. True where `row` is the start.
    fn hears_start(&mut self, model: &Loaded, row: &Row, scores: &[f32]) -> bool {
        let special = model.vocabulary.special;
        if self.heard_start || row.token != special.start {
            return false;
        }
        self.heard_start = true;
        self.written.no_speech_prob =
            (scores[special.no_speech] - kernels::log_sum_exp(scores)).exp();
        true
    }

    /// The likeliest token that may come next, or `None` at the end.
    fn choose(&mut self, model: &Loaded, scores: &mut [f32]) -> Option<usize> {
        let vocabulary = &model.vocabulary;
        let numbers = self
            .written
            .tokens
            .iter()
            .map(|t| i32::try_from(t.number).unwrap_or(0));
        if self.steer.ends_after(numbers) {
            self.written.cut_short = true;
            return None;
        }
        let end = vocabulary.special.end;
        // Only text and its end are written: special tokens and timestamps lie above.
        let allowed = &mut scores[..=end];
        for token in &vocabulary.suppressed {
            allowed[*token] = f32::NEG_INFINITY;
        }
        if self.written.tokens.is_empty() {
            allowed[vocabulary.blank] = f32::NEG_INFINITY;
            allowed[end] = f32::NEG_INFINITY;
        }
        let number = likeliest(allowed);
        let logprob = allowed[number] - kernels::log_sum_exp(allowed);
        if number == end {
            self.written.end_logprob = Some(logprob);
            return None;
        }
        self.written.tokens.push(WrittenToken {
            number,
            logprob,
            end: 0,
        });
        Some(number)
    }

    fn finish(mut self, sequence: &Sequence, lead: usize) -> Written {
        let rows = lead + self.written.tokens.len();
        let ends = token_ends(&sequence.attention, rows, lead, sequence.heard());
        for (token, end) in self.written.tokens.iter_mut().zip(ends) {
            token.end = end;
        }
        self.written
    }
}

/// The first of the highest.
fn likeliest(scores: &[f32]) -> usize {
    let mut best = 0;
    for (number, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = number;
        }
    }
    best
}
