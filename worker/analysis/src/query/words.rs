//! Words with their marks: what stands between quotes, and a bare word, which is a phrase of one. In: the text and where
//! it begins in the query. Out: the phrase's elements. Words are folded as a transcript's are (`words`).

use super::problem::nearest;
use super::value::distance;
use super::{
    At, Element, Fault, Limit, MAX_PHRASE_WORDS, MAX_QUERY_DEPTH, MIN_FUZZY_CHARS,
    MIN_WILDCARD_CHARS, QueryProblem,
};
use crate::words::tokens;

pub(super) const MARKS: [&str; 3] = ["forms", "sounds", "list"];
const DIGITS_AT_MOST: usize = 40;

/// The elements of a phrase; never none.
pub(crate) fn phrase(text: &str, begins_at: usize) -> Result<Vec<Element>, Fault> {
    let mut reader = Reader {
        text,
        at: 0,
        begins_at,
    };
    let elements = reader.alternative(0)?;
    if reader.at < text.len() {
        let at = reader.bytes(reader.at, reader.at + 1);
        return Err((
            at,
            QueryProblem::Unexpected(text[reader.at..=reader.at].to_owned()),
        ));
    }
    let whole = reader.bytes(0, text.len());
    match elements.len() {
        0 => Err((whole, QueryProblem::NoWord)),
        1..=MAX_PHRASE_WORDS => Ok(elements),
        count => Err((whole, QueryProblem::PhraseTooLong(count))),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    begins_at: usize,
}

impl Reader<'_> {
    fn bytes(&self, start: usize, end: usize) -> At {
        self.begins_at + start..self.begins_at + end
    }

    /// Words until `|`, `)` or the end.
    fn alternative(&mut self, depth: usize) -> Result<Vec<Element>, Fault> {
        let mut elements = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let spaces = rest.len() - rest.trim_start().len();
            self.at += spaces;
            match self.text[self.at..].chars().next() {
                None | Some('|' | ')') => return Ok(elements),
                Some('(') => elements.push(self.group(depth + 1)?),
                Some(_) => self.word(&mut elements)?,
            }
        }
    }

    fn group(&mut self, depth: usize) -> Result<Element, Fault> {
        let opened = self.at;
        if depth > MAX_QUERY_DEPTH {
            return Err((self.bytes(opened, opened + 1), QueryProblem::TooDeep));
        }
        let mut alternatives = Vec::new();
        loop {
            self.at += 1; // the `(` or `|`
            let begin = self.at;
            let elements = self.alternative(depth)?;
            if elements.is_empty() {
                return Err((self.bytes(begin, begin), QueryProblem::NoWord));
            }
            alternatives.push(elements);
            match self.text[self.at..].chars().next() {
                Some('|') => {}
                Some(_) => break,
                None => {
                    return Err((self.bytes(opened, opened + 1), QueryProblem::NotClosed('(')));
                }
            }
        }
        self.at += 1; // the `)`
        Ok(Element::AnyOf(alternatives))
    }

    fn word(&mut self, elements: &mut Vec<Element>) -> Result<(), Fault> {
        let start = self.at;
        let rest = &self.text[start..];
        let in_brackets = rest.starts_with('[').then(|| rest.find(']')).flatten();
        let end = in_brackets.map_or_else(
            || rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|')),
            |close| Some(close + 1),
        );
        let written = &rest[..end.unwrap_or(rest.len())];
        self.at += written.len();
        let found = if written.starts_with('[') {
            class(written.trim_matches(['[', ']'])).map(|class| vec![class])
        } else {
            marked(written)
        };
        elements.extend(found.map_err(|problem| (self.bytes(start, self.at), problem))?);
        Ok(())
    }
}

/// A word with a mark before it, after it, or none; one with hyphens is several.
pub(super) fn marked(written: &str) -> Result<Vec<Element>, QueryProblem> {
    if let Some((mark, word)) = written.split_once(':')
        && mark.starts_with(|c: char| c.is_alphabetic())
        && !word.is_empty()
    {
        return mark_before(mark, word).map(|element| vec![element]);
    }
    if let Some((word, distance)) = written.split_once('~') {
        return fuzzy(written, word, distance).map(|element| vec![element]);
    }
    // A question mark at the end is punctuation.
    let inner = written.trim_end_matches(|c: char| !c.is_alphanumeric());
    if written.contains('*') || inner.contains('?') {
        return glob(written).map(|element| vec![element]);
    }
    let words: Vec<Element> = tokens(written).map(Element::Word).collect();
    if words.is_empty() {
        return Err(QueryProblem::NoWord);
    }
    Ok(words)
}

pub(super) fn mark_before(mark: &str, word: &str) -> Result<Element, QueryProblem> {
    match mark {
        "forms" => Ok(Element::Forms(one_word(word)?)),
        "sounds" => Ok(Element::Sounds(one_word(word)?)),
        "list" => Ok(Element::List(word.to_owned())),
        _ => Err(QueryProblem::Prefix {
            word: mark.to_owned(),
            nearest: nearest(mark, MARKS),
        }),
    }
}

/// `[num]`, `[num:4]`, `[num:3-4]`.
pub(super) fn class(inner: &str) -> Result<Element, QueryProblem> {
    let refused = || QueryProblem::Class(inner.to_owned());
    let Some(counts) = inner.strip_prefix("num:") else {
        return if inner == "num" {
            Ok(Element::Number)
        } else {
            Err(refused())
        };
    };
    let (least, most) = counts.split_once('-').unwrap_or((counts, counts));
    match (least.parse(), most.parse()) {
        (Ok(least), Ok(most)) if 0 < least && least <= most && most <= DIGITS_AT_MOST => {
            Ok(Element::Digits(least, most))
        }
        _ => Err(refused()),
    }
}

fn one_word(word: &str) -> Result<String, QueryProblem> {
    let mut tokens = tokens(word);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) if !word.contains(['*', '?', '~', '[']) => Ok(token),
        _ => Err(QueryProblem::NotOneWord(word.to_owned())),
    }
}

fn fuzzy(written: &str, word: &str, edits: &str) -> Result<Element, QueryProblem> {
    let edits = match distance(edits) {
        Ok(Limit::Words(edits)) => usize::try_from(edits).unwrap_or(usize::MAX),
        _ => 0,
    };
    let token = one_word(word)?;
    let enough = MIN_FUZZY_CHARS
        .get(edits.wrapping_sub(1))
        .is_some_and(|&least| token.chars().count() >= least);
    if enough {
        Ok(Element::Fuzzy(token, edits))
    } else {
        Err(QueryProblem::Fuzzy(written.to_owned()))
    }
}

fn glob(written: &str) -> Result<Element, QueryProblem> {
    let is_mark = |c: char| matches!(c, '*' | '?');
    let letters = written.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < MIN_WILDCARD_CHARS {
        return Err(QueryProblem::Wildcard(written.to_owned()));
    }
    // The marks stand in for letters, so that the rest is folded as words are.
    let mut folded = String::new();
    for part in written.split_inclusive(is_mark) {
        let text = part.trim_end_matches(is_mark);
        let mut tokens = tokens(text);
        match (tokens.next(), tokens.next()) {
            (None, _) if text.is_empty() => {}
            (Some(token), None) => folded.push_str(&token),
            _ => return Err(QueryProblem::NotOneWord(written.to_owned())),
        }
        folded.push_str(&part[text.len()..]);
    }
    Ok(Element::Glob(folded))
}
