//! What a rule set says of a call. In: the compiled program, the call, its facts. Out: for each rule a [`Value`]: its
//! places, those that are in doubt, and one of three outcomes. All words are looked for in one pass; then each rule is a
//! walk over its tree. Nothing fails: what cannot be decided is inconclusive, with its reason.

mod measure;
mod pairs;
mod sentiment;
mod sequence;
mod value;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use job_schema::sentiment::TurnSentiment;
use job_schema::transcript::{TimeSpan, Transcript, Word};

use crate::call::{Call, Searched};
use crate::conversation::Talk;
use crate::heard::{Heard, channels_of, heard, starts_in};
use crate::matching::{Occurrence, find};
use crate::program::{Node, NodeKind, ScopeId, TermId};
use crate::query::{self, Comparison, PairOp};
use crate::rules::{Rule, RuleSet};
use crate::sentiment::Unknown;
pub(crate) use value::{Place, StepFound, Value};

/// What is known of a call beside its words: direction, queue, an account's own attributes.
pub type Facts = BTreeMap<String, String>;

pub(crate) struct Evaluation<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) rule_set: &'a RuleSet,
    facts: &'a Facts,
    found: Vec<Vec<Occurrence>>,
    scopes: Vec<OnceCell<ScopeOnCall>>,
    /// By rule.
    decided: Vec<Option<Value>>,
    talk: OnceCell<Talk>,
    /// By turn.
    sentiments: OnceCell<Vec<Result<TurnSentiment, Unknown>>>,
}

pub(crate) struct ScopeOnCall {
    pub(crate) window: TimeSpan,
    pub(crate) channels: Vec<usize>,
    pub(crate) heard: Result<Heard, String>,
    /// What to say where nothing was found; none if the scope was not heard.
    pub(crate) absence: Option<String>,
}

impl<'a> Evaluation<'a> {
    /// Decides every rule.
    pub(crate) fn run(transcript: &'a Transcript, rule_set: &'a RuleSet, facts: &'a Facts) -> Self {
        let program = &rule_set.program;
        let call = Call::new(transcript);
        let found = find(
            &call,
            &program.vocabulary,
            &program.trie,
            program.slots_count,
        );
        let mut evaluation = Self {
            call,
            rule_set,
            facts,
            found,
            scopes: program.scopes.iter().map(|_| OnceCell::new()).collect(),
            decided: rule_set.rules.iter().map(|_| None).collect(),
            talk: OnceCell::new(),
            sentiments: OnceCell::new(),
        };
        for &index in &program.order {
            let value = evaluation.rule(&rule_set.rules[index]);
            evaluation.decided[index] = Some(value);
        }
        evaluation
    }

    fn rule(&self, rule: &Rule) -> Value {
        let value = self.value(&rule.node, rule.min_confidence);
        if rule.negate { value.negated() } else { value }
    }

    /// The rule's own outcome, `negate` applied.
    pub(crate) fn decided(&self, index: usize) -> &Value {
        let decided = self.decided[index].as_ref();
        decided.expect("the order holds every rule, each after those it refers to")
    }

