#![expect(clippy::cast_possible_truncation, reason = "small numbers made here")]

use std::collections::VecDeque;

use job_schema::transcript::{WarningCode, Word};

use super::*;
use crate::recognizer::{LanguageGuess, RecognizedWord};

/// Gives prepared answers and notes what it was asked: budget and samples.
struct Prepared {
    answers: VecDeque<Recognition>,
    asked: Vec<(u32, usize)>,
}

impl Recognizer for Prepared {
    fn recognize(
        &mut self,
        request: &Request<'_>,
        _: &AbortFlag,
    ) -> Result<Recognition, RecognizeError> {
        self.asked.push((request.max_tokens, request.pcm.len()));
        Ok(self.answers.pop_front().unwrap_or_default())
    }

    fn detect_language(
        &mut self,
        _: &[f32],
        _: &AbortFlag,
    ) -> Result<Vec<LanguageGuess>, RecognizeError> {
        Ok(Vec::new())
    }
}

fn answer(text: &str, avg_logprob: f32, cut_short: bool) -> Recognition {
    let texts: Vec<&str> = text.split_whitespace().collect();
    let words = (0u64..).zip(&texts).map(|(i, text)| RecognizedWord {
        text: (*text).into(),
        start_ms: i * 100,
        end_ms: i * 100 + 90,
        probability: 0.8,
    });
    Recognition {
        segments: vec![RecognizedSegment {
            words: words.collect(),
            avg_logprob,
            no_speech_prob: 0.1,
            temperature: 0.0,
        }],
        cut_short,
    }
}

fn span(duration_ms: u64) -> HeardSpan {
    let span = TimeSpan {
        start_ms: 5_000,
        end_ms: 5_000 + duration_ms,
    };
    HeardSpan {
        channel: 1,
        span,
        speech: vec![span],
        pcm: syllables(duration_ms as usize * 16),
    }
}

/// Loud and soft in turns, four times a second.
fn syllables(samples: usize) -> Vec<f32> {
    let level = |n: usize| {
        if (n / 2_000).is_multiple_of(2) {
            0.1
        } else {
            0.01
        }
    };
    // A constant is no sound.
    let swing = |n: usize| if n.is_multiple_of(2) { 1.0 } else { -1.0 };
    (0..samples).map(|n| swing(n) * level(n)).collect()
}

fn look(answers: &[Recognition], heard: &HeardSpan) -> (SpanResult, Vec<(u32, usize)>) {
    let mut slot = Prepared {
        answers: answers.iter().cloned().collect(),
        asked: Vec::new(),
    };
    let span = SpanToRead {
        heard: heard.clone(),
        language: "en".into(),
        terms: Arc::default(),
    };
    let mut results = recognize_spans(&mut slot, &[span], None, &AbortFlag::default()).unwrap();
    let result = results.pop().unwrap();
    (result, slot.asked)
}

