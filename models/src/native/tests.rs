//! These run where a model is at hand: `EARWITNESS_TEST_MODEL` names a ggml file.

use std::path::Path;

use pipeline::recognizer::{AbortFlag, Recognizer, Request};

use super::*;

fn model(test: &str) -> Option<NativeModel> {
    let Some(path) = std::env::var_os("EARWITNESS_TEST_MODEL") else {
        println!("skipped: {test}: EARWITNESS_TEST_MODEL is unset");
        return None;
    };
    Some(NativeModel::load(Path::new(&path)).unwrap())
}

/// Bursts of a gliding pitch with harmonics. A model writes something for most of it.
fn babble(seed: u16, seconds: u16) -> Vec<f32> {
    let seed = f32::from(seed);
    (0..u32::from(seconds) * SAMPLE_RATE_HZ)
        .map(|n| {
            let t = n as f32 / SAMPLE_RATE_HZ as f32;
            let pitch = 110.0 + 40.0 * (6.3 * t * (0.7 + 0.1 * seed)).sin();
            let burst = (6.3 * t * (2.0 + 0.3 * seed)).sin().max(0.0);
            let voice = [1.0, 2.0, 3.0, 5.0 + seed].map(|h| (6.3 * pitch * h * t).sin() / h);
            0.2 * burst * voice.iter().sum::<f32>()
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

#[test]
fn a_span_is_written_the_same_alone_and_beside_any_others() {
    let Some(model) = model("a_span_is_written_the_same_alone_and_beside_any_others") else {
        return;
    };
    let clips = [
        babble(0, 4),
        babble(1, 9),
        vec![0.0; 700],
        babble(2, 1),
        babble(3, 27),
    ];
    let requests: Vec<Request<'_>> = clips.iter().map(|pcm| request(pcm)).collect();
    let together = model
        .slot()
        .recognize_all(&requests, &AbortFlag::default())
        .unwrap();
    let mut slot = model.slot();
    for (request, together) in requests.iter().zip(&together).rev() {
        assert_eq!(
            &slot.recognize(request, &AbortFlag::default()).unwrap(),
            together
        );
    }
    assert!(together.iter().any(|answer| !answer.segments.is_empty()));
    assert_eq!(together[2], Recognition::default(), "44 ms hold no word");
}
