//! From span results to the transcript. In: the results of every span in any order, and the call's summary; times are
//! milliseconds from the recording's first sample. Out: a [`Transcript`] whose words are sorted, never overlap within a
//! channel, never last zero time and never leave the call; segments, utterances and turns each cover them once.
//! Nothing fails: rough times are mended, and words that cannot fit into the call are kept as suppressed.

mod channel;
mod roles;
mod turns;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use job_schema::engine::{CallSummary, SpanResult};
use job_schema::job::Role;
use job_schema::transcript::{
    AudioFacts, ChannelFacts, ChannelStatus, EngineFacts, Speakers, Transcript, Warning,
};
use job_schema::{CallId, SCHEMA_VERSION, Sha256, TenantId};

pub use channel::UTTERANCE_GAP_MS;
pub use turns::{BACKCHANNEL_MAX_MS, BACKCHANNEL_MAX_WORDS};

/// What the engine cannot know of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    pub tenant: TenantId,
    pub call: CallId,
    pub spec_sha256: Sha256,
    /// Of the recording as it is stored.
    pub size_bytes: u64,
    /// Of the recording as it is stored.
    pub sha256: Sha256,
    pub engine: EngineFacts,
}

/// Puts a call's spans together. The order of `spans` makes no difference.
pub fn transcript(header: Header, mut spans: Vec<SpanResult>, summary: CallSummary) -> Transcript {
    spans.sort_by_key(|result| (result.span.start_ms, result.channel, result.span.end_ms));
    let mut warnings = merge_warnings(summary.warnings, &spans);
    let duration_ms = summary.audio.duration_ms;

    let mut spans_of: BTreeMap<u16, Vec<SpanResult>> = BTreeMap::new();
    for result in spans {
        spans_of.entry(result.channel).or_default().push(result);
    }
    let mut facts = summary.channels;
    add_unlisted(&mut facts, &spans_of);
    facts.sort_by_key(|channel| channel.index);

    let speakers = speakers(&facts);
    let channels: Vec<_> = facts
        .into_iter()
        .map(|facts| {
            let spans = spans_of.remove(&facts.index).unwrap_or_default();
            channel::assemble(facts, spans, duration_ms)
        })
        .collect();
    warnings.extend(roles::swapped(&channels));

    Transcript {
        schema_version: SCHEMA_VERSION,
        tenant: header.tenant,
        call: header.call,
        spec_sha256: header.spec_sha256,
        audio: AudioFacts {
            decoded: summary.audio,
            size_bytes: header.size_bytes,
            sha256: header.sha256,
        },
        engine: header.engine,
        speakers,
        turns: turns::across(&channels),
        channels,
        warnings,
    }
}

/// The call's own warnings, then the spans' in time order. A warning that both carry is listed once.
fn merge_warnings(of_call: Vec<Warning>, spans: &[SpanResult]) -> Vec<Warning> {
    let of_spans = spans.iter().flat_map(|result| result.warnings.clone());
    let mut seen = HashSet::new();
    of_call
        .into_iter()
        .chain(of_spans)
        .filter(|warning| seen.insert((warning.code, warning.channel, warning.detail.clone())))
        .collect()
}

/// Words of a channel that the summary forgot are evidence all the same: the channel is listed, its role unknown.
fn add_unlisted(facts: &mut Vec<ChannelFacts>, spans_of: &BTreeMap<u16, Vec<SpanResult>>) {
    for (&index, spans) in spans_of {
        if facts.iter().any(|channel| channel.index == index) {
            continue;
        }
        facts.push(ChannelFacts {
            speech_ms: spans.iter().map(|result| result.span.duration_ms()).sum(),
            speech_spans: spans.iter().map(|result| result.span).collect(),
            ..ChannelFacts::unmeasured(index, Role::Unknown)
        });
    }
}

/// Speakers are told apart by channel alone. One channel separates nobody, unless the job said whose it is; two
/// channels with the same sound are one channel.
fn speakers(facts: &[ChannelFacts]) -> Speakers {
    let (copies, own_sound): (Vec<_>, Vec<_>) = facts
        .iter()
        .partition(|channel| channel.status == ChannelStatus::DuplicateOfOther);
    match own_sound.as_slice() {
        [] => Speakers::NotSeparated,
        [only] if !copies.is_empty() || matches!(only.role, Role::Mixed | Role::Unknown) => {
            Speakers::NotSeparated
        }
        _ => Speakers::ByChannel,
    }
}
