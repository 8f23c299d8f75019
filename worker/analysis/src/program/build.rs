//! Compiles one expression after another into a shared trie. A speaker or window that stands around a term becomes its
//! scope; what needs places refuses operands that have none. See [`super`] for what comes in and goes out.

use std::collections::HashMap;

use super::sequences::{Lists, sequences};
use super::terms::by_text;
use super::{MAX_SEQUENCES, Node, NodeKind, Program, Scope, ScopeId, StepNode, TermId};
use super::{side_by_side, variants};
use crate::matching::Trie;
use crate::query::{
    At, Element, Expr, ExprKind, Fault, Measure, PairOp, QueryProblem, Step, nearest,
};
use crate::rules::Speaker;
use crate::vocabulary::{Atom, Atoms, Vocabulary};
use crate::words::tokens;

#[derive(Debug)]
pub(crate) struct Builder {
    pub(crate) lists: Lists,
    /// Each rule's index.
    rules: HashMap<String, usize>,
    atoms: Atoms,
    trie: Trie,
    slots: HashMap<Vec<usize>, usize>,
    scopes: HashMap<Scope, ScopeId>,
    terms: HashMap<String, TermId>,
    /// The rules that the expression at hand refers to, and where.
    pub(crate) references: Vec<(usize, At)>,
    /// Those among them whose places are needed.
    pub(crate) place_references: Vec<(usize, At)>,
}

impl Builder {
    pub(crate) fn new(lists: Lists, rules: HashMap<String, usize>) -> Self {
        Self {
            lists,
            rules,
            atoms: Atoms::default(),
            trie: Trie::new(),
            slots: HashMap::new(),
            scopes: HashMap::new(),
            terms: HashMap::new(),
            references: Vec::new(),
            place_references: Vec::new(),
        }
    }

