//! What every recogniser promises the pipeline, tried on the scripted one and, where there is a model, on whisper.cpp's and
//! the native one.
//! In: `EARWITNESS_TEST_MODEL`, a ggml file. The suite asks for nothing that only one of them could know.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::f32::consts::TAU;
use std::path::Path;
use std::time::{Duration, Instant};

use models::{NativeModel, WhisperModel};
use pipeline::Recognizer;
use pipeline::recognizer::{
    AbortFlag, LanguageGuess, MAX_SPAN_MS, Recognition, RecognizeError, Request, SAMPLE_RATE_HZ,
};
use pipeline::scripted::Script;

/// Enough for a few seconds, and an end to what a model makes of sound that is no speech.
const BUDGET: u32 = 40;
/// Thirty seconds, which the suite holds to be the window.
const MAX_SPAN_SAMPLES: usize = 480_000;
const _: () = assert!(MAX_SPAN_SAMPLES as u64 * 1_000 == MAX_SPAN_MS * SAMPLE_RATE_HZ as u64);

/// Work that takes a while, for a flag to be raised in the middle of it.
const WINDOWS: usize = 4;

/// Makes slots that have not been asked anything yet.
type Fresh<'a> = &'a dyn Fn() -> Box<dyn Recognizer>;

#[test]
fn the_scripted_recogniser_keeps_the_promises() {
    let script = |text: &str| {
        let script = Script::from_json(text).unwrap();
        move || script.clone().slots(1).remove(0)
    };
    let quick = script(r#"{"words": ["one", "two", "three"]}"#);
    let slow = script(r#"{"words": ["one", "two", "three"], "delay_ms": 60000}"#);
    keeps_the_promises(&quick);
    ends_soon_after_an_abort(&slow, Duration::from_secs(60));
}

#[test]
fn whisper_keeps_the_promises() {
    let Some(path) = std::env::var_os("EARWITNESS_TEST_MODEL") else {
        println!("skipped: whisper_keeps_the_promises: EARWITNESS_TEST_MODEL is unset");
        return;
    };
    let model = WhisperModel::load(Path::new(&path)).unwrap();
    let fresh = || -> Box<dyn Recognizer> { Box::new(model.slot().unwrap()) };
    keeps_the_promises(&fresh);
    ends_soon_after_an_abort(&fresh, time_of_windows(&fresh));
}

#[test]
fn the_native_recogniser_keeps_the_promises() {
    let Some(path) = std::env::var_os("EARWITNESS_TEST_MODEL") else {
        println!(
            "skipped: the_native_recogniser_keeps_the_promises: EARWITNESS_TEST_MODEL is unset"
        );
        return;
    };
    let model = NativeModel::load(Path::new(&path)).unwrap();
    let fresh = || -> Box<dyn Recognizer> { Box::new(model.slot()) };
    keeps_the_promises(&fresh);
    ends_soon_after_an_abort(&fresh, time_of_windows(&fresh));
}

fn keeps_the_promises(fresh: Fresh<'_>) {
    answers_alike_whatever_was_asked_before(fresh);
    answers_several_as_it_answers_each(fresh);
    keeps_to_its_budget_and_says_so(fresh);
    survives_any_span(fresh);
    refuses_what_is_longer_than_its_window(fresh);
    refuses_a_language_that_it_does_not_know(fresh);
    survives_any_prompt(fresh);
    does_nothing_once_aborted(fresh);
    guesses_languages_alike(fresh);
}

fn answers_alike_whatever_was_asked_before(fresh: Fresh<'_>) {
    let spans = [babble(0, 1.3), babble(1, 5.0)];
    let requests: Vec<Request<'_>> = spans
        .iter()
        .flat_map(|pcm| {
            let prompted = Request {
                prompt: "good morning",
                ..request(pcm)
            };
            [request(pcm), prompted]
        })
        .collect();
    let first: Vec<Recognition> = requests.iter().map(|r| ask(&mut *fresh(), r)).collect();
    assert!(first.iter().any(|r| !r.segments.is_empty()), "all silent");
    let mut used = fresh();
    for (request, wanted) in requests.iter().zip(&first).rev() {
        assert_eq!(&ask(&mut *used, request), wanted);
    }
}

fn answers_several_as_it_answers_each(fresh: Fresh<'_>) {
    let spans = [0.05, 1.3, 4.0, 0.6].map(|seconds| babble(1, seconds));
    let mut requests: Vec<Request<'_>> = spans.iter().map(|pcm| request(pcm)).collect();
    requests[2].prompt = "Acme Plumbing";
    requests[3].max_tokens = 1;
    let mut slot = fresh();
    assert!(slot.batch_size() > 0);
    let together = slot
        .recognize_all(&requests, &AbortFlag::default())
        .unwrap();
    let each: Vec<Recognition> = requests.iter().map(|r| ask(&mut *slot, r)).collect();
    assert_eq!(together, each);
    let none = slot.recognize_all(&[], &AbortFlag::default());
    assert_eq!(none, Ok(Vec::new()));
}

fn keeps_to_its_budget_and_says_so(fresh: Fresh<'_>) {
    let pcm = babble(3, 12.0);
    let mut slot = fresh();
    for max_tokens in [0, 1, 2] {
        let answer = ask(
            &mut *slot,
            &Request {
                max_tokens,
                ..request(&pcm)
            },
        );
        assert!(words_count(&answer) <= max_tokens as usize, "{max_tokens}");
        assert!(answer.cut_short, "{max_tokens}");
    }
    assert!(!ask(&mut *slot, &request(&[])).cut_short, "nothing to cut");
}

fn survives_any_span(fresh: Fresh<'_>) {
    let odd = [f32::NAN, f32::INFINITY, f32::MIN, 1e38, -0.5];
    let spans: [(&str, Vec<f32>); 7] = [
        ("empty", Vec::new()),
        ("one sample", vec![0.1]),
        ("12 ms", vec![0.0; 200]),
        ("no numbers", odd.repeat(3_000)),
        ("silence", vec![0.0; MAX_SPAN_SAMPLES]),
        ("a whole window", babble(1, 30.0)),
        ("as short as spans come", babble(1, 0.1)),
    ];
    let mut slot = fresh();
    for (what, pcm) in spans {
        let answer = ask(&mut *slot, &request(&pcm));
        let span_ms = pcm.len() as u64 * 1_000 / u64::from(SAMPLE_RATE_HZ);
        let mut last_ms = 0;
        for segment in &answer.segments {
            assert!(segment.avg_logprob.is_finite(), "{what}");
            assert!((0.0..=1.0).contains(&segment.no_speech_prob), "{what}");
            for word in &segment.words {
                assert!(word.start_ms >= last_ms, "{what}: words out of order");
                assert!(word.start_ms < word.end_ms, "{what}: a word of no length");
                assert!(word.end_ms <= span_ms, "{what}: a word past the end");
                assert!((0.0..=1.0).contains(&word.probability), "{what}");
                assert!(!word.text.trim().is_empty(), "{what}: a word of nothing");
                last_ms = word.start_ms;
            }
        }
    }
}

fn refuses_what_is_longer_than_its_window(fresh: Fresh<'_>) {
    let pcm = vec![0.0; MAX_SPAN_SAMPLES + 16];
    let answer = fresh().recognize(&request(&pcm), &AbortFlag::default());
    assert!(
        matches!(answer, Err(RecognizeError::Engine(_))),
        "{answer:?}"
    );
}

fn refuses_a_language_that_it_does_not_know(fresh: Fresh<'_>) {
    let pcm = babble(1, 1.0);
    let mut slot = fresh();
    for language in ["tlh", "", "EN", "english"] {
        let wrong = Request {
            language,
            ..request(&pcm)
        };
        let answer = slot.recognize(&wrong, &AbortFlag::default());
        let refused = RecognizeError::UnknownLanguage(language.to_owned());
        assert_eq!(answer, Err(refused));
    }
    ask(&mut *slot, &request(&pcm));
}

fn survives_any_prompt(fresh: Fresh<'_>) {
    let pcm = babble(2, 1.5);
    let mut slot = fresh();
    let plain = ask(&mut *slot, &request(&pcm));
    let long = "größe ".repeat(20_000);
    for prompt in ["Acme Plumbing", "\0", "<|endoftext|>", &long] {
        let prompted = Request {
            prompt,
            ..request(&pcm)
        };
        let answer = ask(&mut *slot, &prompted);
        assert_eq!(ask(&mut *fresh(), &prompted), answer, "asked first");
    }
    let after = ask(&mut *slot, &request(&pcm));
    assert_eq!(after, plain, "a prompt is forgotten");
}

fn does_nothing_once_aborted(fresh: Fresh<'_>) {
    let pcm = babble(2, 30.0);
    let mut slot = fresh();
    let abort = AbortFlag::default();
    abort.raise();
    let answer = slot.recognize(&request(&pcm), &abort);
    assert_eq!(answer, Err(RecognizeError::Aborted));
    let guesses = slot.detect_language(&pcm, &abort);
    // A model of one language has nothing to find out.
    assert!(
        matches!(&guesses, Err(RecognizeError::Aborted)) || guesses == Ok(Vec::new()),
        "{guesses:?}"
    );
    let short = babble(2, 2.0);
    let after = ask(&mut *slot, &request(&short));
    assert_eq!(after, ask(&mut *fresh(), &request(&short)), "unharmed");
}

/// How long it takes where nobody raises a flag.
fn time_of_windows(fresh: Fresh<'_>) -> Duration {
    let pcm = babble(2, 30.0);
    let mut slot = fresh();
    let since = Instant::now();
    let windows = [request(&pcm); WINDOWS];
    slot.recognize_all(&windows, &AbortFlag::default()).unwrap();
    since.elapsed()
}

/// The flag is raised while the work is under way, of which there is no sign: a sixteenth of the `whole` time after it began, but
/// no more than a moment. Whoever is deaf to the flag, or asks for it at the end alone, takes the rest of that time; to end the
/// window in hand is soon enough.
fn ends_soon_after_an_abort(fresh: Fresh<'_>, whole: Duration) {
    let pcm = babble(2, 30.0);
    let mut slot = fresh();
    let abort = AbortFlag::default();
    let (begin, begun) = std::sync::mpsc::channel();
    let (answer, took) = std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            begin.send(()).unwrap();
            slot.recognize_all(&[request(&pcm); WINDOWS], &abort)
        });
        begun.recv().unwrap();
        // Nothing more is sent.
        let _ = begun.recv_timeout((whole / 16).min(Duration::from_millis(500)));
        abort.raise();
        let since = Instant::now();
        (work.join().unwrap(), since.elapsed())
    });
    assert_eq!(answer, Err(RecognizeError::Aborted));
    let soon = (whole / 2).min(Duration::from_secs(10));
    assert!(took < soon, "{took:?} of {whole:?}");
}

