//! Both sides of a form, and how far they agree, as text or JSON. In: a reviewed form, or counts. Out: text. Nothing fails.

use analysis::scorecard::{Agreement, QuestionAgreement, Reviewed};
use job_schema::review::Review;
use job_schema::scorecard::{Answer, QuestionResult};
use serde_json::{Value, json};

use super::super::text::{add_line, percent};

/// Section by section, the machine's answer and people's.
pub(super) fn both(reviewed: &Reviewed, reviews: &[Review]) -> String {
    let (machine, human) = (&reviewed.machine, &reviewed.human);
    let mut text = format!(
        "{}@{}: machine {}, people {}; {} reviews, {} answers agree, {} differ\n",
        machine.scorecard,
        machine.version,
        percent(machine.percent),
        percent(human.percent),
        reviews.len(),
        reviewed.agreed_count,
        reviewed.differed_count,
    );
    for (ours, theirs) in machine.sections.iter().zip(&human.sections) {
        let (was, is) = (percent(ours.percent), percent(theirs.percent));
        add_line(&mut text, format_args!("  {:24} {was:16} {is}", ours.name));
        for question in &ours.questions {
            let given = given(question, reviews);
            let answer = answer(&question.answer);
            add_line(
                &mut text,
                format_args!("    {:22} {answer:16} {given}", question.question),
            );
        }
    }
    for review in reviews {
        if let Some(comment) = &review.comment {
            add_line(&mut text, format_args!("  {}: {comment}", review.reviewer));
        }
    }
    text
}

pub(super) fn both_json(reviewed: &Reviewed, reviews: &[Review]) -> Value {
    json!({
        "machine": reviewed.machine,
        "human": reviewed.human,
        "reviews": reviews,
        "agreed_count": reviewed.agreed_count,
        "differed_count": reviewed.differed_count,
    })
}

pub(super) fn agreement(agreement: &Agreement) -> String {
    let mut text = format!("{} calls reviewed\n", agreement.calls_count());
    for question in agreement.questions() {
        let QuestionAgreement {
            id,
            compared_count,
            agreed_count,
            inconclusive_count,
            percent: share,
            kappa,
        } = question;
        let kappa = kappa.map_or_else(|| "-".to_owned(), |kappa| format!("{kappa:.3}"));
        let share = percent(share);
        add_line(
            &mut text,
            format_args!(
                "  {id:48} {agreed_count} of {compared_count} agree ({share}), kappa {kappa}, {inconclusive_count} undecided by the machine"
            ),
        );
    }
    text
}

pub(super) fn agreement_json(agreement: &Agreement) -> Value {
    let question = |of: QuestionAgreement| {
        json!({
            "id": of.id,
            "compared_count": of.compared_count,
            "agreed_count": of.agreed_count,
            "inconclusive_count": of.inconclusive_count,
            "percent": of.percent,
            "kappa": of.kappa,
        })
    };
    let questions = agreement.questions().into_iter().map(question);
    json!({
        "calls_count": agreement.calls_count(),
        "questions": questions.collect::<Vec<_>>(),
    })
}

/// Every answer to the question in the order given, and who gave it.
fn given(question: &QuestionResult, reviews: &[Review]) -> String {
    let mut given = Vec::new();
    for review in reviews {
        let answers = review.answers.iter().filter(|a| a.id == question.id);
        for human in answers {
            let answer = human.answer.as_deref().unwrap_or("not applicable");
            given.push(format!("{answer} ({})", review.reviewer));
        }
    }
    match given.is_empty() {
        true => "-".to_owned(),
        false => given.join(", "),
    }
}

fn answer(answer: &Answer) -> &str {
    match answer {
        Answer::Answered { answer, .. } => answer,
        Answer::NotApplicable => "not applicable",
        Answer::Inconclusive => "inconclusive",
    }
}