    /// `nodes` are those of all rules. `Err` says in words what is too large.
    pub(crate) fn finish<'a>(
        self,
        order: Vec<usize>,
        nodes: impl Iterator<Item = &'a mut Node>,
    ) -> Result<Program, String> {
        let (terms, number_of) = by_text(self.terms);
        for node in nodes {
            node.renumber(&number_of);
        }
        let mut scopes: Vec<(Scope, ScopeId)> = self.scopes.into_iter().collect();
        scopes.sort_unstable_by_key(|&(_, index)| index);
        Ok(Program {
            vocabulary: Vocabulary::new(self.atoms)?,
            trie: self.trie,
            slots_count: self.slots.len(),
            scopes: scopes.into_iter().map(|(scope, _)| scope).collect(),
            terms,
            order,
        })
    }

    pub(crate) fn is_full(&self) -> bool {
        self.trie.sequences_count() > MAX_SEQUENCES
    }

    pub(crate) fn scope(&mut self, scope: Scope) -> ScopeId {
        let next = self.scopes.len();
        *self.scopes.entry(scope).or_insert(next)
    }

    pub(crate) fn term(&mut self, text: &str) -> TermId {
        let next = self.terms.len();
        *self.terms.entry(text.to_owned()).or_insert(next)
    }

    fn slot(&mut self, mut wanted: Vec<usize>) -> usize {
        wanted.sort_unstable();
        wanted.dedup();
        let next = self.slots.len();
        let slot = *self.slots.entry(wanted.clone()).or_insert(next);
        if slot == next {
            for sequence in wanted {
                self.trie.want(sequence, slot);
            }
        }
        slot
    }

    /// The slot of a phrase as `phrases` has it: these tokens and nothing else. None if it has no token.
    pub(crate) fn exact(&mut self, phrase: &str) -> Option<usize> {
        let atoms: Vec<_> = tokens(phrase)
            .map(|token| self.atoms.id(Atom::Exact(token)))
            .collect();
        if atoms.is_empty() {
            return None;
        }
        let sequence = self.trie.add(&atoms);
        Some(self.slot(vec![sequence]))
    }

    /// `text` is the query that `expr` was parsed from.
    pub(crate) fn node(&mut self, text: &str, expr: &Expr, scope: &Scope) -> Result<Node, Fault> {
        let term = self.term(&text[expr.at.clone()]);
        let kind = match &expr.kind {
            ExprKind::Phrase(elements) => self.words(expr, elements, scope)?,
            ExprKind::Or(operands) => NodeKind::Or(self.nodes(text, operands, scope)?),
            ExprKind::And(operands) => NodeKind::And(self.nodes(text, operands, scope)?),
            ExprKind::Not(inner) => NodeKind::Not(Box::new(self.node(text, inner, scope)?)),
            ExprKind::Pair { .. } => return self.pair(text, expr, scope),
            ExprKind::TurnStart(inner) => {
                self.needs_place(inner)?;
                NodeKind::TurnStart(Box::new(self.node(text, inner, scope)?))
            }
            ExprKind::Speaker(speaker, inner) => {
                let scope = Scope {
                    speaker: *speaker,
                    ..scope.clone()
                };
                return self.node(text, inner, &scope);
            }
            ExprKind::Window(window, inner) => {
                let mut scope = scope.clone();
                scope.windows.push(*window);
                return self.node(text, inner, &scope);
            }
            ExprKind::Rule(name) => NodeKind::Rule(self.rule(expr, name)?),
            ExprKind::Fact {
                name,
                comparison,
                value,
            } => NodeKind::Fact {
                name: name.clone(),
                comparison: *comparison,
                value: value.clone(),
            },
            ExprKind::Measure {
                measure,
                of,
                comparison,
                value,
            } => NodeKind::Measure {
                measure: *measure,
                of: *of,
                comparison: *comparison,
                value: *value,
                scope: self.scope(Scope {
                    speaker: heard_for(*measure, *of),
                    windows: scope.windows.clone(),
                }),
            },
            ExprKind::Sequence(steps) => {
                let steps = steps.iter().map(|step| self.step(text, step, scope));
                NodeKind::Sequence(steps.collect::<Result<_, Fault>>()?)
            }
        };
        Ok(Node { term, kind })
    }

    fn nodes(&mut self, text: &str, exprs: &[Expr], scope: &Scope) -> Result<Vec<Node>, Fault> {
        exprs
            .iter()
            .map(|expr| self.node(text, expr, scope))
            .collect()
    }

    fn step(&mut self, text: &str, step: &Step, scope: &Scope) -> Result<StepNode, Fault> {
        self.needs_place(&step.expr)?;
        let mut other_side = None;
        if let Some((expr, speaker)) = variants::other_side(&step.expr, scope.speaker) {
            let windows = scope.windows.clone();
            other_side = Some(self.node(text, &expr, &Scope { speaker, windows })?);
        }
        let mut anywhere = None;
        let (expr, had_window) = variants::without_windows(&step.expr);
        if had_window || !scope.windows.is_empty() {
            let scope = Scope {
                speaker: scope.speaker,
                windows: Vec::new(),
            };
            anywhere = Some(self.node(text, &expr, &scope)?);
        }
        Ok(StepNode {
            limit: step.limit,
            node: self.node(text, &step.expr, scope)?,
            other_side,
            anywhere,
        })
    }

    fn words(
        &mut self,
        expr: &Expr,
        elements: &[Element],
        scope: &Scope,
    ) -> Result<NodeKind, Fault> {
        let found = sequences(elements, &self.lists);
        let found = found.map_err(|problem| (expr.at.clone(), problem))?;
        let mut wanted = Vec::with_capacity(found.len());
        for atoms in found {
            let ids: Vec<_> = atoms.into_iter().map(|atom| self.atoms.id(atom)).collect();
            wanted.push(self.trie.add(&ids));
        }
        Ok(NodeKind::Words {
            slot: self.slot(wanted),
            scope: self.scope(scope.clone()),
        })
    }

    fn rule(&mut self, expr: &Expr, name: &str) -> Result<usize, Fault> {
        let Some(&index) = self.rules.get(name) else {
            let known = nearest(name, self.rules.keys().map(String::as_str));
            let problem = QueryProblem::NoRule {
                name: name.to_owned(),
                nearest: known.map(str::to_owned),
            };
            return Err((expr.at.clone(), problem));
        };
        self.references.push((index, expr.at.clone()));
        Ok(index)
    }

    fn pair(&mut self, text: &str, expr: &Expr, scope: &Scope) -> Result<Node, Fault> {
        let ExprKind::Pair {
            op,
            limit,
            left,
            right,
        } = &expr.kind
        else {
            return self.node(text, expr, scope);
        };
        self.needs_place(left)?;
        self.needs_place(right)?;
        let term = self.term(&text[expr.at.clone()]);
        let pair = Node {
            term,
            kind: NodeKind::Pair {
                op: *op,
                limit: *limit,
                left: Box::new(self.node(text, left, scope)?),
                right: Box::new(self.node(text, right, scope)?),
            },
        };
        let Some(row) = side_by_side::last_two_as_one(expr) else {
            return Ok(pair);
        };
        let as_one = Node {
            term,
            kind: self.row(text, &row, scope)?,
        };
        Ok(Node {
            term,
            kind: NodeKind::Or(vec![pair, as_one]),
        })
    }

    fn row(&mut self, text: &str, operands: &[Expr], scope: &Scope) -> Result<NodeKind, Fault> {
        let mut nodes = self.nodes(text, operands, scope)?.into_iter();
        let first = nodes.next().map(|node| node.kind);
        let joined = nodes.fold(first, |left, right| {
            Some(NodeKind::Pair {
                op: PairOp::OrderedNear,
                limit: side_by_side::LIMIT,
                left: Box::new(Node {
                    term: right.term,
                    kind: left?,
                }),
                right: Box::new(right),
            })
        });
        Ok(joined.unwrap_or(NodeKind::Or(Vec::new())))
    }

    /// Operands of what relates places must have them.
    fn needs_place(&mut self, expr: &Expr) -> Result<(), Fault> {
        let refuse = |what| Err((expr.at.clone(), QueryProblem::NoPlace(what)));
        match &expr.kind {
            ExprKind::Phrase(_) | ExprKind::Pair { .. } => Ok(()),
            ExprKind::Rule(name) => {
                let index = self.rule(expr, name)?;
                self.place_references.push((index, expr.at.clone()));
                Ok(())
            }
            ExprKind::Or(operands) => operands.iter().try_for_each(|o| self.needs_place(o)),
            ExprKind::TurnStart(inner)
            | ExprKind::Speaker(_, inner)
            | ExprKind::Window(_, inner) => self.needs_place(inner),
            ExprKind::And(_) => refuse("`AND`"),
            ExprKind::Not(_) => refuse("`NOT`"),
            ExprKind::Fact { .. } => refuse("a call fact"),
            ExprKind::Measure { .. } => refuse("a measure"),
            ExprKind::Sequence(_) => refuse("`THEN`"),
        }
    }
}

/// Who has to have been heard for a measure to be believed.
fn heard_for(measure: Measure, of: Option<Speaker>) -> Speaker {
    match measure {
        Measure::Talk | Measure::WordsPerMinute | Measure::Sentiment(_) => of.unwrap_or_default(),
        _ => Speaker::Any,
    }
}
