//! Scoring: words per second with 10 to 5,000 rules on a call of an hour, of phrases alone and of every kind of query mixed,
//! and reading the rule files. Each run's answer is asserted: a fast wrong matcher fails.

use std::hint::black_box;

use analysis::RuleSet;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use job_schema::Sha256;
use job_schema::analysis::{Analysis, Outcome};
use job_schema::transcript::Transcript;
use serde_json::json;

/// About an hour of two people talking.
const WORDS_PER_CHANNEL: u64 = 5_000;
const PHRASES_PER_RULE: u64 = 5;
/// Every 50th word of a channel is one that a rule looks for; the rest are words of no rule.
const KEYWORD_EVERY: u64 = 50;

fn digest() -> Sha256 {
    "a".repeat(64).parse().expect("64 hexadecimal digits")
}

/// Different words of a conversation of this length, keywords apart.
const FILLERS_COUNT: u64 = 1_499;
/// Where the numbers of fillers begin, above those of all keywords.
const FIRST_FILLER: u64 = 1 << 32;

/// A word of four syllables; different numbers give words that hardly resemble each other.
fn made_up(n: u64) -> String {
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

fn channel(index: u64, role: &str, keywords_count: u64) -> serde_json::Value {
    let words: Vec<_> = (0..WORDS_PER_CHANNEL)
        .map(|n| {
            let start_ms = n * 400;
            json!({"text": word(n, keywords_count), "start_ms": start_ms, "end_ms": start_ms + 300, "confidence": 0.9})
        })
        .collect();
    json!({
        "index": index, "role": role, "status": "speech", "language": null, "speech_ms": 0,
        "speech_level_dbfs": null, "speech_spans": [], "non_speech": [],
        "words": words, "segments": [], "suppressed": [],
        "utterances": [{
            "start_ms": 0, "end_ms": WORDS_PER_CHANNEL * 400, "first_word": 0, "words_count": WORDS_PER_CHANNEL,
        }],
    })
}

fn call(keywords_count: u64) -> Transcript {
    let document = json!({
        "schema_version": 1, "tenant": "t", "call": "c", "spec_sha256": digest(), "speakers": "by_channel",
        "audio": {
            "container": "wav", "codec": "pcm_s16le", "sample_rate_hz": 8000, "channels_count": 2,
            "duration_ms": WORDS_PER_CHANNEL * 400, "declared_duration_ms": null, "size_bytes": 1, "sha256": digest(),
        },
        "engine": {
            "model": "m", "model_sha256": digest(), "recognizer": "r", "worker": "w", "parameters": {},
        },
        "channels": [channel(0, "agent", keywords_count), channel(1, "customer", keywords_count)],
        "turns": [], "warnings": [],
    });
    serde_json::from_value(document).expect("the shape of a transcript")
}

fn rule_file(rules_count: u64) -> String {
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

/// Ten kinds of rules in turn, each true exactly where its keyword was said.
fn mixed_rule_file(rules_count: u64) -> String {
    let mut file = String::from("id = \"bench\"\nversion = 1\n");
    for rule in 0..rules_count {
        let k = made_up(rule);
        let before = rule.saturating_sub(1);
        let body = match rule % 10 {
            0 => format!("phrases = [\"{k} please\", \"{k} thanks\"]"),
            1 => format!("query = '\"{k} please\"'\nwindow = {{ last_percent = 100 }}"),
            2 => format!("query = '{k} please'"),
            3 => format!("query = '{k}* AND NOT customer: wonderful'"),
            4 => format!("query = '{k} NOTIN \"not {k}\"'"),
            5 => format!("query = '(\"{k} please\" | \"{k} (thanks|now)\") NOTNEAR:3 never'"),
            6 => format!("query = '{k}~1 NEAR:2 please'"),
            7 => format!("query = '\"{k} please\" AND NOT sounds:smith'"),
            8 => format!("query = '@silence < 10h AND forms:{k} BEFORE:30s please'"),
            _ => format!("query = '\"{k} please\" AND (rule:r{before} OR NOT \"[num:16] {k}\")'"),
        };
        file += &format!("[[rule]]\nname = \"r{rule}\"\n{body}\n");
    }
    file
}

/// Rules are true where a keyword of theirs was said, and false elsewhere.
fn assert_mixed_answer(analysis: &Analysis, rules_count: u64) {
    let score = analysis.score.as_ref().expect("rules give a score");
    let said_count = WORDS_PER_CHANNEL / KEYWORD_EVERY;
    for (n, rule) in (0..).zip(&score.rules) {
        let expected = if n < said_count.min(rules_count) {
            Outcome::True
        } else {
            Outcome::False
        };
        assert_eq!(rule.outcome, expected, "{}: {:?}", rule.rule, rule.reason);
    }
}

fn assert_answer(analysis: &Analysis) {
    let score = analysis.score.as_ref().expect("rules give a score");
    let hits_count: usize = score.rules.iter().map(|rule| rule.hits.len()).sum();
    let keywords_said = usize::try_from(2 * WORDS_PER_CHANNEL / KEYWORD_EVERY);
    assert_eq!(Ok(hits_count), keywords_said);
    for rule in &score.rules {
        let expected = if rule.hits.is_empty() {
            Outcome::False
        } else {
            Outcome::True
        };
        assert_eq!(rule.outcome, expected);
    }
}

fn scoring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analyse");
    group.throughput(Throughput::Elements(2 * WORDS_PER_CHANNEL));
    for rules_count in [10, 100, 1_000] {
        let rules = RuleSet::parse(&rule_file(rules_count)).expect("a rule file");
        let call = call(rules_count * PHRASES_PER_RULE);
        let digest = digest();
        assert_answer(&analysis::analyse(&call, &digest, Some(&rules)));
        group.bench_function(BenchmarkId::new("rules", rules_count), |bencher| {
            bencher.iter(|| analysis::analyse(black_box(&call), &digest, Some(&rules)));
        });
    }
    group.finish();
}

fn mixed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analyse");
    group.throughput(Throughput::Elements(2 * WORDS_PER_CHANNEL));
    for rules_count in [10, 100, 1_000, 5_000] {
        let rules = RuleSet::parse(&mixed_rule_file(rules_count)).expect("a rule file");
        let call = call(rules_count);
        let digest = digest();
        let answer = analysis::analyse(&call, &digest, Some(&rules));
        assert_mixed_answer(&answer, rules_count);
        group.bench_function(BenchmarkId::new("mixed", rules_count), |bencher| {
            bencher.iter(|| analysis::analyse(black_box(&call), &digest, Some(&rules)));
        });
    }
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let file = rule_file(1_000);
    let rules = RuleSet::parse(&file).expect("a rule file");
    assert_eq!(rules.rules().len(), 1_000);
    criterion.bench_function("parse/rules/1000", |bencher| {
        bencher.iter(|| RuleSet::parse(black_box(&file)));
    });
}

criterion_group!(benches, scoring, mixed, reading);
criterion_main!(benches);
