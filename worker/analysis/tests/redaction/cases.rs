//! Kinds and rules, one table for each.

use analysis::redact::{Policy, find};
use job_schema::redaction::{EntityKind, FoundBy, Redaction, WithheldReason};
use job_schema::transcript::{
    Speakers, SuppressReason, Suppressed, TimeSpan, Warning, WarningCode,
};

use crate::call::{call, found, policy, say, talk};

/// What the customer says, and what of it goes, with its kind.
fn check(language: &str, cases: &[(&str, &[(&str, &str)])]) {
    for (text, expected) in cases {
        let made = talk(language, &[(1, text)]);
        let found = found(&made, &[]);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(kind, words)| (kind.as_str(), words.as_str()))
            .collect();
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn cards_are_found_however_they_are_said() {
    check(
        "en",
        &[
            (
                "It is 4111 1111 1111 1111.",
                &[("card_number", "4111 1111 1111 1111.")],
            ),
            (
                "4111-1111-1111-1111",
                &[("card_number", "4111-1111-1111-1111")],
            ),
            (
                "four one one one double one double one eleven eleven eleven eleven",
                &[(
                    "card_number",
                    "four one one one double one double one eleven eleven eleven eleven",
                )],
            ),
            // One digit was misheard: the check digit is wrong and the shape is not.
            (
                "4111 1111 1111 1112",
                &[("card_number", "4111 1111 1111 1112")],
            ),
            ("I paid 1,250 dollars for 2 of them.", &[]),
        ],
    );
}

#[test]
fn personal_numbers_are_found_by_their_form_or_their_cue() {
    check(
        "en",
        &[
            (
                "my social is 078 05 1120",
                &[("national_id", "078 05 1120")],
            ),
            ("Q Q 12 34 56 C", &[("national_id", "Q Q 12 34 56 C")]),
            ("QQ123456C", &[("national_id", "QQ123456C")]),
            ("routing number 021000021", &[("bank_account", "021000021")]),
            (
                "G B 82 W E S T 1234 5698 7654 32",
                &[("bank_account", "G B 82 W E S T 1234 5698 7654 32")],
            ),
            ("call me at 555 867 5309", &[("phone", "555 867 5309")]),
        ],
    );
    check(
        "es",
        &[
            ("es el 12345678 Z", &[("national_id", "12345678 Z")]),
            ("X1234567L", &[("national_id", "X1234567L")]),
        ],
    );
    check(
        "de",
        &[
            ("86 095 742 719", &[("national_id", "86 095 742 719")]),
            (
                "DE89 3704 0044 0532 0130 00",
                &[("bank_account", "DE89 3704 0044 0532 0130 00")],
            ),
        ],
    );
    check(
        "fr",
        &[(
            "2 55 08 14 168 025 38",
            &[("national_id", "2 55 08 14 168 025 38")],
        )],
    );
}

#[test]
fn addresses_and_names_are_found_by_what_announces_them() {
    check(
        "en",
        &[
            (
                "It's john dot smith at example dot com thanks",
                &[("email", "john dot smith at example dot com")],
            ),
            ("jane@example.co.uk", &[("email", "jane@example.co.uk")]),
            (
                "write to j smith 42 at mail dot example dot org",
                &[("email", "j smith 42 at mail dot example dot org")],
            ),
            ("I looked at the point of it", &[]),
            (
                "I live at 12 Elm Street in Dover.",
                &[("address", "12 Elm Street in Dover.")],
            ),
            (
                "Send it to 221 Baker Street please",
                &[("address", "221 Baker Street")],
            ),
            (
                "My name is Mary Jones and I called Mary's sister",
                &[("name", "Mary Jones"), ("name", "Mary's")],
            ),
        ],
    );
    check(
        "es",
        &[
            (
                "me llamo Lucía Pérez y llamo por mi factura",
                &[("name", "Lucía Pérez")],
            ),
            (
                "ana punto ruiz arroba ejemplo punto es",
                &[("email", "ana punto ruiz arroba ejemplo punto es")],
            ),
        ],
    );
    check(
        "de",
        &[
            ("mein Name ist Jürgen Groß.", &[("name", "Jürgen Groß.")]),
            ("in der Hauptstraße 5", &[("address", "Hauptstraße 5")]),
        ],
    );
    check(
        "fr",
        &[("je m'appelle Zoé Martin et je", &[("name", "Zoé Martin")])],
    );
}

#[test]
fn codes_and_dates_of_a_card_are_found_near_it() {
    let made = talk(
        "en",
        &[
            (1, "4111 1111 1111 1111"),
            (0, "And the expiry date?"),
            (1, "zero four twenty six"),
            (0, "And the security code?"),
            (1, "one two three"),
            (0, "So that's the card ending 1111, thank you."),
        ],
    );
    let found = found(&made, &[]);
    let kinds: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["card_number", "card_number", "card_expiry", "card_cvv"]
    );
    assert_eq!(found[0].1, "1111,", "the agent repeats the end of it");
}

