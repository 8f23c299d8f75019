//! A rule file over a call. In: the file, a line `----`, and words that become a call of two legs. Promise: rules or an
//! error that says where; and of rules an analysis of any call, each hit within it and no better than it may be.

use analysis::{RuleSet, Scorecard, analyse};
use job_schema::engine::{SpanResult, SpanSegment};
use job_schema::transcript::{Figures, TimeSpan, Word};
use pipeline::assemble;

use crate::transcripts::{findings, header};

const SEPARATOR: &str = "\n----\n";
/// More words say no more, and take longer.
const MAX_WORDS: usize = 200;

pub fn read(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let (file, words) = text.split_once(SEPARATOR).unwrap_or((text, "hello"));
    if let Err(error) = Scorecard::parse(file) {
        assert!(!error.to_string().is_empty());
    }
    let rules = match RuleSet::parse(file) {
        Ok(rules) => rules,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let found = findings(vec![span(0, words), span(1, words)]);
    let transcript = assemble::transcript(header(), found.spans, found.summary);
    let digest = transcript.spec_sha256.clone();
    let analysis = analyse(&transcript, &digest, Some(&rules));
    let score = analysis.score.expect("rules were given");
    assert_eq!(score.rules.len(), rules.rules().len());
    let duration_ms = transcript.audio.decoded.duration_ms;
    for hit in score.rules.iter().flat_map(|rule| &rule.hits) {
        assert!(hit.span.start_ms <= hit.span.end_ms && hit.span.end_ms <= duration_ms);
    }
    true
}

/// The words one after the other, at a pace that their letters give.
fn span(channel: u16, words: &str) -> SpanResult {
    let mut at_ms = u64::from(channel) * 150;
    let words: Vec<Word> = words
        .split_whitespace()
        .take(MAX_WORDS)
        .map(|text| {
            let weight = text.bytes().map(u64::from).sum::<u64>();
            let start_ms = at_ms;
            let end_ms = start_ms + 10 + weight % 90;
            at_ms = end_ms + weight % 41;
            let confidence = if weight % 7 == 0 { 0.1 } else { 0.9 };
            Word {
                text: text.to_owned(),
                start_ms,
                end_ms,
                confidence,
            }
        })
        .collect();
    let span = TimeSpan {
        start_ms: 0,
        end_ms: at_ms,
    };
    let figures = Figures {
        avg_logprob: -0.1,
        no_speech_prob: 0.0,
        compression_ratio: 1.0,
        temperature: 0.0,
    };
    SpanResult::of(
        channel,
        SpanSegment {
            span,
            words,
            figures,
        },
    )
}
