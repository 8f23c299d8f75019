//! Decoding of several spans side by side, a few texts of each. In: encoded spans with what leads each text. Out: for each span
//! its tokens with their probabilities and the positions where they end. Fails only by the caller's stop. A span's text
//! does not depend on the spans beside it: they share the reading of the weights and nothing else.

use std::rc::Rc;

use pipeline::recognizer::{AbortFlag, RecognizeError};

use super::Loaded;
use super::align::token_ends;
use super::beam::{self, BEAMS, Choice, Found, Search};
use super::decoder::{Buffers, Row, Sequence, Sound, step};
use super::kernels;
use crate::steer::Steer;

/// One span, ready to be written down.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) sound: Sound,
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
    let width = model.weights.decoder.tokens.outputs();
    let mut rows = leads(&prepared);
    let mut spans: Vec<Span> = prepared.iter().enumerate().map(Span::new(model)).collect();
    let mut sequences: Vec<Sequence> = spans
        .iter()
        .map(|s| Sequence::new(&model.weights, s.room))
        .collect();
    let sounds: Vec<Sound> = prepared.into_iter().map(|span| span.sound).collect();
    while !rows.is_empty() {
        if abort.is_raised() {
            return Err(RecognizeError::Aborted);
        }
        let told = step(
            &model.weights,
            &model.heads,
            &sounds,
            &mut sequences,
            &rows,
            buffers,
        );
        let mut scores = told.scores;
        let mut scores = scores.chunks_exact_mut(width);
        let mut attention = told.attention.into_iter();
        for row in &rows {
            let attention = attention.by_ref().take(usize::from(row.aligned)).next();
            let scores = scores.by_ref().take(usize::from(row.scored)).next();
            spans[row.sound].take(model, row, attention, scores);
        }
        rows = spans
            .iter_mut()
            .flat_map(|span| span.go_on(model, &mut sequences))
            .collect();
    }
    let written = spans.into_iter().zip(&sounds);
    Ok(written
        .map(|(span, sound)| span.finish(model, sound.heard()))
        .collect())
}

/// All tokens before the texts. Scored are the start, which tells whether anybody speaks, and the last.
fn leads(prepared: &[Prepared]) -> Vec<Row> {
    let rows = |(number, span): (usize, &Prepared)| {
        let (start, last) = (span.start, span.lead.len() - 1);
        let row = move |(place, token): (usize, &usize)| Row {
            sound: number,
            sequence: number,
            token: *token,
            scored: place == start || place == last,
            aligned: place >= start,
        };
        span.lead.iter().enumerate().map(row).collect::<Vec<_>>()
    };
    prepared.iter().enumerate().flat_map(rows).collect()
}

/// The texts of one span.
struct Span {
    number: usize,
    max_tokens: u32,
    /// Tokens that a sequence has to hold.
    room: usize,
    search: Search,
    /// Of each live text.
    sequences: Vec<usize>,
    /// Of texts that were given up.
    free: Vec<usize>,
    /// What may follow the live texts.
    choices: Vec<Choice>,
    /// What the alignment heads looked at before the texts.
    lead_attention: Vec<Rc<Vec<f32>>>,
    no_speech_prob: Option<f32>,
}

impl Span {
    fn new(model: &Loaded) -> impl Fn((usize, &Prepared)) -> Self {
        let end = model.vocabulary.special.end;
        move |(number, prepared)| Self {
            number,
            max_tokens: prepared.max_tokens,
            room: prepared.lead.len() + prepared.max_tokens as usize,
            search: Search::new(end, prepared.max_tokens as usize),
            sequences: vec![number],
            free: Vec::new(),
            choices: Vec::new(),
            lead_attention: Vec::new(),
            no_speech_prob: None,
        }
    }

