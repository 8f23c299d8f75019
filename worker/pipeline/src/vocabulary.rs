//! Names and products that a channel is listened to for. In: the job's terms and its rules', then the words of each span as
//! they were first heard. Out: those terms that something there sounds like, as a prompt for hearing the span again, and
//! the words with terms in place of what they were taken for. Cannot fail.
//!
//! Whisper may write what a prompt lists where nobody says it: on silence, for short spans, and for words that merely sound
//! alike. So a span is first heard without one; a span where nothing sounds like a term keeps its text to the letter.

mod likeness;
mod place;

use std::ops::Range;

use job_schema::engine::{CallSpec, SpanTerm};
use job_schema::job::Role;
use job_schema::transcript::Vocabulary;

use crate::judge::folded;
use crate::recognizer::{RecognizedWord, Writing};
use likeness::Sounds;
pub(crate) use place::place;

/// Terms that a channel is listened to for. A job may name as many; looking for more among all words would show.
pub(crate) const MAX_TERMS: usize = 200;
/// About thirty tokens of Whisper's 223: the few terms that a span can hold, and little for the decoder to read.
pub(crate) const MAX_PROMPT_BYTES: usize = 100;
/// What sounds less alike is not asked about, and not believed. On read speech with 20 names that nobody says, tiny.en writes
/// one of them at 0.6 and none at 0.7, which costs one in thirteen of those that are said.
const MIN_LIKENESS: f32 = 0.7;
/// A term that its model is less sure of is not believed: right ones stand at 0.83 to 0.96, and base took "the Locusts" for
/// `Delacroix` at 0.68.
const MIN_PROBABILITY: f32 = 0.75;
/// Shorter terms sound like half of the language.
const MIN_LETTERS: usize = 3;
/// A name may be taken for more words than it has: `Boucicault` for `boosie colt`.
const MORE_WORDS: usize = 2;
/// Where every token counts as a word, a name may be as many as it has letters; longer runs are not compared.
const MOST_TOKENS: usize = 12;

/// One channel's terms, the most important first.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    listed: Vec<Term>,
    left_out: Vec<String>,
}

#[derive(Debug, Clone)]
struct Term {
    text: String,
    folded: String,
    sounds: Sounds,
    letters_count: usize,
    words_count: usize,
}

/// Terms by their number: those in the prompt, and those that found no room in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resembled {
    pub(crate) fed: Vec<usize>,
    pub(crate) crowded_out: Vec<usize>,
}

impl Terms {
    /// Of a channel whose speaker is unknown, every role's terms are expected.
    pub fn of_channel(spec: &CallSpec, index: usize) -> Self {
        let role = spec.channel_roles.get(index).copied();
        let role = role.unwrap_or(Role::Unknown);
        let is_anybody = matches!(role, Role::Unknown | Role::Mixed);
        let of_role = spec.role_vocabulary.iter();
        let of_role = of_role.filter(|one| is_anybody || one.role == role);
        let texts = spec.vocabulary.iter().chain(of_role.map(|one| &one.term));
        let mut terms = Self::default();
        for text in texts {
            terms.add(text.trim());
        }
        terms
    }

    fn add(&mut self, text: &str) {
        let folded = folded(text);
        let is_known = self.listed.iter().any(|term| term.folded == folded);
        if is_known || folded.is_empty() {
            return;
        }
        let is_full = self.listed.len() == MAX_TERMS;
        let letters_count = folded.chars().count();
        if is_full || letters_count < MIN_LETTERS || has_wildcard(text) {
            self.left_out.push(text.to_owned());
            return;
        }
        self.listed.push(Term {
            text: text.to_owned(),
            sounds: Sounds::of(&folded),
            letters_count,
            words_count: text.split_whitespace().count(),
            folded,
        });
    }

    /// As the transcript tells it, before anything was heard.
    pub fn record(&self) -> Option<Vocabulary> {
        let is_empty = self.listed.is_empty() && self.left_out.is_empty();
        (!is_empty).then(|| Vocabulary {
            terms: self.listed.iter().map(|term| term.text.clone()).collect(),
            left_out: self.left_out.clone(),
            heard: Vec::new(),
        })
    }

    /// The terms that some of `words` sound like and are not, the likest first.
    pub(crate) fn resembled(&self, words: &[RecognizedWord], writing: Writing) -> Resembled {
        // Most calls have no vocabulary, and every span comes here.
        let longest = self.listed.iter().map(|term| term.longest(writing));
        let Some(longest) = longest.max() else {
            return Resembled::default();
        };
        let runs = runs(words, longest);
        let found = self.listed.iter().enumerate();
        let mut found: Vec<(usize, f32)> = found
            .filter_map(|(number, term)| Some((number, term.likest(&runs, writing)?.likeness)))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut resembled = Resembled::default();
        let mut bytes = 0;
        for (number, _) in found {
            let length = self.listed[number].text.len() + SEPARATOR.len();
            if bytes + length <= MAX_PROMPT_BYTES || resembled.fed.is_empty() {
                bytes += length;
                resembled.fed.push(number);
            } else {
                resembled.crowded_out.push(number);
            }
        }
        // A prompt in the order of likeness would depend on the span; in the terms' own order a reader can compare.
        resembled.fed.sort_unstable();
        resembled
    }

