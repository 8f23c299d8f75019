//! Scoring: words per second with 10 to 5,000 rules on a call of an hour, of phrases alone and of every kind of query mixed,
//! and reading the rule files. Each run's answer is asserted: a fast wrong matcher fails.

use std::hint::black_box;

use analysis::{Facts, RuleSet};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use earwitness_benches::calls::{
    KEYWORD_EVERY, PHRASES_PER_RULE, WORDS_PER_CHANNEL, call, mixed_rules, phrase_rules,
};
use job_schema::Sha256;
use job_schema::analysis::{Analysis, Outcome};

fn digest() -> Sha256 {
    "a".repeat(64).parse().expect("64 hexadecimal digits")
}

fn outcome_if(said: bool) -> Outcome {
    if said { Outcome::True } else { Outcome::False }
}

/// Rules are true where a keyword of theirs was said, and false elsewhere.
fn assert_mixed_answer(analysis: &Analysis, rules_count: u64) {
    let score = analysis.score.as_ref().expect("rules give a score");
    let said_count = (WORDS_PER_CHANNEL / KEYWORD_EVERY).min(rules_count);
    for (n, rule) in (0..).zip(&score.rules) {
        let expected = outcome_if(n < said_count);
        assert_eq!(rule.outcome, expected, "{}: {:?}", rule.rule, rule.reason);
    }
}

fn assert_answer(analysis: &Analysis) {
    let score = analysis.score.as_ref().expect("rules give a score");
    let hits_count: usize = score.rules.iter().map(|rule| rule.hits.len()).sum();
    let keywords_said = usize::try_from(2 * WORDS_PER_CHANNEL / KEYWORD_EVERY);
    assert_eq!(Ok(hits_count), keywords_said);
    for rule in &score.rules {
        assert_eq!(rule.outcome, outcome_if(!rule.hits.is_empty()));
    }
}

fn phrases(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analyse");
    group.throughput(Throughput::Elements(2 * WORDS_PER_CHANNEL));
    for rules_count in [10, 100, 1_000] {
        let rules = RuleSet::parse(&phrase_rules(rules_count)).expect("a rule file");
        let call = call(rules_count * PHRASES_PER_RULE);
        let digest = digest();
        assert_answer(&analysis::analyse(&call, &digest, Some(&rules)));
        group.bench_function(BenchmarkId::new("phrases", rules_count), |bencher| {
            bencher.iter(|| analysis::analyse(black_box(&call), &digest, Some(&rules)));
        });
    }
    group.finish();
}

fn mixed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analyse");
    group.throughput(Throughput::Elements(2 * WORDS_PER_CHANNEL));
    let facts = Facts::from([("direction".to_owned(), "inbound".to_owned())]);
    for rules_count in [10, 100, 1_000, 5_000] {
        let rules = RuleSet::parse(&mixed_rules(rules_count)).expect("a rule file");
        let (call, digest) = (call(rules_count), digest());
        let analyse =
            || analysis::analyse_with(black_box(&call), &digest, Some(&rules), None, &facts);
        assert_mixed_answer(&analyse(), rules_count);
        group.bench_function(BenchmarkId::new("mixed", rules_count), |bencher| {
            bencher.iter(analyse);
        });
    }
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let file = phrase_rules(1_000);
    let rules = RuleSet::parse(&file).expect("a rule file");
    assert_eq!(rules.rules().len(), 1_000);
    criterion.bench_function("parse/rules/1000", |bencher| {
        bencher.iter(|| RuleSet::parse(black_box(&file)));
    });
}

criterion_group!(benches, phrases, mixed, reading);
criterion_main!(benches);