#[test]
fn a_number_is_one_across_pauses_corrections_and_interruptions() {
    let mut made = call(Some("en"), Speakers::ByChannel);
    let mut at_ms = say(&mut made, 1, 0, "four one one one");
    at_ms = say(&mut made, 0, at_ms, "Mhm, go on.") + 9_000;
    at_ms = say(&mut made, 1, at_ms, "one one two no sorry one one one");
    at_ms = say(&mut made, 0, at_ms + 500, "Sorry, again?");
    at_ms = say(&mut made, 1, at_ms + 9_000, "one one one one");
    say(&mut made, 1, at_ms + 4_000, "let me see one one one one");
    let found = find(&made, &policy(&[EntityKind::CardNumber]));
    assert_eq!(found.redactions.len(), 1, "{found:?}");
    assert_eq!(found.redactions[0].words.unwrap().words_count, 23);
    assert_eq!(found.withheld, None);
}

/// Each stands so near that it would be taken for a part of the number.
#[test]
fn amounts_times_and_dates_beside_a_number_stay() {
    let table = [
        (
            "en",
            "call me on 555 867 5309 that was 35 dollars",
            "555 867 5309",
        ),
        ("en", "I paid 20 cents 555 867 5309", "555 867 5309"),
        (
            "en",
            "555 867 5309 within five working days",
            "555 867 5309",
        ),
        ("en", "555 867 5309 on the 14th of May", "555 867 5309"),
        ("es", "555 867 5309 hace doce años", "555 867 5309"),
        ("de", "555 867 5309 seit zwölf Jahren", "555 867 5309"),
        ("fr", "555 867 5309 depuis douze ans", "555 867 5309"),
        // A sentence later it counts nothing, and a longer group is no quantity.
        (
            "en",
            "call me on 555 867 53 09. Days are fine",
            "555 867 53 09.",
        ),
        (
            "en",
            "call me on 555 867 5309 hours do vary",
            "555 867 5309",
        ),
    ];
    for (language, text, expected) in table {
        let made = talk(language, &[(1, text)]);
        assert_eq!(
            found(&made, &[]),
            [("phone".to_owned(), expected.to_owned())],
            "{text}"
        );
    }
}

#[test]
fn one_is_a_digit_where_it_stands_for_nothing() {
    let made = talk(
        "en",
        &[
            (1, "my card is four one one one 1111 1111 1111"),
            (0, "so that is the one ending in 1111 right"),
            (0, "or do you mean another one"),
        ],
    );
    let found = found(&made, &[EntityKind::CardNumber]);
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["1111", "four one one one 1111 1111 1111"]);
}

#[test]
fn what_is_read_back_is_found_although_it_was_corrected_amid() {
    let made = talk(
        "en",
        &[
            (0, "your account number?"),
            (
                1,
                "four two seven seven nine six three one no sorry zero four",
            ),
            (0, "ending in nine six zero four"),
        ],
    );
    let found = found(&made, &[EntityKind::BankAccount]);
    assert_eq!(found[0].1, "nine six zero four", "{found:?}");
}

