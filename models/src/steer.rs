//! Decides while decoding whether the text must end: the token budget is used up, or the model repeats itself.
//! In: the tokens so far. Out: a decision, and scores in which only the end is left. Cannot fail.
//! Most time that whisper.cpp loses on calls is repetition up to the window's limit.

/// (longest period in tokens, repeats that make a loop). Short periods need more repeats: people do say "no, no, no, no",
/// and spell numbers with the same digit.
const LOOPS: [(usize, usize); 2] = [(2, 8), (20, 4)];

/// Steers one span's decoding.
#[derive(Debug)]
pub(crate) struct Steer {
    end_of_text: i32,
    max_tokens: u32,
    ended: bool,
}

impl Steer {
    pub(crate) fn new(end_of_text: i32, max_tokens: u32) -> Self {
        Self {
            end_of_text,
            max_tokens,
            ended: false,
        }
    }

    /// Whether the text was ended here and not by the model.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn ends_after(
        &mut self,
        tokens: impl ExactSizeIterator<Item = i32> + DoubleEndedIterator + Clone,
    ) -> bool {
        let budget_used = tokens.len() >= self.max_tokens as usize;
        self.ended |= budget_used || is_loop(tokens);
        self.ended
    }

    /// Leaves the end of the text as the only choice.
    pub(crate) fn force_end(&self, logits: &mut [f32]) {
        for (id, logit) in (0_i32..).zip(logits) {
            *logit = if id == self.end_of_text {
                0.0
            } else {
                f32::NEG_INFINITY
            };
        }
    }
}

fn is_loop(tokens: impl ExactSizeIterator<Item = i32> + DoubleEndedIterator + Clone) -> bool {
    let mut shortest = 1;
    for (longest, repeats) in LOOPS {
        for period in shortest..=longest {
            let compared = period * (repeats - 1);
            let back = tokens.clone().rev();
            let repeated = tokens.len() >= period * repeats
                && back
                    .clone()
                    .zip(back.skip(period))
                    .take(compared)
                    .all(|(a, b)| a == b);
            if repeated {
                return true;
            }
        }
        shortest = longest + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: i32 = 5;

    fn ends(tokens: &[i32], max_tokens: u32) -> bool {
        Steer::new(END, max_tokens).ends_after(tokens.iter().copied())
    }

    #[test]
    fn text_ends_at_its_budget_and_at_a_loop_only() {
        let row = |tokens: &[i32], max: u32, wanted: bool| {
            assert_eq!(ends(tokens, max), wanted, "{tokens:?} with {max}");
        };
        row(&[], 1, false);
        row(&[], 0, true);
        row(&[1, 2], 3, false);
        row(&[1, 2, 3], 3, true);
        row(&[7; 7], 200, false);
        row(&[7; 8], 200, true);
        row(&[1, 2].repeat(7), 200, false);
        row(&[1, 2].repeat(8), 200, true);
        row(&[1, 2, 3].repeat(3), 200, false);
        row(&[1, 2, 3].repeat(4), 200, true);
        row(
            &[[9, 9].as_slice(), &[1, 2, 3].repeat(4)].concat(),
            200,
            true,
        );
        row(&[[1, 2, 3].repeat(4).as_slice(), &[4]].concat(), 200, false);
    }

    #[test]
    fn once_ended_it_stays_ended_and_leaves_one_choice() {
        let mut steer = Steer::new(END, 1);
        assert!(!steer.has_ended());
        assert!(steer.ends_after([1].into_iter()));
        let mut logits = [0.5; 8];
        steer.force_end(&mut logits);
        let open: Vec<usize> = (0..8).filter(|&i| logits[i].is_finite()).collect();
        assert_eq!(open, [5]);
        assert!(steer.has_ended());
    }
}
