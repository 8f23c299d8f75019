//! Queries against an evaluator that is slow and plainly right: every stretch of words is tried against the definitions of
//! `docs/rules.md`, once with the sure words and once with all.

use job_schema::analysis::Outcome;
use job_schema::job::Role;
use job_schema::transcript::{Transcript, Turn, Word};
use proptest::prelude::*;

use crate::call::{Say, call, result};

/// Channel, first and last word.
type Stretch = (usize, usize, usize);

pub(crate) const LEAST: f32 = 0.85;
/// The last two have a weight in VADER's lexicon: 3.1 and -2.0.
const WORDS: [&str; 4] = ["red", "tea", "great", "awful"];

#[derive(Debug, Clone)]
pub(crate) enum Query {
    Phrase(Vec<&'static str>),
    Or(Vec<Query>),
    And(Vec<Query>),
    Not(Box<Query>),
    Speaker(&'static str, Box<Query>),
    TurnStart(Box<Query>),
    Pair(&'static str, Distance, Box<Query>, Box<Query>),
    /// At least such a share of a speaker's turns has the sentiment; it has no places.
    Sentiment(&'static str, &'static str, u32),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Distance {
    None,
    Words(usize),
    Ms(u64),
}

impl Query {
    pub(crate) fn text(&self) -> String {
        let list = |operands: &[Query], operator: &str| {
            let texts: Vec<String> = operands.iter().map(Query::text).collect();
            format!("({})", texts.join(operator))
        };
        match self {
            Query::Phrase(words) => format!("\"{}\"", words.join(" ")),
            Query::Or(operands) => list(operands, " OR "),
            Query::And(operands) => list(operands, " AND "),
            Query::Not(inner) => format!("(NOT {})", inner.text()),
            Query::Speaker(speaker, inner) => format!("({speaker}: {})", inner.text()),
            Query::TurnStart(inner) => format!("^{}", inner.text()),
            Query::Pair(operator, distance, left, right) => {
                let distance = match distance {
                    Distance::None => String::new(),
                    Distance::Words(n) => format!(":{n}"),
                    Distance::Ms(ms) => format!(":{ms}ms"),
                };
                format!("({} {operator}{distance} {})", left.text(), right.text())
            }
            Query::Sentiment(sentiment, speaker, percent) => {
                format!("@sentiment({sentiment}, {speaker}) >= {percent}%")
            }
        }
    }
}

struct Slow<'a> {
    call: &'a Transcript,
    stretches: Vec<Stretch>,
}

impl<'a> Slow<'a> {
    fn new(call: &'a Transcript) -> Self {
        let mut stretches = Vec::new();
        for (channel, said) in call.channels.iter().enumerate() {
            for first in 0..said.words.len() {
                stretches.extend((first..said.words.len()).map(|last| (channel, first, last)));
            }
        }
        Self { call, stretches }
    }

    fn words(&self, (channel, first, last): Stretch) -> &[Word] {
        &self.call.channels[channel].words[first..=last]
    }

    fn outcome(&self, query: &Query) -> Outcome {
        let not = |outcome| match outcome {
            Outcome::True => Outcome::False,
            Outcome::False => Outcome::True,
            Outcome::Inconclusive => Outcome::Inconclusive,
        };
        match query {
            Query::Not(inner) => not(self.outcome(inner)),
            Query::And(operands) => {
                let outcomes: Vec<Outcome> = operands.iter().map(|o| self.outcome(o)).collect();
                if outcomes.contains(&Outcome::False) {
                    Outcome::False
                } else if outcomes.contains(&Outcome::Inconclusive) {
                    Outcome::Inconclusive
                } else {
                    Outcome::True
                }
            }
            Query::Or(operands) => {
                let turned = operands.iter().map(|o| Query::Not(Box::new(o.clone())));
                not(self.outcome(&Query::And(turned.collect())))
            }
            Query::Sentiment(sentiment, speaker, percent) => {
                let turns = self.call.turns.iter();
                let own: Vec<&Turn> = turns
                    .filter(|turn| *speaker == "any" || turn.role.as_str() == *speaker)
                    .collect();
                let found = own
                    .iter()
                    .filter(|turn| sentiment_of(&turn.text) == *sentiment);
                if found.count() * 100 >= own.len() * usize::try_from(*percent).unwrap() {
                    Outcome::True
                } else {
                    Outcome::False
                }
            }
            places => {
                let is = |sure| {
                    self.stretches
                        .iter()
                        .any(|&at| self.stands(places, at, sure, "any"))
                };
                match (is(true), is(false)) {
                    (true, _) => Outcome::True,
                    (false, true) => Outcome::Inconclusive,
                    (false, false) => Outcome::False,
                }
            }
        }
    }

    /// Whether the query has a place exactly there; a sure one, or any.
    fn stands(&self, query: &Query, at: Stretch, sure: bool, speaker: &str) -> bool {
        match query {
            Query::Phrase(wanted) => self.is_said(wanted, at, sure, speaker),
            Query::Or(operands) => operands.iter().any(|o| self.stands(o, at, sure, speaker)),
            Query::Speaker(speaker, inner) => self.stands(inner, at, sure, speaker),
            Query::TurnStart(inner) => {
                let index = self.call.channels[at.0].facts.index;
                let begins = |t: &Turn| t.channel == index && t.words.indexes().start == at.1;
                self.stands(inner, at, sure, speaker) && self.call.turns.iter().any(begins)
            }
            Query::Pair(operator @ ("NOTIN" | "NOTNEAR"), distance, left, right) => {
                let blocks = |&other: &Stretch| {
                    let related = match *operator {
                        "NOTIN" => overlap(at, other),
                        _ => {
                            self.is_near(at, other, *distance) || self.is_near(other, at, *distance)
                        }
                    };
                    related && self.stands(right, other, !sure, speaker)
                };
                self.stands(left, at, sure, speaker) && !self.stretches.iter().any(blocks)
            }
            Query::Pair(operator @ ("AFTER" | "BEFORE"), distance, left, right) => {
                let anchors = |&other: &Stretch| {
                    let (first, second) = if *operator == "AFTER" {
                        (other, at)
                    } else {
                        (at, other)
                    };
                    self.follows(first, second, *distance)
                        && self.stands(right, other, sure, speaker)
                };
                self.stands(left, at, sure, speaker) && self.stretches.iter().any(anchors)
            }
            Query::Pair(operator, distance, left, right) => self.stretches.iter().any(|&a| {
                self.stands(left, a, sure, speaker)
                    && self.stretches.iter().any(|&b| {
                        let related = match *operator {
                            "ONEAR" => self.is_near(a, b, *distance),
                            "NEAR" => {
                                self.is_near(a, b, *distance) || self.is_near(b, a, *distance)
                            }
                            _ => {
                                !overlap(a, b)
                                    && self.turn(a).is_some()
                                    && self.turn(a) == self.turn(b)
                            }
                        };
                        let reach = (a.0, a.1.min(b.1), a.2.max(b.2));
                        related && a.0 == b.0 && reach == at && self.stands(right, b, sure, speaker)
                    })
            }),
            Query::And(_) | Query::Not(_) | Query::Sentiment(..) => panic!("has no places"),
        }
    }

    fn is_said(&self, wanted: &[&str], at: Stretch, sure: bool, speaker: &str) -> bool {
        let words = self.words(at);
        let role = self.call.channels[at.0].facts.role.as_str();
        (speaker == "any" || speaker == role)
            && words.len() == wanted.len()
            && words
                .iter()
                .zip(wanted)
                .all(|(word, wanted)| word.text == *wanted)
            && (!sure || words.iter().all(|word| word.confidence >= LEAST))
            && words
                .windows(2)
                .all(|pair| pair[1].start_ms - pair[0].end_ms <= analysis::MAX_PHRASE_PAUSE_MS)
    }

    /// On one channel, the first before the second.
    fn is_near(&self, first: Stretch, second: Stretch, distance: Distance) -> bool {
        first.0 == second.0 && first.2 < second.1 && self.follows(first, second, distance)
    }

    fn follows(&self, first: Stretch, second: Stretch, distance: Distance) -> bool {
        let end_ms = self.words(first).last().unwrap().end_ms;
        let start_ms = self.words(second)[0].start_ms;
        if end_ms > start_ms || (first.0 == second.0 && first.2 >= second.1) {
            return false;
        }
        match distance {
            Distance::None => true,
            Distance::Ms(most) => start_ms - end_ms <= most,
            Distance::Words(most) => self.words_between(first, second) <= most,
        }
    }

    fn words_between(&self, first: Stretch, second: Stretch) -> usize {
        if first.0 == second.0 {
            return second.1 - first.2 - 1;
        }
        let place = |channel: usize, word: usize| {
            (self.call.channels[channel].words[word].start_ms, channel)
        };
        let (from, to) = (place(first.0, first.2), place(second.0, second.1));
        let all = self
            .call
            .channels
            .iter()
            .enumerate()
            .flat_map(|(channel, said)| {
                said.words.iter().map(move |word| (word.start_ms, channel))
            });
        all.filter(|at| *at > from && *at < to).count()
    }

    fn turn(&self, (channel, first, last): Stretch) -> Option<usize> {
        let index = self.call.channels[channel].facts.index;
        self.call.turns.iter().position(|turn| {
            let words = turn.words.indexes();
            turn.channel == index && words.contains(&first) && words.contains(&last)
        })
    }
}

/// Of the words above alone, which have neither boosters nor negations.
fn sentiment_of(text: &str) -> &'static str {
    let count = |wanted: &str| f64::from(u32::try_from(text.matches(wanted).count()).unwrap());
    let (pleased, displeased) = (count("great") * 3.1, count("awful") * 2.0);
    let score = |sum: f64| sum / (sum * sum + 15.0).sqrt();
    let weaker = pleased.min(displeased);
    match score(pleased - displeased) {
        _ if score(weaker) >= 0.4 && weaker * 2.0 >= pleased.max(displeased) => "mixed",
        at if at >= 0.05 => "positive",
        at if at <= -0.05 => "negative",
        _ => "neutral",
    }
}

fn overlap(a: Stretch, b: Stretch) -> bool {
    a.0 == b.0 && a.1 <= b.2 && b.1 <= a.2
}

/// Leftmost, of those the longest, then on from its end.
fn without_overlaps(mut places: Vec<Stretch>) -> Vec<Stretch> {
    places.sort_by_key(|&(channel, first, last)| (channel, first, std::cmp::Reverse(last)));
    let mut kept: Vec<Stretch> = Vec::new();
    for place in places {
        if kept.last().is_none_or(|last| !overlap(*last, place)) {
            kept.push(place);
        }
    }
    kept
}

fn any_word() -> impl Strategy<Value = (&'static str, u64, f32)> {
    let gap_ms = prop_oneof![6 => Just(100_u64), 2 => Just(900), 1 => Just(2_001)];
    (
        prop::sample::select(&WORDS[..]),
        gap_ms,
        prop::sample::select(vec![0.75_f32, 0.9, 0.9]),
    )
}

/// Turns of each channel, one after another.
pub(crate) fn any_call() -> impl Strategy<Value = Transcript> {
    let turn = || proptest::collection::vec(any_word(), 1..4);
    let channel = || proptest::collection::vec(turn(), 1..3);
    (channel(), channel()).prop_map(|(agent, customer)| {
        let mut made = call(&[Role::Agent, Role::Customer]);
        for (channel, turns) in [agent, customer].into_iter().enumerate() {
            let mut free_from_ms = 0;
            for turn in turns {
                let mut words = Vec::new();
                for (text, gap_ms, confidence) in turn {
                    let start_ms = free_from_ms + gap_ms;
                    free_from_ms = start_ms + 200;
                    words.push(Word {
                        text: text.into(),
                        start_ms,
                        end_ms: free_from_ms,
                        confidence,
                    });
                }
                made = made.say_words(channel, words);
            }
        }
        made
    })
}

pub(crate) fn any_places() -> impl Strategy<Value = Query> {
    let phrase =
        proptest::collection::vec(prop::sample::select(&WORDS[..]), 1..3).prop_map(Query::Phrase);
    phrase.prop_recursive(2, 8, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        let near = prop_oneof![
            (0_usize..4).prop_map(Distance::Words),
            (0_u64..2_500).prop_map(Distance::Ms)
        ];
        let far = prop_oneof![1 => Just(Distance::None), 3 => near.clone()];
        let pair = |operators: Vec<&'static str>| prop::sample::select(operators);
        let (a, b, c) = (two.clone(), two.clone(), two.clone());
        let make = |((op, distance), (l, r)): ((&'static str, Distance), (Query, Query))| {
            Query::Pair(op, distance, Box::new(l), Box::new(r))
        };
        prop_oneof![
            two.prop_map(|(l, r)| Query::Or(vec![l, r])),
            inner.clone().prop_map(|q| Query::TurnStart(Box::new(q))),
            (prop::sample::select(vec!["agent", "customer"]), inner)
                .prop_map(|(s, q)| Query::Speaker(s, Box::new(q))),
            ((pair(vec!["NEAR", "ONEAR", "NOTNEAR"]), near), a).prop_map(make),
            ((pair(vec!["AFTER", "BEFORE"]), far), b).prop_map(make),
            ((pair(vec!["NOTIN", "SAMETURN"]), Just(Distance::None)), c).prop_map(make),
        ]
    })
}

fn any_sentiment() -> impl Strategy<Value = Query> {
    let one_of = |names: &'static [&'static str]| prop::sample::select(names);
    let sentiment = one_of(&["positive", "negative", "neutral", "mixed"]);
    let speaker = one_of(&["agent", "customer", "any"]);
    let percent = prop::sample::select(vec![1_u32, 34, 50, 100]);
    (sentiment, speaker, percent).prop_map(|(of, by, percent)| Query::Sentiment(of, by, percent))
}

pub(crate) fn any_query() -> impl Strategy<Value = Query> {
    joined(prop_oneof![6 => any_places(), 1 => any_sentiment()])
}

/// Without shares of turns, which each further turn changes.
pub(crate) fn any_query_of_words() -> impl Strategy<Value = Query> {
    joined(any_places())
}

fn joined(leaf: impl Strategy<Value = Query> + 'static) -> impl Strategy<Value = Query> {
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(l, r)| Query::And(vec![l, r])),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| Query::Or(vec![l, r])),
            inner.prop_map(|q| Query::Not(Box::new(q))),
        ]
    })
}

pub(crate) fn lines(query: &Query) -> String {
    format!("query = '{}'\nmin_confidence = {LEAST}", query.text())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn queries_come_to_what_the_definitions_say(call in any_call(), query in any_query()) {
        let found = result(&call, &lines(&query)).outcome;
        prop_assert_eq!(found, Slow::new(&call).outcome(&query), "{}", query.text());
    }

    #[test]
    fn places_are_those_of_the_definitions(call in any_call(), query in any_places()) {
        let slow = Slow::new(&call);
        let sure = slow.stretches.iter().copied().filter(|&at| slow.stands(&query, at, true, "any"));
        let expected = without_overlaps(sure.collect());
        let hits = result(&call, &lines(&query)).hits;
        let found: Vec<Stretch> = hits.iter().map(|hit| {
            let first = usize::try_from(hit.first_word).unwrap();
            (usize::from(hit.channel), first, first + hit.words.len() - 1)
        }).collect();
        prop_assert_eq!(found, expected, "{}", query.text());
    }
}
