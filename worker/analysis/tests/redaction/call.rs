//! Calls for tests: who says what and when, one word behind the other.

use analysis::redact::{Found, Policy, find};
use job_schema::job::Role;
use job_schema::redaction::{EntityKind, Redaction};
use job_schema::transcript::{Language, LanguageSource, Speakers, Transcript};

use crate::calls::{add_turn, silent_call, words_from};

/// A silent hour on two channels, agent and customer, or on one that holds both.
pub(crate) fn call(language: Option<&str>, speakers: Speakers) -> Transcript {
    let roles: &[Role] = match speakers {
        Speakers::ByChannel => &[Role::Agent, Role::Customer],
        Speakers::NotSeparated => &[Role::Mixed],
    };
    let mut made = silent_call(roles, 3_600_000);
    made.speakers = speakers;
    for channel in &mut made.channels {
        channel.facts.language = language.map(|code| Language {
            code: code.into(),
            source: LanguageSource::Detected,
            confidence: 0.9,
            heard_ms: 1_000,
            votes: Vec::new(),
        });
    }
    made
}

/// Says a text at the tests' pace and gives back when it ends.
pub(crate) fn say(call: &mut Transcript, channel: usize, start_ms: u64, text: &str) -> u64 {
    let words = words_from(start_ms, text);
    let end_ms = words[words.len() - 1].end_ms;
    add_turn(call, channel, words);
    end_ms
}

/// A call in which the texts follow each other, a second apart, on the channels given.
pub(crate) fn talk(language: &str, lines: &[(usize, &str)]) -> Transcript {
    let mut made = call(Some(language), Speakers::ByChannel);
    let mut at_ms = 0;
    for (channel, text) in lines {
        at_ms = say(&mut made, *channel, at_ms, text) + 1_000;
    }
    made
}

pub(crate) fn policy(entities: &[EntityKind]) -> Policy {
    Policy::new(Redaction {
        entities: entities.to_vec(),
        ..Redaction::default()
    })
    .unwrap()
}

/// What was found, as the channel's words between its edges, with its kind.
pub(crate) fn places(call: &Transcript, found: &Found) -> Vec<(String, String)> {
    let text = |one: &job_schema::redaction::Redacted| {
        let channel = &call.channels[usize::from(one.channel)];
        let words = &channel.words[one.words.unwrap().indexes()];
        words
            .iter()
            .map(|word| word.text.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    found
        .redactions
        .iter()
        .map(|one| (one.kind.clone(), text(one)))
        .collect()
}

pub(crate) fn found(call: &Transcript, entities: &[EntityKind]) -> Vec<(String, String)> {
    places(call, &find(call, &policy(entities)))
}
