//! Misheard words by symmetric deletion: two words are within n edits only if, with at most n letters left out of each,
//! they can become the same. In: the rules' words, then a call's. Out: those within their distance (optimal string
//! alignment: insert, delete, replace, swap neighbours). Source: Garbe, SymSpell, 2012.

use std::collections::{HashMap, HashSet};

use super::{AtomId, How, Reading, distance};

/// Longer tokens are no words of a conversation, and have too many neighbours.
const MAX_FUZZY_CHARS: usize = 30;

#[derive(Debug, Clone, Default)]
pub(super) struct FuzzyWords {
    words: Vec<(String, usize, AtomId)>,
    by_deletion: HashMap<String, Vec<usize>>,
    most_edits: usize,
}

impl FuzzyWords {
    pub(super) fn add(&mut self, word: String, edits: usize, atom: AtomId) {
        let index = self.words.len();
        for shortened in deletions(&word, edits) {
            self.by_deletion.entry(shortened).or_default().push(index);
        }
        self.most_edits = self.most_edits.max(edits);
        self.words.push((word, edits, atom));
    }

    pub(super) fn find(&self, token: &str, found: &mut Vec<Reading>) {
        if self.words.is_empty() || token.chars().count() > MAX_FUZZY_CHARS {
            return;
        }
        let mut candidates: HashSet<usize> = HashSet::new();
        for shortened in deletions(token, self.most_edits) {
            candidates.extend(
                self.by_deletion
                    .get(&shortened)
                    .into_iter()
                    .flatten()
                    .copied(),
            );
        }
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

/// The word with up to `count` letters left out, itself among them.
fn deletions(word: &str, count: usize) -> HashSet<String> {
    let mut all = HashSet::from([word.to_owned()]);
    let mut latest = vec![word.to_owned()];
    for _ in 0..count {
        let mut shorter = Vec::new();
        for word in &latest {
            for (at, c) in word.char_indices() {
                let mut without = word.clone();
                without.replace_range(at..at + c.len_utf8(), "");
                if all.insert(without.clone()) {
                    shorter.push(without);
                }
            }
        }
        latest = shorter;
    }
    all
}
