use job_schema::transcript::TimeSpan;

use super::*;
use crate::recognizer::{Recognition, Recognizer, Request};

/// Hears a language in the first sample: 0.1 is English, 0.2 German, 0.3 Welsh.
struct Ear;

impl Recognizer for Ear {
    fn recognize(&mut self, _: &Request<'_>, _: &AbortFlag) -> Result<Recognition, RecognizeError> {
        Ok(Recognition::default())
    }

    fn detect_language(
        &mut self,
        pcm: &[f32],
        _: &AbortFlag,
    ) -> Result<Vec<LanguageGuess>, RecognizeError> {
        let heard = (pcm[0] * 10.0).round();
        let guess = |(number, code): (f32, &str)| LanguageGuess {
            code: code.to_owned(),
            probability: if (number - heard).abs() < 0.5 {
                0.8
            } else {
                0.1
            },
        };
        let mut guesses: Vec<_> = [(1.0, "en"), (2.0, "de"), (3.0, "cy")].map(guess).into();
        guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Ok(guesses)
    }
}

fn model(languages: &[&str]) -> ModelTraits {
    ModelTraits {
        languages: languages.iter().map(|l| (*l).to_owned()).collect(),
        confidence: None,
    }
}

fn slots() -> SlotPool {
    SlotPool::new(
        vec![Box::new(Ear), Box::new(Ear)],
        model(&["en", "de", "cy"]),
    )
}

fn spec(language: Option<&str>, languages: &[&str]) -> CallSpec {
    CallSpec {
        language: language.map(str::to_owned),
        languages: languages.iter().map(|l| (*l).to_owned()).collect(),
        ..CallSpec::default()
    }
}

/// (channel, start, speech in it, what it sounds like)
type Said = (u16, u64, u64, f32);

fn span((channel, start_ms, speech_ms, sound): Said) -> HeardSpan {
    let span = TimeSpan {
        start_ms,
        end_ms: start_ms + speech_ms,
    };
    HeardSpan {
        channel,
        span,
        speech: vec![span],
        pcm: vec![sound],
    }
}

/// What is ready after each span, as starts, and what is after the last one.
fn ready(said: &[Said], wanted: &CallSpec) -> (Vec<Vec<u64>>, Vec<u64>, Languages) {
    let slots = slots();
    let mut languages = Languages::new(wanted, slots.model(), 2).unwrap();
    let starts = |spans: Vec<Assigned>| spans.iter().map(|(s, _)| s.span.start_ms).collect();
    let each = said.iter().map(|said| {
        let spans = languages.assign(vec![span(*said)], &slots, &AbortFlag::default());
        starts(spans.unwrap())
    });
    let each = each.collect();
    let rest = starts(languages.assign_rest().unwrap());
    (each, rest, languages)
}

fn code(languages: &Languages, channel: u16) -> &str {
    languages.of(channel).map_or("", |language| &language.code)
}

#[test]
fn the_job_decides_before_the_model_does() {
    for (wanted, known, code, source) in [
        (spec(None, &[]), &["en"][..], "en", LanguageSource::Model),
        (
            spec(Some("es"), &[]),
            &["en", "es"],
            "es",
            LanguageSource::Job,
        ),
        (
            spec(None, &["es"]),
            &["en", "es"],
            "es",
            LanguageSource::Job,
        ),
        (
            spec(Some("en"), &["es", "en"]),
            &["en", "es"],
            "en",
            LanguageSource::Job,
        ),
    ] {
        let languages = Languages::new(&wanted, &model(known), 2).unwrap();
        let found = languages.of(1).unwrap();
        assert_eq!((found.code.as_str(), found.source), (code, source));
    }
    let open = Languages::new(&spec(None, &[]), &model(&["en", "es"]), 2).unwrap();
    assert_eq!(open.of(0), None);
}

