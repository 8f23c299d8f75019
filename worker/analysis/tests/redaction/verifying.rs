//! The proof must be able to fail.

use analysis::redact::{apply, find, leaks_in_audio, leaks_in_text};

use crate::call::{policy, talk};
use crate::made_up::made_up;

#[test]
fn a_redacted_text_is_clean_and_the_original_is_not() {
    let policy = policy(&[]);
    for seed in 0..100 {
        let whole = made_up(seed).transcript;
        let found = find(&whole, &policy).redactions;
        let redacted = apply(&whole, &found);
        assert_eq!(leaks_in_text(&whole, &found, &redacted), [], "{seed}");
        assert!(!leaks_in_text(&whole, &found, &whole).is_empty(), "{seed}");
    }
}

#[test]
fn a_place_that_cuts_a_number_or_says_its_own_kind_does_not_withhold() {
    let policy = policy(&[]);
    let table: [&[(usize, &str)]; 4] = [
        // The mark `[address]` stands where "address" was said.
        &[(1, "4111 address live street")],
        // The street's number is half of a written word, whose whole is said elsewhere too.
        &[(0, "com oh 12/25 or so we said, then street @ 12/25")],
        // Half of a number left behind would read as another one.
        &[
            (1, "street one 0 thousand cars"),
            (0, "my card is 4111 1000 2222 3333"),
        ],
        &[(1, "my address is 12 address lane")],
    ];
    for lines in table {
        let whole = talk("en", lines);
        let found = find(&whole, &policy).redactions;
        assert!(!found.is_empty(), "{lines:?}");
        let redacted = apply(&whole, &found);
        assert_eq!(leaks_in_text(&whole, &found, &redacted), [], "{lines:?}");
        assert!(
            !leaks_in_text(&whole, &found, &whole).is_empty(),
            "{lines:?}"
        );
    }
}

#[test]
fn what_is_heard_again_in_the_audio_is_a_leak() {
    let policy = policy(&[]);
    let whole = talk(
        "en",
        &[
            (1, "it is 4111 2222 3333 4448 thanks"),
            (1, "my name is Mary Jones and"),
            (1, "I want to cancel"),
        ],
    );
    let found = find(&whole, &policy).redactions;
    let heard = |text: &str| talk("en", &[(1, text)]);
    let table = [
        ("it is thanks my name is and I want to cancel", 0),
        ("it is thanks two two two two", 1),
        ("it is thanks 48 and Mary wants to cancel", 1),
        ("my number is 9998887776", 1),
        ("that was 25 dollars in 2019", 0),
    ];
    for (text, leaks) in table {
        let found = leaks_in_audio(&whole, &found, &heard(text), &policy);
        assert_eq!(found.len(), leaks, "{text}: {found:?}");
    }
}
