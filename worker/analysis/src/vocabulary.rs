//! Which words a rule set's terms match. In: the atoms of its phrases, then each different word of a call. Out: the atoms
//! that match the word, with their distance. Every kind is found by looking the word up and not by trying each atom, so
//! the cost follows the words and hardly the rules. Fails when a regex does not compile or all of them are too large.

mod fuzzy;
mod patterns;

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use rphonetic::DoubleMetaphone;

use crate::words::forms::{inflected, spellings};
use fuzzy::FuzzyWords;
use patterns::Patterns;

pub(crate) type AtomId = u32;

/// One regex, compiled. Unicode classes take tens of kilobytes each.
const REGEX_SIZE_LIMIT_BYTES: usize = 1 << 20;
/// Commons-codec stops at four, where long names become the same.
const PHONETIC_CODE_CHARS: usize = 8;

/// What one position of a phrase can be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Atom {
    /// This token and no other spelling: the `phrases` of a rule.
    Exact(String),
    /// This word, spelled as one or as two.
    Word(String),
    Forms(String),
    Glob(String),
    Fuzzy(String, usize),
    Sounds(String),
    /// A number with these digits.
    Number(String),
    AnyNumber,
    /// A number with this count of digits.
    Digits(usize, usize),
    Regex(String),
}

/// How a word was matched, from the surest to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    Plain,
    Fuzzy,
    Phonetic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) atom: AtomId,
    pub(crate) how: How,
    /// Edits between the rule's word and the call's.
    pub(crate) distance: u32,
}

/// Atoms on their way into a [`Vocabulary`]; equal ones are one.
#[derive(Debug, Default)]
pub(crate) struct Atoms {
    ids: HashMap<Atom, AtomId>,
}

impl Atoms {
    pub(crate) fn id(&mut self, atom: Atom) -> AtomId {
        let next = AtomId::try_from(self.ids.len()).expect("fewer atoms than MAX_SEQUENCES words");
        *self.ids.entry(atom).or_insert(next)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    literals: HashMap<String, Vec<AtomId>>,
    /// Literals that two tokens may spell together, sorted.
    joinable: Vec<String>,
    prefixes: HashMap<String, Vec<AtomId>>,
    patterns: Patterns,
    fuzzy: FuzzyWords,
    sounds: HashMap<String, Vec<(AtomId, String)>>,
    pub(crate) numbers: HashMap<String, AtomId>,
    pub(crate) any_number: Option<AtomId>,
    pub(crate) longest_number: usize,
    /// Least and most digits.
    pub(crate) digits: Vec<(usize, usize, AtomId)>,
}

impl Vocabulary {
    pub(crate) fn new(atoms: Atoms) -> Result<Self, String> {
        let mut sorted: Vec<(Atom, AtomId)> = atoms.ids.into_iter().collect();
        sorted.sort_unstable_by_key(|&(_, id)| id);
        let (mut globs, mut regexes) = (Vec::new(), Vec::new());
        let mut made = Self {
            literals: HashMap::new(),
            joinable: Vec::new(),
            prefixes: HashMap::new(),
            patterns: Patterns::default(),
            fuzzy: FuzzyWords::default(),
            sounds: HashMap::new(),
            numbers: HashMap::new(),
            any_number: None,
            longest_number: 0,
            digits: Vec::new(),
        };
        for (atom, id) in sorted {
            match atom {
                Atom::Glob(glob) => match glob.strip_suffix('*') {
                    Some(prefix) if !prefix.contains(['*', '?']) => {
                        let known = made.prefixes.entry(prefix.to_owned());
                        known.or_default().push(id);
                    }
                    _ => globs.push((glob, id)),
                },
                Atom::Regex(pattern) => regexes.push((pattern, id)),
                word => made.add(word, id),
            }
        }
        made.joinable.sort_unstable();
        made.joinable.dedup();
        made.patterns = Patterns::new(globs, regexes)?;
        Ok(made)
    }

