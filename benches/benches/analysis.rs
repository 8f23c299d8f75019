//! Scoring: words per second with 10, 100 and 1,000 rules on a call of an hour, and reading the rule files. Each run's
//! answer is asserted: a fast wrong matcher fails.

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

/// Keyword `n` is two words, so that a phrase has to match a run.
fn word(n: u64, keywords_count: u64) -> String {
    match n % KEYWORD_EVERY {
        0 => format!("keyword{},", (n / KEYWORD_EVERY) % keywords_count),
        1 => "Please.".to_owned(),
        other => format!("filler{other}"),
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
            .map(|n| format!("\"keyword{} please\"", rule * PHRASES_PER_RULE + n))
            .collect();
        let phrases = phrases.join(", ");
        file += &format!("[[rule]]\nname = \"r{rule}\"\nphrases = [{phrases}]\n");
    }
    file
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

fn reading(criterion: &mut Criterion) {
    let file = rule_file(1_000);
    let rules = RuleSet::parse(&file).expect("a rule file");
    assert_eq!(rules.rules().len(), 1_000);
    criterion.bench_function("parse/rules/1000", |bencher| {
        bencher.iter(|| RuleSet::parse(black_box(&file)));
    });
}

criterion_group!(benches, scoring, reading);
criterion_main!(benches);
