//! Terms in place of what they were first taken for. In: a span's words as heard without a prompt and with one, and the terms
//! of that prompt. Out: the first, but for runs of words that sound like a term, where the second has the term at the same
//! place. Cannot fail. All that a prompt may do to a text is done here: nothing is added where nothing was heard, and
//! nothing else is changed.

use std::ops::Range;

use super::{Resembled, Run, Term, Terms, runs};
use crate::judge::folded;
use crate::recognizer::{RecognizedWord, Writing};

/// The mended words, and the number of each term that was written, as often as it was.
pub(crate) fn place(
    terms: &Terms,
    resembled: &Resembled,
    plain: &[RecognizedWord],
    prompted: &[RecognizedWord],
    writing: Writing,
) -> (Vec<RecognizedWord>, Vec<usize>) {
    let partners = aligned(plain, prompted);
    let mut swaps: Vec<(Range<usize>, Range<usize>, usize)> = Vec::new();
    for &number in &resembled.fed {
        let term = &terms.listed[number];
        let said = runs(prompted, term.longest(writing)).into_iter();
        let is_sure = |run: &Run| is_sure(&prompted[run.words.clone()]);
        for run in said.filter(|run| term.is_in(run, writing) && is_sure(run)) {
            let around = facing(&partners, &run, plain.len());
            let Some(taken_for) = taken_for(term, plain, around, writing) else {
                continue;
            };
            let is_free = |swap: &(Range<usize>, Range<usize>, usize)| {
                swap.0.end <= taken_for.start || taken_for.end <= swap.0.start
            };
            if swaps.iter().all(is_free) {
                swaps.push((taken_for, run.words, number));
            }
        }
    }
    swaps.sort_by_key(|swap| swap.0.start);
    let mut words = Vec::with_capacity(plain.len());
    let mut next = 0;
    for (old, new, _) in &swaps {
        words.extend_from_slice(&plain[next..old.start]);
        words.extend(timed(&prompted[new.clone()], &plain[old.clone()]));
        next = old.end;
    }
    words.extend_from_slice(&plain[next..]);
    (words, swaps.into_iter().map(|swap| swap.2).collect())
}

fn is_sure(words: &[RecognizedWord]) -> bool {
    let sum: f32 = words.iter().map(|word| word.probability).sum();
    sum >= super::MIN_PROBABILITY * words.len() as f32
}

/// The plain words that stand where `run` stands: between the nearest words on both sides that both texts have.
fn facing(partners: &[(usize, usize)], run: &Run, plain_count: usize) -> Range<usize> {
    let before = partners.iter().rev().find(|(_, p)| *p < run.words.start);
    let after = partners.iter().find(|(_, p)| *p >= run.words.end);
    before.map_or(0, |(p, _)| p + 1)..after.map_or(plain_count, |(p, _)| *p)
}

/// The words within `around` that sound most like the term, if any do and none is it.
fn taken_for(
    term: &Term,
    plain: &[RecognizedWord],
    around: Range<usize>,
    writing: Writing,
) -> Option<Range<usize>> {
    let runs = runs(plain.get(around.clone())?, term.longest(writing));
    let likest = term.likest(&runs, writing)?;
    Some(around.start + likest.words.start..around.start + likest.words.end)
}

/// New words over the time of the old ones, each as long as its letters ask, with the punctuation that stood there.
fn timed(new: &[RecognizedWord], old: &[RecognizedWord]) -> Vec<RecognizedWord> {
    let (Some(first), Some(last)) = (old.first(), old.last()) else {
        return Vec::new();
    };
    let letters = |word: &RecognizedWord| word.text.chars().count() as u64;
    let all: u64 = new.iter().map(letters).sum();
    let length_ms = last.end_ms.saturating_sub(first.start_ms);
    let at = |letters: u64| first.start_ms + length_ms * letters / all.max(1);
    let mut before = 0;
    let mut words: Vec<RecognizedWord> = Vec::with_capacity(new.len());
    for word in new {
        let start_ms = at(before);
        before += letters(word);
        words.push(RecognizedWord {
            start_ms,
            end_ms: at(before),
            ..word.clone()
        });
    }
    if let Some(word) = words.last_mut() {
        let bare = word.text.trim_end_matches(|c: char| !c.is_alphanumeric());
        let stop = last.text.trim_end_matches(|c: char| !c.is_alphanumeric());
        word.text = format!("{bare}{}", &last.text[stop.len()..]);
    }
    words
}

/// Pairs of the same word in both texts, in order: a longest common subsequence.
fn aligned(plain: &[RecognizedWord], prompted: &[RecognizedWord]) -> Vec<(usize, usize)> {
    let fold = |words: &[RecognizedWord]| -> Vec<String> {
        words.iter().map(|word| folded(&word.text)).collect()
    };
    let (a, b) = (fold(plain), fold(prompted));
    // How many words two tails share.
    let width = b.len() + 1;
    let mut shared = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            shared[i * width + j] = if a[i] == b[j] {
                shared[(i + 1) * width + j + 1] + 1
            } else {
                shared[(i + 1) * width + j].max(shared[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            i += 1;
            j += 1;
        } else if shared[(i + 1) * width + j] >= shared[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}