    /// What is looked up by its letters.
    fn add(&mut self, atom: Atom, id: AtomId) {
        match atom {
            Atom::Exact(text) => self.literal(text, id),
            Atom::Word(word) => {
                for text in spellings(&word) {
                    self.joinable.push(text.clone());
                    self.literal(text, id);
                }
            }
            Atom::Forms(word) => {
                for text in inflected(&word) {
                    self.joinable.push(text.clone());
                    self.literal(text, id);
                }
            }
            Atom::Fuzzy(word, edits) => self.fuzzy.add(word, edits, id),
            Atom::Sounds(word) => {
                for code in codes(&word) {
                    self.sounds
                        .entry(code)
                        .or_default()
                        .push((id, word.clone()));
                }
            }
            Atom::Number(digits) => {
                self.longest_number = self.longest_number.max(digits.len());
                self.numbers.insert(digits, id);
            }
            Atom::AnyNumber => self.any_number = Some(id),
            Atom::Digits(least, most) => self.digits.push((least, most, id)),
            // Patterns: `Patterns` has them.
            Atom::Glob(_) | Atom::Regex(_) => {}
        }
    }

    fn literal(&mut self, text: String, id: AtomId) {
        self.literals.entry(text).or_default().push(id);
    }

    /// All that the token alone can be, by atom; of several ways to be one atom the nearest.
    pub(crate) fn readings(&self, token: &str) -> Vec<Reading> {
        let plain = |&atom: &AtomId| Reading {
            atom,
            how: How::Plain,
            distance: 0,
        };
        let literals = self.literals.get(token).into_iter().flatten();
        let mut found: Vec<Reading> = literals.map(plain).collect();
        if !self.prefixes.is_empty() {
            let ends = token.char_indices().map(|(at, c)| at + c.len_utf8());
            for prefix in ends.filter_map(|end| self.prefixes.get(&token[..end])) {
                found.extend(prefix.iter().map(plain));
            }
        }
        self.patterns
            .find(token, &mut |atom| found.push(plain(&atom)));
        self.fuzzy.find(token, &mut found);
        if !self.sounds.is_empty() {
            for code in codes(token) {
                let alike = self.sounds.get(&code).into_iter().flatten();
                found.extend(alike.map(|(atom, word)| Reading {
                    atom: *atom,
                    how: How::Phonetic,
                    distance: distance(token, word),
                }));
            }
        }
        found.sort_unstable_by_key(|reading| (reading.atom, reading.distance));
        found.dedup_by_key(|reading| reading.atom);
        found
    }

    /// Whether some literal begins with the token and goes on: only then is the next token worth a look.
    pub(crate) fn may_be_joined(&self, token: &str) -> bool {
        let next = self
            .joinable
            .partition_point(|literal| literal.as_str() <= token);
        self.joinable
            .get(next)
            .is_some_and(|literal| literal.starts_with(token))
    }

    /// The atoms that two tokens spell together, as `voice mail` spells `voicemail`.
    pub(crate) fn joined(&self, text: &str) -> impl Iterator<Item = AtomId> + '_ {
        let joinable = self
            .joinable
            .binary_search_by(|literal| literal.as_str().cmp(text));
        let atoms = joinable.ok().and_then(|_| self.literals.get(text));
        atoms.into_iter().flatten().copied()
    }

    pub(crate) fn reads_numbers(&self) -> bool {
        self.any_number.is_some() || !self.numbers.is_empty() || !self.digits.is_empty()
    }
}

/// `Err` says what is wrong, in the regex engine's words.
pub(crate) fn check_regex(pattern: &str) -> Result<(), String> {
    let compiled: Result<Regex, _> = RegexBuilder::new(pattern)
        .size_limit(REGEX_SIZE_LIMIT_BYTES)
        .build();
    compiled.map(drop).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let text = other.to_string();
            text.lines()
                .last()
                .unwrap_or_default()
                .replace("error: ", "")
        }
    })
}

/// Both codes of Double Metaphone, for English letters only.
fn codes(word: &str) -> Vec<String> {
    if !word.bytes().all(|b| b.is_ascii_lowercase() || b == b'\'') {
        return Vec::new();
    }
    let found = DoubleMetaphone::new(Some(PHONETIC_CODE_CHARS)).double_metaphone(word);
    let mut codes = vec![found.primary(), found.alternate()];
    codes.dedup();
    codes.retain(|code| !code.is_empty());
    codes
}

fn distance(a: &str, b: &str) -> u32 {
    u32::try_from(strsim::osa_distance(a, b)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
