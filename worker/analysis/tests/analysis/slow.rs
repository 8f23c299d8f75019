//! The matcher against an evaluator that is slow and plainly right: every phrase is tried at every word.

use analysis::{MAX_PHRASE_PAUSE_MS, RuleSet};
use job_schema::job::Role;
use job_schema::transcript::{Transcript, Word};
use proptest::prelude::*;

use crate::call::{Say, call, digest};

/// Channel, first word, words, phrase.
type Found = (u16, u32, usize, String);

fn plain(text: &str) -> String {
    text.to_lowercase().replace(['.', ','], "")
}

/// Leftmost, then longest, then on from its end. Test words are single tokens.
fn slow(call: &Transcript, phrases: &[String], from_ms: u64, to_ms: u64, least: f32) -> Vec<Found> {
    let mut found = Vec::new();
    for channel in &call.channels {
        let mut at = 0;
        while at < channel.words.len() {
            let longest = phrases
                .iter()
                .filter(|phrase| stands_at(&channel.words[at..], phrase, from_ms, to_ms, least))
                .max_by_key(|phrase| phrase.split(' ').count());
            let Some(phrase) = longest else {
                at += 1;
                continue;
            };
            let count = phrase.split(' ').count();
            let first_word = u32::try_from(at).unwrap();
            found.push((channel.facts.index, first_word, count, phrase.clone()));
            at += count;
        }
    }
    found
}

fn stands_at(words: &[Word], phrase: &str, from_ms: u64, to_ms: u64, least: f32) -> bool {
    let wanted: Vec<&str> = phrase.split(' ').collect();
    if words.len() < wanted.len() {
        return false;
    }
    let words = &words[..wanted.len()];
    words.iter().zip(&wanted).all(|(word, wanted)| {
        plain(&word.text) == *wanted
            && word.start_ms >= from_ms
            && word.start_ms < to_ms
            && word.confidence >= least
    }) && (1..words.len()).all(|n| words[n].start_ms - words[n - 1].end_ms <= MAX_PHRASE_PAUSE_MS)
}

fn any_word() -> impl Strategy<Value = (&'static str, u64, f32)> {
    let text = prop::sample::select(vec!["a", "B", "ab", "b,", "A.", "ba", "aa"]);
    let gap_ms = prop_oneof![6 => Just(100_u64), 1 => Just(2_000), 1 => Just(2_001)];
    (text, gap_ms, prop::sample::select(vec![0.3_f32, 0.8]))
}

fn any_call() -> impl Strategy<Value = Transcript> {
    let words = || proptest::collection::vec(any_word(), 1..40);
    (words(), words()).prop_map(|(agent, customer)| {
        let mut made = call(&[Role::Agent, Role::Customer]);
        for (channel, said) in [agent, customer].into_iter().enumerate() {
            let mut free_from_ms = 0;
            let mut words = Vec::new();
            for (text, gap_ms, confidence) in said {
                let start_ms = free_from_ms + gap_ms;
                free_from_ms = start_ms + 200;
                let text = text.to_owned();
                words.push(Word {
                    text,
                    start_ms,
                    end_ms: free_from_ms,
                    confidence,
                });
            }
            made = made.say_words(channel, words);
        }
        made
    })
}

fn any_phrases() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(vec!["a", "b", "ab", "ba"]);
    let phrase = proptest::collection::vec(word, 1..4).prop_map(|words| words.join(" "));
    proptest::collection::hash_set(phrase, 1..5).prop_map(|phrases| phrases.into_iter().collect())
}

proptest! {
    #[test]
    fn the_automaton_finds_what_the_slow_evaluator_finds(
        call in any_call(),
        rules in proptest::collection::vec((any_phrases(), 0_u64..8_000, 1_u64..20_000, any::<bool>()), 1..5),
    ) {
        let mut file = String::from("id = \"demo\"\nversion = 1\n");
        for (n, (phrases, from_ms, length_ms, strict)) in rules.iter().enumerate() {
            let to_ms = from_ms + length_ms;
            let least = if *strict { 0.5 } else { 0.0 };
            file += &format!("[[rule]]\nname = \"r{n}\"\nphrases = {phrases:?}\n\
                window = {{ from_ms = {from_ms}, to_ms = {to_ms} }}\nmin_confidence = {least}\n");
        }
        let rule_set = RuleSet::parse(&file).unwrap();
        let score = analysis::analyse(&call, &digest(), Some(&rule_set)).score.unwrap();
        for ((phrases, from_ms, length_ms, strict), result) in rules.iter().zip(&score.rules) {
            let least = if *strict { 0.5 } else { 0.0 };
            let expected = slow(&call, phrases, *from_ms, from_ms + length_ms, least);
            let found: Vec<Found> = result.hits.iter()
                .map(|hit| (hit.channel, hit.first_word, hit.words.len(), hit.phrase.clone())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