fn guesses_languages_alike(fresh: Fresh<'_>) {
    let pcm = babble(1, 3.0);
    let abort = AbortFlag::default();
    let first = fresh().detect_language(&pcm, &abort).unwrap();
    let mut used = fresh();
    ask(&mut *used, &request(&babble(2, 5.0)));
    assert_eq!(used.detect_language(&pcm, &abort).unwrap(), first);
    let falling = |pair: &[LanguageGuess]| pair[0].probability >= pair[1].probability;
    assert!(first.windows(2).all(falling), "the likeliest comes first");
    let sum: f32 = first.iter().map(|guess| guess.probability).sum();
    assert!(first.is_empty() || (sum - 1.0).abs() < 1e-3, "{sum}");
}

fn request(pcm: &[f32]) -> Request<'_> {
    Request {
        pcm,
        spoken: pcm.len(),
        language: "en",
        prompt: "",
        max_tokens: BUDGET,
    }
}

fn ask(slot: &mut dyn Recognizer, request: &Request<'_>) -> Recognition {
    slot.recognize(request, &AbortFlag::default()).unwrap()
}

fn words_count(answer: &Recognition) -> usize {
    answer.segments.iter().map(|s| s.words.len()).sum()
}

/// Vowel-like sound: harmonics of a gliding pitch in bursts. A model writes something for most of it.
fn babble(seed: u16, seconds: f32) -> Vec<f32> {
    let seed = f32::from(seed);
    let samples = seconds * SAMPLE_RATE_HZ as f32;
    let time = std::iter::successors(Some(0.0_f32), |n| Some(n + 1.0)).take_while(|n| *n < samples);
    time.map(|n| {
        let t = n / SAMPLE_RATE_HZ as f32;
        let pitch = 110.0 + 40.0 * (TAU * t * (0.7 + 0.1 * seed)).sin();
        let burst = (TAU * t * (2.0 + 0.3 * seed)).sin().max(0.0);
        let harmonics = [1.0_f32, 2.0, 3.0, 5.0 + seed, 9.0];
        let voice: f32 = harmonics
            .iter()
            .map(|h| (TAU * pitch * h * t).sin() / h)
            .sum();
        0.2 * burst * voice
    })
    .collect()
}
