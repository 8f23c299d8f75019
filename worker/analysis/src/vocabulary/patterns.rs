//! Wildcards and regexes of rules. In: the patterns, then a call's words. Out: those that match the whole word. Each pattern is
//! known by a needle, a run of letters that whatever matches it must hold, and is tried on no other word; the automaton of
//! all regexes would else be built up by every word of a call. Fails when all regexes together are too large.

use std::collections::{BTreeSet, HashMap};

use regex::{RegexSet, RegexSetBuilder};
use regex_syntax::hir::HirKind;

use super::AtomId;

const ALL_REGEXES_SIZE_LIMIT_BYTES: usize = 64 << 20;
/// Needles are looked up by so many bytes at their start; shorter ones are tried on every word.
const GRAM_BYTES: usize = 3;

#[derive(Debug, Clone, Default)]
pub(super) struct Patterns {
    globs: Vec<(String, AtomId)>,
    regexes: RegexSet,
    regex_atoms: Vec<AtomId>,
    /// Of each pattern; empty where none is known.
    needles: Vec<(String, Pattern)>,
    by_gram: HashMap<[u8; GRAM_BYTES], Vec<usize>>,
    /// Indexes of the shorter needles.
    short: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    /// Index in the globs.
    Glob(usize),
    /// Any of the regexes: they are tried together.
    Regex,
}

impl Patterns {
    pub(super) fn new(
        globs: Vec<(String, AtomId)>,
        regexes: Vec<(String, AtomId)>,
    ) -> Result<Self, String> {
        let of_globs = globs.iter().enumerate().map(|(at, (glob, _))| {
            let runs = glob.split(['*', '?']);
            let needle = runs.max_by_key(|run| run.len()).unwrap_or_default();
            (needle.to_owned(), Pattern::Glob(at))
        });
        let of_regexes = regexes
            .iter()
            .map(|(regex, _)| (needle(regex), Pattern::Regex));
        let needles: Vec<(String, Pattern)> = of_globs.chain(of_regexes).collect();
        let mut by_gram: HashMap<_, Vec<usize>> = HashMap::new();
        let mut short = Vec::new();
        for (at, (needle, _)) in needles.iter().enumerate() {
            match needle.as_bytes().first_chunk::<GRAM_BYTES>() {
                Some(gram) => by_gram.entry(*gram).or_default().push(at),
                None => short.push(at),
            }
        }
        let (texts, regex_atoms): (Vec<String>, _) = regexes.into_iter().unzip();
        let regexes = RegexSetBuilder::new(texts.iter().map(|text| format!("^(?:{text})$")))
            .size_limit(ALL_REGEXES_SIZE_LIMIT_BYTES)
            .build()
            .map_err(|_| "the regexes are too large together".to_owned())?;
        Ok(Self {
            globs,
            regexes,
            regex_atoms,
            needles,
            by_gram,
            short,
        })
    }

    /// Hands on the atom of each pattern that matches.
    pub(super) fn find(&self, token: &str, found: &mut impl FnMut(AtomId)) {
        let mut globs: BTreeSet<usize> = BTreeSet::new();
        let mut may_be_regex = false;
        let grams = token.as_bytes().windows(GRAM_BYTES);
        let known = grams.filter_map(|gram| self.by_gram.get(gram));
        for &at in known.flatten().chain(&self.short) {
            let (needle, pattern) = &self.needles[at];
            match *pattern {
                _ if !token.contains(needle.as_str()) => {}
                Pattern::Regex => may_be_regex = true,
                Pattern::Glob(glob) => drop(globs.insert(glob)),
            }
        }
        for glob in globs {
            let (text, atom) = &self.globs[glob];
            if glob_matches(text, token) {
                found(*atom);
            }
        }
        if may_be_regex {
            let matched = self.regexes.matches(token);
            matched.iter().for_each(|at| found(self.regex_atoms[at]));
        }
    }
}

/// The longest literal at the top of a regex. Empty where there is none, or where the regex has an alternative to it.
fn needle(regex: &str) -> String {
    let Ok(parsed) = regex_syntax::parse(regex) else {
        return String::new();
    };
    let parts = match parsed.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(&parsed),
    };
    let literals = parts.iter().filter_map(|part| match part.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok(),
        _ => None,
    });
    let longest = literals.max_by_key(|literal| literal.len());
    longest.unwrap_or_default().to_owned()
}

/// `*` stands for any letters, `?` for any one.
fn glob_matches(glob: &str, token: &str) -> bool {
    let (glob, token): (Vec<char>, Vec<char>) = (glob.chars().collect(), token.chars().collect());
    let (mut at, mut read) = (0, 0);
    // The latest `*`, and how far it was let reach.
    let mut star: Option<(usize, usize)> = None;
    while read < token.len() {
        match (glob.get(at), &mut star) {
            (Some('*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(&letter), _) if letter == '?' || letter == token[read] => {
                at += 1;
                read += 1;
            }
            (_, Some((before, reach))) => {
                *reach += 1;
                (at, read) = (*before + 1, *reach);
            }
            (_, None) => return false,
        }
    }
    glob[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(globs: &[&str], regexes: &[&str], token: &str) -> Vec<AtomId> {
        let numbered = |texts: &[&str], first: AtomId| {
            let texts = (first..).zip(texts);
            texts.map(|(id, text)| ((*text).to_owned(), id)).collect()
        };
        let patterns = Patterns::new(numbered(globs, 0), numbered(regexes, 100)).unwrap();
        let mut found = Vec::new();
        patterns.find(token, &mut |atom| found.push(atom));
        found
    }

    #[test]
    fn wildcards_match_whole_words() {
        let globs = ["*gate", "pl?n", "*ort*gat*", "a*b?", "*"];
        let table: [(&str, &[AtomId]); 8] = [
            ("northgate", &[0, 2, 4]),
            ("gate", &[0, 4]),
            ("gates", &[4]),
            ("plan", &[1, 4]),
            ("pln", &[4]),
            ("plän", &[1, 4]),
            ("abby", &[3, 4]),
            ("abab", &[4]),
        ];
        for (token, expected) in table {
            assert_eq!(found(&globs, &[], token), expected, "{token}");
        }
    }

    /// What a needle must not hide: alternatives, options, folded case, letters of other scripts.
    #[test]
    fn regexes_match_with_and_without_a_needle() {
        let regexes = [
            "gr[ae]y",
            "cat|dog",
            "colou?r",
            "(?i)CAT",
            "b(?:ee)+n",
            "x{2,}",
            "стр.*",
        ];
        let table: [(&str, &[AtomId]); 9] = [
            ("gray", &[100]),
            ("grays", &[]),
            ("dog", &[101]),
            ("cat", &[101, 103]),
            ("color", &[102]),
            ("colour", &[102]),
            ("beeeen", &[104]),
            ("xx", &[105]),
            ("страна", &[106]),
        ];
        for (token, expected) in table {
            assert_eq!(found(&[], &regexes, token), expected, "{token}");
        }
        let needles = regexes.map(needle);
        assert_eq!(needles, ["gr", "", "colo", "", "n", "", "стр"]);
    }
}
