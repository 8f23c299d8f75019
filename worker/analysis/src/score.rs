//! From rules and words to a score. In: a transcript and a rule set. Out: a [`Score`] with a result for each rule in the
//! file's order. Nothing fails: what cannot be decided is `inconclusive`, with its reason.

use std::cmp::Reverse;
use std::collections::HashMap;

use job_schema::analysis::{Hit, Outcome, RuleResult, Score};
use job_schema::transcript::{TimeSpan, Transcript, Word};

use crate::heard::{Heard, channels_of, heard, starts_in};
use crate::matching::Occurrence;
use crate::rules::{Rule, RuleSet, Speaker, Window};

/// Between two words of one phrase. A speaker who looks something up pauses for a second or two; after more they have
/// started to say something else.
pub const MAX_PHRASE_PAUSE_MS: u64 = 2_000;
/// More hits of one rule are counted and not listed.
pub const MAX_HITS_PER_RULE: usize = 1_000;

pub(crate) fn score(transcript: &Transcript, rule_set: &RuleSet) -> Score {
    let mut found = vec![Vec::new(); rule_set.matcher.patterns_count()];
    for (position, channel) in transcript.channels.iter().enumerate() {
        rule_set.matcher.find(position, &channel.words, &mut found);
    }
    let mut heard_of = HashMap::new();
    let rules: Vec<RuleResult> = rule_set
        .rules
        .iter()
        .map(|rule| result(transcript, rule_set, rule, &found, &mut heard_of))
        .collect();
    let inconclusive = rules
        .iter()
        .filter(|rule| rule.outcome == Outcome::Inconclusive);
    Score {
        rule_set: rule_set.id.clone(),
        version: rule_set.version,
        rules_sha256: rule_set.sha256.clone(),
        points: rules.iter().map(|rule| rule.points).sum(),
        inconclusive_count: u32::try_from(inconclusive.count()).expect("at most MAX_RULES rules"),
        rules,
    }
}

/// Many rules share a speaker and a window, and whether that was heard takes a walk over its words.
type HeardOf = HashMap<(Speaker, Window), Result<Heard, String>>;

fn result(
    transcript: &Transcript,
    rule_set: &RuleSet,
    rule: &Rule,
    found: &[Vec<Occurrence>],
    heard_of: &mut HeardOf,
) -> RuleResult {
    let window = rule.window.on(transcript.audio.decoded.duration_ms);
    let channels = channels_of(transcript, rule.speaker);
    let search = search(transcript, rule, &channels, window, found);
    let (outcome, reason) = if !search.places.is_empty() {
        (said(!rule.negate), more_than_listed(search.places.len()))
    } else if search.doubtful_count > 0 {
        (Outcome::Inconclusive, Some(doubtful(rule, &search)))
    } else {
        let heard = heard_of
            .entry((rule.speaker, rule.window))
            .or_insert_with(|| heard(transcript, &channels, window));
        match heard {
            Ok(heard) => (said(rule.negate), Some(absent(heard))),
            Err(reason) => (Outcome::Inconclusive, Some(reason.clone())),
        }
    };
    RuleResult {
        id: format!("{}/{}@{}", rule_set.id, rule.name, rule_set.version),
        rule: rule.name.clone(),
        outcome,
        negated: rule.negate,
        weight: rule.weight,
        points: match outcome {
            Outcome::True => rule.weight,
            Outcome::False | Outcome::Inconclusive => 0.0,
        },
        window,
        hits: search
            .places
            .iter()
            .take(MAX_HITS_PER_RULE)
            .map(|place| hit(transcript, rule, place))
            .collect(),
        reason,
    }
}

fn said(holds: bool) -> Outcome {
    if holds { Outcome::True } else { Outcome::False }
}

fn more_than_listed(count: usize) -> Option<String> {
    (count > MAX_HITS_PER_RULE)
        .then(|| format!("the first {MAX_HITS_PER_RULE} of {count} hits are listed"))
}

fn doubtful(rule: &Rule, search: &Search) -> String {
    format!(
        "{} possible hits, each with a word less confident than {}",
        search.doubtful_count, rule.min_confidence
    )
}

fn absent(heard: &Heard) -> String {
    let count = heard.words_count;
    match heard.mean_confidence {
        Some(mean) => {
            format!("not among the {count} words heard at a mean confidence of {mean:.2}")
        }
        None => "nobody spoke in the window".to_owned(),
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Index in the rule's phrases.
    phrase: usize,
    at: Occurrence,
}

struct Search {
    /// By channel and time.
    places: Vec<Place>,
    /// Places that count but for the rule's `min_confidence`.
    doubtful_count: usize,
}

/// Of all the places that count, the leftmost, and of those the longest, none overlapping another.
fn search(
    transcript: &Transcript,
    rule: &Rule,
    channels: &[usize],
    window: TimeSpan,
    found: &[Vec<Occurrence>],
) -> Search {
    let mut places = Vec::new();
    let mut doubtful_count = 0;
    for (phrase, wanted) in rule.phrases.iter().enumerate() {
        for &at in &found[wanted.pattern] {
            let words = words_of(transcript, &at);
            if !channels.contains(&at.channel) || !counts(words, window) {
                continue;
            }
            if least_confidence(words) < rule.min_confidence {
                doubtful_count += 1;
                continue;
            }
            places.push(Place { phrase, at });
        }
    }
    places.sort_by_key(|place| {
        (
            place.at.channel,
            place.at.first_token,
            Reverse(place.at.end_token),
        )
    });
    let mut free_from = (0, 0);
    places.retain(|place| {
        let free = (place.at.channel, place.at.first_token) >= free_from;
        if free {
            free_from = (place.at.channel, place.at.end_token);
        }
        free
    });
    Search {
        places,
        doubtful_count,
    }
}

/// Every word starts in the window, and no pause within the phrase is too long.
fn counts(words: &[Word], window: TimeSpan) -> bool {
    let pause_ms = |pair: &[Word]| pair[1].start_ms.saturating_sub(pair[0].end_ms);
    words.iter().all(|word| starts_in(word, window))
        && words
            .windows(2)
            .all(|pair| pause_ms(pair) <= MAX_PHRASE_PAUSE_MS)
}

fn hit(transcript: &Transcript, rule: &Rule, place: &Place) -> Hit {
    let channel = &transcript.channels[place.at.channel].facts;
    let words = words_of(transcript, &place.at);
    Hit {
        phrase: rule.phrases[place.phrase].text.clone(),
        words: words.iter().map(|word| word.text.clone()).collect(),
        channel: channel.index,
        role: channel.role,
        first_word: u32::try_from(place.at.first_word).unwrap_or(u32::MAX),
        span: TimeSpan {
            start_ms: words.first().map_or(0, |word| word.start_ms),
            end_ms: words.last().map_or(0, |word| word.end_ms),
        },
        confidence: least_confidence(words),
    }
}

fn words_of<'a>(transcript: &'a Transcript, at: &Occurrence) -> &'a [Word] {
    &transcript.channels[at.channel].words[at.first_word..=at.last_word]
}

fn least_confidence(words: &[Word]) -> f32 {
    words.iter().map(|word| word.confidence).fold(1.0, f32::min)
}
