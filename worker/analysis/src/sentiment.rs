//! Whether a turn sounds pleased or displeased, by its words alone: a word list's opinion, not a model's. In: a transcript. Out:
//! for each turn its sentiment, score and the words that made it, and how a role fared by quarter of the call. What is not English,
//! or was not heard well enough, has none. Nothing fails. `docs/sentiment.md` has the arithmetic and how often it is right.

mod lexicon;
mod weigh;

use job_schema::job::Role;
use job_schema::sentiment::{
    CallSentiment, PeriodSentiment, RoleSentiment, Sentiment, TurnSentiment, WeightedWords,
};
use job_schema::transcript::{Channel, TimeSpan, Transcript, Turn, Word};

use crate::heard::{HEARD_MIN_MEAN_CONFIDENCE, mean_confidence};
use weigh::{Folded, Weighed, score, weigh};

/// As VADER has it: a score from here up is positive, from its negative down negative.
pub const MIN_SCORE: f64 = 0.05;
/// Mixed: the words of either side alone come to this score …
pub const MIN_MIXED_SCORE: f64 = 0.4;
/// … and the weaker side has this share of the stronger one's weight.
pub const MIN_MIXED_SHARE: f64 = 0.5;
const LANGUAGE: &str = "en";
/// Of a role's sentiment: all of its turns are positive.
const SCALE: f64 = 5.0;

/// Why a turn has no sentiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unknown {
    Language,
    NotHeard,
}

/// Of each turn, in the transcript's order.
pub(crate) fn of_turns(transcript: &Transcript) -> Vec<Result<TurnSentiment, Unknown>> {
    let mut folded = Folded::new();
    let turns = transcript.turns.iter();
    turns
        .map(|turn| {
            let mut channels = transcript.channels.iter();
            let channel = channels.find(|channel| channel.facts.index == turn.channel);
            channel.map_or(Err(Unknown::NotHeard), |channel| {
                of_turn(turn, channel, &mut folded)
            })
        })
        .collect()
}

/// What an analysis keeps: none where no turn's sentiment is known.
pub(crate) fn of_call(transcript: &Transcript) -> Option<CallSentiment> {
    let turns: Vec<TurnSentiment> = of_turns(transcript).into_iter().flatten().collect();
    let mut roles: Vec<Role> = Vec::new();
    for channel in &transcript.channels {
        let role = channel.facts.role;
        if !roles.contains(&role) && turns.iter().any(|turn| turn.role == role) {
            roles.push(role);
        }
    }
    let duration_ms = transcript.audio.decoded.duration_ms;
    (!turns.is_empty()).then(|| CallSentiment {
        roles: roles
            .into_iter()
            .map(|role| of_role(role, &turns, duration_ms))
            .collect(),
        turns,
    })
}

/// Of one turn of these words, for lists of labelled sentences.
pub fn of_text(text: &str) -> Sentiment {
    let words: Vec<Word> = (0..)
        .zip(text.split_whitespace())
        .map(|(n, text)| Word {
            text: text.to_owned(),
            start_ms: n,
            end_ms: n + 1,
            confidence: 1.0,
        })
        .collect();
    let weighed = weigh(&words, &mut Folded::new());
    sentiment(&weighed, score(sum(&weighed)))
}

fn of_turn<'a>(
    turn: &Turn,
    channel: &'a Channel,
    folded: &mut Folded<'a>,
) -> Result<TurnSentiment, Unknown> {
    let language = channel.facts.language.as_ref();
    if language.is_none_or(|language| language.code != LANGUAGE) {
        return Err(Unknown::Language);
    }
    let words = channel.words.get(turn.words.indexes()).unwrap_or_default();
    match mean_confidence(words) {
        Some(mean) if mean >= HEARD_MIN_MEAN_CONFIDENCE => {}
        _ => return Err(Unknown::NotHeard),
    }
    let weighed = weigh(words, folded);
    let score = score(sum(&weighed));
    Ok(TurnSentiment {
        channel: turn.channel,
        role: turn.role,
        first_word: turn.words.first_word,
        span: TimeSpan {
            start_ms: turn.start_ms,
            end_ms: turn.end_ms,
        },
        sentiment: sentiment(&weighed, score),
        score: rounded(score, 10_000.0),
        words: weighed
            .iter()
            .map(|one| weighted_words(one, words, turn.words.first_word))
            .collect(),
    })
}

fn sum(weighed: &[Weighed]) -> f64 {
    weighed.iter().map(|one| one.weight).sum()
}

fn sentiment(weighed: &[Weighed], score_of_all: f64) -> Sentiment {
    let plain = weighed.iter().map(|one| one.plain);
    let pleased: f64 = plain.clone().filter(|&weight| weight > 0.0).sum();
    let displeased: f64 = -plain.filter(|&weight| weight < 0.0).sum::<f64>();
    let (weaker, stronger) = (pleased.min(displeased), pleased.max(displeased));
    if score(weaker) >= MIN_MIXED_SCORE && weaker >= MIN_MIXED_SHARE * stronger {
        Sentiment::Mixed
    } else if score_of_all >= MIN_SCORE {
        Sentiment::Positive
    } else if score_of_all <= -MIN_SCORE {
        Sentiment::Negative
    } else {
        Sentiment::Neutral
    }
}

fn weighted_words(one: &Weighed, words: &[Word], first_word: u32) -> WeightedWords {
    let (first, end) = one.words;
    let texts = words[first..end].iter().map(|word| word.text.as_str());
    WeightedWords {
        text: texts.collect::<Vec<&str>>().join(" "),
        first_word: first_word.saturating_add(u32::try_from(first).unwrap_or(u32::MAX)),
        weight: rounded(one.weight, 100.0),
    }
}

fn of_role(role: Role, turns: &[TurnSentiment], duration_ms: u64) -> RoleSentiment {
    let own: Vec<&TurnSentiment> = turns.iter().filter(|turn| turn.role == role).collect();
    let quarter = |n: u64| TimeSpan {
        start_ms: duration_ms * n / 4,
        end_ms: duration_ms * (n + 1) / 4,
    };
    let quarters = (0..4).map(quarter).filter_map(|span| {
        let within =
            |turn: &&&TurnSentiment| (span.start_ms..span.end_ms).contains(&turn.span.start_ms);
        let within: Vec<&TurnSentiment> = own.iter().filter(within).copied().collect();
        (!within.is_empty()).then(|| PeriodSentiment {
            span,
            score: balance(&within),
        })
    });
    let count =
        |wanted: Sentiment| count_of(own.iter().filter(|turn| turn.sentiment == wanted).count());
    RoleSentiment {
        role,
        score: balance(&own),
        turns_count: count_of(own.len()),
        positive_count: count(Sentiment::Positive),
        negative_count: count(Sentiment::Negative),
        mixed_count: count(Sentiment::Mixed),
        quarters: quarters.collect(),
    }
}

/// Positive turns less negative ones, over all, from -5 to 5.
fn balance(turns: &[&TurnSentiment]) -> f32 {
    let signs = turns.iter().map(|turn| match turn.sentiment {
        Sentiment::Positive => 1.0,
        Sentiment::Negative => -1.0,
        Sentiment::Neutral | Sentiment::Mixed => 0.0,
    });
    let all = f64::from(count_of(turns.len()));
    rounded(signs.sum::<f64>() / all * SCALE, 10.0)
}

fn count_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn rounded(value: f64, parts: f64) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a few decimals of a small figure fit an f32"
    )]
    // Adding 0 makes -0 plain.
    let rounded = ((value * parts).round() / parts + 0.0) as f32;
    rounded
}
