//! A made-up call of an hour and rules about it, for the scoring bench. In: how many rules. Out: a transcript in which two people
//! take turns, and rule files of which each rule is true exactly where its keyword was said. Keywords hardly resemble each
//! other; the rest are words of no rule, as many different ones as a conversation has.

use job_schema::transcript::Transcript;
use serde_json::{Value, json};

pub const WORDS_PER_CHANNEL: u64 = 5_000;
pub const PHRASES_PER_RULE: u64 = 5;
/// Every 50th word of a channel is one that a rule looks for.
pub const KEYWORD_EVERY: u64 = 50;
/// A speaker's turn; every second one begins with a keyword.
const TURN_WORDS: u64 = 25;
const PACE_MS: u64 = 400;
const WORD_MS: u64 = 300;
const TURN_MS: u64 = TURN_WORDS * PACE_MS;
const DURATION_MS: u64 = 2 * WORDS_PER_CHANNEL * PACE_MS;

/// Different words of a conversation of this length, keywords apart.
const FILLERS_COUNT: u64 = 1_499;
/// Where the numbers of fillers begin, above those of all keywords.
const FIRST_FILLER: u64 = 1 << 32;

/// A word of four syllables; different numbers give words that hardly resemble each other.
pub fn made_up(n: u64) -> String {
    let scattered = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let syllable = |at: u32| {
        let part = (scattered >> (at * 12 + 12)) % 100;
        let consonant = b"bcdfghjklmnprstvwxyz"[usize::try_from(part % 20).unwrap_or(0)];
        let vowel = b"aeiou"[usize::try_from(part / 20).unwrap_or(0)];
        [char::from(consonant), char::from(vowel)]
    };
    (0..4).flat_map(syllable).collect()
}

/// A keyword is followed by "please", so that a phrase has to match a run.
fn word(n: u64, keywords_count: u64) -> String {
    match n % KEYWORD_EVERY {
        0 => format!("{},", made_up((n / KEYWORD_EVERY) % keywords_count)),
        1 => "Please.".to_owned(),
        _ => made_up(FIRST_FILLER + n % FILLERS_COUNT),
    }
}

/// When a channel's turn begins: the two take turns, and the agent begins.
fn turn_start_ms(channel: u64, turn: u64) -> u64 {
    (2 * turn + channel) * TURN_MS
}

fn word_start_ms(channel: u64, n: u64) -> u64 {
    turn_start_ms(channel, n / TURN_WORDS) + n % TURN_WORDS * PACE_MS
}

/// A span of a turn's words.
fn turns(channel: u64) -> impl Iterator<Item = Value> {
    (0..WORDS_PER_CHANNEL / TURN_WORDS).map(move |turn| {
        let start_ms = turn_start_ms(channel, turn);
        json!({
            "start_ms": start_ms, "end_ms": start_ms + TURN_MS - PACE_MS + WORD_MS,
            "first_word": turn * TURN_WORDS, "words_count": TURN_WORDS,
        })
    })
}

fn channel(index: u64, role: &str, keywords_count: u64) -> Value {
    let words: Vec<_> = (0..WORDS_PER_CHANNEL)
        .map(|n| {
            let start_ms = word_start_ms(index, n);
            json!({"text": word(n, keywords_count), "start_ms": start_ms, "end_ms": start_ms + WORD_MS, "confidence": 0.9})
        })
        .collect();
    json!({
        "index": index, "role": role, "status": "speech", "language": null, "speech_ms": 0,
        "speech_level_dbfs": -24.0, "speech_spans": [], "non_speech": [],
        "words": words, "segments": [], "suppressed": [], "utterances": turns(index).collect::<Vec<_>>(),
    })
}

