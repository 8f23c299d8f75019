use super::*;

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

/// A second of speech, whose level moves as speech does.
const SPOKEN: Evidence = Evidence {
    speech_ms: 1_000,
    level_range_db: 20.0,
};

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
            segment("mumbled words here", -1.6, 0.05),
            Suppress(LowConfidence),
        ),
        (segment("Hello?", -0.87, 0.2), Keep),
        (
            segment(&loop_of("I'm sorry", 5), -0.5, 0.59),
            Suppress(NoSpeech),
        ),
        (segment("sure of it in spite of all", -0.2, 0.9), Keep),
        (
            segment(
                "I'm not going to let you go. I'm not going to let you go.",
                -0.6,
                0.6,
            ),
            Suppress(NoSpeech),
        ),
        (
            segment("An oil light is on. An oil light is on.", -0.6, 0.1),
            Keep,
        ),
        (segment("[Music]", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("(phone ringing)", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("♪", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("...", -0.2, 0.1), Suppress(NoSpeech)),
        (segment("(she) said (it)", -0.2, 0.1), Keep),
    ];
    for (segment, expected) in rows {
        assert_eq!(
            judge(&segment, SPOKEN, Writing::Spaced),
            expected,
            "{:?}",
            segment.text(Writing::Spaced)
        );
    }
}

/// Figures as measured, with what was or was not spoken there.
#[test]
fn the_more_the_model_doubts_that_anybody_speaks_the_surer_it_must_be_of_its_words() {
    let (low, none) = (SuppressReason::LowConfidence, SuppressReason::NoSpeech);
    for (what, text, avg_logprob, no_speech_prob, expected) in [
        ("a sentence, guessed at", "in lockstitch", -1.20, 0.11, None),
        ("a digit", "to", -1.05, 0.38, None),
        ("a digit", "two.", -0.82, 0.68, None),
        ("a digit", "2.", -0.66, 0.75, None),
        ("a digit", "Hey.", -0.65, 0.85, None),
        ("music", "Music", -1.92, 0.45, Some(low)),
        ("a crowd", "I'm not going to", -1.68, 0.35, Some(low)),
        ("a key", "Okay.", -1.28, 0.61, Some(none)),
        ("a crowd", "Thank you.", -0.93, 0.81, Some(none)),
        ("hum", "you", -0.76, 0.92, Some(none)),
    ] {
        let verdict = judge(
            &segment(text, avg_logprob, no_speech_prob),
            SPOKEN,
            Writing::Spaced,
        );
        let expected = expected.map_or(Verdict::Keep, Verdict::Suppress);
        assert_eq!(verdict, expected, "{what}: {text}");
    }
}

#[test]
fn few_words_in_much_sound_have_to_be_likelier() {
    let sparse = Evidence {
        speech_ms: 20_000,
        ..SPOKEN
    };
    let (once, looped) = ("I'm sorry,", "I'm sorry, I'm sorry, I'm sorry, I'm sorry,");
    let unlikely = Verdict::Suppress(SuppressReason::LowConfidence);
    let repeats = Verdict::Suppress(SuppressReason::Repetition);
    for (text, avg_logprob, evidence, verdict) in [
        (once, -0.7, sparse, Verdict::Keep),
        (once, -1.0, sparse, unlikely),
        (once, -1.0, SPOKEN, Verdict::Keep),
        (looped, -0.7, sparse, repeats),
        (looped, -1.0, sparse, unlikely),
        (looped, -1.0, SPOKEN, repeats),
    ] {
        let segment = segment(text, avg_logprob, 0.3);
        assert_eq!(
            judge(&segment, evidence, Writing::Spaced),
            verdict,
            "{text} {avg_logprob}"
        );
    }
}

#[test]
fn of_a_word_or_two_none_may_be_a_guess() {
    let kept = |text: &str, probabilities: &[f32]| {
        let mut segment = segment(text, -1.0, 0.3);
        for (word, probability) in segment.words.iter_mut().zip(probabilities) {
            word.probability = *probability;
        }
        judge(&segment, SPOKEN, Writing::Spaced) == Verdict::Keep
    };
    assert!(!kept("Thank you.", &[0.03, 0.77]));
    assert!(!kept("You", &[0.04]));
    assert!(kept("Mountain View.", &[0.08, 0.7]));
    assert!(
        kept("He lives in Mountain View.", &[0.9, 0.8, 0.9, 0.03, 0.7]),
        "one word misheard in a sentence is no reason to doubt the rest"
    );
}

#[test]
fn where_the_model_doubts_steady_sound_and_lone_words_are_no_speech() {
    let heard = |speech_ms, level_range_db| Evidence {
        speech_ms,
        level_range_db,
    };
    let no_speech = Verdict::Suppress(SuppressReason::NoSpeech);
    for (what, evidence, no_speech_prob, expected) in [
        ("a word", heard(400, 12.0), 0.64, Verdict::Keep),
        ("a short tone", heard(230, 0.1), 0.64, no_speech),
        ("a short vowel", heard(240, 2.4), 0.64, Verdict::Keep),
        ("keys", heard(4_000, 3.8), 0.63, no_speech),
        (
            "much of it and one word",
            heard(5_000, 12.0),
            0.55,
            no_speech,
        ),
        (
            "a sure word in it",
            heard(20_000, 40.0),
            0.25,
            Verdict::Keep,
        ),
        ("a steady crowd", heard(2_000, 3.3), 0.25, no_speech),
        ("a word of a crowd", heard(17_000, 8.0), 0.25, no_speech),
        (
            "a sure word on a noisy line",
            heard(900, 4.0),
            0.1,
            Verdict::Keep,
        ),
    ] {
        let verdict = judge(
            &segment("Woo!", -0.5, no_speech_prob),
            evidence,
            Writing::Spaced,
        );
        assert_eq!(verdict, expected, "{what}");
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
        let segment = segment(text, -0.1, 0.1);
        assert_eq!(says_twice(&segment, Writing::Spaced), twice, "{text:?}");
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
        (&"a b c d e f g h i j k l m ".repeat(4), None),
    ] {
        assert_eq!(
            find_loop(&words(text.trim()), Writing::Spaced),
            expected,
            "{text:?}"
        );
    }
    // A sentence of twenty tokens, four times.
    let letters: Vec<String> = ('a'..='t').cycle().take(80).map(String::from).collect();
    assert_eq!(find_loop(&letters, Writing::Unspaced), Some(20..80));
}

/// Of a phone number no digit is left out, and of what is said to a caller who does not hear no word.
#[test]
fn where_tokens_count_as_words_a_loop_is_told_by_its_letters() {
    use Verdict::{Keep, Suppress};
    let repeats = Suppress(SuppressReason::Repetition);
    for (text, in_doubt, verdict) in [
        ("一 三 八 一 三 八 零 零 一 一", Keep, Keep),
        ("一 三 八 一 三 八 一 三 八 一 三 八", Keep, Keep),
        ("一 三 八 八 八 八 八 八 八 八 八", Keep, Keep),
        ("も し も し も し も し も し も し", Keep, Keep),
        ("好 的 好 的 好 的 好 的", Keep, Keep),
        ("OK OK OK OK OK, 谢谢", Keep, Keep),
        (
            "対 対 対 対 対 対 対 対 対 対 対 対",
            Suppress(SuppressReason::NoSpeech),
            repeats,
        ),
        (
            &"ごめん なさい ".repeat(4),
            Suppress(SuppressReason::NoSpeech),
            repeats,
        ),
        (
            &"ご視聴 ありがとう ございました。 ".repeat(2),
            Suppress(SuppressReason::NoSpeech),
            Keep,
        ),
        (
            &"ありがとうございました。 ".repeat(2),
            Suppress(SuppressReason::NoSpeech),
            Keep,
        ),
        (
            &"我们 会 给 你 打 电话 ".repeat(20),
            Suppress(SuppressReason::NoSpeech),
            repeats,
        ),
    ] {
        for (no_speech_prob, verdict) in [(0.59, in_doubt), (0.1, verdict)] {
            let segment = segment(text.trim(), -0.1, no_speech_prob);
            let judged = judge(&segment, SPOKEN, Writing::Unspaced);
            assert_eq!(judged, verdict, "{text} {no_speech_prob}");
        }
    }
}

/// Whisper's measure is above its limit for the first of these.
#[test]
fn a_script_of_long_letters_is_no_repetition() {
    let tamil = "வணக்கம், வாங்க உட்காருங்கள். நான் மருத்துவர் மேகா. \
                 என்ன பிரச்சனைக்காக இங்கு வந்தீர்கள்? எனக்கு மூன்று நாட்களாக \
                 காய்ச்சல் மற்றும் தலைவலி இருக்கிறது. சரி, \
                 வேறு ஏதாவது அறிகுறிகள் உள்ளனவா? இருமல் இருக்கிறது, \
                 தொண்டை வலிக்கிறது. மருந்து எதாவது எடுத்துக் கொண்டீர்களா? \
                 இல்லை, வீட்டில் ஓய்வு எடுத்தேன்.";
    assert!(compression_ratio(tamil) > MAX_COMPRESSION_RATIO);
    for (text, is_repetitive) in [
        (tamil.to_owned(), false),
        ("நன்றி மீண்டும் அழைக்கவும், ".repeat(6), true),
        ("thank you for calling us, ".repeat(6), true),
        (
            "good morning, thank you for calling, how can I help".to_owned(),
            false,
        ),
    ] {
        let ratio = packing(&letters(&text));
        assert_eq!(
            ratio > MAX_COMPRESSION_RATIO,
            is_repetitive,
            "{ratio} for {text}"
        );
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
