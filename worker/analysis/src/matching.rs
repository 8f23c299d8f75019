//! Finding every word sequence of every rule in one pass over a channel. In: sequences of atoms in a trie, then a call.
//! Out: for each slot, each run of tokens that one of its sequences matches, overlapping ones too. Only sequences whose
//! first atom was said are followed, so that rules about other things cost nothing.

use std::collections::HashMap;

use job_schema::transcript::Word;

use crate::call::Call;
use crate::vocabulary::{AtomId, How, Reading, Vocabulary};
use crate::words::number::{Numeral, numerals};

/// Between two words of one phrase. A speaker who looks something up pauses for a second or two; after more they have
/// started to say something else.
pub const MAX_PHRASE_PAUSE_MS: u64 = 2_000;

/// Sequences of atoms that share their beginnings; each leads to the slots that want it.
#[derive(Debug, Clone)]
pub(crate) struct Trie {
    edges: HashMap<(usize, AtomId), usize>,
    /// For each node the sequence that ends there.
    ends: Vec<Option<usize>>,
    /// For each sequence the slots that want it.
    wanted_by: Vec<Vec<usize>>,
}

const ROOT: usize = 0;

impl Trie {
    pub(crate) fn new() -> Self {
        Self {
            edges: HashMap::new(),
            ends: vec![None],
            wanted_by: Vec::new(),
        }
    }

    /// The sequence's index; equal sequences are one.
    pub(crate) fn add(&mut self, atoms: &[AtomId]) -> usize {
        let mut node = ROOT;
        for &atom in atoms {
            let next = self.ends.len();
            node = *self.edges.entry((node, atom)).or_insert(next);
            if node == next {
                self.ends.push(None);
            }
        }
        *self.ends[node].get_or_insert_with(|| {
            self.wanted_by.push(Vec::new());
            self.wanted_by.len() - 1
        })
    }

    pub(crate) fn want(&mut self, sequence: usize, slot: usize) {
        self.wanted_by[sequence].push(slot);
    }

    pub(crate) fn sequences_count(&self) -> usize {
        self.wanted_by.len()
    }
}

/// One place where a sequence stands in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) sequence: usize,
    /// Position in the transcript's channels.
    pub(crate) channel: usize,
    pub(crate) first_token: usize,
    /// One past its last token.
    pub(crate) end_token: usize,
    pub(crate) first_word: usize,
    pub(crate) last_word: usize,
    pub(crate) how: How,
    pub(crate) distance: u32,
}

/// The occurrences of each slot's sequences, by channel and first token.
pub(crate) fn find(
    call: &Call<'_>,
    vocabulary: &Vocabulary,
    trie: &Trie,
    slots_count: usize,
) -> Vec<Vec<Occurrence>> {
    let mut found = vec![Vec::new(); slots_count];
    let known: Vec<Known> = call
        .texts
        .iter()
        .map(|text| Known::new(text, vocabulary, trie))
        .collect();
    for channel in 0..call.channels.len() {
        let search = Search {
            call,
            trie,
            channel,
            known: &known,
            longer: longer_readings(call, vocabulary, channel, &known),
        };
        for first in 0..call.channels[channel].tokens.len() {
            if known[search.text(first)].begins || search.longer.contains_key(&first) {
                search.from(first, &mut found);
            }
        }
    }
    found
}

/// What a token's text can be, looked up once for all its places.
struct Known {
    readings: Vec<Reading>,
    /// Some sequence begins with one of the readings.
    begins: bool,
    /// Together with the next token it may be one word of a rule.
    may_be_joined: bool,
}

impl Known {
    fn new(text: &str, vocabulary: &Vocabulary, trie: &Trie) -> Self {
        let readings = vocabulary.readings(text);
        Self {
            begins: readings
                .iter()
                .any(|r| trie.edges.contains_key(&(ROOT, r.atom))),
            may_be_joined: vocabulary.may_be_joined(text),
            readings,
        }
    }
}

/// Readings of several tokens or of a token in its company: by first token, the reading and its end.
type Longer = HashMap<usize, Vec<(Reading, usize)>>;

struct Search<'a> {
    call: &'a Call<'a>,
    trie: &'a Trie,
    channel: usize,
    known: &'a [Known],
    longer: Longer,
}

