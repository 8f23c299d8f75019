//! Misheard words by symmetric deletion: two words are within n edits only if, with at most n letters left out of each,
//! they can become the same. In: the rules' words, then a call's. Out: those within their distance (optimal string
//! alignment: insert, delete, replace, swap neighbours). What is left of a word is kept as a hash, so that a call's words are
//! looked up without being spelled out; who meets by chance fails the distance. Source: Garbe, SymSpell, 2012.

use std::collections::HashMap;

use super::{AtomId, How, Reading, distance};

/// Longer tokens are no words of a conversation, and have too many neighbours.
const MAX_FUZZY_CHARS: usize = 30;

#[derive(Debug, Clone, Default)]
pub(super) struct FuzzyWords {
    words: Vec<(String, usize, AtomId)>,
    by_deletion: HashMap<u64, Vec<usize>>,
    most_edits: usize,
}

impl FuzzyWords {
    pub(super) fn add(&mut self, word: String, edits: usize, atom: AtomId) {
        let index = self.words.len();
        let letters: Vec<char> = word.chars().collect();
        each_deletion(&letters, edits, START, &mut |left| {
            self.by_deletion.entry(left).or_default().push(index);
        });
        self.most_edits = self.most_edits.max(edits);
        self.words.push((word, edits, atom));
    }

    pub(super) fn find(&self, token: &str, found: &mut Vec<Reading>) {
        if self.words.is_empty() || token.chars().count() > MAX_FUZZY_CHARS {
            return;
        }
        let letters: Vec<char> = token.chars().collect();
        let mut candidates: Vec<usize> = Vec::new();
        each_deletion(&letters, self.most_edits, START, &mut |left| {
            candidates.extend(self.by_deletion.get(&left).into_iter().flatten());
        });
        candidates.sort_unstable();
        candidates.dedup();
        for index in candidates {
            let (word, edits, atom) = &self.words[index];
            let distance = distance(word, token);
            if usize::try_from(distance).is_ok_and(|distance| distance <= *edits) {
                let how = if distance == 0 {
                    How::Plain
                } else {
                    How::Fuzzy
                };
                found.push(Reading {
                    atom: *atom,
                    how,
                    distance,
                });
            }
        }
    }
}

const START: u64 = 0;

/// Hands on a hash of the letters for each way to leave out at most `count` of them, none among these.
fn each_deletion(letters: &[char], count: usize, hash: u64, found: &mut impl FnMut(u64)) {
    let mut hash = hash;
    for (at, &letter) in letters.iter().enumerate() {
        if count > 0 {
            each_deletion(&letters[at + 1..], count - 1, hash, found);
        }
        hash = mixed(hash, letter);
    }
    found(hash);
}

/// One step of the compiler's own hash, which is good on short keys.
fn mixed(hash: u64, letter: char) -> u64 {
    (hash.rotate_left(5) ^ u64::from(letter)).wrapping_mul(0x517c_c1b7_2722_0a95)
}