    pub(crate) fn transcript(&self) -> &'a Transcript {
        self.call.transcript
    }

    pub(crate) fn scope(&self, id: ScopeId) -> &ScopeOnCall {
        self.scopes[id].get_or_init(|| {
            let transcript = self.transcript();
            let scope = &self.rule_set.program.scopes[id];
            let channels = channels_of(transcript, scope.speaker);
            let duration_ms = transcript.audio.decoded.duration_ms;
            let searched = Searched {
                transcript,
                channels: &channels,
            };
            let mut window = TimeSpan {
                start_ms: 0,
                end_ms: duration_ms,
            };
            for part in &scope.windows {
                let part = part.on(duration_ms, &searched);
                window.start_ms = window.start_ms.max(part.start_ms);
                window.end_ms = window.end_ms.min(part.end_ms).max(window.start_ms);
            }
            let heard = heard(transcript, &channels, window);
            ScopeOnCall {
                window,
                channels,
                absence: heard.as_ref().ok().map(absent),
                heard,
            }
        })
    }

    pub(crate) fn value(&self, node: &Node, least: f32) -> Value {
        match &node.kind {
            NodeKind::Words { slot, scope } => {
                let mut value = Value::default();
                self.add_words(*slot, *scope, node.term, least, &mut value);
                self.close(value, *scope, least)
            }
            NodeKind::Phrases { phrases, scope } => {
                let mut value = Value::default();
                for &(slot, term) in phrases {
                    self.add_words(slot, *scope, term, least, &mut value);
                }
                self.close(value, *scope, least)
            }
            NodeKind::Or(operands) => Value::any(self.values(operands, least)),
            NodeKind::And(operands) => Value::all(self.values(operands, least)),
            NodeKind::Not(inner) => self.value(inner, least).negated(),
            NodeKind::Pair {
                op,
                limit,
                left,
                right,
            } => {
                if self.is_absent(node) {
                    return Value::default();
                }
                let (left, right) = (self.value(left, least), self.value(right, least));
                self.pair(*op, *limit, node.term, left, right)
            }
            NodeKind::TurnStart(inner) => self.turn_start(self.value(inner, least)),
            NodeKind::Rule(index) => self.decided(*index).as_operand(),
            NodeKind::Fact {
                name,
                comparison,
                value,
            } => self.fact(name, *comparison, value),
            NodeKind::Measure {
                measure,
                of,
                comparison,
                value,
                scope,
            } => {
                let channels = channels_of(self.transcript(), of.unwrap_or_default());
                self.measure(node.term, *measure, &channels, *comparison, *value, *scope)
            }
            NodeKind::Sequence(steps) => self.sequence(steps, least),
        }
    }

    /// Told without looking at any place: no word of it was said, and all was heard. Most rules are about other calls, and
    /// a rare word beside a frequent one need not be looked for at every place of the frequent one.
    fn is_absent(&self, node: &Node) -> bool {
        match &node.kind {
            NodeKind::Words { slot, scope } => {
                self.found[*slot].is_empty() && self.scope(*scope).heard.is_ok()
            }
            NodeKind::Or(operands) => operands.iter().all(|operand| self.is_absent(operand)),
            NodeKind::TurnStart(inner) => self.is_absent(inner),
            NodeKind::Pair {
                op: PairOp::NotIn | PairOp::NotNear,
                left,
                ..
            } => self.is_absent(left),
            NodeKind::Pair { left, right, .. } => self.is_absent(left) || self.is_absent(right),
            _ => false,
        }
    }

    fn values(&self, operands: &[Node], least: f32) -> Vec<Value> {
        operands
            .iter()
            .map(|operand| self.value(operand, least))
            .collect()
    }

    /// Adds a slot's occurrences that lie in the scope.
    fn add_words(&self, slot: usize, scope: ScopeId, term: TermId, least: f32, value: &mut Value) {
        if self.found[slot].is_empty() {
            return;
        }
        let scope = self.scope(scope);
        for at in &self.found[slot] {
            let words = &self.call.words(at.channel)[at.first_word..=at.last_word];
            if !scope.channels.contains(&at.channel) || !lies_in(words, scope.window) {
                continue;
            }
            let place = Place::new(at, term);
            if least_confidence(words) < least {
                value.maybe.push(place);
            } else {
                value.sure.push(place);
            }
        }
    }

    /// Places of the node's words that are not among those of its value: outside its scope.
    pub(crate) fn outside(&self, node: &Node, value: &Value) -> Vec<Place> {
        let slots: Vec<(usize, TermId)> = match &node.kind {
            NodeKind::Words { slot, .. } => vec![(*slot, node.term)],
            NodeKind::Phrases { phrases, .. } => phrases.clone(),
            _ => Vec::new(),
        };
        let mut places: Vec<Place> = Vec::new();
        for (slot, term) in slots {
            places.extend(self.found[slot].iter().map(|at| Place::new(at, term)));
        }
        let at = |place: &Place| (place.channel, place.first_token, place.end_token);
        let within = |place: &Place| {
            let mut known = value.sure.iter().chain(&value.maybe);
            known.any(|other| at(other) == at(place))
        };
        places.retain(|place| !within(place));
        places.sort_unstable_by_key(Place::key);
        places
    }

    /// The outcome of words: absence holds only where the scope was heard.
    fn close(&self, mut value: Value, scope: ScopeId, least: f32) -> Value {
        let heard = &self.scope(scope).heard;
        value.whole = heard.is_ok();
        if value.sure.is_empty() {
            value.why = match heard {
                _ if !value.maybe.is_empty() => Some(doubtful(value.maybe.len(), least)),
                Ok(_) => None,
                Err(reason) => Some(reason.clone()),
            };
        }
        value.settle()
    }

    fn turn_start(&self, mut value: Value) -> Value {
        let begins = |place: &Place| {
            let channel = &self.call.channels[place.channel];
            let turn = channel.turn_of[place.first_word].map(|turn| &self.transcript().turns[turn]);
            let before = place
                .first_token
                .checked_sub(1)
                .map(|token| channel.tokens[token].word);
            let first_of_word = before != Some(place.first_word);
            first_of_word && turn.is_some_and(|turn| turn.words.indexes().start == place.first_word)
        };
        value.sure.retain(begins);
        value.maybe.retain(begins);
        value.settle()
    }

    fn fact(&self, name: &str, comparison: Comparison, wanted: &query::Value) -> Value {
        let decoded = &self.transcript().audio.decoded;
        let known = match name {
            "duration" => Some(format!("{}ms", decoded.duration_ms)),
            "channels" => Some(decoded.channels_count.to_string()),
            _ => self.facts.get(name).cloned(),
        };
        let Some(known) = known else {
            return Value::inconclusive(format!("nothing is known of the call's `{name}`"));
        };
        match (wanted, query::fact_value(known.trim())) {
            (query::Value::Text(wanted), _) => {
                Value::plain(comparison.holds(&known.trim().to_lowercase(), wanted))
            }
            (query::Value::Number(wanted), query::Value::Number(known)) => {
                Value::plain(comparison.holds(&known, wanted))
            }
            (query::Value::Number(_), query::Value::Text(_)) => {
                Value::inconclusive(format!("the call's `{name}` is no number"))
            }
        }
    }
}

fn absent(heard: &Heard) -> String {
    let count = heard.words_count;
    match heard.mean_confidence {
        Some(mean) => {
            format!("not among the {count} words heard at a mean confidence of {mean:.2}")
        }
        None => "nobody spoke in the window".to_owned(),
    }
}

fn doubtful(count: usize, least: f32) -> String {
    format!("{count} possible hits, each with a word less confident than {least}")
}

/// Words are in time order, so the first and the last decide.
fn lies_in(words: &[Word], window: TimeSpan) -> bool {
    let inside = |word: Option<&Word>| word.is_some_and(|word| starts_in(word, window));
    inside(words.first()) && inside(words.last())
}

pub(crate) fn least_confidence(words: &[Word]) -> f32 {
    words.iter().map(|word| word.confidence).fold(1.0, f32::min)
}
