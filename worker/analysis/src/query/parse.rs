//! From tokens to an expression: recursive descent, loosest first. `THEN`, `OR`, `AND`, `NOT`, then the operators that
//! relate two places, from left to right; words side by side are `ONEAR:5`. A speaker or window applies to everything up
//! to the next `AND`, `OR`, `THEN` or `)`.

mod term;

use super::lex::{Kind, Lexeme, lex};
use super::value::distance;
use super::{
    At, DEFAULT_DISTANCE_WORDS, Expr, ExprKind, Fault, Limit, MAX_QUERY_CHARS, MAX_QUERY_DEPTH,
    MAX_QUERY_NODES, PairOp, QueryProblem, Step,
};

pub(crate) fn parse(text: &str) -> Result<Expr, Fault> {
    let chars = text.chars().count();
    if chars > MAX_QUERY_CHARS {
        return Err((0..0, QueryProblem::TooLong(chars)));
    }
    let mut parser = Parser {
        lexemes: lex(text)?,
        next: 0,
        depth: 0,
        nodes_count: 0,
        end: text.len(),
    };
    if parser.lexemes.is_empty() {
        return Err((0..0, QueryProblem::Empty));
    }
    let expr = parser.sequence()?;
    match parser.peek() {
        None => Ok(expr),
        Some(lexeme) => {
            let written = text[lexeme.at.clone()].to_owned();
            Err((lexeme.at.clone(), QueryProblem::Unexpected(written)))
        }
    }
}

struct Parser {
    lexemes: Vec<Lexeme>,
    next: usize,
    depth: usize,
    nodes_count: usize,
    /// The query's length, for what is missing at its end.
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Lexeme> {
        self.lexemes.get(self.next)
    }

    fn take(&mut self) -> Option<Lexeme> {
        let lexeme = self.lexemes.get(self.next).cloned();
        self.next += usize::from(lexeme.is_some());
        lexeme
    }

    /// The operator `name` if it comes next, with its bytes and its distance.
    fn operator(&mut self, name: &str) -> Option<(At, Option<String>)> {
        match self.peek() {
            Some(Lexeme {
                at,
                kind: Kind::Operator(found, distance),
            }) if *found == name => {
                let found = (at.clone(), distance.clone());
                self.next += 1;
                Some(found)
            }
            _ => None,
        }
    }

    fn node(&mut self, at: At, kind: ExprKind) -> Result<Expr, Fault> {
        self.nodes_count += 1;
        if self.nodes_count > MAX_QUERY_NODES {
            return Err((at, QueryProblem::TooManyNodes));
        }
        Ok(Expr { at, kind })
    }

    fn sequence(&mut self) -> Result<Expr, Fault> {
        let first = self.any()?;
        let mut at = first.at.clone();
        let mut steps = vec![Step {
            limit: Limit::None,
            expr: first,
        }];
        while let Some((operator_at, written)) = self.operator("THEN") {
            let limit = limit_of("THEN", &operator_at, written.as_deref())?;
            let expr = self.any()?;
            at.end = expr.at.end;
            steps.push(Step { limit, expr });
        }
        match steps.len() {
            1 => Ok(steps.swap_remove(0).expr),
            _ => self.node(at, ExprKind::Sequence(steps)),
        }
    }

    fn any(&mut self) -> Result<Expr, Fault> {
        self.list("OR", Self::all, ExprKind::Or)
    }

    fn all(&mut self) -> Result<Expr, Fault> {
        self.list("AND", Self::negation, ExprKind::And)
    }

    fn list(
        &mut self,
        operator: &'static str,
        operand: fn(&mut Self) -> Result<Expr, Fault>,
        join: fn(Vec<Expr>) -> ExprKind,
    ) -> Result<Expr, Fault> {
        let first = operand(self)?;
        let mut at = first.at.clone();
        let mut operands = vec![first];
        while let Some((operator_at, distance)) = self.operator(operator) {
            if distance.is_some() {
                return Err((operator_at, QueryProblem::NoDistance(operator)));
            }
            let next = operand(self)?;
            at.end = next.at.end;
            operands.push(next);
        }
        match operands.len() {
            1 => Ok(operands.swap_remove(0)),
            _ => self.node(at, join(operands)),
        }
    }

    fn negation(&mut self) -> Result<Expr, Fault> {
        let Some((operator_at, _)) = self.operator("NOT") else {
            return self.pairs();
        };
        let inner = self.deeper(operator_at.clone(), Self::negation)?;
        let at = operator_at.start..inner.at.end;
        self.node(at, ExprKind::Not(Box::new(inner)))
    }

    fn deeper(
        &mut self,
        at: At,
        inner: fn(&mut Self) -> Result<Expr, Fault>,
    ) -> Result<Expr, Fault> {
        self.depth += 1;
        if self.depth > MAX_QUERY_DEPTH {
            return Err((at, QueryProblem::TooDeep));
        }
        let expr = inner(self);
        self.depth -= 1;
        expr
    }

    fn pairs(&mut self) -> Result<Expr, Fault> {
        let mut left = self.term()?;
        while let Some((op, limit)) = self.pair_operator()? {
            let right = self.term()?;
            let at = left.at.start..right.at.end;
            let (left_box, right_box) = (Box::new(left), Box::new(right));
            let kind = ExprKind::Pair {
                op,
                limit,
                left: left_box,
                right: right_box,
            };
            left = self.node(at, kind)?;
        }
        Ok(left)
    }

    /// The operator that comes next; between two terms without one it is `ONEAR:5`.
    fn pair_operator(&mut self) -> Result<Option<(PairOp, Limit)>, Fault> {
        let near = Limit::Words(DEFAULT_DISTANCE_WORDS);
        let table = [
            ("NEAR", PairOp::Near, Some(near)),
            ("ONEAR", PairOp::OrderedNear, Some(near)),
            ("NOTNEAR", PairOp::NotNear, None),
            ("NOTIN", PairOp::NotIn, Some(Limit::None)),
            ("AFTER", PairOp::After, Some(Limit::None)),
            ("BEFORE", PairOp::Before, Some(Limit::None)),
            ("SAMETURN", PairOp::SameTurn, Some(Limit::None)),
        ];
        for (name, op, otherwise) in table {
            let Some((at, written)) = self.operator(name) else {
                continue;
            };
            let limit = match (&written, otherwise) {
                (Some(_), Some(Limit::None)) if matches!(op, PairOp::NotIn | PairOp::SameTurn) => {
                    return Err((at, QueryProblem::NoDistance(name)));
                }
                (None, None) => return Err((at, QueryProblem::NeedsDistance(name))),
                (None, Some(limit)) => limit,
                (Some(_), _) => limit_of(name, &at, written.as_deref())?,
            };
            return Ok(Some((op, limit)));
        }
        let begins_term = self.peek().is_some_and(|lexeme| {
            !matches!(
                lexeme.kind,
                Kind::Operator(..) | Kind::Close | Kind::Comparison(_)
            )
        });
        Ok(begins_term.then_some((PairOp::OrderedNear, near)))
    }
}

fn limit_of(name: &'static str, at: &At, written: Option<&str>) -> Result<Limit, Fault> {
    match (written, name) {
        (None, _) => Ok(Limit::None),
        // The distance stands behind the name and its colon.
        (Some(text), _) => {
            distance(text).map_err(|problem| (at.start + name.len() + 1..at.end, problem))
        }
    }
}
