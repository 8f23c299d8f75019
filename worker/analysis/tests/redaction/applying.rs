//! What others get to read, and what the audio loses.

use analysis::NON_TALK_THRESHOLD_MS;
use analysis::conversation::measure;
use analysis::redact::{apply, find, leaks_in_text, mute_spans};
use job_schema::transcript::{
    ChannelStatus, Figures, Segment, SuppressReason, Suppressed, TimeSpan, Warning, WarningCode,
    WordRange,
};

use crate::call::{policy, talk};
use crate::made_up::made_up;

#[test]
fn marks_stand_for_words_in_every_part_of_a_transcript() {
    let mut made = talk(
        "en",
        &[
            (1, "it is 4111 1111 1111 1111 thanks"),
            (0, "ending 1111 right"),
        ],
    );
    let range = |first_word, words_count| WordRange {
        first_word,
        words_count,
    };
    let segment = |text: &str, words| Segment {
        start_ms: 0,
        end_ms: 1,
        words,
        text: text.into(),
        figures: Figures {
            avg_logprob: 0.0,
            no_speech_prob: 0.0,
            compression_ratio: 1.0,
            temperature: 0.0,
        },
    };
    // The number crosses two segments: each keeps a mark of its own.
    made.channels[1].segments = vec![
        segment("it is 4111 1111", range(0, 4)),
        segment("1111 1111 thanks", range(4, 3)),
    ];
    let found = find(&made, &policy(&[]));
    assert_eq!(found.withheld, None);
    let redacted = apply(&made, &found.redactions);
    let texts: Vec<&str> = redacted
        .turns
        .iter()
        .map(|turn| turn.text.as_str())
        .collect();
    assert_eq!(
        texts,
        [
            "it is [card_number] [card_number] thanks",
            "ending [card_number] right"
        ]
    );
    let texts: Vec<&str> = redacted.channels[1]
        .segments
        .iter()
        .map(|s| s.text.as_str())
        .collect();
    assert_eq!(texts, ["it is [card_number]", "[card_number] thanks"]);
    assert_eq!(redacted.channels[1].segments[1].words, range(3, 2));
    assert!(!serde_json::to_string(&redacted).unwrap().contains("1111"));
}

#[test]
fn a_text_without_blanks_is_redacted_as_it_is_written_and_as_it_once_was() {
    let spoken = "番号 は 4111 1111 1111 1111 です。";
    let mut made = talk("ja", &[(1, spoken)]);
    for text in [spoken, "番号は4111 1111 1111 1111です。"] {
        made.turns[0].text = text.into();
        let found = find(&made, &policy(&[]));
        assert_eq!(found.withheld, None, "{text}");
        let redacted = apply(&made, &found.redactions);
        assert_eq!(redacted.turns[0].text, "番号は[card_number]です。");
    }
    made.turns[0].text = "番号は4111 1111 1111 1111ですか".into();
    let withheld = find(&made, &policy(&[])).withheld;
    assert!(withheld.is_some(), "the text says what no word says");
}

#[test]
fn a_number_is_found_in_suppressed_text_without_blanks() {
    let mut made = talk("ja", &[(1, "はい")]);
    made.channels[1].suppressed.push(Suppressed {
        span: TimeSpan {
            start_ms: 9_000,
            end_ms: 12_000,
        },
        text: "番号は4111 1111 1111 1111です。".into(),
        reason: SuppressReason::LowConfidence,
        figures: Figures {
            avg_logprob: -2.0,
            no_speech_prob: 0.0,
            compression_ratio: 1.0,
            temperature: 0.0,
        },
    });
    let found = find(&made, &policy(&[]));
    let redacted = apply(&made, &found.redactions);
    assert_eq!(redacted.channels[1].suppressed[0].text, "[card_number]");
}

#[test]
fn a_redacted_transcript_keeps_the_laws_of_one() {
    for seed in 0..100 {
        let made = made_up(seed).transcript;
        let found = find(&made, &policy(&[]));
        let redacted = apply(&made, &found.redactions);
        for (before, after) in made.channels.iter().zip(&redacted.channels) {
            assert!(after.words.is_sorted_by_key(|word| word.start_ms), "{seed}");
            assert!(
                after
                    .words
                    .windows(2)
                    .all(|pair| pair[0].end_ms <= pair[1].start_ms),
                "{seed}"
            );
            let covered: u32 = after.utterances.iter().map(|u| u.words.words_count).sum();
            assert_eq!(
                covered as usize,
                after.words.len(),
                "{seed}: each word lies in one utterance"
            );
            assert_eq!(before.utterances.len(), after.utterances.len());
        }
        for turn in &redacted.turns {
            let words = &redacted.channels[usize::from(turn.channel)].words[turn.words.indexes()];
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(turn.text, texts.join(" "), "{seed}");
        }
        let again = find(&redacted, &policy(&[]));
        assert_eq!(again.withheld, None, "{seed}");
    }
}

