//! From the elements of a phrase to sequences of atoms: alternatives and lists are multiplied out, numbers in words become
//! numbers, and words that stand side by side may be written as one. Fails past [`MAX_SEQUENCES_PER_TERM`], on a regex
//! that does not compile and on a list that is not there.

use std::collections::BTreeMap;

use super::MAX_SEQUENCES_PER_TERM;
use crate::query::{Element, QueryProblem, nearest};
use crate::vocabulary::{Atom, check_regex};
use crate::words::number::numerals;

/// The phrases of each named list.
pub(crate) type Lists = BTreeMap<String, Vec<Vec<Element>>>;

/// Lists within lists; deeper is a circle.
const MAX_LIST_DEPTH: usize = 8;

/// Every sequence of atoms that the phrase stands for.
pub(super) fn sequences(phrase: &[Element], lists: &Lists) -> Result<Vec<Vec<Atom>>, QueryProblem> {
    let mut found = Vec::new();
    for plain in expand(phrase, lists, 0)? {
        for atoms in spellings(atoms(&plain)?) {
            found.push(atoms);
        }
        if found.len() > MAX_SEQUENCES_PER_TERM {
            return Err(QueryProblem::TooManySequences(found.len()));
        }
    }
    Ok(found)
}

/// Without alternatives and lists.
fn expand(
    phrase: &[Element],
    lists: &Lists,
    depth: usize,
) -> Result<Vec<Vec<Element>>, QueryProblem> {
    let mut found: Vec<Vec<Element>> = vec![Vec::new()];
    for element in phrase {
        let choices = match element {
            Element::AnyOf(alternatives) => expand_all(alternatives, lists, depth)?,
            Element::List(name) => {
                if depth >= MAX_LIST_DEPTH {
                    return Err(QueryProblem::ListCycle(name.clone()));
                }
                let entries = lists.get(name).ok_or_else(|| QueryProblem::NoList {
                    name: name.clone(),
                    nearest: nearest(name, lists.keys().map(String::as_str)).map(str::to_owned),
                })?;
                expand_all(entries, lists, depth + 1)?
            }
            plain => vec![vec![plain.clone()]],
        };
        if found.len() * choices.len() > MAX_SEQUENCES_PER_TERM {
            return Err(QueryProblem::TooManySequences(found.len() * choices.len()));
        }
        found = found
            .iter()
            .flat_map(|start| choices.iter().map(|end| [start.as_slice(), end].concat()))
            .collect();
    }
    Ok(found)
}

fn expand_all(
    phrases: &[Vec<Element>],
    lists: &Lists,
    depth: usize,
) -> Result<Vec<Vec<Element>>, QueryProblem> {
    let mut all = Vec::new();
    for phrase in phrases {
        all.extend(expand(phrase, lists, depth)?);
        if all.len() > MAX_SEQUENCES_PER_TERM {
            return Err(QueryProblem::TooManySequences(all.len()));
        }
    }
    Ok(all)
}

/// One atom for each element; number words that stand together are one number.
fn atoms(plain: &[Element]) -> Result<Vec<Atom>, QueryProblem> {
    let mut atoms = Vec::new();
    let is_word = |element: &Element| matches!(element, Element::Word(_));
    for run in plain.chunk_by(|a, b| is_word(a) && is_word(b)) {
        let words: Vec<&str> = run
            .iter()
            .filter_map(|element| match element {
                Element::Word(word) => Some(word.as_str()),
                _ => None,
            })
            .collect();
        if words.is_empty() {
            for element in run {
                atoms.push(marked(element)?);
            }
        } else {
            atoms.extend(words_and_numbers(&words));
        }
    }
    Ok(atoms)
}

fn words_and_numbers(words: &[&str]) -> Vec<Atom> {
    let numbers = numerals(words);
    let runs = numbers.chunk_by(|a, b| a.end == b.first);
    let mut atoms = Vec::new();
    let mut at = 0;
    for run in runs {
        let (first, end) = (run[0].first, run[run.len() - 1].end);
        atoms.extend(
            words[at..first]
                .iter()
                .map(|word| Atom::Word((*word).to_owned())),
        );
        let digits = run.iter().map(|numeral| numeral.digits.as_str());
        atoms.push(Atom::Number(digits.collect()));
        at = end;
    }
    atoms.extend(
        words[at..]
            .iter()
            .map(|word| Atom::Word((*word).to_owned())),
    );
    atoms
}

fn marked(element: &Element) -> Result<Atom, QueryProblem> {
    Ok(match element {
        Element::Word(word) => Atom::Word(word.clone()),
        Element::Forms(word) => Atom::Forms(word.clone()),
        Element::Glob(glob) => Atom::Glob(glob.clone()),
        Element::Fuzzy(word, edits) => Atom::Fuzzy(word.clone(), *edits),
        Element::Sounds(word) => Atom::Sounds(word.clone()),
        Element::Number => Atom::AnyNumber,
        Element::Digits(least, most) => Atom::Digits(*least, *most),
        Element::Regex(pattern) => {
            check_regex(pattern).map_err(QueryProblem::Regex)?;
            Atom::Regex(pattern.clone())
        }
        Element::AnyOf(_) | Element::List(_) => return Err(QueryProblem::NoWord),
    })
}

/// The atoms, and once for each two words side by side, these as one word: `voice mail` is also said as `voicemail`.
fn spellings(atoms: Vec<Atom>) -> Vec<Vec<Atom>> {
    let mut all = Vec::new();
    for at in 1..atoms.len() {
        if let (Atom::Word(first), Atom::Word(second)) = (&atoms[at - 1], &atoms[at]) {
            let mut joined = atoms.clone();
            joined[at - 1] = Atom::Word(format!("{first}{second}"));
            joined.remove(at);
            all.push(joined);
        }
    }
    all.push(atoms);
    all
}
