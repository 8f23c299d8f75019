//! The shape of Amazon Transcribe Call Analytics, for clients that already read it. In: a transcript and its analysis. Out: one
//! JSON object; what is not measured here (loudness by the second, issues) is left out and not made up.
//! `docs/call-analytics.md` has each field. Source: Transcribe developer guide, "Post-call analytics output".

use std::collections::HashMap;

use job_schema::analysis::{Analysis, Outcome, RuleResult};
use job_schema::job::Role;
use job_schema::sentiment::{CallSentiment, Sentiment};
use job_schema::transcript::{TimeSpan, Transcript, Turn, Word};
use serde_json::{Map, Value, json};

use super::{Content, Material, main_language, printable};

/// What ends a word in writing and is an item of its own.
const PUNCTUATION: [char; 9] = ['.', ',', '?', '!', ';', ':', '…', '。', '؟'];

pub(super) fn render(material: &Material<'_>) -> String {
    let Material {
        transcript,
        analysis,
        content,
    } = material;
    let mut document = json!({
        "JobName": transcript.call,
        "JobStatus": "COMPLETED",
        "Channel": "VOICE",
        "Participants": participants(transcript),
        "ContentMetadata": match content {
            Content::Whole => json!({ "Output": "Raw" }),
            Content::Redacted => json!({ "Output": "Redacted", "RedactionTypes": ["PII"] }),
        },
        "Transcript": turns(transcript, analysis.conversation.sentiment.as_ref()),
        "Categories": categories(analysis),
        "ConversationCharacteristics": characteristics(analysis),
    });
    if let Some(language) = main_language(transcript) {
        document["LanguageCode"] = language.into();
    }
    format!("{document:#}\n")
}

/// The service knows the first two alone.
fn participant(role: Role) -> &'static str {
    match role {
        Role::Agent => "AGENT",
        Role::Customer => "CUSTOMER",
        Role::Ivr => "IVR",
        Role::Mixed => "MIXED",
        Role::Unknown => "UNKNOWN",
    }
}

/// Each role once, in the order of the channels.
fn participants(transcript: &Transcript) -> Vec<Value> {
    let mut roles: Vec<Role> = Vec::new();
    for channel in &transcript.channels {
        if !roles.contains(&channel.facts.role) {
            roles.push(channel.facts.role);
        }
    }
    let named = roles.into_iter().map(participant);
    named
        .map(|role| json!({ "ParticipantRole": role }))
        .collect()
}

fn turns(transcript: &Transcript, sentiment: Option<&CallSentiment>) -> Vec<Value> {
    let words_of = |turn: &Turn| {
        let mut channels = transcript.channels.iter();
        let channel = channels.find(|channel| channel.facts.index == turn.channel)?;
        channel.words.get(turn.words.indexes())
    };
    let known = sentiment.iter().flat_map(|call| &call.turns);
    let sentiments: HashMap<(u16, u32), Sentiment> = known
        .map(|turn| ((turn.channel, turn.first_word), turn.sentiment))
        .collect();
    let turns = transcript.turns.iter().filter_map(|turn| {
        let content = printable(&turn.text);
        (!content.is_empty()).then(|| {
            let items = words_of(turn).unwrap_or_default().iter().flat_map(items);
            let mut written = json!({
                // As the ids of WebVTT cues: the channel, and the first word among its words.
                "Id": format!("{}-{}", turn.channel, turn.words.first_word),
                "ParticipantRole": participant(turn.role),
                "BeginOffsetMillis": turn.start_ms,
                "EndOffsetMillis": turn.end_ms,
                "Content": content,
                "Items": items.collect::<Vec<_>>(),
            });
            if let Some(sentiment) = sentiments.get(&(turn.channel, turn.words.first_word)) {
                written["Sentiment"] = named(*sentiment).into();
            }
            written
        })
    });
    turns.collect()
}

fn named(sentiment: Sentiment) -> &'static str {
    match sentiment {
        Sentiment::Positive => "POSITIVE",
        Sentiment::Negative => "NEGATIVE",
        Sentiment::Neutral => "NEUTRAL",
        Sentiment::Mixed => "MIXED",
    }
}

/// A word, and the mark after it as an item of its own, which has the word's end and no length.
fn items(word: &Word) -> Vec<Value> {
    let text = printable(&word.text);
    let spoken = text.trim_end_matches(PUNCTUATION);
    let (spoken, mark) = match spoken {
        // Nothing but marks: the service has no item without a word before it.
        "" => (text.as_str(), ""),
        spoken => (spoken, &text[spoken.len()..]),
    };
    let mut items = Vec::new();
    if !spoken.is_empty() {
        items.push(json!({
            "Type": "pronunciation",
            "Content": spoken,
            "Confidence": format!("{:.4}", word.confidence),
            "BeginOffsetMillis": word.start_ms,
            "EndOffsetMillis": word.end_ms,
        }));
    }
    if !mark.is_empty() {
        items.push(json!({
            "Type": "punctuation",
            "Content": mark,
            "Confidence": "0.0",
            "BeginOffsetMillis": word.end_ms,
            "EndOffsetMillis": word.end_ms,
        }));
    }
    items
}

