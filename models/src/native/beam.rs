//! Beam search over the texts of one span. In: for each text that is followed, the likeliest tokens after it. Out: which texts
//! are followed on, and at the end the best. Cannot fail. Source: `BeamSearchDecoder` in OpenAI's `decoding.py`, with three
//! rules of our own: a text far behind the best is given up; of two that end alike the likelier is followed, so that a
//! doubt about one word does not take up all places; and the search goes on while a text that has not ended stands better
//! than those that have. Where that one is then out of tokens, it is the best all the same, and was cut short.

use std::rc::Rc;

/// Texts that are followed side by side.
pub(super) const BEAMS: usize = 5;
/// A text is given up where its log probability is this far behind the best one's.
const FARTHEST_BEHIND: f32 = 3.0;
/// Two texts that end in as many equal tokens go on alike: only the likelier is followed.
const SAME_END: usize = 5;

#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    pub(super) tokens: Vec<Token>,
    /// What the alignment heads looked at while each token was taken in. The last token waits for it.
    pub(super) attention: Vec<Rc<Vec<f32>>>,
    logprob: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Token {
    pub(super) number: usize,
    pub(super) logprob: f32,
}

/// A token that may follow a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    /// Among [`Search::live`].
    pub(super) text: usize,
    pub(super) token: Token,
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) text: Text,
    /// Log probability of the end; `None` where the text was cut short.
    pub(super) end_logprob: Option<f32>,
}

#[derive(Debug)]
pub(super) struct Search {
    end: usize,
    /// Tokens that a text may have.
    longest: usize,
    live: Vec<Text>,
    /// The best that the model has ended, and how many it has.
    ended: Option<Found>,
    ended_count: usize,
    /// The best that ran out of tokens, and the best that was stopped for repeating itself.
    cut: Option<Text>,
    looped: Option<Text>,
}

impl Search {
    /// From the empty text. `end` is the token that ends one.
    pub(super) fn new(end: usize, longest: usize) -> Self {
        Self {
            end,
            longest,
            live: vec![Text::default()],
            ended: None,
            ended_count: 0,
            cut: None,
            looped: None,
        }
    }

    /// The texts to go on with.
    pub(super) fn live(&mut self) -> &mut [Text] {
        &mut self.live
    }

    /// Takes the tokens that may follow; a text without any has to end as it is. Returns for each text that is live now which
    /// one it follows.
    pub(super) fn choose(&mut self, mut choices: Vec<Choice>) -> Vec<usize> {
        let texts = std::mem::take(&mut self.live);
        let goes_on = |text: usize| choices.iter().any(|choice| choice.text == text);
        let cut = texts.iter().enumerate().filter(|(text, _)| !goes_on(*text));
        cut.for_each(|(_, text)| self.cut_short(text));
        let logprob = |choice: &Choice| texts[choice.text].logprob + choice.token.logprob;
        // Stable, and the choices come in the same order everywhere.
        choices.sort_by(|a, b| logprob(b).total_cmp(&logprob(a)));
        let least = choices.first().map_or(0.0, logprob) - FARTHEST_BEHIND;
        let mut from = Vec::new();
        for choice in choices.iter().take_while(|choice| logprob(choice) >= least) {
            let text = &texts[choice.text];
            if choice.token.number == self.end {
                self.end_here(text, choice.token.logprob);
                continue;
            }
            let longer = text.followed_by(choice.token);
            if !self.live.iter().any(|likelier| longer.ends_as(likelier)) {
                self.live.push(longer);
                from.push(choice.text);
            }
            if self.live.len() == BEAMS {
                break;
            }
        }
        if self.is_done() {
            self.live.clear();
            from.clear();
        }
        from
    }

    fn cut_short(&mut self, text: &Text) {
        let is_out_of_tokens = text.tokens.len() >= self.longest;
        let best = if is_out_of_tokens {
            &mut self.cut
        } else {
            &mut self.looped
        };
        if best.as_ref().is_none_or(|b| b.mean() < text.mean()) {
            *best = Some(text.clone());
        }
    }

    fn end_here(&mut self, text: &Text, end_logprob: f32) {
        self.ended_count += 1;
        let found = Found {
            text: text.clone(),
            end_logprob: Some(end_logprob),
        };
        if self.ended.as_ref().is_none_or(|e| e.mean() < found.mean()) {
            self.ended = Some(found);
        }
    }

    /// A text that the model has ended, unless one that ran out of tokens stands better: at a sentence's end the model always
    /// thinks of stopping, however much was said after it.
    pub(super) fn finish(self) -> Found {
        let Self {
            ended, cut, looped, ..
        } = self;
        let without_end = |text| Found {
            text,
            end_logprob: None,
        };
        match (ended, cut) {
            (Some(ended), Some(cut)) if cut.mean() > ended.mean() => without_end(cut),
            (Some(ended), _) => ended,
            (None, cut) => without_end(cut.or(looped).unwrap_or_default()),
        }
    }

    fn is_done(&self) -> bool {
        let Some(ended) = &self.ended else {
            return false;
        };
        self.ended_count >= BEAMS && self.live.iter().all(|text| text.mean() <= ended.mean())
    }
}

impl Text {
    fn followed_by(&self, token: Token) -> Self {
        let mut longer = self.clone();
        longer.tokens.push(token);
        longer.logprob += token.logprob;
        longer
    }

    fn ends_as(&self, other: &Self) -> bool {
        let backwards = self.tokens.iter().rev().zip(other.tokens.iter().rev());
        let same = backwards.take_while(|(own, other)| own.number == other.number);
        same.take(SAME_END).count() == SAME_END
    }

