//! What the words of one turn come to. In: the turn's words. Out: each word or phrase that counts, with its weight once boosters,
//! negation and `but` are seen to, and the turn's score. Nothing fails. Source: VADER 3.3.2 for the rules and their factors, without
//! what only writing has (capitals, exclamation marks, emoticons). Beyond it: a negation does not reach across a mark.

use std::collections::HashMap;
use std::rc::Rc;

use job_schema::transcript::Word;

use super::lexicon::{Known, LEXICON};
use crate::words::tokens;

/// How far before a word its boosters and negations may stand.
const REACH: usize = 3;
/// What a booster adds, right before the word, one and two words further away.
const BOOST: [f64; REACH] = [0.293, 0.293 * 0.95, 0.293 * 0.9];
const NEGATION: f64 = -0.74;
const BEFORE_BUT: f64 = 0.5;
const AFTER_BUT: f64 = 1.5;
/// `score` is 1 at most: the sum over the root of its square and this.
const ALPHA: f64 = 15.0;

#[rustfmt::skip] // a table reads as one
const NEGATIONS: [&str; 24] = [
    "not", "no", "never", "none", "neither", "nor", "nothing", "nobody", "nowhere", "cannot", "cant", "dont", "doesnt", "didnt",
    "isnt", "arent", "wasnt", "werent", "wont", "wouldnt", "couldnt", "shouldnt", "without", "rarely",
];

/// A word or phrase that counts, with what boosts or negates it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weighed {
    /// Indexes of words in the turn; the second is one past the last.
    pub(super) words: (usize, usize),
    pub(super) weight: f64,
    /// The weight without `but`.
    pub(super) plain: f64,
}

#[derive(Debug)]
struct Token {
    text: Rc<str>,
    word: usize,
    /// A mark parts it from the next.
    ends: bool,
    known: Known,
    /// Part of a word or phrase that has a weight, and so changes no other.
    counts: bool,
}

impl AsRef<str> for Token {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// The tokens of each different word of a call, which is folded and looked up once.
pub(super) type Folded<'a> = HashMap<&'a str, Vec<(Rc<str>, Known)>>;

/// Those with a weight, in order.
pub(super) fn weigh<'a>(words: &'a [Word], folded: &mut Folded<'a>) -> Vec<Weighed> {
    let mut said = tokens_of(words, folded);
    let mut entries: Vec<(usize, usize, f64)> = Vec::new();
    let mut at = 0;
    while at < said.len() {
        if is_kind_of(&said, at) {
            at += 2;
            continue;
        }
        let (count, valence) = LEXICON.at(&said[at..], said[at].known);
        if valence != 0.0 || count > 1 {
            entries.push((at, at + count, valence));
            for token in &mut said[at..at + count] {
                token.counts = true;
            }
        }
        at += count;
    }
    let but = said.iter().position(|token| &*token.text == "but");
    let weighed = entries.iter().map(|&(first, end, valence)| {
        let (from, plain) = modified(&said, first, valence);
        let factor = but.map_or(1.0, |but| if first < but { BEFORE_BUT } else { AFTER_BUT });
        Weighed {
            words: (said[from].word, said[end - 1].word + 1),
            weight: plain * factor,
            plain,
        }
    });
    weighed.filter(|one| one.plain != 0.0).collect()
}

/// From -1 to 1.
pub(super) fn score(sum: f64) -> f64 {
    sum / (sum * sum + ALPHA).sqrt()
}

fn tokens_of<'a>(words: &'a [Word], folded: &mut Folded<'a>) -> Vec<Token> {
    let mut said: Vec<Token> = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let parts = folded.entry(&word.text).or_insert_with(|| {
            let parts =
                tokens(&word.text).map(|text| (Rc::from(text.as_str()), LEXICON.known(&text)));
            parts.collect()
        });
        said.extend(parts.iter().map(|(text, known)| Token {
            text: Rc::clone(text),
            word: index,
            ends: false,
            known: *known,
            counts: false,
        }));
        if word.text.ends_with(['.', ',', ';', ':', '?', '!'])
            && let Some(last) = said.last_mut()
        {
            last.ends = true;
        }
    }
    said
}

/// Where what acts on the entry begins, and the entry's valence after it.
fn modified(said: &[Token], first: usize, valence: f64) -> (usize, f64) {
    let mut from = first;
    if valence == 0.0 {
        return (from, valence);
    }
    let mut weight = valence;
    for (distance, at) in (0..first).rev().take(REACH).enumerate() {
        if said[at].ends {
            break;
        }
        if said[at].counts {
            continue;
        }
        let boost = boost(said, at);
        if boost != 0.0 {
            weight += BOOST[distance] * boost * weight.signum();
            from = at;
        }
        if negates(said, at, distance) {
            weight *= NEGATION;
            from = at;
        }
    }
    (from, weight)
}

fn boost(said: &[Token], at: usize) -> f64 {
    let of_a_kind = &*said[at].text == "of" && at > 0 && is_kind(&said[at - 1]);
    if of_a_kind {
        -1.0
    } else {
        said[at].known.boost
    }
}

/// `kind of`, which is neither kind nor a word of its own.
fn is_kind_of(said: &[Token], at: usize) -> bool {
    is_kind(&said[at]) && said.get(at + 1).is_some_and(|next| &*next.text == "of")
}

fn is_kind(token: &Token) -> bool {
    matches!(&*token.text, "kind" | "sort")
}

/// `no` is an answer as often as not, and reaches two words.
fn negates(said: &[Token], at: usize, distance: usize) -> bool {
    match &*said[at].text {
        "no" => distance < 2,
        text => NEGATIONS.contains(&text) || text.ends_with("n't"),
    }
}
