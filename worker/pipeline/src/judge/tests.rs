use super::*;
use crate::recognizer::RecognizedWord;

fn segment(text: &str, avg_logprob: f32, no_speech_prob: f32) -> RecognizedSegment {
    let word = |text: &str| RecognizedWord {
        text: text.into(),
        start_ms: 0,
        end_ms: 100,
        probability: 0.5,
    };
    RecognizedSegment {
        words: text.split(' ').map(word).collect(),
        avg_logprob,
        no_speech_prob,
        temperature: 0.0,
    }
}

#[test]
fn each_fault_has_its_reason() {
    use SuppressReason::{LowConfidence, NoSpeech, Repetition};
    use Verdict::{Keep, Suppress};
    let loop_of = |phrase: &str, times: usize| vec![phrase; times].join(" ");
    let rows = [
        (segment("Good morning, how can I help?", -0.3, 0.1), Keep),
        (segment("no no no no", -0.3, 0.1), Keep),
        (
            segment(&loop_of("sure", 9), -0.1, 0.1),
            Suppress(Repetition),
        ),
        (
            segment(&loop_of("I will call you back", 5), -0.1, 0.1),
            Suppress(Repetition),
        ),
        (
            segment("Thanks for watching!", -1.4, 0.8),
            Suppress(NoSpeech),
        ),
        (
            segment("mumbled words here", -1.4, 0.1),
            Suppress(LowConfidence),
        ),
        (segment("Woo!", -0.87, 0.64), Suppress(NoSpeech)),
        (segment("Hello?", -0.87, 0.2), Keep),
        (
            segment(&loop_of("I'm sorry", 5), -0.5, 0.59),
            Suppress(NoSpeech),
        ),
        (segment("sure of it in spite of all", -0.2, 0.9), Keep),
        (segment("[Music]", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("(phone ringing)", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("♪", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("...", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("(she) said (it)", -0.2, 0.1), Keep),
    ];
    for (segment, expected) in rows {
        assert_eq!(judge(&segment), expected, "{:?}", segment.text());
    }
}

#[test]
fn a_sentence_said_twice_is_noticed() {
    for (text, twice) in [
        ("okay, I'm here. Okay, I'm here.", true),
        ("it is what it is what it was", true),
        ("bye bye bye bye", false),
        ("I mean, I mean it", false),
    ] {
        assert_eq!(says_twice(&segment(text, -0.1, 0.1)), twice, "{text:?}");
    }
}

#[test]
fn a_loop_is_told_without_its_first_round() {
    let words = |text: &str| text.split(' ').map(folded).collect::<Vec<_>>();
    for (text, expected) in [
        ("one two three four five six", None),
        ("well a b a b a b a b and so", Some(3..9)),
        ("well A, b. a b a b a b a", Some(3..10)),
        ("yes yes yes yes yes", None),
        ("oh yes yes yes yes yes yes", Some(2..7)),
    ] {
        assert_eq!(find_loop(&words(text)), expected, "{text:?}");
    }
}

/// Expected: Python's `len(text) / len(zlib.compress(text))`, which is what Whisper takes.
#[test]
fn compression_is_measured_as_whisper_does() {
    let plain = "good morning, thank you for calling, how can I help you today";
    let rows = [
        (String::new(), 0.0),
        ("hello".into(), 0.385),
        (plain.into(), 1.0),
        (format!("{plain} and {plain} and {plain}"), 2.757),
    ];
    for (text, expected) in rows {
        let ratio = compression_ratio(&text);
        assert!(
            (ratio - expected).abs() <= 0.1 * expected,
            "{ratio} for {expected}"
        );
    }
}