    /// Texts of different lengths are compared by this.
    fn mean(&self) -> f32 {
        self.logprob / self.tokens.len().max(1) as f32
    }
}

impl Found {
    fn mean(&self) -> f32 {
        (self.text.logprob + self.end_logprob.unwrap_or(0.0)) / (self.text.tokens.len() + 1) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: usize = 0;

    /// Follows `model`, which gives the probability of each token after a text, until the search ends or texts have
    /// `longest` tokens. Returns what was found and how many texts were followed at each step.
    fn search(
        longest: usize,
        model: impl Fn(&[usize]) -> Vec<(usize, f32)>,
    ) -> (Found, Vec<usize>) {
        let mut search = Search::new(END, longest);
        let mut followed = Vec::new();
        while !search.live.is_empty() {
            let mut choices = Vec::new();
            for (text, Text { tokens, .. }) in search.live.iter().enumerate() {
                let numbers: Vec<usize> = tokens.iter().map(|token| token.number).collect();
                let next = model(&numbers).into_iter().map(|(number, p)| Choice {
                    text,
                    token: Token {
                        number,
                        logprob: p.ln(),
                    },
                });
                choices.extend(next.filter(|_| numbers.len() < longest));
            }
            let from = search.choose(choices);
            assert_eq!(from.len(), search.live.len());
            followed.push(from.len());
        }
        (search.finish(), followed)
    }

    fn numbers(found: &Found) -> Vec<usize> {
        found.text.tokens.iter().map(|t| t.number).collect()
    }

    #[test]
    fn a_text_that_starts_worse_and_goes_on_better_is_found() {
        let (found, _) = search(9, |text| match text {
            [] => vec![(1, 0.6), (2, 0.4)],
            [1] => vec![(3, 0.3), (4, 0.3), (END, 0.01)],
            [2] => vec![(5, 0.9)],
            _ => vec![(END, 0.9)],
        });
        assert_eq!(numbers(&found), [2, 5]);
        assert_eq!(found.end_logprob, Some(0.9_f32.ln()));
        let logprob = 0.4_f32.ln() + 0.9_f32.ln();
        assert!((found.text.logprob - logprob).abs() < 1e-6);
    }

    #[test]
    fn where_the_model_is_sure_one_text_is_followed() {
        let sure = |text: &[usize]| {
            let next = if text.len() < 20 { 1 + text.len() } else { END };
            vec![(next, 0.97), (90, 0.01), (91, 0.01), (92, 0.01)]
        };
        let (found, followed) = search(40, sure);
        assert_eq!(numbers(&found), (1..=20).collect::<Vec<usize>>());
        assert_eq!(followed, [[1; 20].as_slice(), &[0]].concat());
    }

    #[test]
    fn a_doubt_about_one_word_is_forgotten_once_the_texts_end_alike() {
        let (found, followed) = search(40, |text| match text.len() {
            3 => vec![(7, 0.6), (8, 0.4)],
            length if length < 20 => vec![(20 + length, 1.0)],
            _ => vec![(END, 1.0)],
        });
        assert_eq!(numbers(&found)[3], 7);
        let doubtful = followed.iter().filter(|texts| **texts == 2).count();
        assert_eq!(doubtful, SAME_END, "{followed:?}");
    }

    #[test]
    fn no_more_texts_are_followed_than_there_are_beams() {
        let any = |text: &[usize]| {
            (1..40)
                .map(|n| (n * (1 + text.len()), 1.0 / 39.0))
                .collect()
        };
        let (found, followed) = search(6, any);
        assert!(followed[..6].iter().all(|texts| *texts == BEAMS));
        assert_eq!(found.end_logprob, None, "no text has ended by itself");
        assert_eq!(found.text.tokens.len(), 6);
    }

    #[test]
    fn an_early_end_does_not_win_over_a_longer_text_that_is_likelier_for_its_length() {
        let (found, _) = search(40, |text| match text.len() {
            0 => vec![(1, 1.0)],
            1 => vec![(2, 0.75), (END, 0.25)],
            length if length < 12 => vec![(1 + length, 0.95), (END, 0.05)],
            _ => vec![(END, 1.0)],
        });
        assert_eq!(found.text.tokens.len(), 12);
    }

    #[test]
    fn a_text_that_repeats_itself_gives_way_to_any_that_ended_by_itself() {
        // 1 repeats itself for ever and is sure of it, so that it is stopped, which leaves it no token; 2 ends.
        let (found, _) = search(9, |text| match text {
            [] => vec![(1, 0.7), (2, 0.3)],
            [2] => vec![(END, 0.5), (3, 0.5)],
            [1, 1, 1, 1, ..] => vec![],
            [1, ..] => vec![(1, 1.0)],
            _ => vec![(END, 1.0)],
        });
        assert_eq!(numbers(&found)[0], 2);
        assert!(found.end_logprob.is_some());
    }

    #[test]
    fn a_text_that_runs_out_of_tokens_is_not_hidden_by_the_end_of_its_first_sentence() {
        let talkative = |text: &[usize]| match text.len() {
            3 => vec![(END, 0.1), (4, 0.9)],
            length => vec![(1 + length, 0.95)],
        };
        let (cut, _) = search(9, talkative);
        assert_eq!((cut.text.tokens.len(), cut.end_logprob), (9, None));
        // With room for all of it there is an end.
        let (whole, _) = search(40, |text| match text.len() {
            20 => vec![(END, 0.95)],
            _ => talkative(text),
        });
        assert_eq!(whole.text.tokens.len(), 20);
        assert!(whole.end_logprob.is_some());
    }
}