fn categories(analysis: &Analysis) -> Value {
    let rules = analysis.score.iter().flat_map(|score| &score.rules);
    let matched: Vec<&RuleResult> = rules.filter(|rule| rule.outcome == Outcome::True).collect();
    let names: Vec<&str> = matched.iter().map(|rule| rule.rule.as_str()).collect();
    let details: Map<String, Value> = matched
        .iter()
        .map(|rule| {
            let points: Vec<Value> = points_of(rule).into_iter().map(offsets).collect();
            (rule.rule.clone(), json!({ "PointsOfInterest": points }))
        })
        .collect();
    json!({ "MatchedCategories": names, "MatchedDetails": details })
}

/// Hits, and what measures that hold come from. A rule about what was not said has none.
fn points_of(rule: &RuleResult) -> Vec<TimeSpan> {
    let measured = rule.measures.iter().filter(|measure| measure.holds);
    let hits = rule.hits.iter().map(|hit| hit.span);
    let mut points: Vec<TimeSpan> = hits.chain(measured.flat_map(|m| m.spans.clone())).collect();
    points.sort_unstable_by_key(|span| (span.start_ms, span.end_ms));
    points.dedup();
    points
}

fn offsets(span: TimeSpan) -> Value {
    json!({ "BeginOffsetMillis": span.start_ms, "EndOffsetMillis": span.end_ms })
}

fn instance(span: TimeSpan) -> Value {
    let mut instance = offsets(span);
    instance["DurationMillis"] = span.duration_ms().into();
    instance
}

fn characteristics(analysis: &Analysis) -> Value {
    let conversation = &analysis.conversation;
    let gaps = &conversation.non_talk.gaps;
    let mut written = json!({
        "TotalConversationDurationMillis": conversation.duration_ms,
        "NonTalkTime": {
            "TotalTimeMillis": gaps.iter().map(|gap| gap.duration_ms()).sum::<u64>(),
            "Instances": gaps.iter().copied().map(instance).collect::<Vec<_>>(),
        },
        "Interruptions": interruptions(analysis),
        "TalkTime": talk_time(analysis),
        "TalkSpeed": { "DetailsByParticipant": talk_speed(analysis) },
    });
    if let Some(call) = &conversation.sentiment {
        written["Sentiment"] = sentiment(call);
    }
    written
}

/// By role, for the call and its quarters; a quarter in which a role begins no turn is left out.
fn sentiment(call: &CallSentiment) -> Value {
    let mut overall: Map<String, Value> = Map::new();
    let mut quarters: Map<String, Value> = Map::new();
    for role in &call.roles {
        let name = participant(role.role);
        let periods = role.quarters.iter().map(|period| {
            let mut written = offsets(period.span);
            written["Score"] = score(period.score);
            written
        });
        overall.insert(name.to_owned(), score(role.score));
        quarters.insert(name.to_owned(), periods.collect());
    }
    json!({ "OverallSentiment": overall, "SentimentByPeriod": { "QUARTER": quarters } })
}

/// By its one decimal: an f32 would show its noise as an f64.
fn score(score: f32) -> Value {
    ((f64::from(score) * 10.0).round() / 10.0).into()
}

fn interruptions(analysis: &Analysis) -> Value {
    let conversation = &analysis.conversation;
    let mut by_interrupter: Map<String, Value> = Map::new();
    for interruption in &conversation.interruptions {
        let mut channels = conversation.channels.iter();
        let channel = channels.find(|c| c.channel == interruption.interrupter_channel);
        let role = participant(channel.map_or(Role::Unknown, |channel| channel.role));
        let list = by_interrupter.entry(role).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(instance(interruption.span));
        }
    }
    let spans = conversation.interruptions.iter();
    json!({
        "TotalCount": conversation.interruptions.len(),
        "TotalTimeMillis": spans.map(|i| i.span.duration_ms()).sum::<u64>(),
        "InterruptionsByInterrupter": by_interrupter,
    })
}

/// Talk and words of each role, in the order of the channels.
fn by_role(analysis: &Analysis) -> Vec<(&'static str, u64, u32)> {
    let mut roles: Vec<(&'static str, u64, u32)> = Vec::new();
    for channel in &analysis.conversation.channels {
        let role = participant(channel.role);
        match roles.iter_mut().find(|(known, ..)| *known == role) {
            Some((_, talk_ms, words_count)) => {
                *talk_ms += channel.talk_ms;
                *words_count += channel.words_count;
            }
            None => roles.push((role, channel.talk_ms, channel.words_count)),
        }
    }
    roles
}

/// The sum is the participants' and so may be more than the call.
fn talk_time(analysis: &Analysis) -> Value {
    let roles = by_role(analysis);
    let details: Map<String, Value> = roles
        .iter()
        .map(|&(role, talk_ms, _)| (role.to_owned(), json!({ "TotalTimeMillis": talk_ms })))
        .collect();
    json!({
        "DetailsByParticipant": details,
        "TotalTimeMillis": roles.iter().map(|&(_, talk_ms, _)| talk_ms).sum::<u64>(),
    })
}

/// Whole words a minute; none for who says nothing.
fn talk_speed(analysis: &Analysis) -> Map<String, Value> {
    let talking = by_role(analysis).into_iter().filter(|&(_, ms, _)| ms > 0);
    talking
        .map(|(role, talk_ms, words_count)| {
            // Rounded: words times the milliseconds of a minute, over milliseconds.
            let pace = (u64::from(words_count) * 60_000 + talk_ms / 2) / talk_ms;
            (role.to_owned(), json!({ "AverageWordsPerMinute": pace }))
        })
        .collect()
}