#[test]
fn what_was_removed_is_no_silence_and_no_interruption() {
    let mut removed_count = 0;
    for seed in 0..100 {
        let made = made_up(seed).transcript;
        let found = find(&made, &policy(&[]));
        removed_count += found.redactions.len();
        let before = measure(&made, NON_TALK_THRESHOLD_MS);
        let after = measure(&apply(&made, &found.redactions), NON_TALK_THRESHOLD_MS);
        assert_eq!(before.talk_ms, after.talk_ms, "{seed}");
        assert_eq!(before.non_talk, after.non_talk, "{seed}");
        assert_eq!(before.overlap, after.overlap, "{seed}");
        for interruption in &after.interruptions {
            assert!(before.interruptions.contains(interruption), "{seed}");
        }
    }
    assert!(removed_count > 100, "{removed_count}");
}

#[test]
fn the_audio_loses_what_was_found_with_padding_on_its_channel() {
    let made = talk("en", &[(0, "hello"), (1, "4111 1111 1111 1111")]);
    let found = find(&made, &policy(&[]));
    let span = TimeSpan {
        start_ms: 1_300 - 250,
        end_ms: 1_300 + 1_500 + 250,
    };
    assert_eq!(
        mute_spans(&made, &found.redactions, 250),
        [vec![], vec![span]]
    );

    let mut bleeding = made.clone();
    bleeding.warnings.push(Warning {
        code: WarningCode::Bleed,
        detail: String::new(),
        channel: None,
    });
    assert_eq!(
        mute_spans(&bleeding, &found.redactions, 250),
        [vec![span], vec![span]]
    );
    let mut copied = made;
    copied.channels[0].facts.status = ChannelStatus::DuplicateOfOther;
    assert_eq!(
        mute_spans(&copied, &found.redactions, 250),
        [vec![span], vec![span]]
    );
}

#[test]
fn speech_that_nobody_wrote_down_is_muted_as_well() {
    let mut made = talk("en", &[(0, "hello"), (1, "well then")]);
    made.channels[1].facts.speech_spans = vec![
        TimeSpan {
            start_ms: 1_200,
            end_ms: 2_200,
        },
        TimeSpan {
            start_ms: 5_000,
            end_ms: 8_000,
        },
    ];
    let span = TimeSpan {
        start_ms: 5_000,
        end_ms: 8_000,
    };
    assert_eq!(mute_spans(&made, &[], 250), [vec![], vec![span]]);
}

/// Words that some rule looks at, and some that none does.
#[rustfmt::skip] // a list reads as one
const VOCABULARY: &[&str] = &[
    "my", "name", "is", "address", "i", "live", "at", "dot", "com", "card", "expiry", "security", "code", "no", "sorry", "double", "four", "hundred",
    "thousand", "forty-two", "quatre-vingt-dix-sept", "vierundzwanzig", "y", "4111", "1111", "12/25", "@", "a@b.c", "—", "...", "DE89", "street", "12th",
    "Mary", "ça", "für", "oh", "and", "\u{202e}x", "١٢٣", "0", "K", "x.y", "me", "llamo", "je", "m'appelle", "99999999999999999999999", "cvv",
];

#[test]
fn any_words_at_all_are_redacted_without_a_fault() {
    let policy = policy(&[]);
    for seed in 0..2_000 {
        let mut dice = crate::made_up::Dice(seed);
        let language = [None, Some("en"), Some("fr"), Some("xx")][dice.below(4)];
        let mut made = crate::call::call(language, job_schema::transcript::Speakers::ByChannel);
        let mut at_ms = 0;
        for _ in 0..1 + dice.below(8) {
            let count = 1 + dice.below(12);
            let words: Vec<&str> = (0..count)
                .map(|_| VOCABULARY[dice.below(VOCABULARY.len())])
                .collect();
            let speaker = dice.below(2);
            at_ms = crate::call::say(&mut made, speaker, at_ms, &words.join(" ")) + 300;
        }
        let found = find(&made, &policy);
        assert_eq!(found.withheld, None, "{seed}");
        let redacted = apply(&made, &found.redactions);
        // Of the next 10,000 seeds four have a leak by their own words' chance, and would be withheld.
        let leaks = leaks_in_text(&made, &found.redactions, &redacted);
        assert_eq!(leaks, [], "{seed}");
        for channel in &redacted.channels {
            assert!(
                channel.words.is_sorted_by_key(|word| word.start_ms),
                "{seed}"
            );
        }
        for (channel, spans) in made
            .channels
            .iter()
            .zip(mute_spans(&made, &found.redactions, 250))
        {
            assert!(
                spans
                    .windows(2)
                    .all(|pair| pair[0].end_ms < pair[1].start_ms),
                "{seed}"
            );
            let own = found
                .redactions
                .iter()
                .filter(|one| one.channel == channel.facts.index);
            for one in own {
                let inside = |span: &TimeSpan| {
                    span.start_ms <= one.span.start_ms && one.span.end_ms <= span.end_ms
                };
                assert!(spans.iter().any(inside), "{seed}: what was found is muted");
            }
        }
    }
}