    /// Takes what the decoder told of one of this span's rows.
    fn take(
        &mut self,
        model: &Loaded,
        row: &Row,
        attention: Option<Vec<f32>>,
        scores: Option<&mut [f32]>,
    ) {
        let number = self
            .sequences
            .iter()
            .position(|s| *s == row.sequence)
            .unwrap_or(0);
        let text = &mut self.search.live()[number];
        if let Some(attention) = attention.map(Rc::new) {
            if text.attention.len() < text.tokens.len() {
                text.attention.push(attention);
            } else {
                self.lead_attention.push(attention);
            }
        }
        let Some(scores) = scores else { return };
        let special = model.vocabulary.special;
        if self.no_speech_prob.is_none() && row.token == special.start {
            // The scores after the start tell how likely the model finds it that nobody speaks.
            let logprob = scores[special.no_speech] - kernels::log_sum_exp(scores);
            self.no_speech_prob = Some(logprob.exp());
            return;
        }
        let numbers = text
            .tokens
            .iter()
            .map(|t| i32::try_from(t.number).unwrap_or(0));
        let end = i32::try_from(special.end).unwrap_or(i32::MAX);
        if !Steer::new(end, self.max_tokens).ends_after(numbers) {
            let is_first = text.tokens.is_empty();
            let tokens = likeliest(model, scores, is_first);
            let choices = tokens.map(|token| Choice {
                text: number,
                token,
            });
            self.choices.extend(choices);
        }
    }

    /// The next tokens of the texts that are followed on.
    fn go_on(&mut self, model: &Loaded, sequences: &mut Vec<Sequence>) -> Vec<Row> {
        let from = self.search.choose(std::mem::take(&mut self.choices));
        let before = std::mem::take(&mut self.sequences);
        let given_up = (0..before.len()).filter(|text| !from.contains(text));
        self.free.extend(given_up.map(|text| before[text]));
        for (place, text) in from.iter().enumerate() {
            let is_taken = from[..place].contains(text);
            let sequence = if is_taken {
                self.copy(model, before[*text], sequences)
            } else {
                before[*text]
            };
            self.sequences.push(sequence);
        }
        let next = self.search.live().iter().zip(&self.sequences);
        let row = |(text, sequence): (&beam::Text, &usize)| {
            Some(Row {
                sound: self.number,
                sequence: *sequence,
                token: text.tokens.last()?.number,
                scored: true,
                aligned: true,
            })
        };
        next.filter_map(row).collect()
    }

    /// A sequence like `original`, where a second text goes on from one.
    fn copy(&mut self, model: &Loaded, original: usize, sequences: &mut Vec<Sequence>) -> usize {
        let own = self.free.pop().unwrap_or_else(|| {
            sequences.push(Sequence::new(&model.weights, self.room));
            sequences.len() - 1
        });
        let [own_sequence, original] = sequences
            .get_disjoint_mut([own, original])
            .expect("two of this span");
        own_sequence.copy_from(original);
        own
    }

    fn finish(self, model: &Loaded, heard: usize) -> Written {
        let Found { text, end_logprob } = self.search.finish();
        let lead = self.lead_attention.len();
        let rows: Vec<&[f32]> = self
            .lead_attention
            .iter()
            .chain(&text.attention)
            .map(|row| row.as_slice())
            .collect();
        let heads: Vec<Vec<f32>> = (0..model.heads.len())
            .map(|head| {
                rows.iter()
                    .flat_map(|row| &row[head * heard..(head + 1) * heard])
                    .copied()
                    .collect()
            })
            .collect();
        let ends = token_ends(&heads, rows.len(), lead, heard);
        let tokens = text
            .tokens
            .iter()
            .zip(ends)
            .map(|(token, end)| WrittenToken {
                number: token.number,
                logprob: token.logprob,
                end,
            });
        Written {
            tokens: tokens.collect(),
            cut_short: end_logprob.is_none(),
            end_logprob,
            no_speech_prob: self.no_speech_prob.unwrap_or(0.0),
        }
    }
}

/// The likeliest tokens that may come next, the likeliest first: one for each text that can be followed, and the end.
fn likeliest(
    model: &Loaded,
    scores: &mut [f32],
    is_first: bool,
) -> impl Iterator<Item = beam::Token> {
    let vocabulary = &model.vocabulary;
    let end = vocabulary.special.end;
    // Only text and its end are written: special tokens and timestamps lie above.
    let allowed = &mut scores[..=end];
    for token in &vocabulary.suppressed {
        allowed[*token] = f32::NEG_INFINITY;
    }
    if is_first {
        allowed[vocabulary.blank] = f32::NEG_INFINITY;
        allowed[end] = f32::NEG_INFINITY;
    }
    let total = kernels::log_sum_exp(allowed);
    kernels::highest_places(allowed, BEAMS + 1)
        .into_iter()
        .map(move |(number, score)| beam::Token {
            number,
            logprob: score - total,
        })
}