#[test]
fn only_the_kinds_that_were_asked_for_go() {
    let made = talk(
        "en",
        &[
            (1, "4111 1111 1111 1111"),
            (1, "call me back on 555 867 5309"),
            (1, "my name is Mary"),
        ],
    );
    for (kind, count) in [
        (EntityKind::CardNumber, 1),
        (EntityKind::Phone, 1),
        (EntityKind::Name, 1),
        (EntityKind::Email, 0),
    ] {
        assert_eq!(found(&made, &[kind]).len(), count, "{kind:?}");
    }
}

#[test]
fn custom_patterns_see_digits_and_letters_alone() {
    let made = talk(
        "en",
        &[(
            1,
            "my customer number is kilo uh one two three dash four five six okay",
        )],
    );
    let custom = [("customer_number".to_owned(), "K[0-9]{6}".to_owned())].into();
    let options = Redaction {
        entities: vec![EntityKind::Email],
        custom,
        ..Redaction::default()
    };
    let found = find(&made, &Policy::new(options.clone()).unwrap());
    assert_eq!(
        crate::call::places(&made, &found),
        [(
            "customer_number".to_owned(),
            "kilo uh one two three dash four five six".to_owned()
        )]
    );
    assert_eq!(found.redactions[0].found_by, FoundBy::Pattern);
    let wrong = Redaction {
        custom: [("x".to_owned(), "(".to_owned())].into(),
        ..options
    };
    assert!(Policy::new(wrong).unwrap_err().to_string().contains("`x`"));
}

#[test]
fn suppressed_text_is_searched_too() {
    let mut made = talk("en", &[(1, "hello there")]);
    let figures = job_schema::transcript::Figures {
        avg_logprob: -2.0,
        no_speech_prob: 0.1,
        compression_ratio: 1.0,
        temperature: 0.0,
    };
    made.channels[1].suppressed.push(Suppressed {
        span: TimeSpan {
            start_ms: 5_000,
            end_ms: 9_000,
        },
        text: "4111 1111 1111 1111".into(),
        reason: SuppressReason::LowConfidence,
        figures,
    });
    let found = find(&made, &policy(&[]));
    assert_eq!(found.redactions.len(), 1);
    assert_eq!(
        (found.redactions[0].words, found.redactions[0].confidence),
        (None, 0.0)
    );
    assert_eq!(found.redactions[0].span.start_ms, 5_000);
}

#[test]
fn what_cannot_be_placed_withholds_everything() {
    let whole = talk("en", &[(1, "4111 1111 1111 1111 thanks")]);
    let reason = |made: &job_schema::transcript::Transcript| {
        find(made, &policy(&[])).withheld.map(|w| w.reason)
    };
    assert_eq!(reason(&whole), None);

    let mut untimed = whole.clone();
    untimed.channels[1].words[2].end_ms = untimed.channels[1].words[2].start_ms;
    assert_eq!(reason(&untimed), Some(WithheldReason::WordsWithoutTimes));

    let mut harmless = whole.clone();
    harmless.channels[1].words[4].end_ms = harmless.channels[1].words[4].start_ms;
    assert_eq!(reason(&harmless), None, "only what was found needs a place");

    let mut outside = whole.clone();
    outside.audio.decoded.duration_ms = 1_000;
    assert_eq!(reason(&outside), Some(WithheldReason::WordsWithoutTimes));

    let mut differs = whole.clone();
    differs.turns[0].text = "4111 1111 1111 1111 1234 thanks".into();
    assert_eq!(reason(&differs), Some(WithheldReason::TextNotInWords));

    for code in [
        WarningCode::Truncated,
        WarningCode::DamagedPackets,
        WarningCode::DurationMismatch,
    ] {
        let mut damaged = whole.clone();
        damaged.warnings.push(Warning {
            code,
            detail: "declared 9 ms".into(),
            channel: None,
        });
        assert_eq!(
            reason(&damaged),
            Some(WithheldReason::RecordingDamaged),
            "{code:?}"
        );
    }
}
