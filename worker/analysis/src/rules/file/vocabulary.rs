//! What a rule set wants listened for. In: the file's `vocabulary`, and rules that say their phrases belong to it. Out: terms
//! with the side that says them. Fails with the place of a term that cannot be said, that is too long, or one too many.

use job_schema::job::{MAX_VOCABULARY_TERM_BYTES, MAX_VOCABULARY_TERMS};
use toml::Spanned;

use super::super::{Body, Problem, Rule, Speaker, Term};
use super::Fault;

pub(super) fn of_file(written: Option<Spanned<Vec<Spanned<String>>>>) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for term in written.into_iter().flat_map(Spanned::into_inner) {
        let at = term.span();
        let text = term.into_inner();
        if !text.chars().any(char::is_alphanumeric) || text.chars().any(char::is_control) {
            return Err((at, Problem::PhraseEmpty));
        }
        if text.len() > MAX_VOCABULARY_TERM_BYTES {
            return Err((at, Problem::TermTooLong(text.len())));
        }
        if terms.len() == MAX_VOCABULARY_TERMS {
            return Err((at, Problem::TooManyTerms));
        }
        terms.push(Term {
            text,
            speaker: Speaker::Any,
        });
    }
    Ok(terms)
}

/// The phrases of a rule with `vocabulary = true`, for the side that the rule looks at.
pub(super) fn add_phrases(
    terms: &mut Vec<Term>,
    wanted: Option<Spanned<bool>>,
    rule: &Rule,
) -> Result<(), Fault> {
    let Some(wanted) = wanted.filter(|wanted| *wanted.get_ref()) else {
        return Ok(());
    };
    let Body::Phrases(phrases) = &rule.body else {
        return Err((wanted.span(), Problem::VocabularyOfQuery));
    };
    for phrase in phrases {
        if phrase.len() > MAX_VOCABULARY_TERM_BYTES {
            return Err((wanted.span(), Problem::TermTooLong(phrase.len())));
        }
        if terms.len() == MAX_VOCABULARY_TERMS {
            return Err((wanted.span(), Problem::TooManyTerms));
        }
        terms.push(Term {
            text: phrase.clone(),
            speaker: rule.speaker,
        });
    }
    Ok(())
}
