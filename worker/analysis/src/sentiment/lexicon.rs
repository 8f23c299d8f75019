//! Words and phrases with the feeling that they carry, from -4 to 4. In: two lists in the binary, VADER's lexicon (Hutto and
//! Gilbert, ICWSM 2014; MIT) without its emoticons, and over it what the telephone changes. Out: the valence of what stands at a
//! place, and what strengthens or weakens what comes after it. Nothing fails: a test reads both lists.

use std::collections::HashMap;
use std::sync::LazyLock;

static VADER: &str = include_str!("../../assets/vader_lexicon.tsv");
static TELEPHONE: &str = include_str!("../../assets/telephone.tsv");

pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon::default();
    for (words, valence) in rows(VADER).chain(rows(TELEPHONE)) {
        lexicon.put(words, valence);
    }
    let signs = [(BOOSTERS.as_slice(), 1.0), (DAMPENERS.as_slice(), -1.0)];
    for (words, boost) in signs {
        for &word in words {
            let known = lexicon.words.entry(word).or_default();
            (known.valence, known.boost) = (0.0, boost);
        }
    }
    lexicon
});

/// What makes more of the next word. VADER's, and `complete`, `pretty`, `truly`.
#[rustfmt::skip] // a table reads as one
const BOOSTERS: [&str; 43] = [
    "absolutely", "amazingly", "awfully", "completely", "considerably", "decidedly", "deeply", "enormously", "entirely",
    "especially", "exceptionally", "extremely", "flipping", "frigging", "fucking", "fully", "greatly", "highly", "hugely", "incredibly",
    "intensely", "majorly", "more", "most", "particularly", "pretty", "purely", "quite", "really", "remarkably", "so",
    "substantially", "thoroughly", "total", "totally", "tremendously", "truly", "unbelievably", "unusually", "utter", "utterly",
    "very", "complete",
];

/// What makes less of it.
#[rustfmt::skip]
const DAMPENERS: [&str; 14] = [
    "almost", "barely", "hardly", "kinda", "less", "little", "marginally", "occasionally", "partly", "scarcely", "slightly",
    "somewhat", "sorta", "mildly",
];

/// What is known of one token.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Known {
    /// By itself; 0 of what only changes others.
    pub(super) valence: f64,
    /// 1 for what makes more of the next word, -1 for what makes less of it.
    pub(super) boost: f64,
    begins_phrase: bool,
}

#[derive(Debug, Default)]
pub(super) struct Lexicon {
    words: HashMap<&'static str, Known>,
    /// By their first word; the rest of it, the longest first.
    phrases: HashMap<&'static str, Vec<(Vec<&'static str>, f64)>>,
}

fn rows(list: &'static str) -> impl Iterator<Item = (&'static str, f64)> {
    let rows = list.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let (words, valence) = line.split_once('\t')?;
        Some((words, valence.parse().ok()?))
    })
}

impl Lexicon {
    fn put(&mut self, words: &'static str, valence: f64) {
        let mut parts = words.split([' ', '-']);
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        if rest.is_empty() {
            self.words.entry(first).or_default().valence = valence;
            return;
        }
        self.words.entry(first).or_default().begins_phrase = true;
        let phrases = self.phrases.entry(first).or_default();
        phrases.retain(|(known, _)| *known != rest);
        phrases.push((rest, valence));
        phrases.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
    }

    pub(super) fn known(&self, token: &str) -> Known {
        self.words.get(token).copied().unwrap_or_default()
    }

    /// How many tokens the phrase or word has that begins at `tokens[0]`, which is `known`, and its valence; the longest one counts.
    pub(super) fn at<T: AsRef<str>>(&self, tokens: &[T], known: Known) -> (usize, f64) {
        let phrases = tokens
            .first()
            .filter(|_| known.begins_phrase)
            .and_then(|first| self.phrases.get(first.as_ref()));
        for (rest, valence) in phrases.into_iter().flatten() {
            let said = tokens[1..].iter().map(AsRef::as_ref);
            if said.take(rest.len()).eq(rest.iter().copied()) {
                return (1 + rest.len(), *valence);
            }
        }
        (1, known.valence)
    }
}

#[cfg(test)]
mod tests {
    use super::{LEXICON, TELEPHONE, VADER, rows};
    use crate::words::tokens;

    #[test]
    fn both_lists_are_read_whole_and_hold_words_as_a_call_has_them() {
        for list in [VADER, TELEPHONE] {
            let lines = list.lines().filter(|line| !line.starts_with('#'));
            assert_eq!(lines.count(), rows(list).count());
            for (words, valence) in rows(list) {
                let said: Vec<String> = tokens(words).collect();
                assert_eq!(said.join(" "), words.replace('-', " "));
                assert!((-4.0..=4.0).contains(&valence), "{words}");
            }
        }
    }

    #[test]
    fn the_telephone_s_list_counts_before_the_lexicon_s_and_a_phrase_before_its_words() {
        let table = [
            ("terrible line", (1, -2.1)),
            ("please", (1, 0.0)),
            ("good morning", (2, 0.0)),
            ("good idea", (1, 1.9)),
            ("fed up", (2, -1.8)),
            ("thank you for calling us", (4, 0.0)),
            ("thank you", (1, 1.5)),
            ("table", (1, 0.0)),
            ("very good", (1, 0.0)),
        ];
        for (text, expected) in table {
            let said: Vec<String> = tokens(text).collect();
            assert_eq!(
                LEXICON.at(&said, LEXICON.known(&said[0])),
                expected,
                "{text}"
            );
        }
    }
}
