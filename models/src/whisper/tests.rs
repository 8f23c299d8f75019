//! These run where a model is at hand: `EARWITNESS_TEST_MODEL` names a ggml file.

use std::f32::consts::TAU;
use std::time::{Duration, Instant};

use pipeline::recognizer::SAMPLE_RATE_HZ;

use super::*;

fn model(test: &str) -> Option<WhisperModel> {
    let Some(path) = std::env::var_os("EARWITNESS_TEST_MODEL") else {
        println!("skipped: {test}: EARWITNESS_TEST_MODEL is unset");
        return None;
    };
    Some(WhisperModel::load(Path::new(&path)).unwrap())
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

fn request(pcm: &[f32]) -> Request<'_> {
    Request {
        pcm,
        language: "en",
        prompt: "",
        max_tokens: 40,
        temperature: 0.0,
    }
}

fn ask(slot: &mut WhisperRecognizer, request: &Request<'_>) -> Recognition {
    slot.recognize(request, &AbortFlag::default()).unwrap()
}

#[test]
fn an_answer_does_not_depend_on_what_was_asked_before() {
    let Some(model) = model("an_answer_does_not_depend_on_what_was_asked_before") else {
        return;
    };
    let clips = [
        babble(0, 4.0),
        babble(1, 9.0),
        babble(2, 1.3),
        babble(3, 27.0),
    ];
    let requests: Vec<Request<'_>> = clips
        .iter()
        .flat_map(|pcm| {
            let sampled = Request {
                temperature: 0.6,
                prompt: "good morning",
                ..request(pcm)
            };
            [request(pcm), sampled]
        })
        .collect();
    let fresh: Vec<Recognition> = requests
        .iter()
        .map(|r| ask(&mut model.slot().unwrap(), r))
        .collect();
    assert!(fresh.iter().any(|r| !r.segments.is_empty()));

    let mut used = model.slot().unwrap();
    for _ in 0..2 {
        for (request, wanted) in requests.iter().zip(&fresh).rev() {
            assert_eq!(&ask(&mut used, request), wanted);
        }
        used.detect_language(&clips[1], &AbortFlag::default())
            .unwrap();
    }
}

#[test]
fn a_language_is_detected_alike_before_and_after_other_work() {
    let test = "a_language_is_detected_alike_before_and_after_other_work";
    let Some(model) = model(test) else {
        return;
    };
    let abort = AbortFlag::default();
    let pcm = babble(1, 3.0);
    let fresh = model.slot().unwrap().detect_language(&pcm, &abort).unwrap();
    let mut used = model.slot().unwrap();
    ask(&mut used, &request(&babble(2, 20.0)));
    assert_eq!(used.detect_language(&pcm, &abort).unwrap(), fresh);
    assert_eq!(fresh.is_empty(), !model.facts().is_multilingual());
    if let Some(first) = fresh.first() {
        let sum: f32 = fresh.iter().map(|g| g.probability).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{sum}");
        assert!(fresh.iter().all(|g| g.probability <= first.probability));
    }
}

#[test]
fn the_token_budget_is_kept_and_reported() {
    let Some(model) = model("the_token_budget_is_kept_and_reported") else {
        return;
    };
    let mut slot = model.slot().unwrap();
    let pcm = babble(3, 12.0);
    for max_tokens in [0, 1, 2] {
        let short = Request {
            max_tokens,
            ..request(&pcm)
        };
        let answer = ask(&mut slot, &short);
        let words: usize = answer.segments.iter().map(|s| s.words.len()).sum();
        assert!(words <= max_tokens as usize);
        assert!(answer.cut_short, "{max_tokens}");
    }
}

#[test]
fn spans_of_any_length_and_content_are_survived() {
    let Some(model) = model("spans_of_any_length_and_content_are_survived") else {
        return;
    };
    let mut slot = model.slot().unwrap();
    let noise = [f32::NAN, f32::INFINITY, f32::MIN, 1e38, -0.5];
    let spans = [
        Vec::new(),
        vec![0.1],
        vec![0.0; 200],
        noise.repeat(3_000),
        vec![0.0; 30 * SAMPLE_RATE_HZ as usize],
        babble(1, 30.0),
        babble(1, 0.1),
    ];
    for pcm in &spans {
        let answer = ask(&mut slot, &request(pcm));
        let span_ms = pcm.len() as u64 / 16;
        for segment in &answer.segments {
            assert!(segment.avg_logprob.is_finite());
            for word in &segment.words {
                assert!(word.start_ms < word.end_ms);
                assert!(word.end_ms <= span_ms, "{} in {span_ms} ms", word.end_ms);
            }
        }
    }
    let too_long = slot.recognize(&request(&[0.0; 480_016]), &AbortFlag::default());
    assert!(
        matches!(too_long, Err(RecognizeError::Engine(_))),
        "{too_long:?}"
    );
}

#[test]
fn a_raised_flag_ends_a_recognition_that_is_under_way() {
    let Some(model) = model("a_raised_flag_ends_a_recognition_that_is_under_way") else {
        return;
    };
    let mut slot = model.slot().unwrap();
    let pcm = babble(2, 30.0);
    let abort = AbortFlag::default();
    let raised = std::thread::scope(|scope| {
        let work = scope.spawn(|| slot.recognize(&request(&pcm), &abort));
        // The engine gives no sign when it begins; should the flag come first, the outcome is the same.
        std::thread::sleep(Duration::from_millis(20));
        abort.raise();
        let since = Instant::now();
        (work.join().unwrap(), since.elapsed())
    });
    assert_eq!(raised.0, Err(RecognizeError::Aborted));
    assert!(raised.1 < Duration::from_secs(60), "{:?}", raised.1);
    // And the slot is whole afterwards.
    ask(&mut slot, &request(&pcm));
}

#[test]
fn a_language_that_the_model_does_not_know_is_refused() {
    let Some(model) = model("a_language_that_the_model_does_not_know_is_refused") else {
        return;
    };
    let mut slot = model.slot().unwrap();
    let pcm = babble(1, 1.0);
    let wrong = Request {
        language: "tlh",
        ..request(&pcm)
    };
    let answer = slot.recognize(&wrong, &AbortFlag::default());
    assert_eq!(
        answer,
        Err(RecognizeError::UnknownLanguage("tlh".to_owned()))
    );
}

#[test]
fn the_engine_is_named_and_knows_its_languages() {
    assert!(engine_version().starts_with("whisper.cpp 1."));
    assert!(system_info().contains("AVX2 = 1"), "{}", system_info());
    assert_eq!(languages(false).collect::<Vec<_>>(), ["en"]);
    assert_eq!(languages(true).count(), 100);
}
