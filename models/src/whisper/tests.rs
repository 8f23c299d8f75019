//! What is whisper.cpp's alone; what every recogniser promises is tried in `tests/cases/recognizer.rs`. A model is at hand
//! where `EARWITNESS_TEST_MODEL` names a ggml file.

use std::f32::consts::TAU;
use std::time::Instant;

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
        spoken: pcm.len(),
        language: "en",
        prompt: "",
        max_tokens: 40,
    }
}

fn ask(slot: &mut WhisperRecognizer, request: &Request<'_>) -> Recognition {
    slot.recognize(request, &AbortFlag::default()).unwrap()
}

#[test]
fn a_raised_flag_ends_a_recognition_that_is_under_way() {
    let Some(model) = model("a_raised_flag_ends_a_recognition_that_is_under_way") else {
        return;
    };
    let mut slot = model.slot().unwrap();
    let pcm = babble(2, 30.0);
    // The engine asks for the flag after its encoder and after each token: of four windows it does one at most.
    let windows = [request(&pcm); 4];
    let since = Instant::now();
    slot.recognize_all(&windows, &AbortFlag::default()).unwrap();
    let whole = since.elapsed();
    let abort = AbortFlag::default();
    let raised = std::thread::scope(|scope| {
        let work = scope.spawn(|| slot.recognize_all(&windows, &abort));
        // The engine gives no sign when it begins, but is under way long before it is done.
        std::thread::sleep(whole / 16);
        abort.raise();
        let since = Instant::now();
        (work.join().unwrap(), since.elapsed())
    });
    assert_eq!(raised.0, Err(RecognizeError::Aborted));
    assert!(raised.1 < whole / 2, "{:?} of {whole:?}", raised.1);
    // And the slot is whole afterwards.
    ask(&mut slot, &request(&pcm));
}

#[test]
fn the_engine_is_named_and_knows_its_languages() {
    assert!(engine_version().starts_with("whisper.cpp 1."));
    assert!(system_info().contains("AVX2 = 1"), "{}", system_info());
}

#[test]
fn a_model_knows_the_languages_that_its_vocabulary_has_tokens_for() {
    for (vocabulary, count, last) in [(51_864, 1, "en"), (51_865, 99, "su"), (51_866, 100, "yue")] {
        let facts = ModelFacts {
            vocabulary,
            ..crate::ggml::testing::facts()
        };
        let known: Vec<&str> = languages(&facts).collect();
        assert_eq!((known.len(), known.last()), (count, Some(&last)));
    }
}