#[test]
fn a_language_that_the_model_does_not_know_is_refused() {
    for (wanted, pointer) in [
        (spec(Some("es"), &[]), "/options/language"),
        (spec(None, &["en", "es"]), "/options/languages"),
    ] {
        let failure = Languages::new(&wanted, &model(&["en"]), 1).unwrap_err();
        assert_eq!(failure.code, ErrorCode::BadJob);
        assert_eq!(failure.pointer.as_deref(), Some(pointer));
    }
}

#[test]
fn spans_wait_for_their_channels_votes_and_keep_their_order() {
    let said = [
        (0, 0, 1_000, 0.1),
        (1, 2_000, 1_000, 0.2),
        (0, 4_000, 1_000, 0.3),
        (0, 6_000, 1_000, 0.1),
        (1, 8_000, 29_000, 0.2),
        (1, 40_000, 500, 0.3),
    ];
    let (each, rest, languages) = ready(&said, &spec(None, &[]));
    let nothing = Vec::new;
    let all_that_wait = vec![2_000, 4_000, 6_000, 8_000];
    assert_eq!(
        each,
        [
            nothing(),
            nothing(),
            nothing(),
            vec![0],
            all_that_wait,
            vec![40_000]
        ]
    );
    assert_eq!(rest, nothing());
    assert_eq!((code(&languages, 0), code(&languages, 1)), ("en", "de"));
    let votes = &languages.of(0).unwrap().votes;
    let votes: Vec<_> = votes
        .iter()
        .map(|v| (v.code.as_str(), v.speech_ms))
        .collect();
    assert_eq!(votes, [("en", 2_000), ("cy", 1_000)]);
}

#[test]
fn a_channel_that_says_little_holds_the_others_up_for_a_minute_at_most() {
    let mut said = vec![(1, 500, 400, 0.2)];
    said.extend((1..8).map(|n| (0, n * 10_000, 5_000, 0.1)));
    let (each, rest, languages) = ready(&said, &spec(None, &[]));
    let first_ready = each.iter().position(|spans| !spans.is_empty());
    assert_eq!(first_ready.map(|n| said[n].1), Some(70_000));
    assert_eq!((each[7].len(), rest.len()), (8, 0));
    assert_eq!((code(&languages, 0), code(&languages, 1)), ("en", "de"));
}

#[test]
fn the_end_of_the_recording_decides_with_the_votes_that_there_are() {
    let (each, rest, languages) = ready(&[(1, 0, 900, 0.3)], &spec(None, &["de", "en"]));
    assert_eq!((each, rest), (vec![Vec::new()], vec![0]));
    // Welsh is no candidate, and the others are equally likely.
    assert_eq!((code(&languages, 0), code(&languages, 1)), ("", "de"));
}

#[test]
fn windows_make_no_difference() {
    let said: Vec<Said> = (0..40)
        .map(|n| {
            (
                u16::from(n % 3 == 1),
                n * 7_000,
                900 + 100 * n,
                [0.1, 0.2, 0.3][(n % 3) as usize],
            )
        })
        .collect();
    let slots = slots();
    let heard = |window: usize| {
        let mut languages = Languages::new(&spec(None, &[]), slots.model(), 2).unwrap();
        let mut spans = Vec::new();
        for window in said.chunks(window) {
            let window = window.iter().copied().map(span).collect();
            spans.extend(
                languages
                    .assign(window, &slots, &AbortFlag::default())
                    .unwrap(),
            );
        }
        spans.extend(languages.assign_rest().unwrap());
        let spans: Vec<_> = spans
            .into_iter()
            .map(|(span, language)| (span.span.start_ms, language))
            .collect();
        (spans, languages.of(0).cloned(), languages.of(1).cloned())
    };
    let by_one = heard(1);
    assert_eq!(by_one.0.len(), said.len());
    assert!(by_one.0.is_sorted_by_key(|(start_ms, _)| *start_ms));
    for window in [2, 5, 40] {
        assert_eq!(heard(window), by_one, "{window}");
    }
}
