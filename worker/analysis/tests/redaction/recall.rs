//! How much of what is read out is found, and how much is removed that need not be. Printed by
//! `cargo nextest run -p analysis read_out --no-capture`.

use analysis::redact::{Policy, find};

use crate::call::policy;
use crate::dictation::Tongue;
use crate::made_up::{MadeUp, made_up};

const CALLS: u64 = 400;
const MIN_RECALL: f64 = 0.99;
/// Of the words that say no digit of a secret. Fillers and corrections amid a number go with it.
const MAX_OVER_REDACTION: f64 = 0.07;

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    calls: u64,
    digits: usize,
    found_digits: usize,
    harmless_words: usize,
    removed_harmless_words: usize,
}

impl Tally {
    fn add(&mut self, call: &MadeUp, policy: &Policy) -> bool {
        let found = find(&call.transcript, policy);
        let before = *self;
        self.calls += 1;
        for (channel, secret) in call.secret.iter().enumerate() {
            let mut gone = vec![false; secret.len()];
            for one in found
                .redactions
                .iter()
                .filter(|one| usize::from(one.channel) == channel)
            {
                gone[one.words.unwrap().indexes()].fill(true);
            }
            for (digits, gone) in secret.iter().zip(gone) {
                self.digits += digits;
                self.found_digits += if gone { *digits } else { 0 };
                self.harmless_words += usize::from(*digits == 0);
                self.removed_harmless_words += usize::from(*digits == 0 && gone);
            }
        }
        self.digits - before.digits == self.found_digits - before.found_digits
    }

    #[expect(clippy::cast_precision_loss, reason = "a few thousand words")]
    fn rates(&self) -> (f64, f64) {
        let rate = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        (
            rate(self.found_digits, self.digits),
            rate(self.removed_harmless_words, self.harmless_words),
        )
    }
}

#[test]
fn nearly_every_digit_of_a_read_out_number_is_found_in_each_language() {
    let policy = policy(&[]);
    let mut tallies = [Tally::default(); 4];
    let mut leaking = Vec::new();
    for seed in 0..CALLS {
        let call = made_up(seed);
        let tongue = Tongue::ALL
            .iter()
            .position(|tongue| *tongue == call.tongue)
            .unwrap();
        if !tallies[tongue].add(&call, &policy) {
            leaking.push(seed);
        }
    }
    println!("language  calls  digits   found  recall  harmless words  removed");
    for (tongue, tally) in Tongue::ALL.iter().zip(&tallies) {
        let (recall, over) = tally.rates();
        println!(
            "{:8} {:6} {:7} {:7} {:6.2} % {:15} {:6.2} %",
            tongue.code(),
            tally.calls,
            tally.digits,
            tally.found_digits,
            recall * 100.0,
            tally.harmless_words,
            over * 100.0
        );
    }
    for (tongue, tally) in Tongue::ALL.iter().zip(&tallies) {
        let (recall, over) = tally.rates();
        assert!(
            recall >= MIN_RECALL,
            "{tongue:?}: recall {recall}; leaking seeds {leaking:?}"
        );
        assert!(
            over <= MAX_OVER_REDACTION,
            "{tongue:?}: over-redaction {over}"
        );
    }
}