fn text(result: &SpanResult) -> String {
    let words = result.segments.iter().flat_map(|s| &s.words);
    words.map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn words_carry_the_mapped_confidence_and_are_judged_without_it() {
    let mapping = ConfidenceMapping {
        name: "test".into(),
        low: 2.0,
        high: 0.5,
        offset: -9.0,
    };
    let mut slot = Prepared {
        answers: [answer("good morning", -0.2, false)].into(),
        asked: Vec::new(),
    };
    let spans = [SpanToRead {
        heard: span(2_000),
        language: "en".into(),
        terms: Arc::default(),
    }];
    let abort = AbortFlag::default();
    let results = recognize_spans(&mut slot, &spans, Some(&mapping), &abort).unwrap();
    let words = &results[0].segments[0].words;
    // Odds of 0.8² / √0.2 · e⁻⁹.
    let close = |word: &Word| (word.confidence - 0.000_177).abs() < 1e-5;
    assert!(words.len() == 2 && words.iter().all(close), "{words:?}");
    assert_eq!((slot.asked.len(), results[0].suppressed.len()), (1, 0));
}

#[test]
fn a_sound_answer_is_asked_for_once() {
    let (result, asked) = look(&[answer("good morning", -0.2, false)], &span(2_000));
    assert_eq!(text(&result), "good morning");
    assert_eq!(result.segments[0].words[0].start_ms, 5_000);
    assert_eq!(asked, [(token_budget(span(2_000).span), 32_000)]);
}

#[test]
fn a_short_span_is_filled_up_with_silence() {
    let (_, asked) = look(&[answer("yes", -0.2, false)], &span(400));
    assert_eq!(asked[0].1, MIN_SAMPLES);
}

#[test]
fn a_loop_is_looked_at_again_and_kept_once_if_it_comes_back() {
    let looped = answer(&"sure ".repeat(9), -0.2, true);
    let (mended, asked) = look(&[looped.clone(), answer("sure", -0.4, false)], &span(4_000));
    assert_eq!(
        (text(&mended).as_str(), mended.suppressed.len()),
        ("sure", 0)
    );
    assert_eq!(asked[1].1, WINDOW_SAMPLES);

    let (kept, asked) = look(&[looped.clone(), looped], &span(4_000));
    assert_eq!(asked.len(), 2);
    assert_eq!(text(&kept), "sure");
    assert_eq!(kept.suppressed[0].reason, SuppressReason::Repetition);
    assert_eq!(
        kept.suppressed[0].text,
        "sure sure sure sure sure sure sure sure"
    );
    assert_eq!(kept.warnings[0].code, WarningCode::SpanCutShort);
}

#[test]
fn a_cut_without_a_loop_gets_a_larger_budget() {
    let first = answer("four five six", -0.2, true);
    let (result, asked) = look(
        &[first, answer("four five six seven", -0.2, false)],
        &span(1_000),
    );
    assert_eq!(text(&result), "four five six seven");
    assert_eq!(asked[1].0, asked[0].0 * SECOND_BUDGET_FACTOR);
    assert!(result.warnings.is_empty());
}

#[test]
fn a_script_of_long_letters_gets_as_many_tokens_as_there_are() {
    for (cut, whole) in [
        ("वह घर जा", "वह घर जा रहा है"),
        ("Καλησπέρα, ναι", "Καλησπέρα, ναι, στις 10."),
    ] {
        let answers = [answer(cut, -0.2, true), answer(whole, -0.2, false)];
        let (result, asked) = look(&answers, &span(1_000));
        assert_eq!(text(&result), whole);
        assert_eq!(asked[1].0, NO_BUDGET, "{cut}");
    }
}

#[test]
fn a_cut_text_does_not_give_way_to_a_shorter_one() {
    let first = answer("four five six", -0.2, true);
    for second in [answer("four", -0.2, false), answer("", -0.2, false)] {
        let (result, _) = look(&[first.clone(), second], &span(1_000));
        assert_eq!(text(&result), "four five six");
        assert_eq!(result.warnings[0].code, WarningCode::SpanCutShort);
        assert!(result.suppressed.is_empty());
    }
}

#[test]
fn what_a_second_look_writes_nothing_of_is_suppressed_and_not_forgotten() {
    let guess = answer("mumble mumble", -1.2, false);
    let nothing = answer("", -0.2, false);
    let (result, _) = look(&[guess, nothing], &span(1_000));
    assert!(result.segments.is_empty());
    assert_eq!(result.suppressed[0].text, "mumble mumble");
    assert_eq!(result.suppressed[0].reason, SuppressReason::LowConfidence);
}

#[test]
fn a_sentence_said_twice_stays_only_if_the_whole_window_has_it_too() {
    let twice = answer("how are you how are you", -0.2, false);
    let (once, _) = look(
        &[twice.clone(), answer("how are you", -0.3, false)],
        &span(3_000),
    );
    assert_eq!(text(&once), "how are you");
    let (kept, _) = look(&[twice.clone(), twice], &span(3_000));
    assert_eq!(text(&kept), "how are you how are you");
}

#[test]
fn guesses_are_kept_apart_from_the_words() {
    let guess = answer("mumble mumble", -1.7, false);
    let (result, _) = look(&[guess.clone(), guess], &span(1_000));
    assert!(result.segments.is_empty());
    assert_eq!(result.suppressed[0].reason, SuppressReason::LowConfidence);
}

#[test]
fn a_guess_that_is_kept_is_looked_at_again() {
    let guess = answer("mumble mumble", -1.2, false);
    let (result, asked) = look(&[guess.clone(), guess], &span(1_000));
    assert_eq!((text(&result).as_str(), asked.len()), ("mumble mumble", 2));
}

#[test]
fn of_several_spans_only_those_that_failed_are_read_again_and_the_order_stays() {
    let looped = "no thank you ".repeat(5);
    let mut slot = Prepared {
        answers: [
            answer("first of all", -0.2, false),
            answer(&looped, -0.2, false),
            answer("and the last", -0.2, false),
            answer("no thank you", -0.2, false),
        ]
        .into(),
        asked: Vec::new(),
    };
    let spans = [2_000, 3_000, 4_000].map(|duration_ms| SpanToRead {
        heard: span(duration_ms),
        language: "en".into(),
        terms: Arc::default(),
    });
    let results = recognize_spans(&mut slot, &spans, None, &AbortFlag::default()).unwrap();
    let texts: Vec<String> = results
        .iter()
        .map(|result| {
            let words = result.segments.iter().flat_map(|segment| &segment.words);
            words
                .map(|word| word.text.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(texts, ["first of all", "no thank you", "and the last"]);
    let lengths: Vec<usize> = slot.asked.iter().map(|(_, samples)| *samples).collect();
    assert_eq!(lengths.len(), 4);
    assert_eq!(
        lengths[3], WINDOW_SAMPLES,
        "the second look sees the whole window"
    );
}

/// Words at their times, in milliseconds from the span's start.
fn timed(words: &[(&str, u64, u64)]) -> Recognition {
    let mut answer = answer("", -0.2, false);
    answer.segments[0].words = words
        .iter()
        .map(|(text, start, end)| RecognizedWord {
            text: (*text).into(),
            start_ms: *start,
            end_ms: *end,
            probability: 0.8,
        })
        .collect();
    answer
}

/// Twelve seconds, with pauses of half a second.
fn with_pauses() -> HeardSpan {
    let stretch = |start_ms, end_ms| TimeSpan { start_ms, end_ms };
    HeardSpan {
        speech: vec![
            stretch(5_000, 7_000),
            stretch(7_500, 15_000),
            stretch(15_500, 17_000),
        ],
        ..span(12_000)
    }
}

fn samples(asked: &[(u32, usize)]) -> Vec<usize> {
    asked.iter().map(|(_, samples)| *samples).collect()
}

#[test]
fn speech_that_was_passed_over_is_heard_by_itself() {
    let leap = timed(&[
        ("chapter", 100, 1_000),
        ("one", 1_200, 1_900),
        ("two", 10_600, 11_800),
    ]);
    let between = timed(&[
        ("much", 300, 800),
        ("to", 2_000, 2_200),
        ("alter", 4_500, 7_500),
    ]);
    let answers = [
        leap,
        timed(&[("chapter", 100, 1_000), ("one", 1_200, 1_900)]),
        between,
        timed(&[("two", 400, 1_600)]),
    ];
    let (result, asked) = look(&answers, &with_pauses());
    assert_eq!(text(&result), "chapter one much to alter two");
    // Cut in the middle of each pause.
    assert_eq!(samples(&asked), [192_000, 36_000, 128_000, 28_000]);
    assert_eq!(result.span, span(12_000).span);
    let stretches = with_pauses().speech;
    for (segment, stretch) in result.segments.iter().zip(stretches) {
        assert!(stretch.start_ms <= segment.span.start_ms, "{segment:?}");
        assert!(segment.span.end_ms <= stretch.end_ms, "{segment:?}");
    }
}

#[test]
fn what_brings_out_no_more_words_changes_nothing() {
    let leap = timed(&[("one", 1_200, 1_900), ("two", 10_600, 11_800)]);
    let nothing = timed(&[]);
    let (result, asked) = look(
        &[
            leap,
            timed(&[("won", 1_200, 1_900)]),
            nothing,
            timed(&[("two", 400, 1_600)]),
        ],
        &with_pauses(),
    );
    assert_eq!((text(&result).as_str(), asked.len()), ("one two", 4));
}

#[test]
fn a_piece_of_which_much_is_passed_over_is_cut_once_more_and_then_no_more() {
    let mut heard = span(24_000);
    heard.speech = (0..6)
        .map(|n| TimeSpan {
            start_ms: 5_000 + 4_000 * n,
            end_ms: 8_500 + 4_000 * n,
        })
        .collect();
    let first = timed(&[("one", 100, 3_500)]);
    // Of the whole, then of the two pieces, then of the second one's two.
    let answers = [
        first.clone(),
        first.clone(),
        first.clone(),
        first.clone(),
        first,
    ];
    let (result, asked) = look(&answers, &heard);
    assert_eq!(text(&result), "one one one");
    assert_eq!(samples(&asked).len(), 5);
}

#[test]
fn without_a_pause_or_without_much_speech_nothing_is_cut() {
    let leap = timed(&[("one", 100, 1_900), ("two", 10_600, 11_800)]);
    let (_, asked) = look(&[leap], &span(12_000));
    assert_eq!(asked.len(), 1);
    let short = timed(&[("one", 100, 4_800), ("two", 7_700, 11_800)]);
    let (_, asked) = look(&[short], &with_pauses());
    assert_eq!(asked.len(), 1);
}