impl Search<'_> {
    fn text(&self, token: usize) -> usize {
        self.call.channels[self.channel].tokens[token].text
    }

    /// Follows every sequence that begins at `first`.
    fn from(&self, first: usize, found: &mut [Vec<Occurrence>]) {
        let tokens = &self.call.channels[self.channel].tokens;
        let mut open = vec![(ROOT, first, How::Plain, 0)];
        while let Some((node, at, how, distance)) = open.pop() {
            if let Some(sequence) = self.trie.ends[node] {
                let place = Occurrence {
                    sequence,
                    channel: self.channel,
                    first_token: first,
                    end_token: at,
                    first_word: tokens[first].word,
                    last_word: tokens[at - 1].word,
                    how,
                    distance,
                };
                if without_long_pause(
                    &self.call.words(self.channel)[place.first_word..=place.last_word],
                ) {
                    for &slot in &self.trie.wanted_by[sequence] {
                        found[slot].push(place);
                    }
                }
            }
            if at == tokens.len() {
                continue;
            }
            let mut follow = |reading: &Reading, end: usize| {
                if let Some(&next) = self.trie.edges.get(&(node, reading.atom)) {
                    open.push((next, end, how.max(reading.how), distance + reading.distance));
                }
            };
            for reading in &self.known[self.text(at)].readings {
                follow(reading, at + 1);
            }
            for (reading, end) in self.longer.get(&at).into_iter().flatten() {
                follow(reading, *end);
            }
        }
    }
}

pub(crate) fn without_long_pause(words: &[Word]) -> bool {
    let pause_ms = |pair: &[Word]| pair[1].start_ms.saturating_sub(pair[0].end_ms);
    words
        .windows(2)
        .all(|pair| pause_ms(pair) <= MAX_PHRASE_PAUSE_MS)
}

fn longer_readings(
    call: &Call<'_>,
    vocabulary: &Vocabulary,
    channel: usize,
    known: &[Known],
) -> Longer {
    let tokens = &call.channels[channel].tokens;
    let mut longer = Longer::new();
    let mut add = |first: usize, atom: AtomId, end: usize| {
        let reading = Reading {
            atom,
            how: How::Plain,
            distance: 0,
        };
        longer.entry(first).or_default().push((reading, end));
    };
    for (first, pair) in tokens.windows(2).enumerate() {
        if known[pair[0].text].may_be_joined {
            let text = [&*call.texts[pair[0].text], &*call.texts[pair[1].text]].concat();
            vocabulary
                .joined(&text)
                .for_each(|atom| add(first, atom, first + 2));
        }
    }
    if !vocabulary.reads_numbers() {
        return longer;
    }
    let texts: Vec<&str> = tokens
        .iter()
        .map(|token| call.texts[token.text].as_str())
        .collect();
    let words = call.words(channel);
    let runs = numerals(&texts);
    let runs = runs.chunk_by(|a, b| {
        let pair = &words[tokens[a.end - 1].word..=tokens[b.first].word];
        a.end == b.first && without_long_pause(pair)
    });
    for run in runs {
        read_run(run, vocabulary, &mut add);
    }
    longer
}

/// A run of numerals without a gap: all of it is a number, and so is each part of it that has the digits wanted.
fn read_run(run: &[Numeral], vocabulary: &Vocabulary, add: &mut impl FnMut(usize, AtomId, usize)) {
    let (first, end) = (run[0].first, run[run.len() - 1].end);
    if let Some(atom) = vocabulary.any_number {
        add(first, atom, end);
    }
    let digits_count: usize = run.iter().map(|numeral| numeral.digits.len()).sum();
    for &(least, most, atom) in &vocabulary.digits {
        if (least..=most).contains(&digits_count) {
            add(first, atom, end);
        }
    }
    for from in 0..run.len() {
        let mut digits = String::new();
        for numeral in &run[from..] {
            digits.push_str(&numeral.digits);
            if digits.len() > vocabulary.longest_number {
                break;
            }
            if let Some(&atom) = vocabulary.numbers.get(&digits) {
                add(run[from].first, atom, numeral.end);
            }
        }
    }
}
