//! People's answers beside the machine's. In: a form, the machine's result and people's reviews. Out: both results, and how
//! far they agree. The machine's is passed through as it came. Fails when a review or an answer is not one of the form's.

use job_schema::Sha256;
use job_schema::review::{HumanAnswer, Review};
use job_schema::scorecard::{Answer, QuestionResult, ScorecardResult};

use super::Scorecard;
use super::fill::total;

#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    pub machine: ScorecardResult,
    /// The same form with people's answers where they gave one; of several to a question the last counts.
    pub human: ScorecardResult,
    pub agreed_count: u32,
    pub differed_count: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    #[error("the result or a review is of another form, or of another version of it")]
    OtherForm,
    #[error("the form has no question `{id}`")]
    Question { id: String },
    #[error(
        "the question `{id}` has no such answer: write {answers}, or leave it out as not applicable"
    )]
    Answer { id: String, answers: String },
}

impl Scorecard {
    /// Reviews in the order in which they were written.
    ///
    /// # Errors
    /// The result or a review was not made with this form, or an answer does not fit it.
    pub fn review(
        &self,
        machine: &ScorecardResult,
        reviews: &[Review],
    ) -> Result<Reviewed, ReviewError> {
        let is_ours = |digest: &Sha256| *digest == self.sha256;
        let digests = reviews.iter().map(|review| &review.scorecard_sha256);
        if !digests.chain([&machine.scorecard_sha256]).all(is_ours) {
            return Err(ReviewError::OtherForm);
        }
        let mut results: Vec<Vec<QuestionResult>> = machine
            .sections
            .iter()
            .map(|section| section.questions.clone())
            .collect();
        let mut is_answered: Vec<Vec<bool>> = results
            .iter()
            .map(|questions| vec![false; questions.len()])
            .collect();
        for review in reviews {
            for given in &review.answers {
                let (section, question) = place(&results, given)?;
                let result = &mut results[section][question];
                result.answer = self.answer(section, question, given)?;
                result.evidence.clear();
                result.reason = Some(format!("answered by {}", review.reviewer));
                is_answered[section][question] = true;
            }
        }
        let human = total(self, results, machine.keywords.clone());
        let (mut agreed_count, mut differed_count) = (0, 0);
        let sections = machine.sections.iter().zip(&human.sections);
        let pairs = sections.flat_map(|(m, h)| m.questions.iter().zip(&h.questions));
        let answered = pairs.zip(is_answered.concat()).filter(|(_, given)| *given);
        for ((ours, theirs), _) in answered {
            let same = ours.answer == theirs.answer;
            agreed_count += u32::from(same);
            differed_count += u32::from(!same);
        }
        Ok(Reviewed {
            machine: machine.clone(),
            human,
            agreed_count,
            differed_count,
        })
    }

    fn answer(
        &self,
        section: usize,
        question: usize,
        given: &HumanAnswer,
    ) -> Result<Answer, ReviewError> {
        let Some(answer) = &given.answer else {
            return Ok(Answer::NotApplicable);
        };
        let choices = &self.sections[section].questions[question].answers;
        let Some(choice) = choices.iter().find(|choice| choice.answer == *answer) else {
            let names = choices.iter().map(|choice| choice.answer.as_str());
            return Err(ReviewError::Answer {
                id: given.id.clone(),
                answers: names.collect::<Vec<_>>().join(", "),
            });
        };
        Ok(Answer::Answered {
            answer: answer.clone(),
            points: choice.points,
        })
    }
}

fn place(
    results: &[Vec<QuestionResult>],
    given: &HumanAnswer,
) -> Result<(usize, usize), ReviewError> {
    let found = results.iter().enumerate().find_map(|(section, questions)| {
        let question = questions.iter().position(|result| result.id == given.id)?;
        Some((section, question))
    });
    found.ok_or_else(|| ReviewError::Question {
        id: given.id.clone(),
    })
}
