//! From a query's text to tokens, each with the bytes it was written in. Operators are upper case; a word that runs into
//! `:` is a prefix, one that runs into `(` may begin a window. What a word means is not decided here.

use super::{At, Fault, QueryProblem};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lexeme {
    pub(super) at: At,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word with its marks, or the value of a comparison.
    Word(String),
    /// The text between quotes.
    Quoted(String),
    Regex(String),
    /// `[num]`.
    Class(String),
    /// `AND`, `NEAR:5`: the name, and the distance as it is written.
    Operator(&'static str, Option<String>),
    /// `agent:`.
    Prefix(String),
    /// `first(20s):`: the name and what stands in the parentheses.
    Window(String, String),
    /// `@wpm(agent)`.
    Measure(String, Option<String>),
    /// `$queue`.
    Fact(String),
    Comparison(String),
    Open,
    Close,
    TurnStart,
}

const OPERATORS: [&str; 11] = [
    "AND", "OR", "NOT", "NEAR", "ONEAR", "NOTNEAR", "NOTIN", "AFTER", "BEFORE", "SAMETURN", "THEN",
];
const WINDOWS: [&str; 3] = ["first", "last", "between"];

pub(super) fn lex(text: &str) -> Result<Vec<Lexeme>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut lexemes = Vec::new();
    loop {
        lexer.take_while(char::is_whitespace);
        let start = lexer.at;
        let Some(first) = lexer.peek() else {
            return Ok(lexemes);
        };
        let kind = lexer.next(first)?;
        lexemes.push(Lexeme {
            at: start..lexer.at,
            kind,
        });
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// What stands before `end`, which is passed over.
    fn until(&mut self, end: char) -> Option<&'a str> {
        let rest = self.rest();
        let length = rest.find(end)?;
        self.at += length + end.len_utf8();
        Some(&rest[..length])
    }

    fn next(&mut self, first: char) -> Result<Kind, Fault> {
        let start = self.at;
        let not_closed = |c| (start..start + 1, QueryProblem::NotClosed(c));
        if self.take("R\"") {
            let pattern = self.until('"').ok_or(not_closed('"'))?;
            return Ok(Kind::Regex(pattern.to_owned()));
        }
        if !matches!(
            first,
            '(' | ')' | '|' | '^' | '"' | '[' | '@' | '$' | '<' | '>' | '=' | '!' | '&'
        ) {
            return self.word();
        }
        self.at += first.len_utf8();
        let kind = match first {
            '(' => Kind::Open,
            ')' => Kind::Close,
            '|' => Kind::Operator("OR", None),
            '&' => Kind::Operator("AND", None),
            '^' => Kind::TurnStart,
            '"' => Kind::Quoted(self.until('"').ok_or(not_closed('"'))?.to_owned()),
            '[' => Kind::Class(self.until(']').ok_or(not_closed('['))?.to_owned()),
            '@' => {
                let name = self.take_while(is_name).to_owned();
                let of = if self.take("(") {
                    Some(self.until(')').ok_or(not_closed('('))?.trim().to_owned())
                } else {
                    None
                };
                Kind::Measure(name, of)
            }
            '$' => Kind::Fact(
                self.take_while(|c| is_name(c) || matches!(c, '.' | '-'))
                    .to_owned(),
            ),
            sign => {
                let equals = self.take("=");
                if sign == '!' && !equals {
                    return Err((start..self.at, QueryProblem::Unexpected("!".into())));
                }
                Kind::Comparison(if equals {
                    format!("{sign}=")
                } else {
                    sign.to_string()
                })
            }
        };
        Ok(kind)
    }

    fn word(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        // `&` and `=` within a word belong to it: `AT&T`.
        let word = self.take_while(|c| {
            !c.is_whitespace() && !matches!(c, '(' | ')' | '|' | '"' | '[' | ']' | ':' | '<' | '>')
        });
        if word.is_empty() {
            let c = self.peek().map(String::from).unwrap_or_default();
            return Err((start..start + c.len(), QueryProblem::Unexpected(c)));
        }
        if self.peek() == Some('(') && WINDOWS.contains(&word) {
            let rest = self.rest();
            if let Some(end) = rest
                .find("):")
                .filter(|&end| !rest[1..end].contains(['(', ')']))
            {
                self.at += end + "):".len();
                return Ok(Kind::Window(
                    word.to_owned(),
                    rest[1..end].trim().to_owned(),
                ));
            }
        }
        let operator = OPERATORS.iter().find(|&&operator| operator == word);
        match operator {
            Some(operator) if self.take(":") => {
                let distance =
                    self.take_while(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '['));
                Ok(Kind::Operator(operator, Some(distance.to_owned())))
            }
            Some(operator) => Ok(Kind::Operator(operator, None)),
            None if self.take(":") => Ok(Kind::Prefix(word.to_owned())),
            None => Ok(Kind::Word(word.to_owned())),
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
