//! What rules and a scorecard found, for reading. In: an analysis, or a filled-in form. Out: lines of text, the words of hits
//! among them: they are what was asked for. Nothing fails.

use std::fmt::Write as _;
use std::time::Duration;

use job_schema::analysis::{ChannelTalk, Outcome, Score};
use job_schema::scorecard::{Answer, Evidence, QuestionResult, ScorecardResult};

use super::super::text::{add_line, percent};

/// Each rule with its outcome, its points, and where it was said.
pub(super) fn score(score: &Score) -> String {
    let mut text = format!(
        "\nscore {} by {}@{}\n",
        score.points, score.rule_set, score.version
    );
    for rule in &score.rules {
        let verdict = match rule.outcome {
            Outcome::True => "yes",
            Outcome::False => "no",
            Outcome::Inconclusive => "unclear",
        };
        add_line(
            &mut text,
            format_args!("  {:24} {verdict:8} {:+}", rule.rule, rule.points),
        );
        for hit in &rule.hits {
            let (at, role) = (seconds(hit.span.start_ms), hit.role.as_str());
            let (words, confidence) = (hit.words.join(" "), hit.confidence);
            add_line(
                &mut text,
                format_args!("    at {at:.1} s, {role}: \"{words}\" (confidence {confidence:.2})"),
            );
        }
        if let Some(reason) = &rule.reason {
            add_line(&mut text, format_args!("    {reason}"));
        }
    }
    text
}

/// Each section with its questions, what they were answered, and what speaks for it.
pub(super) fn scorecard(card: &ScorecardResult, channels: &[ChannelTalk]) -> String {
    let mut text = format!(
        "\nscorecard {} by {}@{}\n",
        percent(card.percent),
        card.scorecard,
        card.version
    );
    for failed in &card.failed_by {
        add_line(&mut text, format_args!("  failed by {failed}"));
    }
    for section in &card.sections {
        let (name, share) = (&section.name, percent(section.percent));
        add_line(&mut text, format_args!("  {name:24} {share}"));
        for question in &section.questions {
            add_line(
                &mut text,
                format_args!("    {:22} {}", question.question, answer(question)),
            );
            for evidence in &question.evidence {
                add_line(
                    &mut text,
                    format_args!("      {}", place(evidence, channels)),
                );
            }
            if let Some(reason) = &question.reason {
                add_line(&mut text, format_args!("      {reason}"));
            }
        }
    }
    for keyword in &card.keywords {
        let (name, points, hits) = (&keyword.name, keyword.points, keyword.hits_count);
        add_line(
            &mut text,
            format_args!("  {name:24} {points:+} for {hits} hits"),
        );
    }
    text
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}

fn answer(question: &QuestionResult) -> String {
    match &question.answer {
        Answer::Answered { answer, points } => {
            format!("{answer} ({points} of {})", question.potential)
        }
        Answer::NotApplicable => "not applicable".to_owned(),
        Answer::Inconclusive => "inconclusive".to_owned(),
    }
}

fn place(evidence: &Evidence, channels: &[ChannelTalk]) -> String {
    let mut place = evidence.source.clone();
    if let Some(value) = evidence.value {
        let _ = write!(place, " is {value:.1}");
    }
    if let Some(span) = evidence.span {
        let (from, to) = (seconds(span.start_ms), seconds(span.end_ms));
        let _ = write!(place, " at {from:.1} to {to:.1} s");
    }
    let talk = evidence
        .channel
        .and_then(|index| channels.iter().find(|c| c.channel == index));
    if let Some(talk) = talk {
        let _ = write!(place, ", {}", talk.role.as_str());
    }
    place
}

#[cfg(test)]
mod tests {
    use job_schema::analysis::Analysis;

    use super::scorecard;

    #[test]
    fn a_scorecard_is_shown_with_sections_answers_and_evidence() {
        let fixture =
            include_str!("../../../../../job-schema/fixtures/v1/analysis-with-scorecard.json");
        let analysis: Analysis = serde_json::from_str(fixture).unwrap();
        let card = analysis.scorecard.unwrap();
        insta::assert_snapshot!(scorecard(&card, &analysis.conversation.channels));
    }
}
