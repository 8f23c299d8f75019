//! From a form and an analysis to answers and percentages. In: what rules and measures found. Out: a [`ScorecardResult`].
//! Nothing fails. A question's share is its points over the most it can give; a section's is the weighted mean of the
//! questions that were answered; the form's the weighted mean of the sections that have one.

use job_schema::analysis::{Conversation, Outcome, RuleResult, Score};
use job_schema::scorecard::{
    Answer, Evidence, KeywordScore, QuestionResult, ScorecardResult, SectionResult,
};

use super::{Choice, Fails, Keyword, Question, Scorecard, When, WhenInconclusive};

pub(super) fn fill(
    card: &Scorecard,
    score: Option<&Score>,
    conversation: &Conversation,
) -> ScorecardResult {
    let found = Findings {
        score,
        conversation,
    };
    let answered = |section: &super::Section, question: &Question| {
        let (answer, evidence, reason) = found.answer(question);
        QuestionResult {
            id: question_id(card, &section.name, &question.name),
            question: question.name.clone(),
            weight: question.weight,
            answer,
            potential: potential(question),
            evidence,
            reason,
        }
    };
    let sections = card.sections.iter().map(|section| {
        let questions = section
            .questions
            .iter()
            .map(|question| answered(section, question));
        questions.collect()
    });
    let keywords = card
        .keywords
        .iter()
        .map(|keyword| found.keyword(keyword))
        .collect();
    total(card, sections.collect(), keywords)
}

pub(super) fn question_id(card: &Scorecard, section: &str, question: &str) -> String {
    format!("{}/{section}/{question}@{}", card.id, card.version)
}

fn potential(question: &Question) -> f64 {
    question
        .answers
        .iter()
        .map(|choice| choice.points)
        .fold(0.0, f64::max)
}

/// The same arithmetic for a machine's answers and for a person's.
pub(super) fn total(
    card: &Scorecard,
    answers: Vec<Vec<QuestionResult>>,
    keywords: Vec<KeywordScore>,
) -> ScorecardResult {
    let mut form_failed_by = Vec::new();
    let mut sections = Vec::new();
    for (section, questions) in card.sections.iter().zip(answers) {
        let mut failed_by = Vec::new();
        for (question, result) in section.questions.iter().zip(&questions) {
            match failure(question, &result.answer) {
                Some(Fails::Section) => failed_by.push(result.id.clone()),
                Some(Fails::Form) => form_failed_by.push(result.id.clone()),
                None => {}
            }
        }
        let shares = questions.iter().filter_map(|result| match &result.answer {
            Answer::Answered { points, .. } => {
                Some((points / result.potential * 100.0, result.weight))
            }
            Answer::NotApplicable | Answer::Inconclusive => None,
        });
        let percent =
            weighted_mean(shares).map(|percent| if failed_by.is_empty() { percent } else { 0.0 });
        sections.push(SectionResult {
            name: section.name.clone(),
            weight: section.weight,
            percent,
            failed_by,
            questions,
        });
    }
    let shares = sections
        .iter()
        .filter_map(|section| Some((section.percent?, section.weight)));
    let percent = weighted_mean(shares).map(|percent| {
        if form_failed_by.is_empty() {
            percent
        } else {
            0.0
        }
    });
    let all = sections.iter().flat_map(|section| &section.questions);
    let inconclusive = all
        .filter(|result| result.answer == Answer::Inconclusive)
        .count();
    ScorecardResult {
        scorecard: card.id.clone(),
        version: card.version,
        scorecard_sha256: card.sha256.clone(),
        percent,
        failed_by: form_failed_by,
        keywords,
        inconclusive_count: u32::try_from(inconclusive).unwrap_or(u32::MAX),
        sections,
    }
}

fn failure(question: &Question, answer: &Answer) -> Option<Fails> {
    let Answer::Answered { answer, .. } = answer else {
        return None;
    };
    question
        .answers
        .iter()
        .find(|choice| choice.answer == *answer)?
        .fails
}

fn weighted_mean(shares: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weights) = shares.fold((0.0, 0.0), |(sum, weights), (share, weight)| {
        (sum + share * weight, weights + weight)
    });
    // One decimal: what people compare; more would differ by the order of a sum.
    (weights > 0.0).then(|| (sum / weights * 10.0).round() / 10.0)
}

struct Findings<'a> {
    score: Option<&'a Score>,
    conversation: &'a Conversation,
}

type Answered = (Answer, Vec<Evidence>, Option<String>);