    /// The prompt of these terms.
    pub(crate) fn prompt(&self, numbers: &[usize]) -> String {
        let texts = numbers.iter().map(|&n| self.listed[n].text.as_str());
        let texts: Vec<&str> = texts.collect();
        format!("{}.", texts.join(SEPARATOR))
    }

    /// What the transcript is told of a span. `written` has the number of each term as often as it was written.
    pub(crate) fn told(&self, resembled: &Resembled, written: &[usize]) -> Vec<SpanTerm> {
        let fed = resembled.fed.iter().map(|&number| (number, true));
        let crowded_out = resembled.crowded_out.iter().map(|&number| (number, false));
        fed.chain(crowded_out)
            .map(|(number, fed)| SpanTerm {
                term: self.listed[number].text.clone(),
                fed,
                written_count: count(written.iter().filter(|&&n| n == number).count()),
            })
            .collect()
    }
}

const SEPARATOR: &str = ", ";

/// A pattern is nothing that anybody says: fed to the model as it stands, its `*` would be written too. Rules feed their phrases
/// here as the file has them. A question mark at the end of a word is punctuation.
fn has_wildcard(text: &str) -> bool {
    let is_asked = |pair: &[char]| pair[0] == '?' && pair[1].is_alphanumeric();
    let chars: Vec<char> = text.chars().collect();
    chars.contains(&'*') || chars.windows(2).any(is_asked)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Words that follow each other, written as one.
struct Run {
    words: Range<usize>,
    folded: String,
    sounds: Sounds,
}

fn runs(words: &[RecognizedWord], most_words: usize) -> Vec<Run> {
    let heard: Vec<String> = words.iter().map(|word| folded(&word.text)).collect();
    let mut runs = Vec::new();
    for start in 0..heard.len() {
        let mut joined = String::new();
        for (end, word) in (start + 1..).zip(heard[start..].iter().take(most_words)) {
            joined.push_str(word);
            runs.push(Run {
                words: start..end,
                sounds: Sounds::of(bare(&joined, &words[end - 1].text)),
                folded: joined.clone(),
            });
        }
    }
    runs
}

/// Without the `s` of what belongs to somebody.
fn bare<'a>(folded: &'a str, last_word: &str) -> &'a str {
    let last_word = last_word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let is_owner = last_word.ends_with("'s") || last_word.ends_with("’s");
    let without = folded.strip_suffix('s').filter(|_| is_owner);
    without.unwrap_or(folded)
}

#[derive(Debug, Clone, PartialEq)]
struct Likest {
    words: Range<usize>,
    likeness: f32,
}

impl Term {
    /// The most words that it is looked for in.
    fn longest(&self, writing: Writing) -> usize {
        match writing {
            Writing::Spaced => self.words_count + MORE_WORDS,
            Writing::Unspaced => MOST_TOKENS.min(self.letters_count + MORE_WORDS),
        }
    }

    /// Where something sounds most like the term and is not it.
    fn likest(&self, runs: &[Run], writing: Writing) -> Option<Likest> {
        let said = self.said(runs, writing);
        let longest = self.longest(writing);
        let is_said = |words: &Range<usize>| {
            said.iter()
                .any(|s| s.start < words.end && words.start < s.end)
        };
        let mut best: Option<Likest> = None;
        for run in runs {
            if run.words.len() > longest || is_said(&run.words) {
                continue;
            }
            let likeness = self.sounds.likeness(&run.sounds);
            if likeness >= MIN_LIKENESS && best.as_ref().is_none_or(|b| likeness > b.likeness) {
                best = Some(Likest {
                    words: run.words.clone(),
                    likeness,
                });
            }
        }
        best
    }

    /// Where the term is written.
    fn said<'a>(&self, runs: &'a [Run], writing: Writing) -> Vec<&'a Range<usize>> {
        let words_of = |run: &'a Run| &run.words;
        match writing {
            Writing::Spaced => {
                let own = runs.iter().filter(|run| self.is_in(run, writing));
                own.map(words_of).collect()
            }
            // Its first and last letters may share a token with others: the shortest runs that hold it.
            Writing::Unspaced => {
                let holding = runs.iter().filter(|run| run.folded.contains(&self.folded));
                let holding: Vec<&Range<usize>> = holding.map(words_of).collect();
                let is_shortest = |words: &&Range<usize>| {
                    let within = |other: &&&Range<usize>| {
                        words.start <= other.start && other.end <= words.end
                    };
                    holding.iter().filter(within).count() == 1
                };
                holding.iter().copied().filter(is_shortest).collect()
            }
        }
    }

    /// The term itself, or what belongs to it; where words have blanks, in as many.
    fn is_in(&self, run: &Run, writing: Writing) -> bool {
        let is_same =
            run.folded == self.folded || run.folded.strip_suffix('s') == Some(&self.folded);
        is_same && (writing == Writing::Unspaced || run.words.len() == self.words_count)
    }
}

#[cfg(test)]
mod tests;
