//! Rules, scores and conversation metrics, from words with times alone: no audio, no IO, no clock, so a stored transcript
//! can be scored again under other rules. In: a [`Transcript`] and, if the job names one, a [`RuleSet`]. Out: an
//! [`Analysis`] whose every point leads to words, times and a rule version. Only reading a rule file can fail.
//! `docs/rules.md` says what each rule means.

mod call;
pub mod cases;
pub mod conversation;
mod eval;
pub mod explain;
mod heard;
pub mod import;
mod matching;
mod program;
pub mod query;
pub mod redact;
pub mod rules;
mod score;
pub mod scorecard;
pub mod sentiment;
mod vocabulary;
mod words;

use job_schema::analysis::Analysis;
use job_schema::transcript::Transcript;
use job_schema::{SCHEMA_VERSION, Sha256};

pub use conversation::NON_TALK_THRESHOLD_MS;
pub use eval::Facts;
pub use heard::{HEARD_MIN_MEAN_CONFIDENCE, UNWRITTEN_SPEECH_MS};
pub use matching::MAX_PHRASE_PAUSE_MS;
pub use query::QueryProblem;
pub use rules::{Body, Problem, Rule, RuleError, RuleSet, Speaker, Term, Window};
pub use score::MAX_HITS_PER_RULE;
pub use scorecard::{CardError, Scorecard};

/// Analyses a transcript. `transcript_sha256` is the digest of the stored document, for the evidence chain.
pub fn analyse(
    transcript: &Transcript,
    transcript_sha256: &Sha256,
    rules: Option<&RuleSet>,
) -> Analysis {
    analyse_with(transcript, transcript_sha256, rules, None, &Facts::new())
}

/// The same with a scorecard, whose questions read what the rules and measures say, and with what is known of the call
/// beside its words; rules compare it as `$name`.
pub fn analyse_with(
    transcript: &Transcript,
    transcript_sha256: &Sha256,
    rules: Option<&RuleSet>,
    scorecard: Option<&Scorecard>,
    facts: &Facts,
) -> Analysis {
    let score = rules.map(|rules| score::score(transcript, rules, facts));
    let conversation = conversation::measure(transcript, NON_TALK_THRESHOLD_MS);
    Analysis {
        schema_version: SCHEMA_VERSION,
        tenant: transcript.tenant.clone(),
        call: transcript.call.clone(),
        spec_sha256: transcript.spec_sha256.clone(),
        transcript_sha256: transcript_sha256.clone(),
        scorecard: scorecard.map(|card| card.fill(score.as_ref(), &conversation)),
        score,
        conversation,
    }
}