impl Findings<'_> {
    fn rule(&self, name: &str) -> Option<&RuleResult> {
        self.score?.rules.iter().find(|result| result.rule == name)
    }

    fn answer(&self, question: &Question) -> Answered {
        if let Some(rule) = question
            .not_applicable_if
            .as_ref()
            .and_then(|rule| self.rule(rule))
            && rule.outcome == Outcome::True
        {
            return (
                Answer::NotApplicable,
                evidence(rule),
                Some(format!("{} holds", rule.id)),
            );
        }
        let mut doubts = Vec::new();
        for choice in &question.answers {
            match self.holds(choice) {
                Held::Yes(evidence, reason) => return (answered(choice), evidence, reason),
                Held::No => {}
                Held::Absent(reason) => return (Answer::NotApplicable, Vec::new(), Some(reason)),
                Held::Unknown(reason) => doubts.push((choice, reason)),
            }
            // A later answer holds only if the earlier ones do not, and that is not known.
            if !doubts.is_empty() && question.inconclusive == WhenInconclusive::Exclude {
                break;
            }
        }
        let reason = doubts.first().map(|(_, reason)| reason.clone());
        let as_false = question
            .answers
            .iter()
            .find(|choice| matches!(choice.when, When::NotRule(_)));
        match (question.inconclusive, as_false) {
            (WhenInconclusive::CountAsFalse, Some(choice)) if reason.is_some() => {
                (answered(choice), Vec::new(), reason)
            }
            _ if reason.is_some() => (Answer::Inconclusive, Vec::new(), reason),
            _ => (
                Answer::Inconclusive,
                Vec::new(),
                Some("no answer fits".into()),
            ),
        }
    }

    fn holds(&self, choice: &Choice) -> Held {
        let (name, wanted) = match &choice.when {
            When::Otherwise => {
                return Held::Yes(Vec::new(), Some("nothing before it holds".into()));
            }
            When::Measure(measure, from, to) => {
                let source = measure.name();
                let Some(value) = measure.of(self.conversation) else {
                    return Held::Absent(format!("{source} cannot be measured on this call"));
                };
                if !(*from..*to).contains(&value) {
                    return Held::No;
                }
                let evidence = Evidence {
                    source,
                    channel: None,
                    span: None,
                    value: Some(value),
                };
                return Held::Yes(vec![evidence], None);
            }
            When::Rule(name) => (name, Outcome::True),
            When::NotRule(name) => (name, Outcome::False),
        };
        match self.rule(name) {
            None => Held::Unknown(format!("the rules have no `{name}`")),
            Some(rule) if rule.outcome == Outcome::Inconclusive => Held::Unknown(
                rule.reason
                    .clone()
                    .unwrap_or_else(|| format!("{} is inconclusive", rule.id)),
            ),
            Some(rule) if rule.outcome == wanted => Held::Yes(evidence(rule), rule.reason.clone()),
            Some(_) => Held::No,
        }
    }

    fn keyword(&self, keyword: &Keyword) -> KeywordScore {
        let rule = self.rule(&keyword.rule);
        let hits_count = u32::try_from(rule.map_or(0, |rule| rule.hits.len())).unwrap_or(u32::MAX);
        let minutes =
            std::time::Duration::from_millis(self.conversation.duration_ms).as_secs_f64() / 60.0;
        let minutes = (keyword.per_minute && minutes > 0.0).then_some(minutes);
        let points = f64::from(hits_count) * keyword.points / minutes.unwrap_or(1.0);
        KeywordScore {
            name: keyword.name.clone(),
            source: rule.map_or_else(|| keyword.rule.clone(), |rule| rule.id.clone()),
            hits_count,
            minutes,
            points: points.clamp(keyword.least, keyword.most),
        }
    }
}

enum Held {
    Yes(Vec<Evidence>, Option<String>),
    No,
    /// The call has nothing that could be measured.
    Absent(String),
    Unknown(String),
}

fn answered(choice: &Choice) -> Answer {
    Answer::Answered {
        answer: choice.answer.clone(),
        points: choice.points,
    }
}

/// Places without words: the analysis beside it quotes them.
fn evidence(rule: &RuleResult) -> Vec<Evidence> {
    let place = |hit: &job_schema::analysis::Hit| Evidence {
        source: rule.id.clone(),
        channel: Some(hit.channel),
        span: Some(hit.span),
        value: None,
    };
    if rule.hits.is_empty() {
        return vec![Evidence {
            source: rule.id.clone(),
            channel: None,
            span: Some(rule.window),
            value: None,
        }];
    }
    rule.hits.iter().map(place).collect()
}
