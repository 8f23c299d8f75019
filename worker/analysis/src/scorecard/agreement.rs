//! How far people and the machine agree, question by question. In: for each call the machine's result and the reviews. Out:
//! counts, the share that agrees, and Cohen's kappa, which takes off what two would agree on by chance. Nothing fails.
//! Source: J. Cohen, "A coefficient of agreement for nominal scales", 1960.

use std::collections::BTreeMap;

use job_schema::review::Review;
use job_schema::scorecard::{Answer, ScorecardResult};

const NOT_APPLICABLE: &str = "not_applicable";

/// Filled call by call.
#[derive(Debug, Clone, Default)]
pub struct Agreement {
    calls_count: u32,
    questions: BTreeMap<String, Pairs>,
}

#[derive(Debug, Clone, Default)]
struct Pairs {
    /// The machine's answer and a person's, and how often.
    counts: BTreeMap<(String, String), u32>,
    inconclusive_count: u32,
}

/// Of one question, over all calls.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionAgreement {
    /// `scorecard/section/question@version`.
    pub id: String,
    /// Answers of people that stand beside one of the machine's.
    pub compared_count: u32,
    pub agreed_count: u32,
    /// Answers of people to what the machine could not decide. They are in no share.
    pub inconclusive_count: u32,
    /// Absent where nothing was compared.
    pub percent: Option<f64>,
    /// 1: always the same; 0: no more than by chance. Absent where chance alone would always agree.
    pub kappa: Option<f64>,
}

impl Agreement {
    /// Of each reviewer the last answer to a question counts.
    pub fn add(&mut self, machine: &ScorecardResult, reviews: &[Review]) {
        let mut last: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for review in reviews {
            for given in &review.answers {
                let answer = given.answer.as_deref().unwrap_or(NOT_APPLICABLE);
                last.insert((review.reviewer.as_str(), given.id.as_str()), answer);
            }
        }
        self.calls_count += u32::from(!last.is_empty());
        for question in machine.sections.iter().flat_map(|s| &s.questions) {
            let ours = match &question.answer {
                Answer::Answered { answer, .. } => Some(answer.as_str()),
                Answer::NotApplicable => Some(NOT_APPLICABLE),
                Answer::Inconclusive => None,
            };
            let theirs = last.iter().filter(|((_, id), _)| *id == question.id);
            for (_, theirs) in theirs {
                let pairs = self.questions.entry(question.id.clone()).or_default();
                match ours {
                    Some(ours) => {
                        let pair = (ours.to_owned(), (*theirs).to_owned());
                        *pairs.counts.entry(pair).or_default() += 1;
                    }
                    None => pairs.inconclusive_count += 1,
                }
            }
        }
    }

    /// Calls that somebody answered a question about.
    pub fn calls_count(&self) -> u32 {
        self.calls_count
    }

    /// In the order of their ids; questions that nobody answered are not among them.
    pub fn questions(&self) -> Vec<QuestionAgreement> {
        let of = |(id, pairs): (&String, &Pairs)| QuestionAgreement {
            id: id.clone(),
            compared_count: pairs.compared_count(),
            agreed_count: pairs.agreed_count(),
            inconclusive_count: pairs.inconclusive_count,
            percent: pairs.share().map(|share| (share * 1_000.0).round() / 10.0),
            kappa: pairs
                .kappa()
                .map(|kappa| (kappa * 1_000.0).round() / 1_000.0),
        };
        self.questions.iter().map(of).collect()
    }
}

impl Pairs {
    fn compared_count(&self) -> u32 {
        self.counts.values().sum()
    }

    fn agreed_count(&self) -> u32 {
        let same = self
            .counts
            .iter()
            .filter(|((ours, theirs), _)| ours == theirs);
        same.map(|(_, count)| count).sum()
    }

    fn share(&self) -> Option<f64> {
        let compared_count = self.compared_count();
        (compared_count > 0).then(|| f64::from(self.agreed_count()) / f64::from(compared_count))
    }

    fn kappa(&self) -> Option<f64> {
        let observed = self.share()?;
        let compared = f64::from(self.compared_count());
        let mut machine: BTreeMap<&str, u32> = BTreeMap::new();
        let mut people: BTreeMap<&str, u32> = BTreeMap::new();
        for ((ours, theirs), count) in &self.counts {
            *machine.entry(ours).or_default() += count;
            *people.entry(theirs).or_default() += count;
        }
        let by_chance: f64 = machine
            .iter()
            .filter_map(|(answer, ours)| Some((ours, people.get(answer)?)))
            .map(|(ours, theirs)| f64::from(*ours) / compared * (f64::from(*theirs) / compared))
            .sum();
        // Both always gave the one same answer: there is nothing that chance could have missed.
        (1.0 - by_chance > 1e-9).then(|| (observed - by_chance) / (1.0 - by_chance))
    }
}
