//! A call as rules look at it. In: a transcript. Out: each channel's folded tokens, with the word and the turn that each
//! belongs to, and the order of all words in time. Equal words are folded once. Nothing fails.

use std::cell::OnceCell;
use std::collections::HashMap;

use job_schema::transcript::{TimeSpan, Transcript, Word};

use crate::rules::window::Marks;
use crate::words::tokens;

#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) transcript: &'a Transcript,
    pub(crate) channels: Vec<ChannelTokens>,
    /// Every different token.
    pub(crate) texts: Vec<String>,
    order: OnceCell<Vec<Vec<usize>>>,
}

#[derive(Debug, Default)]
pub(crate) struct ChannelTokens {
    pub(crate) tokens: Vec<Token>,
    /// For each word its turn, as an index into the transcript's turns.
    pub(crate) turn_of: Vec<Option<usize>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// Index in [`Call::texts`].
    pub(crate) text: usize,
    /// Index in the channel's words.
    pub(crate) word: usize,
}

impl<'a> Call<'a> {
    pub(crate) fn new(transcript: &'a Transcript) -> Self {
        let mut texts = Texts::default();
        let mut channels: Vec<ChannelTokens> = transcript
            .channels
            .iter()
            .map(|channel| ChannelTokens {
                tokens: texts.tokens_of(&channel.words),
                turn_of: vec![None; channel.words.len()],
            })
            .collect();
        for (index, turn) in transcript.turns.iter().enumerate() {
            let position = position_of(transcript, turn.channel);
            let Some(of) =
                position.and_then(|at| channels[at].turn_of.get_mut(turn.words.indexes()))
            else {
                continue;
            };
            of.fill(Some(index));
        }
        Self {
            transcript,
            channels,
            texts: texts.texts,
            order: OnceCell::new(),
        }
    }

    pub(crate) fn words(&self, channel: usize) -> &'a [Word] {
        &self.transcript.channels[channel].words
    }

    /// The place of a word among all words of the call, by start time and then by channel.
    pub(crate) fn order(&self, channel: usize, word: usize) -> usize {
        self.order.get_or_init(|| order(self.transcript))[channel][word]
    }
}

fn position_of(transcript: &Transcript, index: u16) -> Option<usize> {
    let mut channels = transcript.channels.iter();
    channels.position(|channel| channel.facts.index == index)
}

fn order(transcript: &Transcript) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for (channel, said) in transcript.channels.iter().enumerate() {
        let starts = said.words.iter().map(|word| word.start_ms);
        all.extend(
            starts
                .enumerate()
                .map(|(word, start_ms)| (start_ms, channel, word)),
        );
    }
    all.sort_unstable();
    let lengths = transcript.channels.iter().map(|said| said.words.len());
    let mut order: Vec<Vec<usize>> = lengths.map(|length| vec![0; length]).collect();
    for (place, (_, channel, word)) in all.into_iter().enumerate() {
        order[channel][word] = place;
    }
    order
}

/// Some channels of a call, as a window counts their words and turns.
pub(crate) struct Searched<'a> {
    pub(crate) transcript: &'a Transcript,
    pub(crate) channels: &'a [usize],
}

impl Marks for Searched<'_> {
    fn word_starts(&self) -> Vec<u64> {
        let said = self
            .channels
            .iter()
            .map(|&at| &self.transcript.channels[at]);
        let mut starts: Vec<u64> = said
            .flat_map(|channel| channel.words.iter().map(|word| word.start_ms))
            .collect();
        starts.sort_unstable();
        starts
    }

    fn turns(&self) -> Vec<TimeSpan> {
        let searched = |index: u16| {
            let position = position_of(self.transcript, index);
            position.is_some_and(|at| self.channels.contains(&at))
        };
        let turns = self.transcript.turns.iter();
        turns
            .filter(|turn| searched(turn.channel))
            .map(|turn| TimeSpan {
                start_ms: turn.start_ms,
                end_ms: turn.end_ms,
            })
            .collect()
    }
}

#[derive(Default)]
struct Texts<'a> {
    texts: Vec<String>,
    index_of: HashMap<String, usize>,
    /// The tokens of each word as it is written.
    folded: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Texts<'a> {
    fn tokens_of(&mut self, words: &'a [Word]) -> Vec<Token> {
        let mut found = Vec::with_capacity(words.len());
        for (word, written) in words.iter().enumerate() {
            if !self.folded.contains_key(written.text.as_str()) {
                let texts = tokens(&written.text)
                    .map(|token| self.intern(token))
                    .collect();
                self.folded.insert(&written.text, texts);
            }
            let texts = &self.folded[written.text.as_str()];
            found.extend(texts.iter().map(|&text| Token { text, word }));
        }
        found
    }

    fn intern(&mut self, token: String) -> usize {
        if let Some(&index) = self.index_of.get(&token) {
            return index;
        }
        let index = self.texts.len();
        self.texts.push(token.clone());
        self.index_of.insert(token, index);
        index
    }
}