/// 10,000 words, half of them on each channel.
pub fn call(keywords_count: u64) -> Transcript {
    let digest = "a".repeat(64);
    let roles = ["agent", "customer"];
    let of_channel = |(index, role): (u64, &str)| {
        turns(index)
            .map(|mut turn| {
                turn["channel"] = json!(index);
                turn["role"] = json!(role);
                turn["text"] = json!("");
                turn
            })
            .collect::<Vec<_>>()
    };
    let mut turns: Vec<Value> = (0..).zip(roles).flat_map(of_channel).collect();
    turns.sort_by_key(|turn| turn["start_ms"].as_u64());
    let document = json!({
        "schema_version": 1, "tenant": "t", "call": "c", "spec_sha256": digest, "speakers": "by_channel",
        "audio": {
            "container": "wav", "codec": "pcm_s16le", "sample_rate_hz": 8000, "channels_count": 2,
            "duration_ms": DURATION_MS, "declared_duration_ms": null, "size_bytes": 1, "sha256": digest,
        },
        "engine": {
            "model": "m", "model_sha256": digest, "recognizer": "r", "worker": "w", "parameters": {},
        },
        "channels": (0..).zip(roles).map(|(index, role)| channel(index, role, keywords_count)).collect::<Vec<_>>(),
        "turns": turns, "warnings": [],
    });
    serde_json::from_value(document).expect("the shape of a transcript")
}

/// Rules of five phrases each.
pub fn phrase_rules(rules_count: u64) -> String {
    let mut file = String::from("id = \"bench\"\nversion = 1\n");
    for rule in 0..rules_count {
        let phrases: Vec<String> = (0..PHRASES_PER_RULE)
            .map(|n| format!("\"{} please\"", made_up(rule * PHRASES_PER_RULE + n)))
            .collect();
        let phrases = phrases.join(", ");
        file += &format!("[[rule]]\nname = \"r{rule}\"\nphrases = [{phrases}]\n");
    }
    file
}

/// Twenty kinds of rules in turn: every kind of term, operator, window, fact and measure.
pub fn mixed_rules(rules_count: u64) -> String {
    let mut file = String::from(
        "id = \"bench\"\nversion = 1\n[lists]\ncourtesy = [\"please\", \"thank you\", \"would you mind\"]\n",
    );
    for rule in 0..rules_count {
        file += &format!("[[rule]]\nname = \"r{rule}\"\n{}\n", mixed_rule(rule));
    }
    file
}

fn mixed_rule(rule: u64) -> String {
    let k = made_up(rule);
    let (head, tail) = k.split_at(2);
    let before = rule.saturating_sub(1);
    // Where the agent says it, if anybody does.
    let at_s = word_start_ms(
        0,
        rule % (WORDS_PER_CHANNEL / KEYWORD_EVERY) * KEYWORD_EVERY,
    ) / 1_000;
    let end_s = at_s + 20;
    match rule % 20 {
        0 => format!("phrases = [\"{k} please\", \"{k} thanks\"]\nmin_confidence = 0.5"),
        1 => format!("query = '{k} please'"),
        2 => format!("query = '{k}~1 NEAR:2 please'"),
        3 => format!("query = 'R\"{head}[a-z]?{tail}\" ONEAR:3 please'"),
        4 => format!(
            "query = '\"{k} please\"'\nwindow = {{ from_ms = {at_s}000, to_ms = {end_s}000 }}"
        ),
        5 => format!("query = '@silence < 10h AND forms:{k} BEFORE:30s please'"),
        6 => format!("query = 'sounds:{k} AND \"{k} please\"'"),
        7 => format!("query = '{k}* AND NOT customer: wonderful'"),
        8 => format!("query = '(\"{k} please\" | \"{k} (thanks|now)\") NOTNEAR:3 never'"),
        9 => format!("query = '\"{k} please\" AND (rule:r{before} OR NOT \"[num:16] {k}\")'"),
        10 => format!("query = '{k} NOTIN \"not {k}\"'"),
        11 => format!("query = '*{tail} ONEAR:1 please'"),
        12 => format!("query = 'first({end_s}s): {k}'\nspeaker = \"agent\""),
        13 => format!("query = 'agent: {k} THEN:30s please'"),
        14 => format!("query = '^{k} SAMETURN please'"),
        15 => format!("query = '@talk_share(agent) > 10% AND @wpm(customer) > 10 AND {k}'"),
        16 => format!("query = 'please AFTER:1 {k}'"),
        17 => format!("query = '$direction = inbound AND $duration > 10m AND {k}'"),
        18 => format!("query = 'customer: {k} NEAR:4 list:courtesy'"),
        _ => format!(
            "query = '{head}?{} please AND @interruptions_by(agent) = 0'",
            &tail[1..]
        ),
    }
}
