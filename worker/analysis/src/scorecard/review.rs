//! A person's answers beside the machine's. In: a form, the machine's result and what people answered. Out: both results, and
//! how far they agree. The machine's is passed through as it came. Fails when an answer is not one of the form's.

use job_schema::scorecard::{Answer, HumanAnswer, ScorecardResult};

use super::Scorecard;
use super::fill::total;

#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    pub machine: ScorecardResult,
    /// The same form with people's answers where they gave one.
    pub human: ScorecardResult,
    /// Every answer that was given, in the order given: a later one of the same question counts, and none is dropped.
    pub answers: Vec<HumanAnswer>,
    pub agreed_count: u32,
    pub differed_count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    #[error("the result is of another form, or of another version of it")]
    OtherForm,
    #[error("answer {at}: the form has no such question")]
    Question { at: usize },
    #[error("answer {at}: the question has no such answer")]
    Answer { at: usize },
}

impl Scorecard {
    /// # Errors
    /// The result was not made with this form, or an answer does not fit it.
    pub fn review(
        &self,
        machine: &ScorecardResult,
        answers: Vec<HumanAnswer>,
    ) -> Result<Reviewed, ReviewError> {
        if machine.scorecard_sha256 != self.sha256 {
            return Err(ReviewError::OtherForm);
        }
        let mut results: Vec<_> = machine
            .sections
            .iter()
            .map(|section| section.questions.clone())
            .collect();
        for (at, given) in answers.iter().enumerate() {
            let found = results.iter().enumerate().find_map(|(section, questions)| {
                let question = questions.iter().position(|result| result.id == given.id)?;
                Some((section, question))
            });
            let (section, question) = found.ok_or(ReviewError::Question { at })?;
            let answer = match &given.answer {
                None => Answer::NotApplicable,
                Some(answer) => {
                    let choices = &self.sections[section].questions[question].answers;
                    let choice = choices.iter().find(|choice| choice.answer == *answer);
                    Answer::Answered {
                        answer: answer.clone(),
                        points: choice.ok_or(ReviewError::Answer { at })?.points,
                    }
                }
            };
            let result = &mut results[section][question];
            result.answer = answer;
            result.evidence.clear();
            result.reason = Some(format!("answered by {}", given.reviewer));
        }
        let human = total(self, results, machine.keywords.clone());
        let (mut agreed_count, mut differed_count) = (0, 0);
        let pairs = machine.sections.iter().zip(&human.sections);
        for (ours, theirs) in pairs.flat_map(|(m, h)| m.questions.iter().zip(&h.questions)) {
            if answers.iter().any(|given| given.id == ours.id) {
                let same = ours.answer == theirs.answer;
                agreed_count += u32::from(same);
                differed_count += u32::from(!same);
            }
        }
        Ok(Reviewed {
            machine: machine.clone(),
            human,
            answers,
            agreed_count,
            differed_count,
        })
    }
}
